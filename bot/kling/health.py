"""How a provider is: its account, each of its resource packs and each of its models by itself.

Kling sells packs of units per product and enables models one by one, and says of each by itself when there is
no more (1102, 1103, 1203) or enough runs (1303). What fails is left alone, and nothing else.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.domain.requests.operations import Pack
from bot.domain.requests.request import Resource
from bot.domain.tasks.learned import Learned, Lesson
from bot.domain.tasks.resource_packs import ResourcePack, Units, sum_units
from bot.domain.types import HOUR, MINUTE, SECOND, Millis
from bot.kling import errors
from bot.kling.parallel import TRIAL, Limit, ParallelLimits

KEY_PAUSE = 10 * MINUTE
KEY_PAUSE_CAP = HOUR
MISSING_PAUSE = 6 * HOUR
"""A model that a provider does not have is asked for again after a long while, or when an admin resumes."""

DISABLED_PAUSE = HOUR
"""One that the account may not use is tried again after an hour, then two, up to `LONGEST_PAUSE`."""

LONGEST_PAUSE = 4 * MISSING_PAUSE

BUSY_PAUSE_CAP = 2 * MINUTE
"""Who refuses one submission after the other for being busy is asked after 1, 2, 4 … s, and then every so often."""

BUSY_TOLD_AFTER = 5 * MINUTE
"""So long may a provider refuse everything for being busy before the operators are told."""

DOWN_PAUSE = 30 * SECOND
DOWN_AFTER = 5
"""So many times in a row out of reach, and a provider is left alone for a while."""

FAULTS = (errors.Unauthorized, errors.OutOfBalance, errors.NoSuchModel)
"""These do not pass by waiting: what they close is no longer offered. All else is waited for."""

ENDS_WAITING = (errors.OutOfBalance, errors.NotEnabled, errors.NoSuchModel)
"""Nobody is kept waiting for these: only the operator can do something about them, and a new request is refused as well."""

LASTING: Mapping[type[errors.ProviderError], Lesson] = {
    errors.NotEnabled: Lesson.NOT_ENABLED,
    errors.NoSuchModel: Lesson.MISSING,
    errors.PackEmpty: Lesson.EMPTY,
}
"""What is remembered of a model or a pack over restarts, by the fault that taught it."""


class Scope(NamedTuple):
    """What of a provider is well or not: all of it, one of its packs, or one model of a pack."""

    pack: Pack | None = None
    model: str | None = None


ACCOUNT = Scope()

About = Resource | None
"""What an exchange was about; None: nothing that is sold by itself, such as a question about a task."""


@dataclass(slots=True)
class Health:
    """What is known of one scope. `open_until` (UTC milliseconds): nothing is sent before.

    `closed_for` is the kind of fault that closed it.
    `half_open`: it was closed for a fault and has not answered well since, so one request at a time tries it.
    `refusals` counts the submissions in a row that it was too busy for, since `busy_since`.
    """

    open_until: int = 0
    closed_for: type[errors.ProviderError] | None = None
    pauses: int = 0
    failures: int = 0
    half_open: bool = False
    on_trial: bool = False
    told: bool = False
    refusals: int = 0
    busy_since: int = 0

    def close(self, until: int, outcome: errors.ProviderError) -> bool:
        """Send nothing before; True where that is news."""
        self.open_until = until
        self.closed_for = type(outcome)
        self.half_open = True
        self.on_trial = False
        news = not self.told
        self.told = True
        return news

    def try_once(self, now: Millis) -> None:
        """Let one request show whether it is well again, or has room again: the first in line, before the next."""
        if self.half_open or self.is_busy:
            self.open_until = now + TRIAL
            self.on_trial = True

    @property
    def is_busy(self) -> bool:
        """Whether the provider asked for a pause when it was closed last."""
        return self.closed_for is not None and issubclass(self.closed_for, errors.Throttled)

    @property
    def was_at_fault(self) -> bool:
        """Whether it was closed last for a fault that does not pass by waiting, and has not answered well since."""
        return self.closed_for is not None and issubclass(self.closed_for, FAULTS)

    def is_at_fault(self, now: Millis) -> bool:
        """Whether it is closed for a fault that does not pass by waiting."""
        return self.open_until > now and self.was_at_fault

    def ends_waiting(self, now: Millis) -> type[errors.ProviderError] | None:
        """The fault that nobody is kept waiting for; None: there is none, or a request is trying whether it has passed."""
        fault = self.closed_for
        if self.on_trial or self.open_until <= now or fault is None or not issubclass(fault, ENDS_WAITING):
            return None
        return fault


@dataclass(frozen=True, slots=True)
class Closed:
    """A pack or a model that is closed, why, and until when (UTC milliseconds)."""

    scope: Scope
    closed_for: type[errors.ProviderError]
    until: Millis


class Healths:
    """The health of one provider, scope by scope."""

    def __init__(self, rng: random.Random, max_concurrent: int) -> None:
        self._known: dict[Scope, Health] = {ACCOUNT: Health()}
        self._packs: tuple[ResourcePack, ...] | None = None
        self._believed: dict[Pack, float | None] = {}
        self._paid_otherwise: set[Pack] = set()
        self._proven: set[Resource] = set()
        self._rng = rng
        self.limits = ParallelLimits(max_concurrent)

    @property
    def account(self) -> Health:
        """The account as a whole, and the way there."""
        return self._known[ACCOUNT]

    def of(self, about: About) -> list[Health]:
        """What is known of all that a request needs."""
        return [self._known[scope] for scope in _scopes(about) if scope in self._known]

    def open_until(self, about: About) -> int:
        """Before when nothing about this is sent (UTC milliseconds)."""
        return max(health.open_until for health in self.of(about))

    def is_at_fault(self, about: About, now: Millis) -> bool:
        """Whether something that it needs is closed for a fault that does not pass by waiting."""
        return any(health.is_at_fault(now) for health in self.of(about))

    def ends_waiting(self, about: About, now: Millis) -> type[errors.ProviderError] | None:
        """The fault of something that it needs which nobody is kept waiting for; None: there is none."""
        faults = (health.ends_waiting(now) for health in self.of(about))
        return next((fault for fault in faults if fault is not None), None)

    def is_busy(self, about: About) -> bool:
        """Whether all that keeps it closed is that the provider asked for a pause."""
        closing = max(self.of(about), key=lambda health: health.open_until)
        return closing.is_busy

    def is_unwell(self, about: About, now: Millis) -> bool:
        """Whether the next request about this is a trial, or its account says that it has no units for it."""
        if any(health.half_open for health in self.of(about)):
            return True
        units = None if about is None else self.units(about.pack, now)
        return units is not None and units.are_gone

    def try_once(self, about: About, now: Millis) -> None:
        """Let one request show whether it is well again."""
        for health in self.of(about):
            health.try_once(now)

    def closed(self, now: Millis) -> Iterator[Closed]:
        """What is closed beside the account."""
        for scope, health in self._known.items():
            if scope != ACCOUNT and health.open_until > now and health.closed_for is not None:
                yield Closed(scope, health.closed_for, Millis(health.open_until))

    def record(
        self, outcome: errors.ProviderError | None, about: About, now: Millis, running: int = 0
    ) -> bool:
        """Remember how an exchange ended (None: well); True where the operators should be told of it.

        `running` is how many tasks of the model the provider has where it said that one more is too many.
        """
        if about is not None and about.pack is not Pack.LIBRARY and isinstance(outcome, errors.TooManyAtOnce):
            self.limits.refused(about, running, now)
        health = self._concerned(outcome, about)
        for tried in self.of(about):
            if tried.on_trial and tried.is_busy:
                # Whatever came of it, the next one may try.
                tried.open_until, tried.on_trial = int(now), False
        match outcome:
            case errors.Unauthorized() | errors.OutOfBalance() | errors.NoSuchModel():
                if not health.half_open or health.open_until <= now or health.on_trial:
                    # Answers to what was asked before the pause do not make it longer.
                    first, cap = _pause(outcome)
                    health.pauses += 1
                    return health.close(now + min(first * 2 ** min(health.pauses - 1, 20), cap), outcome)
                return False
            case errors.Throttled():
                return self._busy(health, outcome, about, now)
            case errors.Misconfigured() | errors.Unsendable():
                # At odds with the settings: it answers, and nothing else is said of it.
                return isinstance(outcome, errors.Misconfigured)
            case errors.Unavailable() | errors.Ambiguous():
                health.failures += 1
                if health.failures < DOWN_AFTER:
                    return False
                return health.close(now + (outcome.retry_after or DOWN_PAUSE), outcome)
            case _:
                self._answered(outcome, about, now)
                return False

    def _concerned(self, outcome: errors.ProviderError | None, about: About) -> Health:
        """The health of what an outcome is about."""
        scope = ACCOUNT
        if about is not None:
            match outcome:
                case errors.PackEmpty():
                    scope = Scope(about.pack)
                case errors.NotEnabled() | errors.NoSuchModel() | errors.NoChannel() | errors.Throttled():
                    scope = Scope(about.pack, about.model)
        return self._known.setdefault(scope, Health())

    def _busy(self, health: Health, outcome: errors.Throttled, about: About, now: Millis) -> bool:
        # Answers to what was asked before the pause do not make it longer, nor does a question.
        if about is not None and health.open_until <= now:
            health.busy_since = health.busy_since or now
            health.refusals += 1
        wait = min(SECOND * 2 ** min(max(health.refusals - 1, 0), 10), BUSY_PAUSE_CAP)
        # Whoever comes too late in a window of a second has nothing to wait for but the next one.
        wait = int(wait * self._rng.uniform(1.0, 1.3)) if health.refusals > 1 else wait
        opens = now + max(outcome.retry_after or 0, wait)
        for tried in self.of(about):
            if tried.on_trial:
                # Who is too busy is well; whether units are left is not said by it.
                if tried.closed_for is not None and issubclass(tried.closed_for, errors.PackEmpty):
                    tried.open_until, tried.on_trial = opens, False
                else:
                    self._reset(tried)
        if opens > health.open_until:
            health.open_until = opens
            health.closed_for = type(outcome)
        if health.told or not health.busy_since or now - health.busy_since < BUSY_TOLD_AFTER:
            return False
        health.told = True
        return True

    # -- what the account tells -----------------------------------------------------------------------

    def has_proven(self, about: Resource) -> bool:
        """Whether a task of a model was taken since the start, or its number at a time was found."""
        return about in self._proven or self.limits.knows(about)

    def units(self, pack: Pack, now: Millis) -> Units | None:
        """What the account says that it has of a pack; None where it does not say, or lives well without."""
        if self._packs is None or pack in self._paid_otherwise:
            return None
        return sum_units(self._packs, pack, now)

    def note_packs(self, packs: Sequence[ResourcePack], now: Millis) -> None:
        """Take up what the account tells of its packs.

        Where a pack has units again that was closed for having none, one request may try it: what is told is up to
        twelve hours old, so that the same is believed once. An empty pack closes nothing by itself, as an account may
        pay with money as well; whoever has units goes first.
        """
        self._packs = tuple(packs)
        for pack in Pack:
            units = sum_units(self._packs, pack, now)
            if units is None:
                continue
            if not units.are_gone:
                self._paid_otherwise.discard(pack)
            health = self._known.get(Scope(pack))
            if health is None or health.closed_for is None or units.are_gone:
                self._believed.pop(pack, None)
            elif issubclass(health.closed_for, errors.PackEmpty) and (
                pack not in self._believed or self._believed[pack] != units.left
            ):
                self._believed[pack] = units.left
                health.open_until, health.on_trial = min(health.open_until, int(now)), False

    # -- what is kept over restarts ------------------------------------------------------------------

    def learned(self) -> tuple[Learned, ...]:
        """What the answers taught that holds for long."""
        faults = (
            Learned(scope.pack, scope.model or "", lesson, health.pauses, Millis(health.open_until))
            for scope, health in self._known.items()
            if scope.pack is not None
            and health.closed_for is not None
            and (lesson := LASTING.get(health.closed_for)) is not None
        )
        limits = (
            Learned(about.pack, about.model, Lesson.PARALLEL, limit.most, limit.until)
            for about, limit in self.limits.found()
        )
        return (*faults, *limits)

    def restore(self, learned: Iterable[Learned]) -> None:
        """Take up what an earlier process had learned, and the operators were told of."""
        closed = {lesson: fault for fault, lesson in LASTING.items()}
        for row in learned:
            if row.lesson is Lesson.PARALLEL:
                self.limits.restore(Resource(row.pack, row.model), Limit(row.number, row.believed_until))
                continue
            self._known[Scope(row.pack, row.model or None)] = Health(
                open_until=row.believed_until,
                closed_for=closed[row.lesson],
                pauses=row.number,
                half_open=True,
                told=True,
            )

    # -- room ----------------------------------------------------------------------------------------

    def make_room(self, about: About, now: Millis) -> None:
        """A task of this has ended: whoever was too busy for another may have room for it now."""
        for health in self.of(about):
            if health.is_busy and not health.on_trial:
                health.open_until = min(health.open_until, int(now))

    def _answered(self, outcome: errors.ProviderError | None, about: About, now: Millis) -> None:
        """A task that was taken shows that all it needed is well; any other answer, that the key is good."""
        if outcome is None and about is not None:
            self._proven.add(about)
            units = self.units(about.pack, now)
            if units is not None and units.are_gone:
                self._paid_otherwise.add(about.pack)
        for health in self.of(about if outcome is None else None):
            if about is None and health.closed_for is errors.OutOfBalance:
                # What was paid for before is answered for.
                health.failures = 0
            else:
                self._reset(health)

    @staticmethod
    def _reset(health: Health) -> None:
        fresh = Health()
        for name in Health.__slots__:
            setattr(health, name, getattr(fresh, name))


def _pause(outcome: errors.ProviderError) -> tuple[int, int]:
    if isinstance(outcome, errors.NoSuchModel):
        return MISSING_PAUSE, LONGEST_PAUSE
    if isinstance(outcome, errors.NotEnabled):
        return DISABLED_PAUSE, LONGEST_PAUSE
    return KEY_PAUSE, KEY_PAUSE_CAP


def _scopes(about: About) -> tuple[Scope, ...]:
    if about is None:
        return (ACCOUNT,)
    return (ACCOUNT, Scope(about.pack), Scope(about.pack, about.model))
