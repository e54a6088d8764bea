"""`/quota`: what one may spend."""

from dataclasses import replace
from html import escape
from zoneinfo import ZoneInfo

from telegram import Update

from bot.domain.units import Millis
from bot.i18n import Texts
from bot.services.ports import Balance
from handlers.account import group_views
from handlers.chat.context import Context, answer, place_of, user_id_of
from handlers.chat.html import View, credits  # noqa: A004  the word of the domain


async def quota(update: Update, context: Context) -> None:
    """What one may spend, what is reserved, and when there is more."""
    services = context.services
    balance = await services.accounts.balance(user_id_of(update))
    view = balance_view(context.t, balance, services.accounts.zone, services.clock.now())
    zone, now = services.accounts.zone, services.clock.now()
    lots = await services.accounts.lots(user_id_of(update))
    lines = [view.html, *(group_views.lot_line(context.t, lot, zone, now) for lot in lots)]
    place = place_of(update)
    standing = None if place.is_private else await services.pools.budget(place.chat_id)
    if standing is not None:
        lines.append(group_views.budget(context.t, *standing))
    pool = None if place.is_private else await services.pools.standing(place.chat_id)
    if pool is not None:
        lines.append(group_views.pool(context.t, pool, zone, now))
    await answer(update, context, replace(view, html="\n".join(lines)))


# -- views -------------------------------------------------------------------------------------------


def balance_view(t: Texts, balance: Balance, zone: ZoneInfo, now: Millis) -> View:
    """What a person may spend, and when there is more."""
    lines = [t("quota.available", credits=credits(t, balance.available))]
    if balance.day_limit is not None:
        lines.append(t("quota.day", used=t.number(balance.day_spent), limit=t.number(balance.day_limit)))
    if balance.month_limit is not None:
        lines.append(
            t("quota.month", used=t.number(balance.month_spent), limit=t.number(balance.month_limit))
        )
    if balance.granted:
        lines.append(t("quota.granted", credits=credits(t, balance.granted)))
    if balance.held:
        lines.append(t("quota.held", credits=credits(t, balance.held)))
    lines.append(t("quota.running", running=balance.running, limit=balance.max_running))
    if balance.plan_until is not None:
        moment = t.moment(balance.plan_until, zone, now)
        lines.append(t("quota.plan_until", plan=escape(balance.plan), moment=moment))
    elif balance.plan:
        lines.append(t("quota.plan", plan=escape(balance.plan)))
    if balance.resets_at is not None:
        lines.append(t("quota.resets", moment=t.moment(balance.resets_at, zone, now)))
    return View("\n".join(lines))
