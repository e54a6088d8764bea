"""Who may use the bot: decisions about strangers, invite codes, bans, roles and maintenance."""

import re

import structlog
from telegram import CallbackQuery, Update

from bot.domain.people.access import AccessMode, Role
from bot.domain.units import UserId, short_hash
from bot.errors import UserError
from bot.i18n import for_language
from handlers.admin import access_views
from handlers.chat.context import Context, answer, operation_of, rewrite, tell, user_id_of
from handlers.chat.html import View

log = structlog.get_logger(__name__)

INVITE_PREFIX = "invite_"

INVITE_USES, INVITE_DAYS = 1, 7
"""What an invite code is good for where nothing else is said."""


# -- decisions about strangers -----------------------------------------------------------------------


async def press_admit(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Let somebody in, on the plan of the button."""
    services = context.services
    stranger, _, handle = argument.partition(".")
    plans = {short_hash(plan): plan for plan in services.access.plans}
    if handle and handle not in plans:
        raise UserError("error.button.stale")
    admitted = await services.access.admit(
        user_id_of(update), UserId(int(stranger)), plans.get(handle), operation_of(update)
    )
    person = admitted or await services.access.person(UserId(int(stranger)))
    await rewrite(context, query, access_views.decided(context.t, person, person.plan))
    if admitted is None:
        return context.t("request.already")
    await tell(context, person.id, View(for_language(person.language)("door.admitted")))
    return context.t("request.now_approved")


async def press_deny(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Turn somebody away."""
    access = context.services.access
    person = await access.person(UserId(int(argument)))
    news = await access.deny(user_id_of(update), person.id, operation_of(update))
    await rewrite(context, query, access_views.decided(context.t, person, None))
    if not news:
        return context.t("request.already")
    await tell(context, person.id, View(for_language(person.language)("door.denied")))
    return context.t("request.now_denied")


# -- invite codes ------------------------------------------------------------------------------------


async def redeem(update: Update, context: Context, code: str) -> None:
    """Let somebody in by the code of a link."""
    await context.services.access.redeem(user_id_of(update), code)


async def invite_code(update: Update, context: Context) -> None:
    """`/invitecode [uses] [days] [plan]`: a link that lets people in; alone: those there are."""
    services = context.services
    admin = user_id_of(update)
    arguments = context.args or []
    if not arguments:
        await answer(update, context, await _invites(update, context))
        return
    if not all(re.fullmatch(r"\d{1,6}", number, re.ASCII) for number in arguments[:2]) or len(arguments) > 3:
        raise UserError("error.invite.usage")
    uses = int(arguments[0])
    days = int(arguments[1]) if len(arguments) > 1 else INVITE_DAYS
    plan = arguments[2] if len(arguments) > 2 else None
    made = await services.access.invite(admin, uses, days, plan, operation_of(update))
    link = f"https://t.me/{context.bot.username}?start={INVITE_PREFIX}{made.code}"
    view = access_views.invite(context.t, made, link, services.accounts.zone, services.clock.now())
    await answer(update, context, view)


async def press_revoke(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """End a code."""
    await context.services.access.revoke(user_id_of(update), argument, operation_of(update))
    await rewrite(context, query, await _invites(update, context))
    return context.t("invitecode.revoked")


async def _invites(update: Update, context: Context) -> View:
    services = context.services
    codes = await services.access.invites(user_id_of(update))
    return access_views.invites(context.t, codes, services.accounts.zone, services.clock.now())


# -- bans, roles, maintenance ------------------------------------------------------------------------


async def ban(update: Update, context: Context) -> None:
    """`/ban <user> [reason]`."""
    arguments = context.args or []
    if not arguments:
        raise UserError("error.access.ban_usage")
    reason = " ".join(arguments[1:])
    person = await context.services.access.ban(user_id_of(update), arguments[0], reason, operation_of(update))
    await answer(update, context, View(context.t("ban.done", name=access_views.named(person))))


async def unban(update: Update, context: Context) -> None:
    """`/unban <user>`."""
    if not context.args:
        raise UserError("error.access.ban_usage")
    person = await context.services.access.unban(user_id_of(update), context.args[0], operation_of(update))
    await answer(update, context, View(context.t("ban.lifted", name=access_views.named(person))))


async def role(update: Update, context: Context) -> None:
    """`/role <user> admin|support|none`; alone: who runs the bot."""
    services = context.services
    arguments = context.args or []
    if not arguments:
        people = await services.access.staff(user_id_of(update))
        await answer(update, context, access_views.staff(context.t, people))
        return
    given = {"admin": Role.ADMIN, "support": Role.SUPPORT, "none": None}
    wanted = arguments[-1].casefold()
    if len(arguments) != 2 or wanted not in given:
        raise UserError("error.access.role_usage")
    person = await services.access.appoint(
        user_id_of(update), arguments[0], given[wanted], operation_of(update)
    )
    text = context.t("role.given", name=access_views.named(person), role=context.t(f"role.{wanted}"))
    await answer(update, context, View(text))
    await context.turn.menus.set_for(person.id, given[wanted])
    await tell(context, person.id, access_views.appointed(for_language(person.language), given[wanted]))


async def maintenance(update: Update, context: Context) -> None:
    """`/maintenance on|off`; alone: how it is."""
    access = context.services.access
    wanted = context.args[0].casefold() if context.args else ""
    if wanted not in {"", "on", "off"}:
        raise UserError("error.access.maintenance_usage")
    if wanted:
        await access.set_maintenance(user_id_of(update), wanted == "on", operation_of(update))
    await answer(update, context, access_views.door(context.t, access.door))


async def press_maintenance(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Begin nothing new, or begin again."""
    access = context.services.access
    await access.set_maintenance(user_id_of(update), argument == "on", operation_of(update))
    await rewrite(context, query, access_views.door(context.t, access.door))
    return context.t(f"maintenance.is_{argument}")


async def press_mode(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Receive people in another way."""
    access = context.services.access
    await access.set_mode(user_id_of(update), AccessMode(argument), operation_of(update))
    await rewrite(context, query, access_views.door(context.t, access.door))
    return context.t("door.now", mode=context.t(f"access.mode.{argument}"))
