"""`/grant` and `/user`, for admins only."""

import re
from html import escape

from telegram import Update

from bot.errors import UserError
from handlers import views
from handlers.context import Context, answer, user_id_of


async def grant(update: Update, context: Context) -> None:
    """`/grant <user> <credits> [note]`: credits to somebody's balance; negative ones take away."""
    services = context.services
    admin = user_id_of(update)
    services.accounts.require_admin(admin)
    arguments = context.args or []
    if len(arguments) < 2 or not re.fullmatch(r"[+-]?\d{1,9}", arguments[1]):
        raise UserError("error.admin.grant_usage")
    amount = int(arguments[1])
    note = " ".join(arguments[2:])
    user = await services.accounts.grant(admin, arguments[0], amount, update.update_id, note)
    balance = await services.accounts.balance(user.id)
    t = context.t
    text = t(
        "admin.granted" if amount > 0 else "admin.taken",
        credits=views.credits(t, abs(amount)),
        name=escape(user.name),
        available=views.credits(t, balance.available),
    )
    await answer(update, context, views.View(text))


async def user(update: Update, context: Context) -> None:
    """`/user <user>`: a person's card."""
    services = context.services
    services.accounts.require_admin(user_id_of(update))
    if not context.args:
        raise UserError("error.admin.user_usage")
    found = await services.accounts.find(context.args[0])
    balance = await services.accounts.balance(found.id)
    rows = await services.accounts.ledger(found.id)
    identity = f"@{found.username} · {found.id}" if found.username else str(found.id)
    view = views.user_card(
        context.t,
        found.name,
        identity,
        services.accounts.plan_of(found).name,
        balance,
        rows,
        services.accounts.zone,
        services.clock.now(),
    )
    await answer(update, context, view)
