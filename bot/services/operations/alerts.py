"""What the admins are told by itself: each kind once an hour with a count, each cause once, a summary once a day.

What was told and when stands in the store, so that a bot that starts over and over does not tell it each time.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import structlog
from pydantic import BaseModel, TypeAdapter

from bot.clock import Clock
from bot.domain.credits.caps import deductions
from bot.domain.operations.records import StatRow, report, start_of
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import DAY, HOUR, MINUTE, Credits, Millis, UserId
from bot.errors import UserError
from bot.services.people.accounts import Accounts
from bot.services.ports import ChatError, Notices
from bot.settings import sections
from bot.store import Store

log = structlog.get_logger(__name__)

SUMMARY_KEY = "alerts.summary"
TOLD_KEY = "alerts.told"
MOST_FIGURES = 50_000

CAUSE_KEPT = DAY
"""How long a cause that was told is not told again (milliseconds)."""

MOST_CAUSES = 20
"""So many causes of one kind are told at each provider: one that invents words does not fill the chat."""

DAILY = frozenset({"alert.shortfall"})
"""What is told once a day for each provider and model; the others once an hour for each provider."""

OF_THE_REQUEST = frozenset(
    {str(FailureKind.CONTENT), str(FailureKind.PARAMETERS), str(FailureKind.NOTHING_FOUND)}
)
"""Failures that say nothing of how the bot and its providers are."""


class _Told(BaseModel):
    """A kind of alert: when it was told last, and what has come since; or, with its cause, one that is told once."""

    key: str
    at: Millis
    since: int = 0
    params: dict[str, Any] = {}
    cause: str | None = None


_TOLD = TypeAdapter(dict[str, _Told])


class Alerts:
    """Stands between those who notice something and the admins' chat."""

    def __init__(self, *, notices: Notices, accounts: Accounts, store: Store, clock: Clock) -> None:
        self._notices = notices
        self._accounts = accounts
        self._store = store
        self._clock = clock
        self._told: dict[str, _Told] = {}
        self._languages: dict[UserId, str] = {}

    async def restore(self) -> None:
        """Take up what was told before the program ended; to be called before anything is told."""
        for admin in self._accounts.admins:
            self._languages[admin] = await self.language_of(admin)
        kept = await self._store.operations.get_setting(TOLD_KEY)
        self._told = {} if kept is None else _TOLD.validate_json(kept)
        # By a clock that was set back, an alert of tomorrow would keep the admins from hearing of it until then.
        for told in self._told.values():
            told.at = min(told.at, self._clock.now())

    async def alert_operators(self, key: str, /, **params: object) -> None:
        """Tell the admins, unless they were told of the same within the hour or day: then it is counted."""
        now = self._clock.now()
        model = params.get("model", "") if key in DAILY else ""
        kind = f"{key} {params.get('provider', '')} {model}".strip()
        told = self._told.get(kind)
        if told is not None and now - told.at < _pause(key):
            told.since, told.params = told.since + 1, params
            await self._keep()
            return
        self._told[kind] = _Told(key=key, at=now)
        # Kept first: an alert that is lost in a crash is noticed again, one that is told at each start is noise.
        await self._keep()
        await self._send(key, params)

    async def alert_once(self, key: str, cause: str, /, **params: object) -> None:
        """Tell the admins of a cause, unless they were told of it within `CAUSE_KEPT`."""
        about = f"{key} {params.get('provider', '')}".strip()
        kind = f"{about} {cause[:100]}"
        known = sum(told.cause is not None and name.startswith(about) for name, told in self._told.items())
        if kind in self._told or known >= MOST_CAUSES:
            return
        self._told[kind] = _Told(key=key, at=self._clock.now(), cause=cause[:100])
        await self._keep()
        await self._send(key, params)

    async def tick(self) -> None:
        """Tell how often it came again, where the hour is over."""
        now = self._clock.now()
        over = {
            kind: told
            for kind, told in self._told.items()
            if now - told.at >= (HOUR if told.cause is None else CAUSE_KEPT)
        }
        for kind, told in over.items():
            if told.since:
                self._told[kind] = _Told(key=told.key, at=now)
            else:
                del self._told[kind]
        if over:
            await self._keep()
        for told in over.values():
            if told.since:
                await self._send(told.key, {**told.params, "repeated": told.since})

    async def tell_at_once(self, key: str, /, **params: object) -> None:
        """Tell the admins without the store, each in the language that they had last."""
        languages = {admin: self._languages.get(admin, "en") for admin in self._accounts.admins}
        await tell_admins(self._notices, languages, key, params)

    async def _send(self, key: str, params: dict[str, object]) -> None:
        for admin in self._accounts.admins:
            self._languages[admin] = await self.language_of(admin)
        await self.tell_at_once(key, **params)

    async def language_of(self, admin: UserId) -> str:
        """The language of an admin; English for one who has never written to the bot."""
        try:
            return self._accounts.language_of(await self._accounts.find(str(admin)))
        except UserError:
            return "en"

    async def _keep(self) -> None:
        await self._store.operations.set_setting(TOLD_KEY, _TOLD.dump_json(self._told).decode())


