"""`/grant` and `/user`, for admins only."""

import re

import structlog
from telegram import Update
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.errors import UserError
from bot.i18n import for_language
from handlers import views
from handlers.context import Context, answer, user_id_of

log = structlog.get_logger(__name__)


async def grant(update: Update, context: Context) -> None:
    """`/grant <user> <credits> [note]`: credits to somebody's balance; negative ones take away."""
    services = context.services
    admin = user_id_of(update)
    services.accounts.require_admin(admin)
    arguments = context.args or []
    if len(arguments) < 2 or not re.fullmatch(r"[+-]?\d{1,9}", arguments[1], re.ASCII):
        raise UserError("error.admin.grant_usage")
    amount = int(arguments[1])
    note = " ".join(arguments[2:])
    user = await services.accounts.grant(admin, arguments[0], amount, update.update_id, note)
    balance = await services.accounts.balance(user.id)
    await answer(update, context, views.granted(context.t, user.name, amount, balance))
    if amount > 0 and user.id != admin:
        theirs = for_language(services.accounts.language_of(user))
        try:
            await context.bot.send_message(
                user.id, views.gift(theirs, amount, balance).html, parse_mode=ParseMode.HTML
            )
        except TelegramError as error:
            # The credits are theirs all the same.
            log.info("a grant could not be told", user=user.id, kind=type(error).__name__)


async def user(update: Update, context: Context) -> None:
    """`/user <user>`: a person's card."""
    services = context.services
    services.accounts.require_admin(user_id_of(update))
    if not context.args:
        raise UserError("error.admin.user_usage")
    found = await services.accounts.find(context.args[0])
    view = views.user_card(
        context.t,
        found.name,
        f"@{found.username} · {found.id}" if found.username else str(found.id),
        services.accounts.plan_of(found).name,
        await services.accounts.balance(found.id),
        await services.submit.running(found.id),
        await services.accounts.ledger(found.id),
        services.accounts.zone,
        services.clock.now(),
    )
    await answer(update, context, view)
