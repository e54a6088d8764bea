"""What a group reads from the bot beside its videos. Pure."""

from html import escape

from bot.domain.units import Credits
from bot.i18n import Texts
from handlers import views
from handlers.keyboards import Button
from handlers.views import View


def hello(t: Texts, username: str) -> View:
    """What the bot does here, with a command that works also where other bots are."""
    example = t("group.example", username=username)
    return View(t("group.hello", example=escape(example)), [[Button(t("button.copy_example"), copy=example)]])


def budget(t: Texts, spent: Credits, limit: int) -> str:
    """The line of /quota about what the group may spend today."""
    return t("group.budget", used=t.number(spent), limit=views.credits(t, limit))
