"""The composition root: the one place where the parts meet, and the only file of bot/ that knows handlers.

What happens by itself is put together in `bot/background.py`, of the parts made here.

    async with build(settings, clock=…, rng=…) as app:
        await app.run(stopping)

The product, the demo and the tests call the same `build` with other arguments.
"""

import asyncio
import os
import random
import stat
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import structlog
from pydantic import SecretStr

from bot import background
from bot.application import App, Building
from bot.clock import TOLERATED_STEP, Clock, Runtime, Sleep, SystemClock
from bot.domain.requests import presets
from bot.domain.requests.effects import load_effects
from bot.domain.requests.operations import Product
from bot.domain.types import MINUTE, Millis, ProviderName
from bot.errors import ConfigError
from bot.i18n import in_every_language
from bot.kling.download import Egress, Tempo, download
from bot.kling.pool import ConfiguredOffer, open_pool
from bot.kling.provider import Provider
from bot.kling.trial import try_account
from bot.masking import Mask
from bot.media.copies import CopyWorker
from bot.media.videos import VideoWorker
from bot.media.worker import ImageWorker
from bot.monitoring.export import tracing
from bot.monitoring.site import Monitoring
from bot.network import Network
from bot.reloading import Reloading
from bot.scheduler import Scheduler
from bot.services.added_providers import with_added
from bot.services.compose import Compose
from bot.services.container import ACTIONS, Services, added_providers, admin_actions, administration
from bot.services.credits.payments import Payments, Subscriptions
from bot.services.credits.pools import GroupWallets
from bot.services.credits.spending import Spending
from bot.services.learning import Learning
from bot.services.library.assets import Assets
from bot.services.library.ready_made import ReadyMade
from bot.services.library.templates import Templates
from bot.services.operations.actions import Action
from bot.services.operations.alerts import tell_admins
from bot.services.operations.balances import Balances
from bot.services.operations.privacy import Privacy
from bot.services.operations.providers import Providers
from bot.services.operations.vitals import Vitals
from bot.services.operations.watch import TELLING_SECONDS, open_store, wait_out
from bot.services.people.limits import Limits
from bot.services.people.moderation import Moderation
from bot.services.requests.assistant import Assistant
from bot.services.requests.attachments import LARGEST_IMAGE, Attachments, Links
from bot.services.requests.cards import Cards
from bot.services.requests.faces import FaceFinder
from bot.services.requests.markings import Brushings, Markings
from bot.services.requests.questions import Questions
from bot.services.requests.submit import Checks, Submit
from bot.services.requests.videos import LARGEST_VIDEO, VideoAddresses, Videos
from bot.services.tasks.admin import TaskAdmin
from bot.services.tasks.fetching import sources
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.line import Line
from bot.services.tasks.results import History, Results
from bot.services.tasks.status import Status
from bot.services.tasks.workers import WorkerPool
from bot.settings.config import Settings
from bot.store import Store
from handlers.chat.routes import Routes
from handlers.connection import connect

log = structlog.get_logger(__name__)

