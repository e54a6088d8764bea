"""What users save to use again: templates, elements and voices."""

from collections.abc import Collection

from bot.domain.library.asset import Asset, AssetKind, folded
from bot.domain.library.template import Template
from bot.domain.units import Millis, UserId
from bot.store.engine import Subject, Transaction, mapper


class LibraryRefused(Exception):
    """It isn't saved: its name is taken (`name_taken`), or its owner has too many."""

    def __init__(self, *, name_taken: bool) -> None:
        super().__init__("the name is taken" if name_taken else "there are too many")
        self.name_taken = name_taken


class AssetChanged(Exception):
    """The asset was changed since it was read: read it again."""


class Library(Subject):
    """Templates by their token, assets by their id."""

    # -- templates -----------------------------------------------------------------------------------

    async def save_template(self, template: Template, most: int) -> None:
        """Save a template, replacing its owner's template of the same token.

        Raises:
            LibraryRefused: another one of the owner's has the title, in any case, or there are `most` already.

        """
        titled = """
            SELECT 1 FROM templates WHERE user_id = :user AND folded_title = :title AND token != :token
        """
        count = "SELECT count(*) FROM templates WHERE user_id = :user AND token != :token"
        title = template.title.casefold()

        def work(tx: Transaction) -> None:
            owner, token = template.owner, template.token
            if tx.value(titled, user=owner, title=title, token=token) is not None:
                raise LibraryRefused(name_taken=True)
            if tx.value(count, user=owner, token=token) >= most:
                raise LibraryRefused(name_taken=False)
            _delete_template(tx, owner, token)
            tx.insert("templates", mapper.columns(template) | {"folded_title": title})

        await self._write(work)

    async def get_template(self, token: str) -> Template | None:
        """A template by its token, whoever owns it."""
        statement = "SELECT * FROM templates WHERE token = :token"
        return await self._read(lambda tx: tx.one(Template, statement, token=token))

    async def list_templates(self, user_id: UserId) -> list[Template]:
        """A user's templates, newest first."""
        statement = "SELECT * FROM templates WHERE user_id = :user ORDER BY created_at DESC, token"
        return await self._read(lambda tx: tx.all(Template, statement, user=user_id))

    async def delete_template(self, user_id: UserId, token: str) -> bool:
        """Delete one of a user's own templates; False: there was none."""
        return await self._write(lambda tx: _delete_template(tx, user_id, token))

    # -- assets --------------------------------------------------------------------------------------

    async def save_asset(self, asset: Asset, most: int) -> Asset:
        """Save a new asset before anything of it is sent.

        Where the same update has asked for one already, in whatever state that is, it is returned and nothing
        is kept: a replayed update has no second effect.

        Raises:
            LibraryRefused: another one of the owner's and of the kind has the name, in any case, or there are
                `most` already. What has failed, or is being deleted, does not count.

        """
        asked = "SELECT * FROM assets WHERE update_id = :update"
        named = """
            SELECT 1 FROM assets INDEXED BY assets_named
            WHERE user_id = :user AND kind = :kind AND folded_name = :name
            AND state NOT IN ('failed', 'deleting')
        """
        count = """
            SELECT count(*) FROM assets INDEXED BY assets_of_user
            WHERE user_id = :user AND kind = :kind AND state NOT IN ('failed', 'deleting')
        """
        name = folded(asset.name)

        def work(tx: Transaction) -> Asset:
            known = tx.one(Asset, asked, update=asset.update_id)
            if known is not None:
                return known
            if tx.value(named, user=asset.user_id, kind=asset.kind, name=name) is not None:
                raise LibraryRefused(name_taken=True)
            if tx.value(count, user=asset.user_id, kind=asset.kind) >= most:
                raise LibraryRefused(name_taken=False)
            tx.insert("assets", mapper.columns(asset) | {"folded_name": name})
            return asset

        return await self._write(work)

    async def get_asset(self, asset_id: str) -> Asset | None:
        """One asset."""
        statement = "SELECT * FROM assets WHERE id = :id"
        return await self._read(lambda tx: tx.one(Asset, statement, id=asset_id))

    async def list_assets(self, user_id: UserId, kind: AssetKind | None = None) -> list[Asset]:
        """A user's assets by kind, oldest first, without failed and deleted ones."""
        statement = """
            SELECT * FROM assets INDEXED BY assets_of_user
            WHERE user_id = :user AND (:kind IS NULL OR kind = :kind) AND state NOT IN ('failed', 'deleting')
            ORDER BY kind, made_at, id
        """
        return await self._read(lambda tx: tx.all(Asset, statement, user=user_id, kind=kind))

    async def list_assets_known_as(self, remote_ids: Collection[str]) -> list[Asset]:
        """All assets with one of these ids at a provider, also while being deleted."""
        statement = """
            SELECT * FROM assets INDEXED BY assets_known_as
            WHERE remote_id = ANY (:ids) AND remote_id IS NOT NULL
        """
        return await self._read(lambda tx: tx.all(Asset, statement, ids=sorted(remote_ids)))

    async def claim_assets(self, now: Millis, lease: Millis, limit: int) -> list[Asset]:
        """Claim due assets; nobody else gets them before the lease is over."""
        any_due = "SELECT 1 FROM assets INDEXED BY assets_due WHERE due_at <= :now LIMIT 1"
        claim = """
            UPDATE assets SET due_at = :until, version = version + 1
            WHERE id IN (
                SELECT id FROM assets INDEXED BY assets_due WHERE due_at <= :now ORDER BY due_at LIMIT :limit
            )
            RETURNING *
        """
        # Most ticks find nothing: a look by a reader costs no commit.
        if await self._read(lambda tx: tx.value(any_due, now=now)) is None:
            return []
        until = now + lease
        taken = await self._write(lambda tx: tx.all(Asset, claim, now=now, until=until, limit=limit))
        return sorted(taken, key=lambda asset: asset.made_at)

    async def update_asset(self, asset: Asset) -> Asset:
        """Save the changes of an asset by compare and set on its version.

        Raises:
            AssetChanged: it is no longer at that version, or gone.

        """
        statement = """
            UPDATE assets SET
                state = :state, version = version + 1, due_at = :due_at, attempts = :attempts, looks = :looks,
                task_id = :task_id, remote_id = :remote_id, failure = :failure,
                failure_detail = :failure_detail, told = :told
            WHERE id = :id AND version = :version
            RETURNING *
        """
        changed = await self._write(lambda tx: tx.one(Asset, statement, **mapper.columns(asset)))
        if changed is None:
            raise AssetChanged(f"asset {asset.id} is no longer at version {asset.version}")
        return changed

    async def delete_asset(self, asset: Asset) -> None:
        """Delete an asset that is deleted everywhere else.

        Raises:
            AssetChanged: it is no longer at that version, or gone.

        """
        statement = "DELETE FROM assets WHERE id = :id AND version = :version"
        if not await self._write(lambda tx: tx.run(statement, id=asset.id, version=asset.version)):
            raise AssetChanged(f"asset {asset.id} is no longer at version {asset.version}")

    async def release_assets(self, now: Millis) -> int:
        """Make due what the last process had claimed; how many rows."""
        statement = "UPDATE assets INDEXED BY assets_due SET due_at = :now WHERE due_at > :now"
        return await self._write(lambda tx: tx.run(statement, now=now))


def _delete_template(tx: Transaction, user_id: UserId | None, token: str) -> bool:
    statement = "DELETE FROM templates WHERE token = :token AND user_id = :user"
    return tx.run(statement, token=token, user=user_id) > 0
