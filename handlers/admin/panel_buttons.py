"""The buttons of the admin panel: each leads to a room, and only whom it was made for may press it. Pure."""

from bot.domain.units import UserId
from bot.i18n import Texts
from handlers.chat.keyboards import CONFIRM, DANGER, Button

PANEL = "panel"


def to(owner: UserId, text: str, where: str, *, danger: bool = False, confirm: bool = False) -> Button:
    """A button to a room, such as `card.1001`."""
    style = DANGER if danger else CONFIRM if confirm else None
    return Button(text, PANEL, where, owner, style=style)


def back(t: Texts, owner: UserId) -> list[Button]:
    """The way to where everything begins."""
    return [to(owner, t("button.panel_home"), "home")]


def pages(t: Texts, owner: UserId, where: str, page: int, *, more: bool) -> list[Button]:
    """The ways to the page before and the page after."""
    before = [to(owner, t("button.newer"), f"{where}.{page - 1}")] if page else []
    after = [to(owner, t("button.older"), f"{where}.{page + 1}")] if more else []
    return [*before, *after]