SHOWS_AT_ONCE = 500
DOWNLOAD_TIMEOUT = 30.0
ASSISTANT_TIMEOUT = 20.0


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    rng: random.Random | None = None,
    sleep: Sleep = asyncio.sleep,
    store: Store | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    images_on_loopback: bool = False,
    monitoring: Monitoring | None = None,
    actions: Sequence[type[Action]] = ACTIONS,
    routes: Routes | None = None,
    former: Sequence[Provider] = (),
    ask_reload: Callable[[], None] = lambda: None,
) -> AsyncIterator[App]:
    """Put the whole bot together from the settings, and close again at the end what this has opened.

    Production passes the settings alone. Tests pass what they want to hold in hand, and nothing else is replaced:

    - `clock`: a `ManualClock`; nothing is due before it is moved.
    - `rng`: a seeded `random.Random`, so that ids, codes and backoffs repeat.
    - `sleep`: what waits for the rest of an album or for a Bot API that cannot be reached; one that returns at once
      makes an album complete as soon as `App.process` has taken in all of its photos.
    - `store`: an open store, which stays open; `settings.store` is then not read.
    - `transport`: answers every HTTP request of the bot, to Telegram, to providers, to result addresses, to the hook
      and to the assistant, in place of the network: an `httpx.MockTransport`, or an `httpx.ASGITransport` per host.
      The addresses are those of the settings. Without it, point `telegram.base_url`, `telegram.base_file_url` and
      `providers[].base_url` at servers on loopback, with `delivery.allow_loopback`.
    - `images_on_loopback`: the links to pictures that people write may lead to this very machine as well.
    - `monitoring`: where is noted what succeeds, for as long as the process runs.
    - `actions`, `routes`: what admins can do, and what the bot acts on.
    - `former`: accounts that the settings no longer have; what runs there is looked after to its end.
    - `ask_reload`: lets the process read the settings again; without one, changed providers wait for the next start.

        async with build(settings, clock=clock, rng=Random(1), store=store, transport=stand_ins) as app:
            await app.start()
            await app.process(an_update(text="/video a fox"))   # or let the Telegram stand-in hold it
            await app.settle()                                  # submits the task
            clock.advance(10_000)
            await app.settle()                                  # polls, downloads and delivers
            assert (await app.services.history.page(ADA, 0)).entries

    Raises:
        ConfigError: Telegram refuses the token.
        StoreTaken: another process serves with the database.
        StoreLost: it is gone or damaged; the admins have been told.

    """
    clock = clock or SystemClock()
    rng = rng or random.SystemRandom()
    runtime = Runtime(clock, rng, sleep)
    network = Network(transport, settings.network.proxies)
    tell = partial(_tell_unbuilt, settings, runtime, network)
    monitoring = monitoring or Monitoring(Vitals(clock.now))
    meter = monitoring.meter
    token = settings.telegram.token.get_secret_value()
    async with AsyncExitStack() as stack:
        directory = Path(settings.storage.directory)
        _keep_private(directory)
        if store is None:
            store = await open_store(
                settings.store.url, sleep=sleep, tell=tell, backups=settings.backup.directory
            )
            stack.push_async_callback(store.close)
        store.engine.observe(monitoring.on_store)
        await wait_out(store, _tell_times(store, clock), tell)
        is_put_back = await store.operations.is_unsettled_copy()
        restored_at = await store.operations.take_up_copy(clock.now())
        settings = await with_added(settings, store)
        downloads = await _egresses(settings, former, network, stack)

        scheduler = Scheduler()
        policy = settings.polling.policy
        offer = ConfiguredOffer(settings.providers)
        admin = administration(settings, store=store, offer=offer, runtime=runtime, wake=scheduler.wake)
        accounts, access, live = admin.accounts, admin.access, admin.live
        of_former = (secret for provider in former for secret in provider.secrets())
        mask = Mask((*settings.told_secrets(), *of_former)).answer
        pool = await stack.enter_async_context(
            open_pool(settings.providers, runtime, network, mask, live.is_paused, live.catalog, former, meter)
        )
        limits = Limits(limits=settings.limits, groups=settings.groups, clock=clock)
        spending = Spending(
            store=store,
            pool=pool,
            accounts=accounts,
            clock=clock,
            settings=settings.spending,
            provider_caps={provider.name: provider.caps for provider in settings.providers},
        )
        moderation = Moderation(
            store=store,
            access=access,
            clock=clock,
            settings=settings.moderation,
            http=await stack.enter_async_context(
                network.client(proxies=network.proxies_for(settings.moderation.hook_proxy))
            ),
        )
        images, copier = ImageWorker(directory=directory), CopyWorker(settings.delivery.copy_timeout)
        reader = VideoWorker()
        for worker in (images, copier, reader):
            stack.push_async_callback(worker.close)
        videos = Videos(store=store, worker=reader, limits=limits, directory=directory, clock=clock)
        public_url = settings.web.public_url
        addresses = VideoAddresses(
            store=store, videos=videos, public_url=public_url, secret=token, clock=clock
        )
        found = sources(
            egresses=downloads,
            pool=pool,
            settings=settings.delivery,
            directory=directory,
            worker=copier,
            max_upload=settings.max_upload_bytes,
            max_source=settings.max_source_bytes,
            max_file=LARGEST_IMAGE,
            film_path=videos.path,
        )
        ready_made = ReadyMade(pool=pool, fetch=found.fetch_file, directory=directory, clock=clock)
        assets = Assets(
            store=store,
            pool=pool,
            accounts=accounts,
            clock=clock,
            wake=scheduler.wake,
            ready_made=ready_made,
            hands_out_sounds=bool(settings.web.public_url),
        )
        compose = Compose(
            catalog=live.catalog,
            pool=pool,
            defaults=settings.models,
            voices=presets.load_voices(),
            effects=load_effects(in_every_language),
            hands_out_videos=bool(settings.web.public_url),
            video_elements=assets.video_elements,
        )
        telegram = await stack.enter_async_context(
            connect(settings.telegram, runtime, network, accounts.note_gone, meter)
        )
        assistant_http = await stack.enter_async_context(
            network.client(timeout=ASSISTANT_TIMEOUT, proxies=network.proxies_for(settings.assistant.proxy))
        )
        assistant = Assistant(http=assistant_http, settings=settings.assistant, clock=clock)
        tempo = Tempo(settings.delivery.min_speed_kb * 1000, settings.delivery.download_timeout)
        # Anybody may write a link: what results may come from is not for them.
        fetch_linked = partial(download, downloads[None], allow_loopback=images_on_loopback, tempo=tempo)
        line = Line(store=store, pool=pool, clock=clock)
        shows = WorkerPool(SHOWS_AT_ONCE)
        status = Status(store=store, line=line, notices=telegram.notices, work=shows, clock=clock)
        learning = Learning(store=store, pool=pool)
        balances = Balances(pool=pool, learning=learning, clock=clock)
        providers = Providers(
            store=store,
            pool=pool,
            overrides=admin.overrides,
            clock=clock,
            learning=learning,
            balances=balances,
            spending=spending,
        )

        tasks = Tasks(
            store=store,
            access=access,
            status=status,
            policy=policy,
            clock=clock,
            wake=scheduler.wake,
            meter=meter,
        )
        submit = Submit(
            store=store,
            accounts=accounts,
            compose=compose,
            checks=Checks(assets=assets, spending=spending, moderation=moderation, limits=limits),
            groups=settings.groups,
            policy=policy,
            status=status,
            tasks=tasks,
            runtime=runtime,
            wake=scheduler.wake,
        )
        attachments = Attachments(store=store, images=images, limits=limits, directory=directory, clock=clock)
        questions = Questions(store=store, clock=clock)
        services = Services(
            compose=compose,
            cards=Cards(store=store, compose=compose, clock=clock),
            submit=submit,
            attachments=attachments,
            questions=questions,
            markings=Markings(videos=videos, attachments=attachments, questions=questions),
            brushings=Brushings(attachments=attachments, questions=questions),
            results=Results(
                store=store,
                tasks=tasks,
                compose=compose,
                chat=telegram.delivery,
                files=found.files,
                originals=found.originals,
                has_videos=videos.has,
                keep_video=videos.fetch,
            ),
            videos=videos,
            history=History(store),
            links=Links(
                fetch=partial(fetch_linked, max_bytes=LARGEST_IMAGE, kind=Product.IMAGE),
                fetch_video=partial(fetch_linked, max_bytes=LARGEST_VIDEO, kind=Product.VIDEO),
                largest_video=LARGEST_VIDEO,
            ),
            faces=FaceFinder(
                pool=pool,
                images=images,
                fetch=found.fetch_file,
                address=addresses.look,
                check=compose.check,
                directory=directory,
                clock=clock,
            ),
            templates=Templates(configured=settings.ideas, store=store, compose=compose, runtime=runtime),
            assets=assets,
            ready_made=ready_made,
            assistant=assistant,
            accounts=accounts,
            payments=Payments(
                store=store,
                accounts=accounts,
                runtime=runtime,
                packages=settings.packages,
                subscriptions=Subscriptions(
                    store=store, accounts=accounts, runtime=runtime, offered=settings.subscriptions
                ),
                terms=settings.payments,
                audit=admin.audit,
            ),
            pools=GroupWallets(store=store, accounts=accounts, clock=clock, groups=settings.groups),
            promos=admin.promos,
            live=live,
            overrides=admin.overrides,
            access=access,
            admin=admin.admin,
            tasks=tasks,
            task_admin=TaskAdmin(store=store, tasks=tasks, access=access, clock=clock),
            actions=admin_actions(
                admin,
                store=store,
                tasks=tasks,
                runtime=runtime,
                wake=scheduler.wake,
                accept=submit.accept,
                declared=actions,
            ),
            moderation=moderation,
            reports=admin.reports,
            costs=admin.costs,
            business=admin.business,
            broadcasts=admin.broadcasts,
            status=status,
            privacy=Privacy(
                store=store,
                status=status,
                clock=clock,
                retention_days=settings.retention.longest(settings.storage.retention_days),
                sweep=videos.sweep,
            ),
            providers=providers,
            added_providers=added_providers(
                admin,
                settings=settings,
                store=store,
                try_provider=partial(
                    try_account, runtime=runtime, network=network, mask=lambda key: Mask([key]).answer
                ),
                ask_reload=ask_reload,
            ),
            clock=clock,
            stale_after=settings.telegram.stale_after_minutes * MINUTE,
            restored_at=restored_at,
            limits=settings.limits,
        )
        handler = telegram.handler(services, routes)

        by_itself = background.build(
            background.Parts(
                settings=settings,
                runtime=runtime,
                store=store,
                pool=pool,
                directory=directory,
                admin=admin,
                services=services,
                telegram=telegram,
                handler=handler,
                found=found,
                images=images,
                addresses=addresses,
                line=line,
                learning=learning,
                balances=balances,
                spending=spending,
                shows=shows,
                vitals=monitoring.vitals,
                restored_at=restored_at,
                meter=meter,
                is_put_back=is_put_back,
            )
        )
        monitoring.gauges = by_itself.gauges
        yield App(
            store=store,
            services=services,
            inbox=by_itself.inbox,
            watch=by_itself.watch,
            scheduler=scheduler,
            jobs=by_itself.jobs,
            work=by_itself.work,
            read_update=telegram.read,
            restore=by_itself.restore,
            prepare=lambda: handler.prepare(access.roles),
            serving=by_itself.serving,
            monitoring=monitoring,
        )


