"""Which task of a provider's list is one of ours that bears no id of ours. Pure.

Nothing is taken on a guess: what another task has, what was made at another time, or is told to be of another model or
prompt, is not ours; and of several that could be, none is.
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
    """A submission whose answer was lost: what was sent at which moment, and what its provider calls the model."""

    request: GenerationRequest
    sent_at: Millis
    model: str = ""

    @property
    def earliest(self) -> Millis:
        """Before this its provider cannot have made it."""
        return Millis(self.sent_at - CLOCK_SLACK)

    @property
    def latest(self) -> Millis:
        """After this, neither."""
        return Millis(self.sent_at + MADE_WITHIN)

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
    submissions whose answers are not there either. That the list holds a known task of the same model is the proof that
    it tells of such tasks at all.
    """
    unknown = [row for row in listed if row.provider_task_id not in known and mine.could_be(row)]
    found = {row.provider_task_id: row for row in unknown if mine.matches(row)}
    if len(found) == 1:
        (row,) = found.values()
        contested = any(other.matches(row) for other in others)
        return Absence.UNCLEAR if contested else row.provider_task_id
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
