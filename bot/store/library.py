"""What users save to use again: templates, elements and voices."""

from collections.abc import Collection

from bot.domain.library.asset import Asset, asset_of, check_new
from bot.domain.library.template import Template
from bot.domain.requests.operations import Operation
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import Millis, UserId
from bot.errors import UserError
from bot.store.engine import Subject, Transaction, mapper
from bot.store.privacy import end_unwanted


class LibraryRefused(Exception):
    """It isn't saved: its name is taken (`name_taken`), or its owner has too many."""

    def __init__(self, *, name_taken: bool) -> None:
        super().__init__("the name is taken" if name_taken else "there are too many")
        self.name_taken = name_taken


class Library(Subject):
    """Templates by their token, elements and voices by the id of the task that made them."""

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

    async def list_assets(self, user_id: UserId, kind: Operation | None = None) -> list[Asset]:
        """A user's elements and voices, or those of a kind, that can be used or are being made; oldest first."""
        found = await self._read(lambda tx: list_assets(tx, user_id))
        return [asset for asset in found if kind is None or asset.kind is kind]

    async def list_assets_known_as(self, remote_ids: Collection[str]) -> list[Asset]:
        """All assets with one of these ids at a provider, also those that are to be deleted there."""
        statement = "SELECT * FROM assets INDEXED BY assets_known_as WHERE remote_id = ANY (:ids)"
        return await self._read(lambda tx: tx.all(Asset, statement, ids=sorted(remote_ids)))

    async def delete_asset(self, asset: Asset, now: Millis) -> None:
        """Take an asset out of use, and have it deleted at its provider from `now` on.

        One that waits is not made; one that is being made is deleted when it is there, and nobody is told of it.
        """
        made = "UPDATE assets SET due_at = :now WHERE id = :id AND due_at IS NULL"
        making = "UPDATE tasks SET hidden = 1 WHERE id = :id RETURNING *"

        def work(tx: Transaction) -> None:
            tx.run(made, id=asset.id, now=now)
            task = tx.one(Task, making, id=asset.id)
            if task is not None and task.state is TaskState.QUEUED:
                end_unwanted(tx, task, now)

        await self._write(work)

    async def claim_deletions(self, now: Millis, lease: Millis, limit: int) -> list[Asset]:
        """Claim what is to be deleted at its provider; nobody else gets it before the lease is over."""
        any_due = "SELECT 1 FROM assets INDEXED BY assets_due WHERE due_at <= :now LIMIT 1"
        claim = """
            UPDATE assets SET due_at = :until, attempts = attempts + 1
            WHERE id IN (
                SELECT id FROM assets INDEXED BY assets_due WHERE due_at <= :now ORDER BY due_at LIMIT :limit
            )
            RETURNING *
        """
        # Most ticks find nothing: a look by a reader costs no commit.
        if await self._read(lambda tx: tx.value(any_due, now=now)) is None:
            return []
        until = now + lease
        return await self._write(lambda tx: tx.all(Asset, claim, now=now, until=until, limit=limit))

    async def postpone_deletion(self, asset: Asset, due_at: Millis) -> None:
        """Have an asset deleted at its provider later."""
        statement = "UPDATE assets SET due_at = :due_at WHERE id = :id"
        await self._write(lambda tx: tx.run(statement, id=asset.id, due_at=due_at))

    async def remove_asset(self, asset: Asset) -> None:
        """Delete an asset that is deleted at its provider."""
        await self._write(lambda tx: tx.run("DELETE FROM assets WHERE id = :id", id=asset.id))

    async def release_deletions(self, now: Millis) -> int:
        """Make due what the last process had claimed; how many rows."""
        statement = "UPDATE assets INDEXED BY assets_due SET due_at = :now WHERE due_at > :now"
        return await self._write(lambda tx: tx.run(statement, now=now))


# -- parts of other subjects' transactions -----------------------------------------------------------


def list_assets(tx: Transaction, user_id: UserId) -> list[Asset]:
    """See `Library.list_assets`."""
    made = "SELECT * FROM assets INDEXED BY assets_of_user WHERE user_id = :user AND due_at IS NULL"
    making = """
        SELECT * FROM tasks INDEXED BY tasks_of_user
        WHERE user_id = :user AND state IN ('queued', 'submitting', 'unconfirmed', 'in_progress')
        AND pack = 'library' AND hidden = 0
    """
    tasks = tx.all(Task, making, user=user_id)
    found = [*tx.all(Asset, made, user=user_id), *map(asset_of, tasks)]
    return sorted(found, key=lambda asset: (asset.made_at, asset.id))


def save_asset(tx: Transaction, task: Task, remote_id: str, now: Millis, *, is_wanted: bool) -> bool:
    """Save what a task has made; False: it is not wanted or has no place, and is to be deleted at its provider.

    A late one has no place where its owner has another of that name, or too many, by now.
    """
    try:
        check_new(task.request, list_assets(tx, task.user_id))
    except UserError:
        is_wanted = False
    tx.insert("assets", mapper.columns(asset_of(task, remote_id, None if is_wanted else now)))
    return is_wanted


def _delete_template(tx: Transaction, user_id: UserId | None, token: str) -> bool:
    statement = "DELETE FROM templates WHERE token = :token AND user_id = :user"
    return tx.run(statement, token=token, user=user_id) > 0
