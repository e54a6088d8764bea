"""What the pages of the admin panel share: their buttons, and questions that the next message answers.

The panel is one message, which each press edits. A page is a function from a turn and a button's payload to
a `View`; it may do something before, and the services check the role and write the audit log.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.people.access import Permission
from bot.domain.requests.question import Content
from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import Texts
from handlers.chat.html import View
from handlers.chat.keyboards import CONFIRM, DANGER, Button, Payload
from handlers.chat.routes import Press, QuestionKind
from handlers.chat.turn import Turn

P = TypeVar("P", bound=Payload)

Page = Callable[[Turn, P], Awaitable[View]]
"""Does what a button asks for, and returns what the panel shows then."""


class ShowHome(Payload, action="panel.home"):
    """Show the panel's first page."""


class StopAsking(Payload, action="panel.stop"):
    """Forget the open question."""


@dataclass(frozen=True)
class ShowCard(Payload, action="panel.card"):
    """Show a person."""

    user_id: UserId


@dataclass(frozen=True)
class ShowLog(Payload, action="panel.log"):
    """Show the audit log of a person."""

    user_id: UserId
    page: int = 0


# -- declarations ------------------------------------------------------------------------------------


def page(payload: type[P], show: Page[P], permission: Permission) -> Press[P]:
    """A button that leads to a page. A person who has lost their role still has its buttons."""

    async def on_press(turn: Turn, button: P) -> None:
        await turn.edit(await show(turn, button))

    return Press(payload, on_press, permission=permission)


def question(payload: type[P], key: str, permission: Permission) -> Press[P]:
    """A button that asks for words; `key` is the question."""

    async def show(turn: Turn, button: P) -> View:
        return await ask(turn, button, key)

    return page(payload, show, permission)


def reply(
    payload: type[P], show: Page[P], permission: Permission, accepts: Content = Content.TEXT
) -> QuestionKind[P]:
    """What is done with the words that the button `payload` asked for, by whoever still has the permission."""

    async def on_reply(turn: Turn, about: P) -> None:
        try:
            await turn.services.access.require(turn.user_id, permission)
        except UserError:
            await turn.stop_asking()
            raise
        await turn.answer(await show(turn, about))

    return QuestionKind(payload, accepts, on_reply)


async def ask(turn: Turn, button: Payload, key: str, **params: object) -> View:
    """Ask for words; they go to the `reply` that was declared for the button, with the button's payload.

    Raises:
        UserError: it is a group, where everybody would read them.

    """
    if not turn.is_private:
        raise UserError("error.admin.in_private")
    await turn.ask(button)
    stop = to(turn.user_id, turn.t("button.panel_never_mind"), StopAsking())
    return View(turn.t(key, **params), [[stop]])


# -- buttons -----------------------------------------------------------------------------------------


def to(owner: UserId, text: str, payload: Payload, *, danger: bool = False, confirm: bool = False) -> Button:
    """A button of the panel, which only its owner may press."""
    style = DANGER if danger else CONFIRM if confirm else None
    return Button(text, payload, owner=owner, style=style)


def back(t: Texts, owner: UserId) -> list[Button]:
    """The button to the first page."""
    return [to(owner, t("button.panel_home"), ShowHome())]
