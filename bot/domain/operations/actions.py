"""What admins did: audited actions and broadcasts. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.units import Millis, UserId


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

    `plan` and `language` narrow the audience; None: everybody. `message_id` shows its author how far it is.
    One from a shell has neither author (`created_by`) nor message.
    """

    id: int
    text: str
    plan: str | None
    language: str | None
    state: BroadcastState
    created_by: UserId | None
    created_at: Millis
    reached: UserId = UserId(0)
    sent: int = 0
    failed: int = 0
    total: int = 0
    message_id: int | None = None
