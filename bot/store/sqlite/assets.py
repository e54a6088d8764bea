"""Elements and voices that people made."""

import json
import sqlite3
from collections.abc import Collection
from typing import Any

from bot.domain.library.asset import Asset, AssetKind, AssetState, folded
from bot.domain.requests.request import AudioRef, ImageRef
from bot.domain.tasks.task import FailureKind
from bot.domain.units import ChatId, Millis, ProviderName, UserId
from bot.store import sql_assets as sql
from bot.store.base import AssetChanged, AssetRefused
from bot.store.rows import insert
from bot.store.sqlite.file import SqliteFile


class Assets(SqliteFile):
    """See `bot.store.base.assets`."""

    async def keep_asset(self, asset: Asset, most: int) -> Asset:
        owner, kind, name = asset.user_id, str(asset.kind), folded(asset.name)

        def work(db: sqlite3.Connection) -> Asset:
            row = db.execute(sql.ASSET_OF_UPDATE, (asset.update_id,)).fetchone()
            if row is not None:
                return _asset_of(row)
            if db.execute(sql.ASSET_OF_NAME, (owner, kind, name)).fetchone() is not None:
                raise AssetRefused(name_taken=True)
            (others,) = db.execute(sql.COUNT_ASSETS, (owner, kind)).fetchone()
            if others >= most:
                raise AssetRefused(name_taken=False)
            insert(db, "assets", _values(asset))
            return asset

        return await self._writer.do(work)

    async def asset(self, asset_id: str) -> Asset | None:
        row = await self._row(sql.ASSET, (asset_id,))
        return None if row is None else _asset_of(row)

    async def assets_of(self, user_id: UserId, kind: AssetKind | None = None) -> list[Asset]:
        values = {"user": user_id, "kind": None if kind is None else str(kind)}
        return [_asset_of(row) for row in await self._rows(sql.ASSETS_OF, values)]

    async def assets_known_as(self, remote_ids: Collection[str]) -> list[Asset]:
        rows = await self._rows(sql.ASSETS_KNOWN_AS, (json.dumps(sorted(remote_ids)),))
        return [_asset_of(row) for row in rows]

    async def claim_assets(self, now: Millis, lease: Millis, limit: int) -> list[Asset]:
        # Most ticks find nothing: a look by a reader costs no commit.
        if await self._row(sql.ANY_ASSET_DUE, (now,)) is None:
            return []
        values = {"now": now, "until": now + lease, "limit": limit}
        rows = await self._writer.do(lambda db: db.execute(sql.CLAIM_ASSETS, values).fetchall())
        return sorted((_asset_of(row) for row in rows), key=lambda asset: asset.made_at)

    async def change_asset(self, asset: Asset) -> Asset:
        def work(db: sqlite3.Connection) -> Asset:
            row = db.execute(sql.CHANGE_ASSET, _values(asset)).fetchone()
            if row is None:
                raise AssetChanged(f"asset {asset.id} is no longer at version {asset.version}")
            return _asset_of(row)

        return await self._writer.do(work)

    async def drop_asset(self, asset: Asset) -> None:
        def work(db: sqlite3.Connection) -> None:
            if not db.execute(sql.DROP_ASSET, (asset.id, asset.version)).rowcount:
                raise AssetChanged(f"asset {asset.id} is no longer at version {asset.version}")

        await self._writer.do(work)

    async def release_assets(self, now: Millis) -> int:
        return await self._writer.do(lambda db: db.execute(sql.RELEASE_ASSETS, (now, now)).rowcount)


def _values(asset: Asset) -> dict[str, Any]:
    """Every column."""
    return {
        "id": asset.id,
        "user_id": asset.user_id,
        "kind": str(asset.kind),
        "name": asset.name,
        "folded_name": folded(asset.name),
        "description": asset.description,
        "pictures": json.dumps([picture.model_dump(mode="json") for picture in asset.pictures]),
        "sound": None if asset.sound is None else asset.sound.model_dump_json(),
        "video": asset.video,
        "provider": asset.provider,
        "external_id": asset.external_id,
        "task_id": asset.task_id,
        "remote_id": asset.remote_id,
        "chat_id": asset.chat_id,
        "message_id": asset.message_id,
        "update_id": asset.update_id,
        "language": asset.language,
        "state": str(asset.state),
        "version": asset.version,
        "due_at": asset.due_at,
        "attempts": asset.attempts,
        "looks": asset.looks,
        "failure": None if asset.failure is None else str(asset.failure),
        "failure_detail": asset.failure_detail,
        "told": int(asset.told),
        "made_at": asset.made_at,
    }


def _asset_of(row: sqlite3.Row) -> Asset:
    return Asset(
        id=row["id"],
        user_id=UserId(row["user_id"]),
        kind=AssetKind(row["kind"]),
        name=row["name"],
        provider=ProviderName(row["provider"]),
        external_id=row["external_id"],
        chat_id=ChatId(row["chat_id"]),
        language=row["language"],
        made_at=Millis(row["made_at"]),
        description=row["description"],
        pictures=tuple(ImageRef.model_validate(picture) for picture in json.loads(row["pictures"])),
        sound=None if row["sound"] is None else AudioRef.model_validate_json(row["sound"]),
        video=row["video"],
        message_id=row["message_id"],
        update_id=row["update_id"],
        state=AssetState(row["state"]),
        version=row["version"],
        due_at=row["due_at"],
        attempts=row["attempts"],
        looks=row["looks"],
        task_id=row["task_id"],
        remote_id=row["remote_id"],
        failure=None if row["failure"] is None else FailureKind(row["failure"]),
        failure_detail=row["failure_detail"],
        told=bool(row["told"]),
    )
