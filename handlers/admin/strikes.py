"""`/strikes`: what was refused for what it holds, and the end of a break, for those who run the bot."""

from telegram import CallbackQuery, Update

from bot.domain.units import UserId
from handlers.admin import access_views
from handlers.chat.context import Context, answer, operation_of, rewrite, user_id_of
from handlers.chat.html import View, fitting, inline, quoted
from handlers.chat.keyboards import Button


async def strikes(update: Update, context: Context) -> None:
    """`/strikes`, or `/strikes <user>`: the newest refusals."""
    user_id = None
    if context.args:
        user_id = (await context.services.accounts.find(context.args[0])).id
    await answer(update, context, await _view(update, context, user_id))


async def press_forgive(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """End a person's break."""
    person = UserId(int(argument))
    await context.services.access.forgive(user_id_of(update), person, operation_of(update))
    await rewrite(context, query, await _view(update, context, person))
    return context.t("strikes.forgiven")


async def _view(update: Update, context: Context, user_id: UserId | None) -> View:
    services, t, me = context.services, context.t, user_id_of(update)
    found = await services.moderation.strikes(me, user_id)
    zone, now = services.accounts.zone, services.clock.now()
    lines = [
        f"{t.moment(strike.at, zone, now)} · {access_views.named(person)} · {t(f'strike.{strike.source}')} · "
        f"<code>{inline(strike.rule, 60)}</code>\n{quoted(strike.prompt, 200)}"
        for strike, person in found
    ]
    rows = []
    if user_id is not None and (await services.access.standing(user_id)).paused_until > now:
        rows.append([Button(t("button.forgive"), "forgive", str(user_id), me)])
    return View(fitting([t("strikes.list" if lines else "strikes.none"), *lines], "\n\n"), rows)
