"""What the answers of a provider taught about what its account may do. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.requests.operations import Pack
from bot.domain.types import Millis


class Lesson(StrEnum):
    """What was learned of a model."""

    NOT_ENABLED = "not_enabled"
    """The account may not use it (Kling: 1103)."""
    MISSING = "missing"
    """The provider does not have it (Kling: 1203)."""
    EMPTY = "empty"
    """The account has no units left of its pack (Kling: 1102), which is so for all models of it."""
    PARALLEL = "parallel"
    """So many tasks of it run at a time (Kling: 1303)."""


@dataclass(frozen=True, slots=True)
class Learned:
    """One lesson about a model of a pack; after `believed_until` (UTC milliseconds) one request tries it again.

    One about a whole pack has no `model`. `number` is how many tasks run at a time, or how often in a row it was refused.
    """

    pack: Pack
    model: str
    lesson: Lesson
    number: int
    believed_until: Millis
