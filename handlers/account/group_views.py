"""What a group reads from the bot beside its videos. Pure."""

from html import escape
from zoneinfo import ZoneInfo

from bot.domain.credits.quota import Lot, PoolUse
from bot.domain.units import Credits, Millis
from bot.i18n import Texts
from bot.services.credits.pools import PoolStanding
from handlers.chat.html import View, credits, inline  # noqa: A004  the word of the domain
from handlers.chat.keyboards import Button


def hello(t: Texts, username: str) -> View:
    """What the bot does here, with a command that works also where other bots are."""
    example = t("group.example", username=username)
    return View(t("group.hello", example=escape(example)), [[Button(t("button.copy_example"), copy=example)]])


def budget(t: Texts, spent: Credits, limit: int) -> str:
    """The line of /quota about what the group may spend today."""
    return t("group.budget", used=t.number(spent), limit=credits(t, limit))


def granted(t: Texts, amount: int, left: Credits) -> View:
    """What an admin's grant to a group did; a negative one took away."""
    key = "group.pool_granted" if amount > 0 else "group.pool_taken"
    return View(t(key, credits=credits(t, abs(amount)), left=credits(t, left)))


def pool(t: Texts, standing: PoolStanding, zone: ZoneInfo, now: Millis) -> str:
    """The lines of /quota about what the group has of its own, and who spent of it this month."""
    only = standing.use is PoolUse.ONLY
    lines = [t("group.pool_only" if only else "group.pool", left=credits(t, standing.left))]
    lines += [lot_line(t, lot, zone, now) for lot in standing.lots if lot.expires_at is not None]
    lines += [
        t(
            "group.spender",
            name=t("group.somebody") if spender.name is None else inline(spender.name, 40),
            credits=credits(t, spender.spent),
        )
        for spender in standing.spenders
    ]
    return "\n".join(lines)


# -- views -------------------------------------------------------------------------------------------


def lot_line(t: Texts, lot: Lot, zone: ZoneInfo, now: Millis) -> str:
    """Credits that end, or have ended."""
    if lot.expires_at is None:
        return t("quota.lot", credits=credits(t, lot.left))
    key = "quota.lot_until" if lot.expires_at > now else "quota.lot_ended"
    return t(key, credits=credits(t, lot.left), moment=t.moment(lot.expires_at, zone, now))
