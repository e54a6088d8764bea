"""Whether an account can use a model, and why not: what is decided in `bot.kling.availability`. Pure."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.domain.requests.model import Model
from bot.domain.requests.operations import Operation, Pack
from bot.domain.tasks.resource_packs import Units
from bot.domain.types import Millis, ProviderName


class State(StrEnum):
    """Whether an account can use something, and why not."""

    USABLE = "usable"
    EMPTY = "empty"
    """It has no units left for it (Kling: 1102), or says so itself."""
    ARREARS = "arrears"
    """It has no money (Kling: 1101), for this as for all else."""
    KEY = "key"
    """Its key is refused."""
    NOT_ENABLED = "not_enabled"
    """It may not use it (Kling: 1103)."""
    MISSING = "missing"
    """There is no such model (Kling: 1203)."""
    RETIRED = "retired"
    """Kling has ended it."""
    UNNAMED = "unnamed"
    """It cannot be asked for in the provider's dialect."""


@dataclass(frozen=True, slots=True)
class Availability:
    """What an account can do with one model, or service, of a pack: its `operations` of those of the `row`.

    `until` is when it is tried again (UTC milliseconds; None: it is tried with the next request). `ended` is the day
    on which Kling ended it, or will. `others` stand in for it. `units` are what the account says that it has for it.
    `most` is how many tasks of it run at a time. `is_verified`: an answer of the account bears it out; without, it is
    what the settings and the dialect say.
    """

    provider: ProviderName
    pack: Pack
    model: str
    row: Model
    operations: frozenset[Operation]
    state: State
    until: Millis | None
    ended: date | None
    others: tuple[str, ...]
    units: Units | None
    most: int
    is_verified: bool

    @property
    def is_usable(self) -> bool:
        """Whether nothing is known that speaks against it."""
        return self.state is State.USABLE
