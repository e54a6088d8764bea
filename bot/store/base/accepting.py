"""How a task begins: with its attachments and a hold of its price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.credits.quota import Plan, PoolUse, Windows
from bot.domain.credits.spending import NO_CAPS, Caps
from bot.domain.requests.request import Attachment
from bot.domain.tasks.task import Task
from bot.domain.units import Millis, UserId


class TaskIdTaken(Exception):
    """The drawn task id is in use: draw another."""


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """A prepared picture or sound to be kept until nothing needs it, or its owner asks to be forgotten."""

    ref: Attachment
    content: bytes = field(repr=False)
    owner: UserId | None = None


class Accepting(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    async def accept(
        self,
        task: Task,
        attachments: Sequence[StoredAttachment],
        plan: Plan,
        window: Windows,
        group_budget: int | None = None,
        pool: PoolUse = PoolUse.OFF,
        caps: Caps = NO_CAPS,
    ) -> Task:
        """Keep a new task with its attachments and hold its price, in one transaction.

        `group_budget` is how many credits everybody in the task's chat may spend in the day of `window`.
        `caps` is what everybody together may spend at Kling.
        Where `pool` says so, and `quota.pool_pays`, the chat's pool pays in place of the user.

        If a task with the same `origin.update_id` exists already, that one is returned and nothing is
        held: a replayed update has no second effect.

        Raises:
            UserError: `quota.may_hold`, `quota.pool_pays`, `spending.within` or `quota.within_group_budget` says no.
            TaskIdTaken: draw another id.

        """
        ...

    async def attachments(self, refs: Sequence[Attachment]) -> Mapping[str, bytes]:
        """The bytes of kept attachments by their SHA-256; missing ones are left out."""
        ...

    async def keep_attachment(self, attachment: StoredAttachment, now: Millis) -> None:
        """Keep an attachment for a draft."""
        ...
