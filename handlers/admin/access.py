"""The door in front of every handler, and the commands of those who keep it.

`gate` runs before everything else: what it does not let pass reaches no other handler. It asks
`bot.domain.people.access.verdict`, and where anything fails it lets nobody pass.
"""

import re

import structlog
from telegram import CallbackQuery, InlineQuery, PreCheckoutQuery, Update
from telegram.ext import ApplicationHandlerStop

from bot.domain.people.access import AccessMode, Errand, Permission, Role, Standing, Verdict
from bot.domain.units import ChatId, UserId
from bot.errors import UserError
from bot.i18n import for_language
from bot.services.ports import ChatError
from handlers.admin import access_views
from handlers.chat import errors
from handlers.chat.context import Context, acknowledge, answer, place_of, rewrite, user_id_of
from handlers.chat.inputs import command_in, text_of, words_after_command
from handlers.chat.menus import set_staff_menu
from handlers.chat.views import View, cut, plain
from handlers.sending.chat import ReplyTarget

log = structlog.get_logger(__name__)

INVITE_PREFIX = "invite_"

RIGHTS = frozenset({"privacy", "forget", "export", "terms", "paysupport", "language", "unsubscribe"})
"""Commands that nobody is kept from, a banned person neither."""

RIGHT_PRESSES = frozenset({"language", "forget", "export"})
LOOKS = frozenset(
    {
        *("start", "help", "tasks", "cancel", "quota", "usage", "history", "favourites", "show"),
        *("models", "voices", "effects", "prices", "tips", "ideas", "invite", "settings", "recipes"),
        *("elements", "myvoices"),
    }
)
"""Commands that begin nothing new: they work during maintenance."""

LOOK_PRESSES = frozenset(
    {
        *("cancel", "drop", "discard", "dismiss", "history", "open", "original", "star", "about"),
        *("delete", "erase", "keep", "settings", "prefer", "tips", "ideas", "recipes", "recipe"),
        *("assets", "asset_drop", "asset_gone"),
    }
)
ALERT_LIMIT = 200
"""Characters that Telegram shows in the answer to a press."""

INVITE_USES, INVITE_DAYS = 1, 7
"""What an invite code is good for where nothing else is said."""


async def gate(update: Update, context: Context) -> None:
    """Let an update pass, or answer it here and stop it."""
    person = update.effective_user
    errand = errand_of(update, context)
    if person is None or errand is Errand.RIGHT:
        return
    try:
        chat = update.effective_chat
        verdict, standing = await context.services.access.verdict(
            UserId(person.id), None if chat is None else ChatId(chat.id), errand
        )
        if verdict is Verdict.PASS:
            return
        await _turn_away(update, context, verdict, standing)
    except Exception as error:  # noqa: BLE001  a door that fails stays closed
        context.error = error
        await errors.on_error(update, context)
    raise ApplicationHandlerStop


def errand_of(update: Update, context: Context) -> Errand:
    """What somebody comes for; what is nobody's request (a member joins, a payment arrives) is a right."""
    if update.callback_query is not None:
        press = context.signer.read(update.callback_query.data)
        action = "" if press is None else press.action
        if action in RIGHT_PRESSES:
            return Errand.RIGHT
        return Errand.LOOK if action in LOOK_PRESSES else Errand.WORK
    if update.inline_query is not None:
        return Errand.LOOK
    if update.pre_checkout_query is not None:
        return Errand.WORK
    message = update.message
    if message is None or message.sender_chat is not None:
        return Errand.RIGHT
    if message.successful_payment is not None or message.refunded_payment is not None:
        return Errand.RIGHT
    return _commanded(command_in(text_of(update, context), context.bot.username), text_of(update, context))


def _commanded(command: str | None, text: str) -> Errand:
    if command in RIGHTS:
        return Errand.RIGHT
    if command == "start" and words_after_command(text).startswith(INVITE_PREFIX):
        return Errand.INVITED
    return Errand.LOOK if command in LOOKS else Errand.WORK


