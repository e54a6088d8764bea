"""Elements and voices that people made, and those that are being made or deleted."""

from collections.abc import Collection
from typing import Protocol

from bot.domain.library.asset import Asset, AssetKind
from bot.domain.units import Millis, UserId


class AssetRefused(Exception):
    """It is not kept: its name is taken (`name_taken`), or its owner has as many as are allowed."""

    def __init__(self, *, name_taken: bool) -> None:
        super().__init__("the name is taken" if name_taken else "there are too many")
        self.name_taken = name_taken


class AssetChanged(Exception):
    """Somebody else changed the asset since it was read: read it again."""


class Assets(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    async def keep_asset(self, asset: Asset, most: int) -> Asset:
        """Keep a new asset before anything of it is sent.

        Where the same update has asked for one already, in whatever state that is, it is returned and nothing
        is kept: a replayed update has no second effect.

        Raises:
            AssetRefused: another one of the owner's and of the kind has the name, in any case, or there are
                `most` already. What has failed, or is being deleted, does not count.

        """
        ...

    async def asset(self, asset_id: str) -> Asset | None:
        """One asset."""
        ...

    async def assets_of(self, user_id: UserId, kind: AssetKind | None = None) -> list[Asset]:
        """A person's assets, of one kind or all, oldest first; not what has failed or is being deleted."""
        ...

    async def assets_known_as(self, remote_ids: Collection[str]) -> list[Asset]:
        """Everybody's assets that some provider knows by one of these ids, also those that are being deleted."""
        ...

    async def claim_assets(self, now: Millis, lease: Millis, limit: int) -> list[Asset]:
        """Take what is due; nobody else gets it before the lease is over."""
        ...

    async def change_asset(self, asset: Asset) -> Asset:
        """Keep everything about an asset that can change, made from the one of its version; its version goes up.

        Raises:
            AssetChanged: it is no longer at that version, or gone.

        """
        ...

    async def drop_asset(self, asset: Asset) -> None:
        """Forget one that is deleted everywhere.

        Raises:
            AssetChanged: it is no longer at that version, or gone.

        """
        ...

    async def release_assets(self, now: Millis) -> int:
        """At start: make due whatever the last process had taken; return how many rows."""
        ...
