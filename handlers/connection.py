"""The connection to Telegram: the application, the source of updates, and who acts on them."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import httpx
import structlog
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from httpx_aiohttp import AiohttpTransport
from telegram import Bot, Update
from telegram.constants import UpdateType
from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, ApplicationBuilder, TypeHandler
from telegram.request import HTTPXRequest

from bot.clock import Runtime, Sleep
from bot.domain.people.access import Role
from bot.domain.types import MINUTE, UserId
from bot.errors import ConfigError, LoggedOut
from bot.metrics import UNMEASURED, Meter
from bot.network import Network, why_insecure, why_unreachable
from bot.services.container import Services
from bot.services.ports import (
    ChatError,
    NoUpdates,
    StoredUpdate,
    UnreadableError,
    UnreadUpdate,
    UpdatesRefused,
)
from bot.settings import sections
from handlers import ROUTES, updates
from handlers.chat.keyboards import Signer
from handlers.chat.people import is_from_machine
from handlers.chat.routes import SUBSCRIPTION, Routes
from handlers.dispatcher import Dispatcher, Incoming
from handlers.sending import refusals
from handlers.sending.broadcasts import TelegramBroadcasts
from handlers.sending.chat import Chat, OnGone
from handlers.sending.delivery import TelegramDelivery
from handlers.sending.notices import TelegramNotices
from handlers.sending.pacing import Pacing
from handlers.sending.refusals import Refusal
from handlers.sending.requests import Requests, seconds_of
from handlers.updates import PollingRequest, SendingRequest

R = TypeVar("R", bound=HTTPXRequest)
KlingApplication = Application[Any, Any, Any, Any, Any, Any]

log = structlog.get_logger(__name__)

ALLOWED_UPDATES = (
    UpdateType.MESSAGE,
    UpdateType.EDITED_MESSAGE,
    UpdateType.CALLBACK_QUERY,
    UpdateType.INLINE_QUERY,
    UpdateType.MY_CHAT_MEMBER,
    UpdateType.PRE_CHECKOUT_QUERY,
    SUBSCRIPTION,
)
CONNECTIONS = 800
"""So many requests to Telegram at once: hundreds of chats with slow answers leave room for the others."""

NAME_KEPT = 10 * MINUTE

LARGEST_ANSWER = 64_000_000
"""Bytes of an answer that are read at most; the largest is a file of 20 MB."""

LARGEST_PACKED = 64_000
"""The same of a compressed one, which nobody asked for."""

UPLOAD_SECONDS = 600.0
"""Between two reads or writes of an upload: 50 MB on a slow line."""


LOGGED_OUT_SECONDS = 60.0
"""How often a bot that was logged out asks whether it is taken back."""


class UpdateHandler:
    """Acts on updates with the services; see `bot.services.ports.UpdateProcessor`."""

    def __init__(self, application: KlingApplication, dispatcher: Dispatcher) -> None:
        self._application = application
        self.dispatcher = dispatcher

        async def handle(incoming: Incoming, _: object) -> None:
            await dispatcher.handle(dispatcher.turn(incoming))

        application.add_handler(TypeHandler(Incoming, handle))

    async def process(self, update: StoredUpdate) -> None:
        """Act on one update to its end; see `bot.services.ports.UpdateProcessor`."""
        if is_from_machine(update.payload):
            return
        bot = self._application.bot
        try:
            album, earlier = (
                tuple(filter(None, (Update.de_json(payload, bot).message for payload in payloads)))
                for payloads in (update.album, update.earlier)
            )
            incoming = Incoming(Update.de_json(update.payload, bot), album, earlier)
            updates.check(incoming.update, *album, *earlier)
        except Exception as error:
            raise UnreadableError(updates.error_text(error)) from error
        await self._application.process_update(incoming)

    async def tell(self, update: StoredUpdate, key: str) -> None:
        """Tell who sent an update that nothing is done about it. Best effort."""
        if not is_from_machine(update.payload):
            await self.dispatcher.tell(update, key)

    async def prepare(self, staff: Mapping[UserId, Role]) -> None:
        """Set menus, also those of the people who run the bot, and descriptions; best effort."""
        await self.dispatcher.menus.set_all(staff)

    async def update_menus(self, staff: Mapping[UserId, Role]) -> None:
        """Set the menus of those whose role has changed; best effort."""
        await self.dispatcher.menus.update(staff)


class TelegramSide:
    """Telegram as the services see it: where results and notices go, and where updates come from."""

    def __init__(
        self,
        application: KlingApplication,
        polling: PollingRequest,
        token: str,
        runtime: Runtime,
        on_gone: OnGone | None = None,
        meter: Meter = UNMEASURED,
    ) -> None:
        self.application = application
        self._polling = polling
        self._signer = Signer(token)
        self._clock = runtime.clock
        self._named_at = runtime.clock.now()
        requests = Requests(Pacing(runtime.clock, runtime.sleep), meter)
        self.chat = Chat(bot=application.bot, signer=self._signer, requests=requests, on_gone=on_gone)
        self.delivery = TelegramDelivery(self.chat)
        self.notices = TelegramNotices(self.chat, runtime.clock)
        self.broadcasts = TelegramBroadcasts(self.chat)

    def handler(self, services: Services, routes: Routes | None = None) -> UpdateHandler:
        """What acts on updates with these services; made once."""
        bot = self.application.bot
        return UpdateHandler(
            self.application, Dispatcher(routes or ROUTES, bot, self._signer, self.chat, services)
        )

    async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[StoredUpdate | UnreadUpdate]:
        """Wait for updates; see `bot.services.ports.UpdateSource`. Raises what Telegram answers.

        A webhook that was set meanwhile is removed: for as long as there is one, nothing can be fetched.

        Raises:
            LoggedOut: the bot was logged out of this server.

        """
        url = self.application.bot.base_url
        try:
            return await updates.fetch(self._polling, url, offset, timeout_seconds, ALLOWED_UPDATES)
        except Conflict as error:
            if refusals.read(error) is not Refusal.WEBHOOK_SET:
                raise UpdatesRefused(NoUpdates.TAKEN) from None
            if not await self.remove_webhook():
                raise
            return []
        except InvalidToken:
            raise UpdatesRefused(NoUpdates.TOKEN) from None
        except BadRequest as error:
            if refusals.read(error) is Refusal.LOGGED_OUT:
                raise LoggedOut from None
            raise
        except NetworkError as error:
            insecure = why_insecure(error)
            if insecure is None:
                raise
            if insecure.is_certificate:
                raise UpdatesRefused(NoUpdates.CERTIFICATE, insecure.reason) from None
            # The library takes it for an answer that came too late.
            raise NetworkError(str(insecure)) from None

    async def remove_webhook(self) -> bool:
        """Remove a webhook that an earlier operation of the bot left; whether one was there. Best effort."""
        try:
            host = await self.chat.remove_webhook()
        except ChatError as error:
            log.warning("whether a webhook is set could not be asked", kind=type(error).__name__)
            return False
        if host is not None:
            log.warning("a webhook was set, which keeps updates from being fetched: it is removed", host=host)
        return host is not None

    async def learn_name(self) -> None:
        """Ask Telegram now and then for the bot's own name, which groups address it by: it may have been changed."""
        now = self._clock.now()
        if now - self._named_at < NAME_KEPT:
            return
        self._named_at = now
        bot, before = self.application.bot, self.application.bot.username
        try:
            await bot.get_me()
        except TelegramError as error:
            log.info("the bot's name could not be asked for", kind=type(error).__name__)
        else:
            if bot.username != before:
                log.info("the bot has another name", name=bot.username)

    def read(self, payload: Mapping[str, object]) -> StoredUpdate | UnreadUpdate:
        """Read an update as the Bot API writes it in JSON."""
        return updates.read(payload)


