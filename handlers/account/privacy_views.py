"""What people read about their own data. Pure."""

from bot.domain.units import UserId
from bot.i18n import Texts
from handlers.chat.html import View
from handlers.chat.keyboards import DANGER, Button


def privacy(t: Texts, days: int, owner: UserId) -> View:
    """What is kept, for how long, who gets it, and what one can do about it."""
    parts = [
        t("privacy.kept"),
        t.plural("privacy.how_long", days),
        t("privacy.who"),
        t("privacy.rights"),
    ]
    return View(
        "\n\n".join(parts),
        [
            [Button(t("button.export"), "export", owner=owner)],
            [Button(t("button.forget"), "forget", "ask", owner, style=DANGER)],
        ],
    )


def question(t: Texts, owner: UserId) -> View:
    """Ask once before everything is gone."""
    return View(
        t("forget.question"),
        [
            [Button(t("button.forget_all"), "forget", "yes", owner, style=DANGER)],
            [Button(t("button.keep_all"), "forget", "no", owner)],
        ],
    )
