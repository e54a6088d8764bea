"""`/plan`, for admins only: move somebody to a plan, for good or until a day."""

from telegram import Update

from bot.errors import UserError
from bot.i18n import for_language
from handlers.admin import plan_views
from handlers.chat.context import Context, answer, tell, user_id_of


async def plan(update: Update, context: Context) -> None:
    """`/plan <user> <plan> [until]`."""
    services = context.services
    accounts = services.accounts
    admin = user_id_of(update)
    accounts.require_admin(admin)
    # "until" may be said, and need not be.
    arguments = [word for word in context.args or [] if word.lower() != "until"]
    if len(arguments) not in {2, 3}:
        raise UserError("error.admin.plan_usage", plans=", ".join(accounts.plans))
    until = arguments[2] if len(arguments) > 2 else None
    operation = f"update:{update.update_id}"
    user = await accounts.move(admin, arguments[0], arguments[1], until, operation)
    name, ends, now = user.plan or "", user.plan_until, services.clock.now()
    await answer(update, context, plan_views.moved(context.t, user.name, name, ends, accounts.zone, now))
    if user.id != admin:
        theirs = for_language(accounts.language_of(user))
        # The plan is theirs all the same where they cannot be told.
        await tell(context, user.id, plan_views.told(theirs, name, ends, accounts.zone, now))