class _Bounded(httpx.AsyncBaseTransport):
    """Reads of an answer no more than its bound, also where it is compressed."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # What is compressed may be a thousand times as large as what is read.
        request.headers["accept-encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        is_plain = response.headers.get("content-encoding", "identity") == "identity"
        response.stream = _BoundedStream(response, LARGEST_ANSWER if is_plain else LARGEST_PACKED)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response, limit: int) -> None:
        self._inner = response.stream
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in cast("httpx.AsyncByteStream", self._inner):
            size += len(chunk)
            if size > self._limit:
                raise httpx.ReadError("the answer does not end")
            yield chunk

    async def aclose(self) -> None:
        await cast("httpx.AsyncByteStream", self._inner).aclose()


@asynccontextmanager
async def _transport(
    settings: sections.Telegram, network: Network, limit: int
) -> AsyncIterator[httpx.AsyncBaseTransport]:
    """Connections that trust the same certificates as httpx, and go through a proxy where the settings name one."""
    if network.transport is not None:
        yield _Bounded(network.transport)
        return
    urls = [httpx.URL(url) for url in (settings.base_url, settings.base_file_url)]
    proxies = network.proxies_for(settings.proxy)
    if any(proxies.find(url.scheme, url.host, url.port) for url in urls):
        async with _Bounded(network.through(proxies, connections=limit)) as bounded:
            yield bounded
        return
    # Over aiohttp, httpx handles ten times as many updates as with its own pool.
    secure = any(url.scheme == "https" for url in urls)
    connector = TCPConnector(limit=limit, ssl=network.tls if secure else True)
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=None)) as session:
        # The session has its own connector: this context is never used, and costs 50 ms where it is to verify.
        yield _Bounded(AiohttpTransport(verify=False, client=session))


def _request(transport: httpx.AsyncBaseTransport, read_timeout: float, kind: type[R]) -> R:
    return kind(
        connection_pool_size=CONNECTIONS,
        read_timeout=read_timeout,
        write_timeout=60,
        connect_timeout=15,
        pool_timeout=60,
        media_write_timeout=UPLOAD_SECONDS,
        # What the environment says of proxies is read with the settings.
        httpx_kwargs={"transport": transport, "trust_env": False},
    )


async def _greet(bot: Bot, sleep: Sleep) -> None:
    """Ask Telegram who we are, for as long as it takes: a bot that starts before its network is up waits."""
    seconds = itertools.chain((1.0, 2.0, 5.0, 10.0), itertools.repeat(30.0))
    while True:
        try:
            await bot.initialize()
        except InvalidToken:
            raise ConfigError(
                ["telegram.token: Telegram refuses it; @BotFather knows the right one"]
            ) from None
        except RetryAfter as error:
            # Whoever comes back too soon after a logout is told how long it takes still.
            wait = seconds_of(error)
            log.warning("Telegram asks for a pause", pause=wait)
            await sleep(wait)
        except NetworkError as error:
            if refusals.read(error) is Refusal.LOGGED_OUT:
                wait = LOGGED_OUT_SECONDS
                log.warning("Telegram does not know the bot now", error=str(LoggedOut()), pause=wait)
            else:
                wait = next(seconds)
                log.warning(
                    "Telegram cannot be reached",
                    reason=why_unreachable(error) or type(error).__name__,
                    pause=wait,
                )
            await sleep(wait)
        else:
            return


@asynccontextmanager
async def connect(
    settings: sections.Telegram,
    runtime: Runtime,
    network: Network,
    on_gone: OnGone | None = None,
    meter: Meter = UNMEASURED,
) -> AsyncIterator[TelegramSide]:
    """Build the application and open its connections; they are closed at the end. `on_gone`: see `Chat`.

    Raises:
        ConfigError: Telegram refuses the token.

    """
    async with (
        _transport(settings, network, CONNECTIONS) as sending,
        _transport(settings, network, 2) as polling,
    ):
        # The time-out of a long poll comes on top: a dead line is noticed within 45 seconds.
        token = settings.token.get_secret_value()
        asking = _request(polling, 15, PollingRequest)
        application: KlingApplication = (
            ApplicationBuilder()
            .token(token)
            .base_url(settings.base_url)
            .base_file_url(settings.base_file_url)
            .local_mode(settings.local_mode)
            .request(_request(sending, 60, SendingRequest))
            .get_updates_request(asking)
            .updater(None)
            .job_queue(None)
            .build()
        )
        await _greet(application.bot, runtime.sleep)
        async with application:
            side = TelegramSide(application, asking, token, runtime, on_gone, meter)
            await side.remove_webhook()
            yield side