def _pause(key: str) -> int:
    """Milliseconds from one alert of a kind to the next."""
    return DAY if key in DAILY else HOUR


async def tell_admins(
    notices: Notices, languages: Mapping[UserId, str], key: str, params: Mapping[str, object]
) -> None:
    """Tell every admin in their language; one who cannot be reached does not keep the others from hearing it."""
    log.error("operators are told", alert=key, **{f"about_{name}": value for name, value in params.items()})
    for admin, language in sorted(languages.items()):
        try:
            await notices.alert(admin, language, key, **params)
        except ChatError as error:
            log.warning("an admin could not be told", admin=admin, kind=type(error).__name__)


class HealthChecks:
    """Looks at failures, the queue and the disk, and sums the day up."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        alerts: Alerts,
        clock: Clock,
        settings: sections.Alerts,
        free_share: Callable[[], float],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._alerts = alerts
        self._clock = clock
        self._settings = settings
        self._free_share = free_share

    async def tick(self) -> None:
        """One round, once a minute."""
        await self._failures()
        await self._queue()
        await self._disk()
        await self._summary()
        await self._alerts.tick()

    async def _failures(self) -> None:
        since = Millis(self._clock.now() - HOUR)
        figures = await self._store.operations.list_figures(since, None, MOST_FIGURES)
        counted = [
            figure
            for figure in figures
            if figure.state is not TaskState.CANCELLED and figure.failure not in OF_THE_REQUEST
        ]
        failed = sum(figure.state is not TaskState.SUCCEEDED for figure in counted)
        # What was made and never handed out did not help anybody; it may have ended before this hour.
        failed += await self._store.outbox.count_lost(since)
        ended = max(len(counted), failed)
        if ended < self._settings.failure_tasks:
            return
        if failed / ended > self._settings.failure_percent / 100:
            await self._alerts.alert_operators("alert.failures", failed=failed, ended=ended)

    async def _queue(self) -> None:
        waiting = await self._store.tasks.list_in([TaskState.QUEUED], 1, assets=False)
        if not waiting:
            return
        minutes = (self._clock.now() - waiting[0].created_at) // MINUTE
        if minutes >= self._settings.queue_minutes:
            await self._alerts.alert_operators("alert.queue", minutes=minutes, id=waiting[0].id)

    async def _disk(self) -> None:
        share = self._free_share()
        if share < self._settings.disk_free_percent / 100:
            await self._alerts.alert_operators("alert.disk", percent=round(share * 100, 1))

    async def _summary(self) -> None:
        """Sum up yesterday, once; a bot that was off at the hour does it when it is back."""
        zone, now = self._accounts.zone, self._clock.now()
        local = datetime.fromtimestamp(now / 1000, zone)
        if not self._settings.summary or local.hour < self._settings.summary_hour:
            return
        yesterday = local.date() - timedelta(days=1)
        if await self._store.operations.get_setting(SUMMARY_KEY) == yesterday.isoformat():
            return
        # Noted first: two summaries of a day would be worse than none.
        await self._store.operations.set_setting(SUMMARY_KEY, yesterday.isoformat())
        figures = await self._store.operations.list_figures(start_of(yesterday, zone), None, MOST_FIGURES)
        found = report(figures, [yesterday], zone)
        if not found.asked:
            return
        spend = " · ".join(f"{name} {cost.normalize():f}" for name, cost in found.spend.items())
        await self._alerts.alert_operators(
            "alert.summary",
            day=yesterday.isoformat(),
            asked=found.asked,
            succeeded=found.succeeded,
            people=len(
                {figure.user_id for figure in figures if figure.finished_at < start_of(local.date(), zone)}
            ),
            credits=sum(numbers[0] for numbers in found.credits.values()),
            spend=spend or "–",
            differing=_differing(figures, yesterday, zone) or "–",
        )
        log.info("the day was summed up", day=yesterday.isoformat())


def _differing(figures: Sequence[StatRow], day: date, zone: tzinfo) -> str:
    """The providers whose deductions of a day differ from the prices: in how many of the results that they told of."""
    told: dict[str, list[tuple[Credits, float]]] = defaultdict(list)
    for figure in figures:
        is_of_day = datetime.fromtimestamp(figure.finished_at / 1000, zone).date() == day
        if is_of_day and figure.state is TaskState.SUCCEEDED and figure.provider and figure.real_cost:
            with suppress(ValueError):
                told[figure.provider].append((figure.price, float(figure.real_cost)))
    found = {name: deductions(pairs) for name, pairs in sorted(told.items())}
    return " · ".join(
        f"{name} {spent.differing}/{spent.told_tasks} ({100 * (spent.drift or 0):+.0f} %)"
        for name, spent in found.items()
        if spent.differing
    )
