"""What an admin and the person read when somebody gets another plan. Pure."""

from html import escape
from zoneinfo import ZoneInfo

from bot.domain.units import Millis
from bot.i18n import Texts
from handlers.chat.html import View, inline


def moved(t: Texts, name: str, plan: str, until: Millis | None, zone: ZoneInfo, now: Millis) -> View:
    """What an admin's /plan did."""
    who = inline(name, 100)
    if until is None:
        return View(t("admin.moved", name=who, plan=escape(plan)))
    return View(t("admin.moved_until", name=who, plan=escape(plan), moment=t.moment(until, zone, now)))


def told(t: Texts, plan: str, until: Millis | None, zone: ZoneInfo, now: Millis) -> View:
    """The same, to the person who got it."""
    if until is None:
        return View(t("account.moved", plan=escape(plan)))
    return View(t("account.moved_until", plan=escape(plan), moment=t.moment(until, zone, now)))
