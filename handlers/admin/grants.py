"""`/grant` and `/user`, for admins only."""

from telegram import Update

from bot.domain.credits.grants import read_grant
from bot.domain.people.access import Permission
from bot.domain.units import ChatId
from bot.errors import UserError
from bot.i18n import for_language
from handlers.account import group_views
from handlers.chat import views
from handlers.chat.context import Context, answer, operation_of, place_of, tell, user_id_of


async def grant(update: Update, context: Context) -> None:
    """`/grant <user> <credits> [until <day>] [note]`; in a group without a user, or with a chat's id, to the group."""
    services = context.services
    admin = user_id_of(update)
    services.accounts.require_admin(admin)
    place = place_of(update)
    order = read_grant(context.args or [], in_group=not place.is_private)
    amount = order.credits
    chat_id = place.chat_id if order.target is None else order.chat_id
    if chat_id is not None:
        left = await services.pools.grant(
            admin, ChatId(chat_id), amount, update.update_id, order.note, order.until
        )
        await answer(update, context, group_views.granted(context.t, amount, left))
        return
    user = await services.accounts.grant(
        admin, order.target or "", amount, update.update_id, order.note, order.until
    )
    balance = await services.accounts.balance(user.id)
    before = balance.granted - amount
    await services.admin.granted(admin, user.id, before, amount, operation_of(update))
    await answer(update, context, views.granted(context.t, user.name, amount, balance))
    if amount > 0 and user.id != admin:
        theirs = for_language(services.accounts.language_of(user))
        # The credits are theirs all the same where they cannot be told.
        await tell(context, user.id, views.gift(theirs, amount, balance))


async def user(update: Update, context: Context) -> None:
    """`/user <user>`: a person's card."""
    services = context.services
    await services.access.require(user_id_of(update), Permission.LOOK)
    if not context.args:
        raise UserError("error.admin.user_usage")
    found = await services.accounts.find(context.args[0])
    view = views.user_card(
        context.t,
        found.name,
        f"@{found.username} · {found.id}" if found.username else str(found.id),
        services.accounts.plan_of(found).name,
        await services.accounts.balance(found.id),
        await services.tasks.running(found.id),
        await services.accounts.ledger(found.id),
        services.accounts.zone,
        services.clock.now(),
    )
    await answer(update, context, view)
