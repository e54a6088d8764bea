"""What admins do with promo codes: make one, and end it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from bot.domain.credits.promos import PromoCode
from bot.domain.credits.quota import read_until
from bot.domain.people.access import Permission
from bot.domain.people.arguments import Argument, ArgumentKind
from bot.domain.types import Credits, draw_code
from bot.errors import UserError
from bot.services.operations.actions import Action, ActionContext, Outcome, Target
from bot.services.operations.actions_on_people import GRANT_LIMIT, UNTIL_HELP
from bot.store import Transaction
from bot.store.promos import add_promo, revoke_promo

MOST_USES = 100_000
LONGEST_DAYS = 3650
USUAL_END = "30d"


@dataclass(frozen=True)
class CreatePromo(Action):
    """Make a code that gives CREDITS to whoever redeems it, once each.

    They send /redeem CODE, or follow https://t.me/<bot>?start=promo_<code>. Columns: code, credits, uses, used, end,
    days.
    """

    name: ClassVar[str] = "promo"
    command: ClassVar[str] = "promocode"
    permission: ClassVar[Permission] = Permission.CREDITS
    on: ClassVar[Target] = Target.NOTHING
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("credits", ArgumentKind.NUMBER),
        Argument(
            "uses", ArgumentKind.NUMBER, is_required=False, default=1, help="How many people can redeem it."
        ),
        Argument("until", ArgumentKind.UNTIL, is_required=False, default=USUAL_END, help=UNTIL_HELP),
        Argument(
            "days",
            ArgumentKind.NUMBER,
            is_required=False,
            help="How long what it gives can be spent, in days; without it, for good.",
        ),
    )

    credits: int = 0
    uses: int = 1
    until: str = USUAL_END
    days: int | None = None

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        if not 1 <= self.credits <= GRANT_LIMIT:
            raise UserError("error.admin.credits_range", limit=GRANT_LIMIT)
        if not 1 <= self.uses <= MOST_USES or not (self.days is None or 1 <= self.days <= LONGEST_DAYS):
            raise UserError("error.promo.range", uses=MOST_USES, days=LONGEST_DAYS)
        now = context.clock.now()
        ends = read_until(self.until, now, context.accounts.zone)
        code = draw_code(context.rng)
        promo = PromoCode(code, Credits(self.credits), self.uses, 0, ends, self.days, now)

        def change(tx: Transaction) -> tuple[str, str]:
            add_promo(tx, promo)
            lasting = "" if self.days is None else f" {self.days} d"
            return "", f"{self.uses} × {self.credits:+d}{lasting} ({self.until})"

        is_news = await context.commit(code, change)
        if not is_news:
            known = await context.store.promos.get_made_by(context.audit(code).idempotency_key)
            promo = promo if known is None else known
        end = datetime.fromtimestamp(promo.ends_at / 1000, UTC)
        columns = (promo.code, promo.credits, promo.uses, promo.used, end, promo.days)
        return Outcome(promo.code, "promo.made", columns, {"promo": promo}, is_news=is_news)


@dataclass(frozen=True)
class RevokePromo(Action):
    """End a promo CODE now; what it gave stays.

    Columns: code, what it is now.
    """

    name: ClassVar[str] = "revoke-promo"
    permission: ClassVar[Permission] = Permission.CREDITS
    on: ClassVar[Target] = Target.CODE

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""

        def change(tx: Transaction) -> tuple[str, str]:
            if not revoke_promo(tx, self.target, context.clock.now()):
                raise UserError("error.promo.ended")
            return "", ""

        is_news = await context.commit(self.target, change)
        return Outcome(self.target, "promo.revoked", (self.target, "ended"), is_news=is_news)


ACTIONS: tuple[type[Action], ...] = (CreatePromo, RevokePromo)
