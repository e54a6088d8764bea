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
from bot.domain.types import UserId
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
    """What a command is about: menus and /help list commands by section, in this order."""

    MAKING = auto()
    LIBRARY = auto()
    RESULTS = auto()
    ACCOUNT = auto()
    SHOP = auto()
    GUIDE = auto()
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

    def is_for(self, role: Role | None) -> bool:
        """Whether it is one of the commands that a role adds to everybody's."""
        return role is not None and self.permission in PERMISSIONS[role]


Change = Callable[[], Awaitable[object]]
"""Something to be set at Telegram."""


class Menus:
    """Which commands people see: in Telegram's menus, and in /help."""

    def __init__(self, entries: Iterable[MenuEntry], chat: Chat, default: str = DEFAULT) -> None:
        """`default` is the language of whoever speaks none that there is."""
        self._entries = sorted(entries, key=lambda entry: 0 if entry.section is None else entry.section.value)
        self._chat = chat
        self._default = default
        self._staff: Mapping[UserId, Role] | None = None

    def listed(self, role: Role | None, *, is_selling: bool) -> list[str]:
        """The commands that /help lists for a role, by section."""
        return [
            entry.name
            for entry in self._entries
            if entry.section is not None
            and (entry.permission is None or entry.is_for(role))
            and (is_selling or not entry.for_sale)
        ]

    def menu(self, menu: Menu, role: Role | None = None) -> list[str]:
        """The commands of a menu; a role's own come last."""
        everybody = [entry.name for entry in self._entries if menu & entry.menu]
        return everybody + [entry.name for entry in self._entries if entry.is_for(role)]

    async def set_all(self, staff: Mapping[UserId, Role]) -> None:
        """Set menus and descriptions. Best effort: a bot without them still works."""
        self._staff = dict(staff)
        await _try(change for t, code in self._languages() for change in self._changes(t, code, staff))

    async def set_for(self, user_id: UserId, role: Role | None) -> None:
        """Give a person the menu of their role; None: everybody's menu again. Best effort."""
        await _try(self._staff_menu(t, code, user_id, role) for t, code in self._languages())

    async def update(self, staff: Mapping[UserId, Role]) -> None:
        """Set the menus of those whose role is another than the last time."""
        before, self._staff = self._staff, dict(staff)
        if before is None:
            return
        for user_id in before.keys() | staff.keys():
            if before.get(user_id) is not staff.get(user_id):
                await self.set_for(user_id, staff.get(user_id))

    def _changes(self, t: Texts, code: str | None, staff: Mapping[UserId, Role]) -> Iterator[Change]:
        chat, private, groups = self._chat, BotCommandScopeAllPrivateChats(), BotCommandScopeAllGroupChats()
        yield partial(chat.set_commands, _commands(t, self.menu(Menu.PRIVATE)), private, code)
        yield partial(chat.set_commands, _commands(t, self.menu(Menu.GROUPS)), groups, code)
        yield partial(chat.set_description, t("about.description"), code)
        yield partial(chat.set_short_description, t("about.short"), code)
        for user_id, role in staff.items():
            # This fails for somebody who has never written to the bot: there is no chat yet. Their /start does it.
            yield self._staff_menu(t, code, user_id, role)

    def _staff_menu(self, t: Texts, code: str | None, user_id: UserId, role: Role | None) -> Change:
        scope = BotCommandScopeChat(user_id)
        if role is None:
            return partial(self._chat.delete_commands, scope, code)
        return partial(self._chat.set_commands, _commands(t, self.menu(Menu.PRIVATE, role)), scope, code)

    def _languages(self) -> Iterator[tuple[Texts, str | None]]:
        """Every language with Telegram's code of it; the default one is also everybody's whose language there is not."""
        yield for_language(self._default), None
        for language in languages():
            # English as the default needs no code besides; another default leaves it to have one.
            if language != DEFAULT or self._default != DEFAULT:
                yield for_language(language), language.split("_")[0]


async def _try(changes: Iterable[Change]) -> None:
    for change in changes:
        try:
            await change()
        except ChatError as error:
            log.info("a menu or description could not be set", kind=type(error).__name__)
            if isinstance(error, ChatBusy):
                # Telegram is out of reach or asks for a pause: taking updates must not wait for it.
                return


def _commands(t: Texts, names: Iterable[str]) -> list[BotCommand]:
    return [BotCommand(name, t(f"command.{name}")) for name in names]
