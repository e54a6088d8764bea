"""The connection to Telegram: the application, the source of updates, and the bot's public face."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from httpx_aiohttp import AiohttpTransport
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    Update,
)
from telegram.constants import UpdateType
from telegram.error import InvalidToken, NetworkError, TelegramError
from telegram.ext import Application, ApplicationBuilder, ContextTypes
from telegram.request import HTTPXRequest

from bot.clock import Clock
from bot.domain.units import ChatId, Millis, UserId
from bot.errors import ConfigError
from bot.i18n import for_language, languages
from bot.services.container import Services
from bot.services.ports import RawUpdate
from handlers import register
from handlers.context import Context, Tools
from handlers.keyboards import Signer
from handlers.messenger import TelegramMessenger

log = structlog.get_logger(__name__)

ALLOWED_UPDATES = (UpdateType.MESSAGE, UpdateType.CALLBACK_QUERY, UpdateType.MY_CHAT_MEMBER)
USER_COMMANDS = ("video", "tasks", "quota", "cancel", "language", "help")
GROUP_COMMANDS = ("video", "tasks", "quota", "cancel")
ADMIN_COMMANDS = ("grant", "user")
CONNECTIONS = 32


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

    def __init__(
        self, application: Application[Any, Any, Any, Any, Any, Any], connection: Connection, clock: Clock
    ) -> None:
        self._application = application
        self._admins = connection.admins
        self._signer = Signer(connection.token)
        self.messenger = TelegramMessenger(application.bot, self._signer, clock, connection.admins)

    def serve(self, services: Services) -> None:
        """Give the handlers the services that they call."""
        self._application.bot_data["tools"] = Tools(services, self._signer)

    async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[RawUpdate]:
        """Wait for updates; see `bot.services.ports.UpdateSource`."""
        updates = await self._application.bot.get_updates(
            offset=offset, timeout=timeout_seconds, allowed_updates=list(ALLOWED_UPDATES)
        )
        return [_raw(update) for update in updates]

    async def process(self, update: RawUpdate) -> None:
        """Act on one update to its end; see `bot.services.ports.UpdateProcessor`."""
        read = Update.de_json(update.payload, self._application.bot)
        await self._application.process_update(read)

    async def prepare(self) -> None:
        """Set menus and descriptions; a bot without them still works, so failures are only logged."""
        bot = self._application.bot
        try:
            for language in (None, *languages()):
                texts = for_language(language or "en")
                code = None if language is None else language.split("_")[0]
                private = [BotCommand(name, texts(f"command.{name}")) for name in USER_COMMANDS]
                groups = [BotCommand(name, texts(f"command.{name}")) for name in GROUP_COMMANDS]
                await bot.set_my_commands(private, BotCommandScopeAllPrivateChats(), code)
                await bot.set_my_commands(groups, BotCommandScopeAllGroupChats(), code)
                await bot.set_my_description(texts("about.description"), code)
                await bot.set_my_short_description(texts("about.short"), code)
                for admin in self._admins:
                    extra = [BotCommand(name, texts(f"command.{name}")) for name in ADMIN_COMMANDS]
                    await _for_admin(bot, admin, [*private, *extra], code)
        except TelegramError as error:
            log.warning("menus and descriptions could not be set", kind=type(error).__name__)


async def _for_admin(bot: Any, admin: UserId, commands: list[BotCommand], code: str | None) -> None:
    try:
        await bot.set_my_commands(commands, BotCommandScopeChat(admin), code)
    except TelegramError as error:
        # An admin who has never written to the bot has no chat with it yet.
        log.info("an admin has no menu yet", admin=admin, kind=type(error).__name__)


def _raw(update: Update) -> RawUpdate:
    chat = update.effective_chat
    message = update.message
    sent_at = None if message is None else Millis(int(message.date.timestamp() * 1000))
    return RawUpdate(update.update_id, None if chat is None else ChatId(chat.id), update.to_dict(), sent_at)


def _request(session: ClientSession) -> HTTPXRequest:
    # Over aiohttp, httpx handles ten times as many updates as with its own pool.
    return HTTPXRequest(
        connection_pool_size=CONNECTIONS,
        read_timeout=60,
        write_timeout=60,
        connect_timeout=15,
        pool_timeout=60,
        media_write_timeout=600,
        httpx_kwargs={"transport": AiohttpTransport(client=session)},
    )


async def _greet(bot: Bot, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Ask Telegram who we are, for as long as it takes: a bot that starts before its network is up waits."""
    pauses = itertools.chain((1, 2, 5, 10), itertools.repeat(30))
    while True:
        try:
            await bot.initialize()
        except InvalidToken:
            raise ConfigError(
                ["telegram.token: Telegram refuses it; @BotFather knows the right one"]
            ) from None
        except NetworkError as error:
            pause = next(pauses)
            log.warning("Telegram cannot be reached", kind=type(error).__name__, pause=pause)
            await sleep(pause)
        else:
            return


@asynccontextmanager
async def connect(
    connection: Connection, clock: Clock, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[TelegramSide]:
    """Build the application and open its connections; they are closed at the end.

    Raises:
        ConfigError: Telegram refuses the token.

    """
    async with (
        ClientSession(
            connector=TCPConnector(limit=CONNECTIONS), timeout=ClientTimeout(total=None)
        ) as sending,
        ClientSession(connector=TCPConnector(limit=2), timeout=ClientTimeout(total=None)) as polling,
    ):
        application = (
            ApplicationBuilder()
            .token(connection.token)
            .base_url(connection.base_url)
            .base_file_url(connection.base_file_url)
            .local_mode(connection.local_mode)
            .request(_request(sending))
            .get_updates_request(_request(polling))
            .context_types(ContextTypes(context=Context))
            .updater(None)
            .job_queue(None)
            .build()
        )
        register(application)
        await _greet(application.bot, sleep)
        async with application:
            yield TelegramSide(application, connection, clock)
