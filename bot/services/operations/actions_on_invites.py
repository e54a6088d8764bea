"""What admins do with invite codes: make one, and end it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from bot.domain.people.access import InviteCode, Permission
from bot.domain.people.arguments import Argument, ArgumentKind
from bot.domain.types import DAY, Millis, draw_code
from bot.errors import UserError
from bot.services.operations.actions import Action, ActionContext, Outcome, Target, require_plan
from bot.store import Transaction
from bot.store.people import add_invite, revoke_invite

MOST_USES = 10_000
LONGEST_DAYS = 365


@dataclass(frozen=True)
class CreateInvite(Action):
    """Make a code that lets people in.

    They follow https://t.me/<bot>?start=invite_<code>. Columns: code, uses, used, end, plan.
    """

    name: ClassVar[str] = "invite"
    command: ClassVar[str] = "invitecode"
    permission: ClassVar[Permission] = Permission.ADMIT
    on: ClassVar[Target] = Target.NOTHING
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "uses", ArgumentKind.NUMBER, is_required=False, default=1, help="How many people it lets in."
        ),
        Argument(
            "days",
            ArgumentKind.NUMBER,
            is_required=False,
            default=7,
            help="How long it can be used, in days.",
        ),
        Argument(
            "plan", ArgumentKind.CHOICE, is_required=False, choices=None, help="The plan that they get."
        ),
    )

    uses: int = 1
    days: int = 7
    plan: str | None = None

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        if not 1 <= self.uses <= MOST_USES or not 1 <= self.days <= LONGEST_DAYS:
            raise UserError("error.invite.range", uses=MOST_USES, days=LONGEST_DAYS)
        require_plan(context, self.plan)
        now = context.clock.now()
        code = draw_code(context.rng)
        invite = InviteCode(code, self.uses, 0, Millis(now + self.days * DAY), self.plan, context.actor, now)

        def change(tx: Transaction) -> tuple[str, str]:
            add_invite(tx, invite)
            return "", f"{self.uses} × {self.days} d {self.plan or ''}".strip()

        is_news = await context.commit(code, change)
        if not is_news:
            known = await context.store.people.get_invite_of(context.audit(code).idempotency_key)
            invite = invite if known is None else known
        ends_at = datetime.fromtimestamp(invite.ends_at / 1000, UTC)
        columns = (invite.code, invite.uses, invite.used, ends_at, invite.plan)
        return Outcome(invite.code, "invitecode.made", columns, {"invite": invite}, is_news=is_news)


@dataclass(frozen=True)
class RevokeInvite(Action):
    """End a CODE now.

    Columns: code, what it is now.
    """

    name: ClassVar[str] = "revoke"
    permission: ClassVar[Permission] = Permission.ADMIT
    on: ClassVar[Target] = Target.CODE

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""

        def change(tx: Transaction) -> tuple[str, str]:
            if not revoke_invite(tx, self.target, context.clock.now()):
                raise UserError("error.invite.ended")
            return "", ""

        is_news = await context.commit(self.target, change)
        return Outcome(self.target, "invitecode.revoked", (self.target, "ended"), is_news=is_news)


ACTIONS: tuple[type[Action], ...] = (CreateInvite, RevokeInvite)
