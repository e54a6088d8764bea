"""The bot's public face: command menus by language and scope, and its descriptions."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
)
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bot.domain.units import UserId
from bot.i18n import DEFAULT, Texts, for_language, languages

log = structlog.get_logger(__name__)

USER_COMMANDS = ("video", "new", "image", "settings", "quota", "tasks", "history", "help")
MORE_COMMANDS = (
    "effect",
    "extend",
    "edit",
    "lipsync",
    "avatar",
    "tryon",
    "motion",
    "expand",
    "sound",
    "models",
    "prices",
    "buy",
    "terms",
    "paysupport",
    "voices",
    "effects",
    "favourites",
    "show",
    "ideas",
    "tips",
    "save",
    "recipes",
    "invite",
    "usage",
    "unsubscribe",
    "privacy",
    "export",
    "forget",
    "cancel",
    "language",
)
"""These stand in /help: a menu of more than a few lines is not read."""

SALES_COMMANDS = ("buy", "terms", "paysupport", "refund")
"""Where nothing is sold, /help says nothing of these."""

GROUP_COMMANDS = ("video", "tasks", "quota", "cancel")
ADMIN_COMMANDS = (
    "admin",
    "grant",
    "user",
    "plan",
    "refund",
    "providers",
    "invitecode",
    "ban",
    "unban",
    "role",
    "maintenance",
    "stats",
    "strikes",
    "audit",
)


async def set_menus(bot: Bot, admins: Iterable[UserId]) -> None:
    """Set menus and descriptions. Best effort: a bot without them still works."""
    for language in languages():
        # The default language is also everybody's whose language there is not.
        code = None if language == DEFAULT else language.split("_")[0]
        for change in _changes(bot, for_language(language), code, admins):
            try:
                await change()
            except TelegramError as error:
                log.info(
                    "a menu or description could not be set", kind=type(error).__name__, language=language
                )
                if isinstance(error, (NetworkError, RetryAfter)) and not isinstance(error, BadRequest):
                    # Telegram is out of reach or asks for a pause: taking updates must not wait for it.
                    return


def _changes(
    bot: Bot, t: Texts, code: str | None, admins: Iterable[UserId]
) -> Iterable[Callable[[], Awaitable[object]]]:
    private = _commands(t, USER_COMMANDS)
    yield partial(bot.set_my_commands, private, BotCommandScopeAllPrivateChats(), code)
    yield partial(bot.set_my_commands, _commands(t, GROUP_COMMANDS), BotCommandScopeAllGroupChats(), code)
    yield partial(bot.set_my_description, t("about.description"), code)
    yield partial(bot.set_my_short_description, t("about.short"), code)
    for admin in admins:
        # This fails for an admin who has never written to the bot: there is no chat yet.
        menu = [*private, *_commands(t, ADMIN_COMMANDS)]
        yield partial(bot.set_my_commands, menu, BotCommandScopeChat(admin), code)


def _commands(t: Texts, names: Iterable[str]) -> list[BotCommand]:
    return [BotCommand(name, t(f"command.{name}")) for name in names]
