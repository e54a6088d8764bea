"""The packs of units that an account has bought, and what they say of what it can make. Pure.

kling.ai/document-api, "Account Usage" (2026-09): each pack has a name, what is left of it, and when it begins and
ends. Which product it is for stands in its name only. What is left is up to 12 hours old.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.requests.operations import Pack
from bot.domain.types import Millis

_NAMES = (
    (Pack.TRY_ON, re.compile(r"try.?on|试穿|试衣|换装", re.IGNORECASE)),
    (Pack.AUDIO, re.compile(r"audio|sound|音频|音效", re.IGNORECASE)),
    (Pack.IMAGE, re.compile(r"image|picture|图", re.IGNORECASE)),
    (Pack.VIDEO, re.compile(r"video|视频", re.IGNORECASE)),
)
"""What the names of packs say that they are for; the first that fits ("Video Generation - 10,000 entries")."""

_PAID_BY: dict[Pack, Pack] = {Pack.AUDIO: Pack.VIDEO, Pack.LIBRARY: Pack.VIDEO}
"""What takes the units of another kind where no pack is named for it (seen live: speech and voices, 2026-09)."""


class PackState(StrEnum):
    """How Kling says that a pack is."""

    ONLINE = "online"
    COMING = "toBeOnline"
    EXPIRED = "expired"
    USED_UP = "runOut"


@dataclass(frozen=True, slots=True)
class ResourcePack:
    """One pack. `kind` is what it is for (None: its name does not say), `left` its units (None: not told).

    `begins_at` and `ends_at` in UTC milliseconds, None where they are not told. `state` None: a word that nobody
    documents, which says nothing.
    """

    name: str
    kind: Pack | None
    left: float | None
    begins_at: Millis | None
    ends_at: Millis | None
    state: PackState | None

    def has_expired(self, now: Millis) -> bool:
        """Whether its time is over."""
        return self.state is PackState.EXPIRED or (self.ends_at is not None and self.ends_at <= now)

    def is_usable(self, now: Millis) -> bool:
        """Whether units can be taken from it now."""
        if self.has_expired(now) or self.state in {PackState.USED_UP, PackState.COMING}:
            return False
        return (self.left is None or self.left > 0) and (self.begins_at is None or self.begins_at <= now)


@dataclass(frozen=True, slots=True)
class Units:
    """What an account has of one kind. `left` None: not told, 0 where no pack of it can be used.

    `ends_at` is when the first of those that can be used ends; of an account that has none, when the last one did.
    `has_expired`: it has none because their time is over. `begins_at` is when the next pack begins, None without one.
    """

    left: float | None
    ends_at: Millis | None = None
    begins_at: Millis | None = None
    has_expired: bool = False

    @property
    def are_gone(self) -> bool:
        """Whether there are none."""
        return self.left == 0


def kind_of(name: str) -> Pack | None:
    """What a pack is for, by its name; None where that does not say."""
    return next((kind for kind, pattern in _NAMES if pattern.search(name)), None)


def sum_units(packs: Sequence[ResourcePack], kind: Pack, now: Millis) -> Units | None:
    """What an account has of one kind; None where its packs do not say.

    A pack that nobody knows the kind of, and that has units, may be for anything.
    """
    own = [pack for pack in packs if pack.kind is kind]
    if not own and kind in _PAID_BY:
        own = [pack for pack in packs if pack.kind is _PAID_BY[kind]]
    usable = [pack for pack in own if pack.is_usable(now)]
    if usable:
        told = [pack.left for pack in usable if pack.left is not None]
        ends = [pack.ends_at for pack in usable if pack.ends_at is not None]
        left = sum(told) if len(told) == len(usable) else None
        return Units(left, min(ends, default=None))
    if not own or any(pack.kind is None and pack.is_usable(now) for pack in packs):
        return None
    expired = [pack for pack in own if pack.has_expired(now)]
    ended = [pack.ends_at for pack in expired if pack.ends_at is not None]
    coming = [pack.begins_at for pack in own if pack.begins_at is not None and pack.begins_at > now]
    return Units(0, max(ended, default=None), min(coming, default=None), len(expired) == len(own))


@dataclass(frozen=True, slots=True)
class AccountState:
    """What a provider tells of an account when it is asked: words for operators, and its packs (None: it tells of none)."""

    words: str
    packs: tuple[ResourcePack, ...] | None = None