async def _turn_away(update: Update, context: Context, verdict: Verdict, standing: Standing) -> None:
    """Say why; in groups only to what was meant for the bot, for other people's words are none of its business."""
    services = context.services
    until = context.t.moment(standing.paused_until, services.accounts.zone, services.clock.now())
    view = access_views.turned_away(context.t, verdict, standing, until)
    query = update.callback_query or update.inline_query or update.pre_checkout_query
    log.info("turned away", user=standing.user_id, verdict=verdict)
    if query is not None:
        await _answer_query(context, query, plain(view.html))
        return
    if not place_of(update).is_private and command_in(text_of(update, context), context.bot.username) is None:
        return
    if verdict is Verdict.ASK:
        await _ask_admins(context, standing.user_id)
    await answer(update, context, view)


async def _answer_query(
    context: Context, query: CallbackQuery | InlineQuery | PreCheckoutQuery, text: str
) -> None:
    if isinstance(query, CallbackQuery):
        await acknowledge(context, query, cut(text, ALERT_LIMIT), alert=True)
    elif isinstance(query, InlineQuery):
        await context.chat.answer_inline(query.id)
    else:
        await context.chat.answer_checkout(query.id, text)


async def _ask_admins(context: Context, stranger: UserId) -> None:
    """Bring everybody who may decide a card. Only then it counts as asked, so that a crash loses no request."""
    access = context.services.access
    person = await access.person(stranger)
    for admin in await access.deciders():
        t = for_language((await access.person(admin)).language)
        await tell(context, admin, access_views.request(t, person, access.plans))
    await access.asked(stranger)


async def tell(context: Context, user_id: UserId, view: View) -> bool:
    """Write to a person in private; False where they cannot be reached."""
    try:
        await context.chat.send(ReplyTarget(ChatId(user_id)), view)
    except ChatError as error:
        log.info("a person could not be told", user=user_id, kind=type(error).__name__)
        return False
    return True


# -- decisions about strangers -----------------------------------------------------------------------


async def press_admit(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Let somebody in, on the plan of the button."""
    services = context.services
    stranger, _, handle = argument.partition(".")
    plans = {access_views.handle_of(plan): plan for plan in services.access.plans}
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
    await _require(update, context, Permission.BAN)
    arguments = context.args or []
    if not arguments:
        raise UserError("error.access.ban_usage")
    reason = " ".join(arguments[1:])
    person = await context.services.access.ban(user_id_of(update), arguments[0], reason, operation_of(update))
    await answer(update, context, View(context.t("ban.done", name=access_views.named(person))))


async def unban(update: Update, context: Context) -> None:
    """`/unban <user>`."""
    await _require(update, context, Permission.BAN)
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
    await _require(update, context, Permission.APPOINT)
    given = {"admin": Role.ADMIN, "support": Role.SUPPORT, "none": None}
    wanted = arguments[-1].casefold()
    if len(arguments) != 2 or wanted not in given:
        raise UserError("error.access.role_usage")
    person = await services.access.appoint(
        user_id_of(update), arguments[0], given[wanted], operation_of(update)
    )
    text = context.t("role.given", name=access_views.named(person), role=context.t(f"role.{wanted}"))
    await answer(update, context, View(text))
    await set_staff_menu(context.chat, person.id, given[wanted])
    await tell(context, person.id, access_views.appointed(for_language(person.language), given[wanted]))


async def maintenance(update: Update, context: Context) -> None:
    """`/maintenance on|off`; alone: how it is."""
    access = context.services.access
    await _require(update, context, Permission.OPERATE)
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


async def _require(update: Update, context: Context, permission: Permission) -> None:
    """Refuse before explaining how a command is used: whoever may not use it needs no lesson."""
    await context.services.access.require(user_id_of(update), permission)


def operation_of(update: Update) -> str:
    """The name under which an update's deed is noted: a replay has the same."""
    return f"update:{update.update_id}"