@asynccontextmanager
async def opened(settings: Settings, reloading: Reloading | None = None) -> AsyncIterator[Building]:
    """Open the store of the settings, on which the bot may be built again and again: nobody else has it meanwhile.

    Each time it is built on the settings that `reloading` has then.

    Raises:
        ConfigError: the database was changed by a newer version, or `monitoring.listen` cannot be used.
        StoreTaken: another process serves with it.
        StoreLost: it is gone or damaged; the admins have been told.

    """
    tell = partial(_tell_unbuilt, settings, Runtime(), Network(proxies=settings.network.proxies))
    store = await open_store(
        settings.store.url, sleep=asyncio.sleep, tell=tell, backups=settings.backup.directory
    )
    try:
        with tracing(settings.monitoring.otel_endpoint, settings.network.proxies) as span:
            # It tells how the bot is also while that waits for Telegram.
            monitoring = Monitoring(Vitals(lambda: Millis(time.monotonic_ns() // 1_000_000)), span)
            async with monitoring.serving(settings.monitoring.listen):
                if reloading is not None:
                    await reloading.begin(partial(with_added, store=store))
                yield lambda clock: build(
                    settings if reloading is None else reloading.settings,
                    clock=clock,
                    store=store,
                    monitoring=monitoring,
                    former=() if reloading is None else reloading.former,
                    ask_reload=lambda: None if reloading is None else reloading.asked.set(),
                )
    finally:
        await store.close()


async def _egresses(
    settings: Settings, former: Sequence[Provider], network: Network, stack: AsyncExitStack
) -> Mapping[ProviderName | None, Egress]:
    """How results are fetched: through the proxy of `delivery`, or else through that of their provider (None: no one's)."""
    own = settings.delivery.proxy
    named: dict[ProviderName | None, SecretStr] = {None: own}
    if not own.get_secret_value():
        # The newest of a name are the last.
        named |= {provider.name: provider.proxy for provider in (*reversed(former), *settings.providers)}
    through = {name: network.proxies_for(setting) for name, setting in named.items()}
    made = {
        proxies: Egress(
            await stack.enter_async_context(network.client(timeout=DOWNLOAD_TIMEOUT, proxies=proxies)),
            proxies,
        )
        for proxies in dict.fromkeys(through.values())
    }
    return {name: made[proxies] for name, proxies in through.items()}


async def _tell_times(store: Store, clock: Clock) -> None:
    """Move the times in the store where the clock was set since it was last open; nothing has read them yet."""
    run, lead = (clock.run, clock.lead) if isinstance(clock, SystemClock) else ("", 0)
    step = await store.times.take_up(clock.now(), run, lead, TOLERATED_STEP)
    if step:
        log.warning("the clock was set; what waits in the store is moved with it", seconds=step / 1000)


async def _tell_unbuilt(
    settings: Settings, runtime: Runtime, network: Network, key: str, **params: object
) -> None:
    """Tell the admins something before there is a bot, by a connection of its own; best effort."""
    with suppress(ConfigError, TimeoutError):
        async with (
            asyncio.timeout(TELLING_SECONDS),
            connect(settings.telegram, runtime, network) as telegram,
        ):
            await tell_admins(telegram.notices, dict.fromkeys(settings.telegram.admins, "en"), key, params)


def _keep_private(directory: Path) -> None:
    """Make a directory for people's files that nobody else on this machine can read.

    One that others own, or that is everybody's (`/tmp`), is left as it is.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if not found.st_mode & 0o077:
        return
    if found.st_uid == os.getuid() and not found.st_mode & stat.S_ISVTX:
        directory.chmod(0o700)
    else:
        log.warning("others on this machine can read what people send", directory=str(directory))
