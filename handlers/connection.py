"""The connection to Telegram: the application, the source of updates, and who acts on them."""

import asyncio
import ipaddress
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import structlog
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from httpx_aiohttp import AiohttpTransport
from telegram import Bot, Update
from telegram.constants import UpdateType
from telegram.error import InvalidToken, NetworkError
from telegram.ext import ApplicationBuilder, ContextTypes
from telegram.request import HTTPXRequest

from bot.clock import Clock
from bot.domain.people.access import Role
from bot.domain.units import ChatId, Millis, UserId
from bot.errors import ConfigError
from bot.services.container import Services
from bot.services.ports import RawUpdate
from handlers import register
from handlers.chat.context import Context, KlingApplication, Pause, Tools
from handlers.chat.keyboards import Signer
from handlers.chat.menus import set_menus
from handlers.sending.asset_letters import TelegramAssetChat
from handlers.sending.letters import TelegramLetters
from handlers.sending.messenger import TelegramMessenger
from handlers.shop import subscriptions

log = structlog.get_logger(__name__)

ALLOWED_UPDATES = (
    UpdateType.MESSAGE,
    UpdateType.EDITED_MESSAGE,
    UpdateType.CALLBACK_QUERY,
    UpdateType.INLINE_QUERY,
    UpdateType.MY_CHAT_MEMBER,
    UpdateType.PRE_CHECKOUT_QUERY,
    subscriptions.UPDATE,
)
CONNECTIONS = 32
UPLOAD_SECONDS = 600.0
"""Between two reads or writes of an upload: 50 MB on a slow line."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the Bot API is, and with which token."""

    token: str
    base_url: str
    base_file_url: str
    local_mode: bool
    admins: frozenset[UserId]


class TelegramSide:
    """Telegram as the services see it: a messenger, a source of updates, and who acts on them."""

    def __init__(self, application: KlingApplication, connection: Connection, clock: Clock) -> None:
        self._application = application
        self._signer = Signer(connection.token)
        self.asset_chat = TelegramAssetChat(application.bot)
        self.letters = TelegramLetters(application.bot, self._signer)
        self.messenger = TelegramMessenger(application.bot, self._signer, clock, connection.admins)

    @property
    def application(self) -> KlingApplication:
        """python-telegram-bot's application, with every handler."""
        return self._application

    def serve(self, services: Services) -> None:
        """Give the handlers the services that they call, before the first update."""
        tools = self._application.bot_data
        tools.services, tools.signer = services, self._signer
        self.messenger.read_languages_from(services.accounts)
        self.messenger.offer_what_can_be_made(services.results)

    async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[RawUpdate]:
        """Wait for updates; see `bot.services.ports.UpdateSource`. Raises what Telegram answers."""
        updates = await self._application.bot.get_updates(
            offset=offset, timeout=timeout_seconds, allowed_updates=list(ALLOWED_UPDATES)
        )
        return [_raw(update) for update in updates]

    async def process(self, update: RawUpdate) -> None:
        """Act on one update to its end; see `bot.services.ports.UpdateProcessor`."""
        bot, albums = self._application.bot, self._application.bot_data.albums
        read = Update.de_json(update.payload, bot)
        others = [Update.de_json(payload, bot).message for payload in update.album]
        albums[update.update_id] = tuple(message for message in others if message is not None)
        try:
            await self._application.process_update(read)
        finally:
            del albums[update.update_id]
            self._application.bot_data.spoken.pop(update.update_id, None)

    async def prepare(self, staff: Mapping[UserId, Role]) -> None:
        """Set menus, also those of the people who run the bot, and descriptions; best effort."""
        await set_menus(self._application.bot, staff)


def _raw(update: Update) -> RawUpdate:
    chat = update.effective_chat
    message = update.message
    sent_at = None if message is None else Millis(int(message.date.timestamp() * 1000))
    return RawUpdate(update.update_id, None if chat is None else ChatId(chat.id), update.to_dict(), sent_at)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _session(connection: Connection, limit: int) -> ClientSession:
    """Connections that trust the same certificates as httpx, and go through a proxy where the system names one."""
    connector = TCPConnector(limit=limit, ssl=httpx.create_ssl_context())
    return ClientSession(
        connector=connector,
        timeout=ClientTimeout(total=None),
        trust_env=not _is_loopback(connection.base_url),
    )


def _request(session: ClientSession, read_timeout: float) -> HTTPXRequest:
    # Over aiohttp, httpx handles ten times as many updates as with its own pool.
    return HTTPXRequest(
        connection_pool_size=CONNECTIONS,
        read_timeout=read_timeout,
        write_timeout=60,
        connect_timeout=15,
        pool_timeout=60,
        media_write_timeout=UPLOAD_SECONDS,
        httpx_kwargs={"transport": AiohttpTransport(client=session)},
    )


async def _greet(bot: Bot, pause: Pause) -> None:
    """Ask Telegram who we are, for as long as it takes: a bot that starts before its network is up waits."""
    seconds = itertools.chain((1, 2, 5, 10), itertools.repeat(30))
    while True:
        try:
            await bot.initialize()
        except InvalidToken:
            raise ConfigError(
                ["telegram.token: Telegram refuses it; @BotFather knows the right one"]
            ) from None
        except NetworkError as error:
            wait = next(seconds)
            log.warning("Telegram cannot be reached", kind=type(error).__name__, pause=wait)
            await pause(wait)
        else:
            return


@asynccontextmanager
async def connect(
    connection: Connection, clock: Clock, *, sleep: Pause = asyncio.sleep
) -> AsyncIterator[TelegramSide]:
    """Build the application and open its connections; they are closed at the end.

    Raises:
        ConfigError: Telegram refuses the token.

    """
    async with _session(connection, CONNECTIONS) as sending, _session(connection, 2) as polling:
        # The time-out of a long poll comes on top: a dead line is noticed within 45 seconds.
        application: KlingApplication = (
            ApplicationBuilder()
            .token(connection.token)
            .base_url(connection.base_url)
            .base_file_url(connection.base_file_url)
            .local_mode(connection.local_mode)
            .request(_request(sending, 60))
            .get_updates_request(_request(polling, 15))
            .context_types(ContextTypes(context=Context, bot_data=Tools))
            .updater(None)
            .job_queue(None)
            .build()
        )
        application.bot_data.pause = sleep
        register(application)
        await _greet(application.bot, sleep)
        async with application:
            yield TelegramSide(application, connection, clock)
