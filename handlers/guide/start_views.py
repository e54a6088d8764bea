"""What a newcomer reads: the one screen of /start, and the link that invites others. Pure."""

from bot.domain.units import UserId
from bot.i18n import Texts
from bot.services.ports import Balance
from handlers.chat import html
from handlers.chat.html import View
from handlers.chat.keyboards import CONFIRM, Button

EXAMPLES = ("1", "2", "3")
"""The prompts to try: `start.example_1` is what is made, `start.try_1` what its button says."""


def start(t: Texts, name: str, balance: Balance, owner: UserId, notice: str = "") -> View:
    """One screen: what the bot does, what one may spend, and three things to try."""
    text = t("start.text", name=html.inline(name, 60), credits=html.credits(t, balance.available))
    tries = [
        [Button(t(f"start.try_{number}"), "try", number, owner, style=CONFIRM if number == "1" else None)]
        for number in EXAMPLES
    ]
    more = [
        Button(t("tips.button.ideas"), "ideas", "", owner),
        Button(t("button.copy_example"), copy=t("example.command")),
    ]
    if notice:
        text = f"{text}\n{html.quoted(notice, 600)}"
    return View(text, [*tries, more])


def invitation(t: Texts, link: str) -> View:
    """The link that invites somebody, to be passed on."""
    return View(f"{t('invite.text')}\n{html.inline(link, 200)}", [[Button(t("button.copy_link"), copy=link)]])
