"""What those who run the bot need of a store, beside `bot.store.base`: standings, invite codes, audit, broadcasts.

The guarantee is the same: each intent is one transaction, and what it did survives a crash.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.domain.access import InviteCode, InviteProblem, Standing
from bot.domain.task import Task, TaskState
from bot.domain.units import Millis, TaskId, UserId
from bot.store.base import Store, User


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that somebody who runs the bot did. `actor` is None where it was done from a shell.

    `operation_id` is unique: a replayed update is noted once. `subject` is whom or what it was done to.
    """

    operation_id: str
    at: Millis
    actor: UserId | None
    action: str
    subject: str
    before: str = ""
    after: str = ""


class BroadcastState(StrEnum):
    """The life of a broadcast."""

    DRAFT = "draft"
    SENDING = "sending"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A message to many. `reached` is the id of the last person that it was sent to, in order of ids.

    `plan` and `language` narrow the audience; None: everybody.
    """

    id: int
    text: str
    plan: str | None
    language: str | None
    state: BroadcastState
    reached: UserId
    sent: int
    failed: int
    total: int
    created_by: UserId
    created_at: Millis


class StrikeSource(StrEnum):
    """Who refused a request."""

    WORDS = "words"
    HOOK = "hook"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Strike:
    """A request that was refused for what it holds, kept so that the person can appeal."""

    user_id: UserId
    at: Millis
    source: StrikeSource
    rule: str
    prompt: str
    task_id: TaskId | None = None


class StandingChanged(Exception):
    """Somebody else changed the standing since it was read: read it again."""


class InviteRefused(Exception):
    """The code lets nobody in."""

    def __init__(self, problem: InviteProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class OperatingStore(Store, Protocol):
    """See the module's docstring for what every intent promises."""

    # -- standings -----------------------------------------------------------------------------------

    async def standing(self, user_id: UserId) -> Standing:
        """How a person stands; whoever was never decided about has the standing of a stranger."""
        ...

    async def set_standing(self, standing: Standing, now: Millis, audit: AuditRow | None = None) -> Standing:
        """Keep a standing that was made from the one of its version, together with the note of who did it.

        Raises:
            StandingChanged: it is no longer at that version.

        """
        ...

    async def staff(self) -> list[Standing]:
        """Everybody who has been given a role."""
        ...

    async def waiting(self, limit: int) -> list[User]:
        """Who has asked to be let in, those who waited longest first."""
        ...

    async def people(self, words: str, skip: int, limit: int) -> list[User]:
        """People whose name or @name holds the words, those seen last first."""
        ...

    # -- invite codes --------------------------------------------------------------------------------

    async def keep_invite(self, invite: InviteCode, audit: AuditRow) -> None:
        """Keep a new code."""
        ...

    async def invites(self, now: Millis, limit: int) -> list[InviteCode]:
        """The codes that have not ended, those that end first first."""
        ...

    async def revoke_invite(self, code: str, now: Millis, audit: AuditRow) -> bool:
        """End a code now; False: there is none that has not ended."""
        ...

    async def redeem(self, code: str, user_id: UserId, now: Millis) -> InviteCode | None:
        """Let a person in by a code, once; None: it has let them in before.

        Raises:
            InviteRefused: nobody is let in by it.

        """
        ...

    # -- audit ---------------------------------------------------------------------------------------

    async def note(self, audit: AuditRow) -> None:
        """Note what was done; the same operation is noted once."""
        ...

    async def audit(self, subject: str | None, skip: int, limit: int) -> list[AuditRow]:
        """What was done, newest first; of one subject or (None) of all."""
        ...

    # -- tasks ---------------------------------------------------------------------------------------

    async def ended_since(self, since: Millis, states: Sequence[TaskState], limit: int) -> list[Task]:
        """Tasks that came to their end since then in one of the states, newest first."""
        ...
