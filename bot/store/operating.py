"""What those who run the bot need of a store, beside `bot.store.base`: standings, invite codes, audit, broadcasts.

The guarantee is the same: each intent is one transaction, and what it did survives a crash.
"""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.operations.records import AuditRow, Broadcast, BroadcastState, Strike
from bot.domain.operations.report import Figure
from bot.domain.people.access import InviteCode, InviteProblem, Standing
from bot.domain.tasks.task import Task, TaskState
from bot.domain.units import Millis, UserId
from bot.store.base import Store, User


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

    async def keep_invite(self, invite: InviteCode, audit: AuditRow) -> InviteCode:
        """Keep a new code, or, where the same operation has been noted, the code that it made then."""
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

    # -- settings ------------------------------------------------------------------------------------

    async def swap_setting(self, key: str, before: str | None, after: str, audit: AuditRow) -> bool:
        """Put a choice in the place of another (None: of none), with the note of it; False: it is another by now."""
        ...

    # -- tasks ---------------------------------------------------------------------------------------

    async def ended_since(self, since: Millis, states: Sequence[TaskState], limit: int) -> list[Task]:
        """Tasks that came to their end since then in one of the states, newest first."""
        ...

    async def figures(self, since: Millis, user_id: UserId | None, limit: int) -> list[Figure]:
        """What came to its end since then, of a user or (None) of all; the oldest are left out over `limit`."""
        ...

    # -- broadcasts ----------------------------------------------------------------------------------

    async def add_broadcast(self, text: str, author: UserId | None, now: Millis) -> int:
        """Keep the draft of a broadcast; its id."""
        ...

    async def broadcast(self, broadcast_id: int) -> Broadcast | None:
        """One broadcast."""
        ...

    async def sending(self) -> Broadcast | None:
        """The oldest broadcast that is being sent."""
        ...

    async def change_broadcast(self, broadcast: Broadcast, before: BroadcastState) -> bool:
        """Keep everything about a broadcast that can change; False: it is no longer in the state `before`."""
        ...

    async def audience(self, broadcast: Broadcast, default_plan: str, now: Millis, limit: int) -> list[User]:
        """Those whom a broadcast goes to next, in order of their ids: not banned, let in, and reachable."""
        ...

    async def count_audience(self, broadcast: Broadcast, default_plan: str, now: Millis) -> int:
        """How many people a broadcast still goes to."""
        ...

    # -- moderation ----------------------------------------------------------------------------------

    async def strike(self, strike: Strike) -> bool:
        """Keep a refusal; False: it is kept already."""
        ...

    async def count_strikes(self, user_id: UserId, since: Millis) -> int:
        """How many of a person's requests were refused since then."""
        ...

    async def strikes(self, user_id: UserId | None, limit: int) -> list[Strike]:
        """The newest refusals, of a person or (None) of all."""
        ...
