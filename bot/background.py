"""What happens by itself: jobs and their workers, updates and their watch, and what the web server serves.

`bot/app.py` makes the services, and hands over what they share with this.
"""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from bot.clock import Runtime
from bot.domain.people.access import Role
from bot.domain.types import DAY, MINUTE, Millis, UserId
from bot.kling import callback
from bot.kling.pool import ProviderPool
from bot.media.worker import ImageWorker
from bot.metrics import JOB_FAILURES, JOB_SECONDS, Meter
from bot.scheduler import Run
from bot.services.backups import Backups
from bot.services.container import Administration, Services
from bot.services.credits.spending import Spending
from bot.services.inbox import Intake
from bot.services.learning import Learning
from bot.services.library.deletions import Deletions
from bot.services.library.sounds import VoiceSounds
from bot.services.operations.accounting import Accounting
from bot.services.operations.alerts import Alerts, HealthChecks
from bot.services.operations.balances import Balances
from bot.services.operations.broadcast import BroadcastSending, Letters
from bot.services.operations.cost_alerts import CostAlerts
from bot.services.operations.notices import NoticeSending
from bot.services.operations.vitals import (
    STORE,
    STORE_LIMIT,
    UPDATES,
    UPDATES_LIMIT,
    Gauges,
    Vitals,
    job_part,
)
from bot.services.operations.watch import Watchdog, WatchedUpdates
from bot.services.ports import Job, Notices, ResultChat, UpdateProcessor, UpdateSource
from bot.services.requests.videos import VideoAddresses
from bot.services.retirements import Retirements
from bot.services.tasks.deliver import DeliveryWorker
from bot.services.tasks.dispatch import Dispatch
from bot.services.tasks.fetching import Sources
from bot.services.tasks.line import Line
from bot.services.tasks.poll import Poll
from bot.services.tasks.recover import Recover
from bot.services.tasks.submissions import Submissions
from bot.services.tasks.workers import ProviderMonitor, WorkerPool
from bot.settings.config import Settings
from bot.store import Store

log = structlog.get_logger(__name__)

SUBMISSIONS_AT_ONCE = 16
LOOKS_AT_ONCE = 16
DELIVERIES_AT_ONCE = 16
NOTICES_AT_ONCE = 8
COPIES_AT_ONCE = 1
DELETIONS_AT_ONCE = 4

TICK_SECONDS = 1.0
RECOVER_SECONDS = 5.0
STATUS_SECONDS = 3.0
ROUNDS_SECONDS = 60.0


class Telegram(UpdateSource, Protocol):
    """Telegram as what happens by itself sees it."""

    @property
    def notices(self) -> Notices:
        """Where notices go."""
        ...

    @property
    def delivery(self) -> ResultChat:
        """Where results go."""
        ...

    @property
    def broadcasts(self) -> Letters:
        """Where broadcasts go."""
        ...

    async def learn_name(self) -> None:
        """Ask now and then for the bot's own name."""
        ...


