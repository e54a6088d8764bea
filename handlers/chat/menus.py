"""The bot's public face: command menus by language and scope, and its descriptions."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, Flag, auto
from functools import partial

import structlog
from telegram import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
)

from bot.domain.people.access import PERMISSIONS, Permission, Role
from bot.domain.units import UserId
from bot.i18n import DEFAULT, Texts, for_language, languages
from bot.services.ports import ChatBusy, ChatError
from handlers.sending.chat import Chat

log = structlog.get_logger(__name__)


class Menu(Flag):
    """In which of Telegram's command menus a command stands: a long menu is not read."""

    NONE = 0
    PRIVATE = auto()
    GROUPS = auto()


class Section(Enum):
    """Where /help lists a command; the sections are in order."""

    MAKING = auto()
    LIBRARY = auto()
    RESULTS = auto()
    GUIDE = auto()
    SHOP = auto()
    ACCOUNT = auto()
    STAFF = auto()


@dataclass(frozen=True)
class MenuEntry:
    """A command as people see it. With a `permission` it is for the roles that have it; None as `section` hides it.

    A command `for_sale` is shown only where something is sold.
    """

    name: str
    permission: Permission | None = field(default=None, kw_only=True)
    section: Section | None = field(default=None, kw_only=True)
    menu: Menu = field(default=Menu.NONE, kw_only=True)
    for_sale: bool = field(default=False, kw_only=True)


Change = Callable[[], Awaitable[object]]
"""Something to be set at Telegram."""

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
    "element",
    "elements",
    "voice",
    "myvoices",
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
STAFF_COMMANDS: Mapping[str, Permission] = {
    "admin": Permission.LOOK,
    "user": Permission.LOOK,
    "stats": Permission.LOOK,
    "strikes": Permission.LOOK,
    "grant": Permission.CREDITS,
    "plan": Permission.CREDITS,
    "refund": Permission.CREDITS,
    "providers": Permission.OPERATE,
    "maintenance": Permission.OPERATE,
    "invitecode": Permission.ADMIT,
    "ban": Permission.BAN,
    "unban": Permission.BAN,
    "audit": Permission.AUDIT,
    "role": Permission.APPOINT,
}
"""Commands of those who run the bot, with what their role must allow."""


def staff_commands(role: Role | None) -> tuple[str, ...]:
    """The commands that a role adds to everybody's."""
    allowed = PERMISSIONS[role] if role is not None else frozenset()
    return tuple(command for command, permission in STAFF_COMMANDS.items() if permission in allowed)


async def set_menus(chat: Chat, staff: Mapping[UserId, Role]) -> None:
    """Set menus and descriptions. Best effort: a bot without them still works."""
    await _try(change for t, code in _languages() for change in _changes(chat, t, code, staff))


async def set_staff_menu(chat: Chat, user_id: UserId, role: Role | None) -> None:
    """Give a person the menu of their role; None: everybody's menu again. Best effort."""
    await _try(_staff_menu(chat, t, code, user_id, role) for t, code in _languages())


def _languages() -> Iterator[tuple[Texts, str | None]]:
    """Every language with Telegram's code of it: the default one is also everybody's whose language there is not."""
    for language in languages():
        yield for_language(language), None if language == DEFAULT else language.split("_")[0]


async def _try(changes: Iterable[Change]) -> None:
    for change in changes:
        try:
            await change()
        except ChatError as error:
            log.info("a menu or description could not be set", kind=type(error).__name__)
            if isinstance(error, ChatBusy):
                # Telegram is out of reach or asks for a pause: taking updates must not wait for it.
                return


def _changes(chat: Chat, t: Texts, code: str | None, staff: Mapping[UserId, Role]) -> Iterator[Change]:
    private, groups = BotCommandScopeAllPrivateChats(), BotCommandScopeAllGroupChats()
    yield partial(chat.set_commands, _commands(t, USER_COMMANDS), private, code)
    yield partial(chat.set_commands, _commands(t, GROUP_COMMANDS), groups, code)
    yield partial(chat.set_description, t("about.description"), code)
    yield partial(chat.set_short_description, t("about.short"), code)
    for user_id, role in staff.items():
        # This fails for somebody who has never written to the bot: there is no chat yet. Their /start does it.
        yield _staff_menu(chat, t, code, user_id, role)


def _staff_menu(chat: Chat, t: Texts, code: str | None, user_id: UserId, role: Role | None) -> Change:
    scope = BotCommandScopeChat(user_id)
    if role is None:
        return partial(chat.delete_commands, scope, code)
    return partial(chat.set_commands, _commands(t, (*USER_COMMANDS, *staff_commands(role))), scope, code)


def _commands(t: Texts, names: Iterable[str]) -> list[BotCommand]:
    return [BotCommand(name, t(f"command.{name}")) for name in names]
