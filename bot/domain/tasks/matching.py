"""Which task of a provider's list is one of ours that bears no id of ours. Pure.

Nothing is taken on a guess: what another task has, what was made at another time, or is told to be of another model or
prompt, is not ours; and of several that could be, none is, unless only one was made while ours was on its way.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from bot.domain.requests.request import GenerationRequest
from bot.domain.types import MINUTE, SECOND, Millis

CLOCK_SLACK = Millis(5 * SECOND)
"""How much earlier than we sent it a provider may say that it made a task: clocks differ a little."""

MADE_WITHIN = Millis(4 * MINUTE)
"""How much later it may have made it: longer than any submission may take (`SUBMISSION_LEASE`), and the slack."""

SETTLES_WITHIN = Millis(10 * SECOND)
"""How much later than its answer was lost a provider makes a task as a rule: creating one takes it under a second (WIRE 3)."""

_NAMES = re.compile(r"<<<\w+>>>|@\w+")
"""What a prompt refers to: each standard writes it in its own way, and adds what it does not name."""

_ADDED = re.compile(r"( ?Avoid: .*)?", re.DOTALL)
"""What is written behind a prompt: what is not wanted."""


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task as a list tells of it. `created_at` in UTC milliseconds, 0 where it is not told; None of others: not told."""

    provider_task_id: str
    created_at: Millis
    external_task_id: str | None = None
    model: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submission whose answer was lost: what was sent at which moment, and what its provider calls the model.

    `owner` is the person's id. `lost_at` is when its connection ended without an answer; None: unknown, after a restart.
    """

    request: GenerationRequest
    sent_at: Millis
    model: str = ""
    owner: int = 0
    lost_at: Millis | None = None

    @property
    def earliest(self) -> Millis:
        """Before this its provider cannot have made it."""
        return Millis(self.sent_at - CLOCK_SLACK)

    @property
    def latest(self) -> Millis:
        """After this, neither."""
        return Millis(self.sent_at + MADE_WITHIN)

    @property
    def settled(self) -> Millis:
        """After this it has probably not made it any more."""
        return (
            self.latest if self.lost_at is None else Millis(min(self.lost_at + SETTLES_WITHIN, self.latest))
        )

    def could_be(self, listed: ListedTask) -> bool:
        """Whether its time and its model do not rule a task out; a prompt may be told in other words than were sent."""
        return (
            not listed.external_task_id
            and (not listed.created_at or self.earliest <= listed.created_at <= self.latest)
            and (not listed.model or listed.model in {self.request.model, self.model})
        )

    def matches(self, listed: ListedTask) -> bool:
        """Whether all that is told of a task, its time among it, is as it would be of this one."""
        return self.could_be(listed) and bool(listed.created_at) and _is_prompt(listed.prompt, self.request)

    def is_likely(self, listed: ListedTask) -> bool:
        """Whether a task matches, and was made while this one was on its way."""
        return self.matches(listed) and listed.created_at <= self.settled

    def is_twin(self, other: "Submitted") -> bool:
        """Whether both ask for the same for the same person: it does not matter which of them has which task."""
        return self.owner == other.owner and self.request == other.request


class Absence(Enum):
    """Why no task of a list is the one that is looked for."""

    ABSENT = auto()
    """The list surely holds such tasks, and not this one."""
    UNPROVEN = auto()
    """It is not among those told of, which may not be all."""
    UNCLEAR = auto()
    """It may be one of several, or one may be another's."""


def match(
    mine: Submitted,
    listed: Sequence[ListedTask],
    known: Mapping[str, str],
    others: Collection[Submitted] = (),
) -> str | Absence:
    """The provider's id of a task, or why there is none.

    `known` are the tasks of the list that the store has, each with its model: those are other tasks' own. `others` are
    submissions whose answers are not there either: of a task that may be one's or another's, it is that one's which was on
    its way when it was made, and nobody's where both were, unless these are twins. That the list holds a known task of the same model is the proof that
    it tells of such tasks at all.
    """
    unknown = [row for row in listed if row.provider_task_id not in known and mine.could_be(row)]
    found = {row.provider_task_id: row for row in unknown if mine.matches(row)}
    twins = [other for other in others if other.is_twin(mine)]
    rivals = [other for other in others if not other.is_twin(mine)]
    if len(found) == 1 and not any(other.matches(row) for row in found.values() for other in others):
        return next(iter(found))
    likely = [
        row
        for row in found.values()
        if mine.is_likely(row) and not any(rival.is_likely(row) for rival in rivals)
    ]
    if 0 < len(likely) <= 1 + sum(any(twin.is_likely(row) for row in likely) for twin in twins):
        return min(likely, key=lambda row: (row.created_at, row.provider_task_id)).provider_task_id
    if unknown:
        return Absence.UNCLEAR
    return Absence.ABSENT if mine.request.model in known.values() else Absence.UNPROVEN


def _is_prompt(told: str | None, request: GenerationRequest) -> bool:
    if not told or request.shots or not request.prompt:
        return True
    said, sent = (_plain(text) for text in (told, request.prompt))
    # What is cut is compared as far as it goes.
    if sent.startswith(said) and told.rstrip().endswith(("…", "...")):
        return True
    return said.startswith(sent) and _ADDED.fullmatch(said[len(sent) :]) is not None


def _plain(text: str) -> str:
    return " ".join(_NAMES.sub(" ", text).removesuffix("…").removesuffix("...").split())