class Handler(UpdateProcessor, Protocol):
    """Who acts on updates, and shows people the menus of their roles."""

    async def update_menus(self, staff: Mapping[UserId, Role]) -> None:
        """Set the menus of those whose role has changed; best effort."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the services have already, and what happens by itself works with too."""

    settings: Settings
    runtime: Runtime
    store: Store
    pool: ProviderPool
    directory: Path
    admin: Administration
    services: Services
    telegram: Telegram
    handler: Handler
    found: Sources
    images: ImageWorker
    addresses: VideoAddresses
    line: Line
    learning: Learning
    balances: Balances
    spending: Spending
    shows: WorkerPool
    vitals: Vitals
    restored_at: Millis
    meter: Meter
    is_put_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What `App` runs; its fields of the same names say when."""

    inbox: Intake
    watch: Watchdog
    jobs: Mapping[Job, tuple[float, Run]]
    work: tuple[WorkerPool, ...]
    restore: Callable[[], Awaitable[None]]
    serving: Callable[[], AbstractAsyncContextManager[object]]
    gauges: Gauges


def build(parts: Parts) -> Background:
    """Put it together; nothing runs yet."""
    settings, store, pool, services = parts.settings, parts.store, parts.pool, parts.services
    runtime, clock = parts.runtime, parts.runtime.clock
    accounts, access, live = parts.admin.accounts, parts.admin.access, parts.admin.live
    tasks, status, videos = services.tasks, services.status, services.videos
    telegram, found, addresses, learning = parts.telegram, parts.found, parts.addresses, parts.learning
    policy = settings.polling.policy
    vitals, meter = parts.vitals, parts.meter
    public_url, token = settings.web.public_url, settings.telegram.token.get_secret_value()

    submissions, looks, deliveries, notices, copying, deleting = (
        WorkerPool(SUBMISSIONS_AT_ONCE),
        WorkerPool(LOOKS_AT_ONCE),
        WorkerPool(DELIVERIES_AT_ONCE),
        WorkerPool(NOTICES_AT_ONCE),
        WorkerPool(COPIES_AT_ONCE),
        WorkerPool(DELETIONS_AT_ONCE),
    )
    alerts = Alerts(notices=telegram.notices, accounts=accounts, store=store, clock=clock)
    monitor = ProviderMonitor(pool=pool, operators=alerts, learning=learning)
    sounds = VoiceSounds(store=store, public_url=public_url, secret=token)
    dispatch = Dispatch(
        store=store,
        tasks=tasks,
        status=status,
        line=parts.line,
        submissions=Submissions(
            store=store,
            images=parts.images,
            directory=parts.directory,
            monitor=monitor,
            clock=clock,
            callback_urls={
                provider.name: callback.address(public_url, token, provider.name)
                for provider in settings.providers
                if public_url
            },
            sound_url=sounds.address,
            video_urls=addresses.urls,
        ),
        monitor=monitor,
        work=submissions,
        runtime=runtime,
        policy=policy,
        spending=parts.spending,
        restored_at=parts.restored_at,
        meter=meter,
    )
    poll = Poll(
        store=store,
        tasks=tasks,
        monitor=monitor,
        work=looks,
        runtime=runtime,
        policy=policy,
        is_ours=addresses.is_ours,
        meter=meter,
    )
    deletions = Deletions(store=store, pool=pool, work=deleting, clock=clock)
    updates = WatchedUpdates(telegram, clock, on_answer=partial(vitals.note, UPDATES), meter=meter)
    vitals.expect(UPDATES, UPDATES_LIMIT)
    vitals.expect(STORE, STORE_LIMIT, partial(_trouble_of, store))
    serving: Callable[[], AbstractAsyncContextManager[object]] = nullcontext
    if public_url:
        from bot import web  # it loads a web server

        doors = {
            provider.name: web.CallbackDoor(
                callback.path_secret(token, provider.name), provider.webhook_secret.get_secret_value()
            )
            for provider in settings.providers
        }
        site = web.site(
            web.Callbacks(doors, poll.hint, clock),
            web.Sounds(sounds.find),
            web.Films(addresses.find),
        )
        serving = partial(web.serve, site, settings.web.listen)
    deliver = DeliveryWorker(
        store=store,
        chat=telegram.delivery,
        files=found.files,
        copies=found.copies,
        tasks=tasks,
        status=status,
        operators=alerts,
        work=deliveries,
        notices=notices,
        copying=copying,
        runtime=runtime,
        renew=poll.results,
        prices=live.catalog,
        possible=services.results.possible,
        final_price=services.results.final_price,
        meter=meter,
    )
    recover = Recover(
        store=store,
        tasks=tasks,
        dispatch=dispatch,
        monitor=monitor,
        status=status,
        clock=clock,
        policy=policy,
        directory=parts.directory,
        retention=Millis(settings.storage.retention_days * DAY),
        kinds={
            kind: Millis(days * DAY)
            for kind, days in settings.retention.model_dump(exclude_none=True).items()
        },
        sweep=videos.sweep,
    )
    broadcasting = BroadcastSending(
        store=store, access=access, accounts=accounts, letters=telegram.broadcasts, clock=clock
    )
    notice_sending = NoticeSending(
        store=store, access=access, accounts=accounts, notices=telegram.notices, clock=clock
    )
    rounds = HealthChecks(
        store=store,
        accounts=accounts,
        alerts=alerts,
        clock=clock,
        settings=settings.alerts,
        free_share=partial(_free_share, parts.directory),
    )

    accounting = Accounting(store=store, pool=pool, clock=clock)
    backups = Backups(
        store=store,
        notices=telegram.notices,
        alerts=alerts,
        clock=clock,
        settings=settings.backup,
        zone=settings.quota.zone,
        directory=parts.directory,
    )
    cost_alerts = CostAlerts(store=store, costs=parts.admin.costs, operators=alerts, clock=clock)
    retirements = Retirements(store=store, pool=pool, accounts=accounts, clock=clock)
    watch = Watchdog(
        store=store,
        updates=updates,
        tell=alerts.tell_at_once,
        clock=clock,
        sleep=runtime.sleep,
        patience=Millis(round(settings.alerts.silence_minutes * MINUTE)),
    )

    async def take_up_roles() -> None:
        await access.refresh()
        await parts.handler.update_menus(access.roles)

    async def take_up_settings() -> None:
        await live.refresh()
        await learning.take_up()

    async def go_round() -> None:
        await rounds.tick()
        await retirements.tick()
        await parts.balances.tick()
        await cost_alerts.tick()

    async def restore() -> None:
        await live.refresh()
        if live.now.is_public_without_cap:
            log.warning("everyone may spend the balance without a limit", try_this="set spending.daily_units")
        await learning.restore()
        await access.refresh()
        await alerts.restore()
        await recover.at_start()
        await deletions.at_start()
        await backups.at_start()

    return Background(
        inbox=Intake(
            store=store,
            source=updates,
            processor=parts.handler,
            operators=alerts,
            clock=clock,
            sleep=runtime.sleep,
            meter=meter,
            is_put_back=parts.is_put_back,
        ),
        watch=watch,
        jobs=_noted(
            vitals,
            meter,
            {
                Job.DISPATCH: (TICK_SECONDS, dispatch.tick),
                Job.POLL: (TICK_SECONDS, poll.tick),
                Job.DELIVER: (TICK_SECONDS, deliver.tick),
                Job.ASSETS: (TICK_SECONDS, deletions.tick),
                Job.RECOVER: (RECOVER_SECONDS, recover.tick),
                Job.STATUS: (STATUS_SECONDS, status.tick),
                Job.SPENDING: (RECOVER_SECONDS, partial(parts.spending.tick, alerts)),
                Job.ACCESS: (RECOVER_SECONDS, take_up_roles),
                Job.SETTINGS: (TICK_SECONDS, take_up_settings),
                Job.ROUNDS: (ROUNDS_SECONDS, go_round),
                Job.MODERATION: (RECOVER_SECONDS, services.moderation.tick),
                Job.BROADCAST: (TICK_SECONDS, broadcasting.tick),
                Job.NOTICES: (TICK_SECONDS, notice_sending.tick),
                Job.NAME: (ROUNDS_SECONDS, telegram.learn_name),
                Job.ACCOUNTING: (RECOVER_SECONDS, accounting.tick),
                Job.BACKUP: (ROUNDS_SECONDS, backups.tick),
            },
        ),
        work=(submissions, looks, deliveries, notices, copying, deleting, parts.shows),
        restore=restore,
        serving=serving,
        gauges=Gauges(
            store=store,
            pool=pool,
            vitals=vitals,
            clock=clock,
            free_share=partial(_free_share, parts.directory),
        ),
    )


def _noted(
    vitals: Vitals, meter: Meter, jobs: Mapping[Job, tuple[float, Run]]
) -> Mapping[Job, tuple[float, Run]]:
    """The same jobs, each measuring its runs and noting those that succeed."""

    def noting(job: Job, run: Run) -> Run:
        async def run_and_note() -> None:
            try:
                with meter.timed(JOB_SECONDS, job=job):
                    await run()
            except Exception:
                meter.count(JOB_FAILURES, job=job)
                raise
            vitals.note(job_part(job))

        return run_and_note

    for job, (seconds, _) in jobs.items():
        vitals.expect_job(job, seconds)
    return {job: (seconds, noting(job, run)) for job, (seconds, run) in jobs.items()}


def _trouble_of(store: Store) -> str | None:
    return None if store.trouble is None else str(store.trouble.kind)


def _free_share(directory: Path) -> float:
    """How much of the disk is free, between 0 and 1."""
    usage = shutil.disk_usage(directory)
    return usage.free / usage.total
