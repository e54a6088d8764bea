"""People: who they are, what language they read, what they may spend, and what admins did about it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

import structlog

from bot.clock import Clock
from bot.domain.credits.plans import clamp
from bot.domain.credits.quota import (
    Lot,
    Plan,
    available,
    day_limit,
    month_limit,
    resets_at,
    windows,
)
from bot.domain.credits.shop import GRACE
from bot.domain.operations.records import AuditRow
from bot.domain.people.access import readable_name
from bot.domain.requests.choices import Preferences
from bot.domain.tasks.task import LedgerRow
from bot.domain.types import DAY, AccountId, ChatId, Millis, UserId
from bot.errors import UserError
from bot.i18n import choose
from bot.services.ports import Balance
from bot.settings import sections
from bot.store import Store, User

log = structlog.get_logger(__name__)

SHOWN_AFTER_END = 30 * DAY
"""How long people are told of credits that have ended."""


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

    async def record(
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


class Accounts:
    """Reads and changes what belongs to a person. `plans` maps a plan's name to the plan."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        plans: Mapping[str, Plan],
        quota: sections.Quota,
        owners: Collection[UserId],
        language: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._plans = plans
        self._default_plan = quota.default_plan
        self._zone = quota.zone
        self.default_language = language
        """What people are written to in whose Telegram speaks no language that there is."""
        self._owners = frozenset(owners)
        self._appointed: frozenset[UserId] = frozenset()

    @property
    def owners(self) -> frozenset[UserId]:
        """The admins whom the settings name: they appoint the others."""
        return self._owners

    @property
    def admins(self) -> frozenset[UserId]:
        """Everybody who is told when something is wrong."""
        return self._owners | self._appointed

    def cache_roles(self, admins: frozenset[UserId]) -> None:
        """Know from here on whom the owners have made admins."""
        self._appointed = admins

    @property
    def zone(self) -> ZoneInfo:
        """The operator's time zone: days and months begin in it."""
        return self._zone

    def plan_of(self, user: User | None) -> Plan:
        """The plan of a user: the one that admins gave them, else the one they pay for, else the default."""
        if user is None:
            return self._plans[self._default_plan]
        now = self._clock.now()
        given = user.plan if user.plan_until is None or user.plan_until > now else None
        paid = user.subscribed_plan if (user.subscribed_until or 0) > now else None
        # One that there is no more gives way as one that has ended does.
        held = (name for name in (given, paid) if name and name in self._plans and name != self._default_plan)
        return self._plans[next(held, self._default_plan)]

    @property
    def default_plan(self) -> str:
        """The name of everybody's plan."""
        return self._default_plan

    @property
    def plans(self) -> tuple[str, ...]:
        """The names of all plans."""
        return tuple(self._plans)

    async def plan(self, user_id: UserId) -> Plan:
        """The plan of a user by their id."""
        return self.plan_of(await self._store.people.get(user_id))

    def get_defaults(self, user: User) -> Preferences:
        """What a person gets where they say nothing: what they prefer, as far as their plan holds it."""
        return clamp(self.plan_of(user), user.preferences)

    async def known(self, user_id: UserId, telegram_language: str | None) -> User:
        """What is known of a person, with the language of their client now. Nothing is stored."""
        now = self._clock.now()
        user = await self._store.people.get(user_id)
        if user is None:
            return User(user_id, str(user_id), None, telegram_language, None, None, now, now)
        return replace(user, telegram_language=telegram_language or user.telegram_language)

    async def touch_user(
        self,
        user_id: UserId,
        name: str,
        username: str | None,
        telegram_language: str | None,
        *,
        opens_chat: bool = False,
    ) -> User:
        """Note that a person uses the bot. `opens_chat`: in their private chat, where it can write to them."""
        return await self._store.people.save_user(
            user_id,
            readable_name(name, username, user_id),
            username,
            telegram_language,
            self._clock.now(),
            opens_chat=opens_chat,
        )

    async def note_gone(self, chat_id: ChatId) -> None:
        """Note that the bot cannot write to a person in their private chat; of a stranger nothing is noted."""
        await self.set_chat_open(UserId(chat_id), False)

    async def set_chat_open(self, user_id: UserId, is_open: bool) -> None:
        """Note whether a person's private chat with the bot is open; of a stranger nothing is noted."""
        await self._store.people.set_chat_open(user_id, is_open, self._clock.now())

    def language_of(self, user: User | None) -> str:
        """The language to write to a person in: their choice, else their Telegram client's, else the default one."""
        if user is None:
            return self.default_language
        return user.language or choose(user.telegram_language, self.default_language)

    async def set_language(self, user_id: UserId, language: str | None) -> None:
        """Keep a person's choice of language; None follows their Telegram client again."""
        await self._store.people.set_language(user_id, language)

    async def note_inviter(self, user_id: UserId, inviter: UserId) -> None:
        """Note who invited a newcomer; of somebody who has made videos already nothing is noted."""
        if await self._store.people.set_inviter(user_id, inviter):
            log.info("a newcomer was invited", user=user_id, inviter=inviter)

    async def chosen_language(self, user_id: UserId) -> str | None:
        """The language that a person chose themselves; None: they follow their Telegram client."""
        user = await self._store.people.get(user_id)
        return None if user is None else user.language

    async def preferences(self, user_id: UserId) -> Preferences:
        """What a person has chosen for all their videos."""
        user = await self._store.people.get(user_id)
        return Preferences() if user is None else user.preferences

    async def set_preferences(self, user_id: UserId, preferences: Preferences) -> None:
        """Keep what a person has chosen for all their videos."""
        await self._store.people.set_preferences(user_id, preferences)

    async def balance(self, user_id: UserId) -> Balance:
        """A person's standing in the current windows."""
        user = await self._store.people.get(user_id)
        plan = self.plan_of(user)
        window = windows(self._clock.now(), self._zone)
        usage = await self._store.credits.get_usage(user_id, window)
        return Balance(
            available=available(plan, usage),
            granted=usage.balance,
            held=usage.held,
            day_limit=day_limit(plan, usage),
            day_spent=usage.day_spent,
            month_limit=month_limit(plan, usage),
            month_spent=usage.month_spent,
            resets_at=resets_at(plan, usage, window),
            running=usage.running,
            max_running=plan.max_running,
            plan=plan.name,
            plan_until=_until(user, plan),
        )

    async def find(self, text: str) -> User:
        """Find a person by id or @name.

        Raises:
            UserError: nobody of that id or name has written to the bot.

        """
        user = await self._store.people.find(text)
        if user is None:
            raise UserError("error.admin.no_user", user=text)
        return user

    async def lots(self, user_id: UserId) -> list[Lot]:
        """A person's granted and bought credits that end, and those that have ended lately."""
        since = Millis(self._clock.now() - SHOWN_AFTER_END)
        lots = await self._store.credits.list_lots(AccountId.of_person(user_id), since)
        return [lot for lot in lots if lot.expires_at is not None]

    async def ledger(self, user_id: UserId, limit: int = 10) -> list[LedgerRow]:
        """A person's newest ledger rows."""
        return await self._store.credits.list_ledger(user_id, limit)


def _until(user: User | None, plan: Plan) -> Millis | None:
    """When a plan ends that somebody has by an admin or a subscription; None: never, or it is everybody's."""
    if user is None:
        return None
    if user.plan == plan.name:
        return user.plan_until
    if user.subscribed_plan != plan.name or user.subscribed_until is None:
        return None
    # The days after it are a matter between the bot and Telegram.
    return Millis(user.subscribed_until - GRACE)


AUDITED = (
    *("pause", "resume", "redeem", "notice", "maintenance", "access-mode", "broadcast", "broadcast-stop"),
    *("price", "terms", "setting", "forgive"),
    *("provider-add", "provider-change", "provider-remove"),
)
"""What is noted besides the actions of admins, now or by earlier versions; each has a text (`audit.<action>`)."""
