"""People: who they are, what language they read, what they may spend, and what admins may do about it."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import structlog

from bot.clock import Clock
from bot.domain.preferences import Preferences
from bot.domain.quota import Plan, available, resets_at, windows
from bot.domain.task import LedgerKind, LedgerRow
from bot.domain.units import Credits, UserId
from bot.errors import UserError
from bot.i18n import choose
from bot.services.ports import Balance
from bot.store.base import NotEnough, Store, User

log = structlog.get_logger(__name__)

GRANT_LIMIT = 1_000_000
"""Credits in one grant, either way: a slip of the finger should not found a bank."""


class Accounts:
    """Reads and changes what belongs to a person. `plans` maps a plan's name to the plan."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        plans: Mapping[str, Plan],
        default_plan: str,
        zone: ZoneInfo,
        admins: frozenset[UserId],
    ) -> None:
        self._store = store
        self._clock = clock
        self._plans = plans
        self._default_plan = default_plan
        self._zone = zone
        self._admins = admins

    def is_admin(self, user_id: UserId) -> bool:
        """Whether the operator's settings name this user as an admin."""
        return user_id in self._admins

    @property
    def admins(self) -> frozenset[UserId]:
        """Everybody who is told when something is wrong."""
        return self._admins

    @property
    def zone(self) -> ZoneInfo:
        """The operator's time zone: days and months begin in it."""
        return self._zone

    def plan_of(self, user: User | None) -> Plan:
        """The plan of a user; a plan that the settings no longer have gives way to the default."""
        name = user.plan if user is not None and user.plan else self._default_plan
        return self._plans.get(name) or self._plans[self._default_plan]

    async def see(
        self, user_id: UserId, name: str, username: str | None, telegram_language: str | None
    ) -> User:
        """Note that a person was here."""
        return await self._store.see_user(user_id, name, username, telegram_language, self._clock.now())

    def language_of(self, user: User | None) -> str:
        """The language to write to a person in: their choice, else their Telegram client's, else English."""
        if user is None:
            return choose(None)
        return user.language or choose(user.telegram_language)

    async def set_language(self, user_id: UserId, language: str | None) -> None:
        """Keep a person's choice of language; None follows their Telegram client again."""
        await self._store.set_language(user_id, language)

    async def note_inviter(self, user_id: UserId, inviter: UserId) -> None:
        """Note who invited a newcomer; of somebody who has made videos already nothing is noted."""
        if await self._store.set_inviter(user_id, inviter):
            log.info("a newcomer was invited", user=user_id, inviter=inviter)

    async def chosen_language(self, user_id: UserId) -> str | None:
        """The language that a person chose themselves; None: they follow their Telegram client."""
        user = await self._store.user(user_id)
        return None if user is None else user.language

    async def preferences(self, user_id: UserId) -> Preferences:
        """What a person has chosen for all their videos."""
        user = await self._store.user(user_id)
        return Preferences() if user is None else user.preferences

    async def set_preferences(self, user_id: UserId, preferences: Preferences) -> None:
        """Keep what a person has chosen for all their videos."""
        await self._store.set_preferences(user_id, preferences)

    async def balance(self, user_id: UserId) -> Balance:
        """A person's standing in the current windows."""
        plan = self.plan_of(await self._store.user(user_id))
        window = windows(self._clock.now(), self._zone)
        usage = await self._store.usage(user_id, window)
        return Balance(
            available=available(plan, usage),
            granted=usage.balance,
            held=usage.held,
            day_limit=plan.daily_credits,
            day_spent=usage.day_spent,
            month_limit=plan.monthly_credits,
            month_spent=usage.month_spent,
            resets_at=resets_at(plan, usage, window),
            running=usage.running,
            max_running=plan.max_running,
        )

    async def find(self, text: str) -> User:
        """Find a person by id or @name.

        Raises:
            UserError: nobody of that id or name has written to the bot.

        """
        user = await self._store.find_user(text)
        if user is None:
            raise UserError("error.admin.no_user", user=text)
        return user

    async def grant(self, admin: UserId, text: str, credits: int, update_id: int, note: str = "") -> User:
        """Add credits to a person's balance (negative: take away). The same update never grants twice.

        Raises:
            UserError: the sender is no admin, the person is unknown, or the number is out of range.

        """
        self.require_admin(admin)
        if credits == 0 or abs(credits) > GRANT_LIMIT:
            raise UserError("error.admin.credits_range", limit=GRANT_LIMIT)
        user = await self.find(text)
        now = self._clock.now()
        row = LedgerRow(
            user_id=user.id,
            kind=LedgerKind.GRANT if credits > 0 else LedgerKind.ADJUST,
            amount=Credits(credits),
            held=Credits(0),
            allowance=Credits(0),
            at=now,
            counted_at=now,
            operation_id=f"update:{update_id}:grant",
            actor_id=admin,
            note=note,
        )
        try:
            booked = await self._store.book(row)
        except NotEnough as error:
            raise UserError("error.admin.too_much_taken", granted=error.granted) from None
        log.info("credits granted", admin=admin, user=user.id, credits=credits, booked=booked)
        return user

    async def ledger(self, user_id: UserId, limit: int = 10) -> list[LedgerRow]:
        """A person's newest ledger rows."""
        return await self._store.ledger(user_id, limit)

    def require_admin(self, user_id: UserId) -> None:
        """Let only admins pass.

        Raises:
            UserError: the user is not an admin.

        """
        if not self.is_admin(user_id):
            raise UserError("error.admin.only")
