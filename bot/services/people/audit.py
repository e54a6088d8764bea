"""What those who run the bot did: who, when, what, to whom, before and after. Rows are only ever added."""

from bot.clock import Clock
from bot.domain.operations.actions import AuditRow
from bot.domain.units import UserId
from bot.store import Store

AUDITED = (
    *("pause", "resume", "forgive", "admit", "deny", "invite", "revoke", "redeem", "ban", "unban", "role"),
    *("plan", "grant", "refund", "cancel", "retry", "message"),
    *("notice", "maintenance", "access-mode", "broadcast", "broadcast-stop"),
    *("price", "terms"),
)
"""Every action that is noted; each has a text (`audit.<action>`)."""


class Audit:
    """Notes what was done, and tells of it."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def row(
        self,
        operation: str,
        actor: UserId | None,
        action: str,
        subject: str,
        before: str = "",
        after: str = "",
    ) -> AuditRow:
        """A row of now, to be written together with what it tells of; `operation` names it once and for all."""
        return AuditRow(f"{operation}:{action}", self._clock.now(), actor, action, subject, before, after)

    async def note(
        self,
        operation: str,
        actor: UserId | None,
        action: str,
        subject: str,
        before: str = "",
        after: str = "",
    ) -> None:
        """Note what has been done elsewhere; the same operation is noted once."""
        await self._store.operations.save_audit_row(
            self.row(operation, actor, action, subject, before, after)
        )

    async def rows(self, subject: str | None, skip: int, limit: int) -> list[AuditRow]:
        """What was done, newest first; of one subject or (None) of all."""
        return await self._store.operations.list_audit(subject, skip, limit)
