"""`/admin`: the panel of those who run the bot, in one message that each tap edits; and `/audit`.

Where a tap leads stands in its button (`card.1001`); what the admin is to type next stands in the store.
Nothing is decided here: the services check the role and note the deed.
"""

from collections.abc import Mapping

from telegram import CallbackQuery, Update

from bot.domain.operations.actions import AuditRow
from bot.domain.people.access import Permission
from bot.domain.units import TaskId, UserId, short_hash
from bot.errors import UserError
from bot.i18n import for_language
from handlers.admin import grants, pricing_panel, providers
from handlers.admin import (
    panel_views as admin_views,
)
from handlers.admin.access import door_view, person_label, request_card
from handlers.admin.panel_pages import Room, asking
from handlers.chat.context import Context, answer, operation_of, place_of, rewrite, tell, user_id_of
from handlers.chat.html import View


async def admin(update: Update, context: Context) -> None:
    """`/admin`, or `/admin words`: the panel, or people whose names hold the words."""
    words = context.turn.arguments
    view = await (_found(update, context, words) if words else _home(update, context, []))
    await answer(update, context, view)


async def audit(update: Update, context: Context) -> None:
    """`/audit`, or `/audit <user>`: who did what, newest first."""
    subject = ""
    if context.args:
        subject = str((await context.services.accounts.find(context.args[0])).id)
    await answer(update, context, await _audited(update, context, subject, 0))


async def press_panel(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Go where a button leads.

    Raises:
        UserError: the button is one of another version, or the role does not allow it.

    """
    name, *rest = argument.split(".")
    for permission, rooms in ROOMS.items():
        if name in rooms:
            # Whoever has lost a role has its buttons still.
            await context.services.access.require(user_id_of(update), permission)
            await rewrite(context, query, await rooms[name](update, context, rest))
            return
    raise UserError("error.button.stale")


async def took_words(update: Update, context: Context, subject: str) -> None:
    """What an admin was asked to type."""
    services, me = context.services, user_id_of(update)
    name, *rest = subject.split(".")
    if (await services.access.standing(me)).role is None:
        await services.questions.close(me, place_of(update).chat_id)
        raise UserError("error.admin.only")
    # Where the words cannot be taken, the next ones are asked for still.
    view = await WORDS[name](update, context, rest)
    await services.questions.close(me, place_of(update).chat_id)
    await answer(update, context, view)


# -- rooms -------------------------------------------------------------------------------------------


async def _home(update: Update, context: Context, _: list[str]) -> View:
    access = context.services.access
    standing = await access.standing(user_id_of(update))
    if standing.role is None:
        raise UserError("error.admin.only")
    return admin_views.home(context.t, standing, len(await access.waiting()))


async def _people(update: Update, context: Context, rest: list[str]) -> View:
    page = int(rest[0])
    found = await context.services.admin.people(user_id_of(update), "", page)
    return admin_views.people(context.t, found, "", page, user_id_of(update))


async def _found(update: Update, context: Context, words: str) -> View:
    found = await context.services.admin.people(user_id_of(update), words, 0)
    if len(found) == 1:
        return await _card(update, context, [str(found[0].id)])
    return admin_views.people(context.t, found, words, 0, user_id_of(update))


async def _card(update: Update, context: Context, rest: list[str]) -> View:
    services, me = context.services, user_id_of(update)
    card = await services.admin.card(me, UserId(int(rest[0])))
    standing = await services.access.standing(me)
    return admin_views.card(context.t, card, standing, services.accounts.zone, services.clock.now())


async def _requests(update: Update, context: Context, _: list[str]) -> View:
    """Bring the cards of those who wait once more; the panel stays where it is."""
    access = context.services.access
    for person in await access.waiting():
        await answer(update, context, request_card(context.t, person, access.plans))
    return await _home(update, context, [])


async def _providers(update: Update, context: Context, _: list[str]) -> View:
    await providers.list_providers(context.turn)
    return await _home(update, context, [])


async def _door(_update: Update, context: Context, _: list[str]) -> View:
    return door_view(context.turn)


async def _tasks(update: Update, context: Context, _: list[str]) -> View:
    services, me = context.services, user_id_of(update)
    tasks, stuck = await services.task_admin.running(me)
    return admin_views.tasks(context.t, tasks, stuck, services.clock.now(), me, "tasks")


async def _theirs(update: Update, context: Context, rest: list[str]) -> View:
    services, me = context.services, user_id_of(update)
    tasks = await services.task_admin.of_person(me, UserId(int(rest[0])))
    return admin_views.tasks(context.t, tasks, frozenset(), services.clock.now(), me, f"theirs.{rest[0]}")


async def _task(update: Update, context: Context, rest: list[str]) -> View:
    services, me = context.services, user_id_of(update)
    task, person = await services.task_admin.task(me, TaskId(rest[0]))
    standing = await services.access.standing(me)
    return admin_views.task(context.t, task, person, standing, services.accounts.zone, services.clock.now())


async def _failures(update: Update, context: Context, _: list[str]) -> View:
    me = user_id_of(update)
    return admin_views.failures(context.t, await context.services.task_admin.failures(me), me)


async def _audit(update: Update, context: Context, rest: list[str]) -> View:
    return await _audited(update, context, "", int(rest[0]))


async def _log(update: Update, context: Context, rest: list[str]) -> View:
    return await _audited(update, context, rest[0], int(rest[1]) if len(rest) > 1 else 0)


async def _audited(update: Update, context: Context, subject: str, page: int) -> View:
    services, me = context.services, user_id_of(update)
    rows = [
        (row, await _name_of(context, row)) for row in await services.admin.audit(me, subject or None, page)
    ]
    now = services.clock.now()
    return admin_views.audit(context.t, rows, page, me, subject, services.accounts.zone, now)


async def _name_of(context: Context, row: AuditRow) -> str:
    return "" if row.actor is None else (await context.services.access.person(row.actor)).name


# -- deeds -------------------------------------------------------------------------------------------


async def _grant(update: Update, context: Context, rest: list[str]) -> View:
    services = context.services
    amount = int(rest[1])
    person = await services.access.person(UserId(int(rest[0])))
    await services.admin.grant(user_id_of(update), person.id, amount, operation_of(update))
    if amount > 0:
        balance = await services.accounts.balance(person.id)
        await tell(context, person.id, grants.gift(for_language(person.language), amount, balance))
    return await _card(update, context, rest)


async def _plans(update: Update, context: Context, rest: list[str]) -> View:
    access = context.services.access
    person = await access.person(UserId(int(rest[0])))
    return admin_views.plans(context.t, person, access.plans, user_id_of(update))


async def _plan(update: Update, context: Context, rest: list[str]) -> View:
    access = context.services.access
    plan = {short_hash(name): name for name in access.plans}.get(rest[1])
    if plan is None:
        raise UserError("error.button.stale")
    await access.move(user_id_of(update), UserId(int(rest[0])), plan, operation_of(update))
    return await _card(update, context, rest)


async def _unban(update: Update, context: Context, rest: list[str]) -> View:
    await context.services.access.unban(user_id_of(update), rest[0], operation_of(update))
    return await _card(update, context, rest)


async def _cancel(update: Update, context: Context, rest: list[str]) -> View:
    await context.services.task_admin.cancel(user_id_of(update), TaskId(rest[0]), operation_of(update))
    return await _task(update, context, rest)


async def _retry(update: Update, context: Context, rest: list[str]) -> View:
    again = await context.services.task_admin.make_again(
        user_id_of(update), TaskId(rest[0]), update.update_id
    )
    return await _task(update, context, [again.id])


async def _refund(update: Update, context: Context, rest: list[str]) -> View:
    await context.services.task_admin.refund(user_id_of(update), TaskId(rest[0]), operation_of(update))
    return await _task(update, context, rest)


async def _notice(update: Update, context: Context, _: list[str]) -> View:
    return admin_views.notice(context.t, await context.services.admin.notice(), user_id_of(update))


async def _notice_clear(update: Update, context: Context, rest: list[str]) -> View:
    await context.services.admin.set_notice(user_id_of(update), "", operation_of(update))
    return await _notice(update, context, rest)


async def _to(update: Update, context: Context, rest: list[str]) -> View:
    """Say to whom a broadcast goes: `*` everybody, `p…` a plan, `l…` a language."""
    services, me = context.services, user_id_of(update)
    plans = {f"p{short_hash(name)}": name for name in services.access.plans}
    language = rest[1][1:] if rest[1].startswith("l") else None
    letter = await services.broadcasts.narrow(me, int(rest[0]), plans.get(rest[1]), language)
    return admin_views.broadcast(context.t, letter, services.access.plans, me)


async def _send(update: Update, context: Context, rest: list[str]) -> View:
    message_id = place_of(update).message_id or 0
    me = user_id_of(update)
    letter = await context.services.broadcasts.send(me, int(rest[0]), message_id, operation_of(update))
    return admin_views.broadcast(context.t, letter, (), me)


async def _halt(update: Update, context: Context, rest: list[str]) -> View:
    me = user_id_of(update)
    letter = await context.services.broadcasts.stop(me, int(rest[0]), operation_of(update))
    return admin_views.broadcast(context.t, letter, (), me)


async def _stop(update: Update, context: Context, _: list[str]) -> View:
    await context.services.questions.close(user_id_of(update), place_of(update).chat_id)
    return await _home(update, context, [])


# -- what is asked for, and what comes ------------------------------------------------------------------


async def _took_search(update: Update, context: Context, _: list[str]) -> View:
    return await _found(update, context, context.turn.text)


async def _took_message(update: Update, context: Context, rest: list[str]) -> View:
    services = context.services
    person = await services.access.person(UserId(int(rest[0])))
    text = context.turn.text
    await services.admin.wrote(user_id_of(update), person.id, text, operation_of(update))
    arrived = await tell(context, person.id, admin_views.message(for_language(person.language), text))
    key = "panel.message_sent" if arrived else "panel.message_lost"
    return View(context.t(key, name=person_label(person)))


async def _took_amount(update: Update, context: Context, rest: list[str]) -> View:
    number, _, note = context.turn.text.strip().partition(" ")
    digits = number.lstrip("+-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise UserError("error.admin.grant_usage")
    person = UserId(int(rest[0]))
    operation = operation_of(update)
    await context.services.admin.grant(user_id_of(update), person, int(number), operation, note)
    return await _card(update, context, rest)


async def _took_reason(update: Update, context: Context, rest: list[str]) -> View:
    reason = context.turn.text
    await context.services.access.ban(user_id_of(update), rest[0], reason, operation_of(update))
    return await _card(update, context, rest)


async def _took_notice(update: Update, context: Context, rest: list[str]) -> View:
    await context.services.admin.set_notice(user_id_of(update), context.turn.text, operation_of(update))
    return await _notice(update, context, rest)


async def _took_broadcast(update: Update, context: Context, _: list[str]) -> View:
    services, me = context.services, user_id_of(update)
    letter = await services.broadcasts.draft(me, context.turn.text)
    return admin_views.broadcast(context.t, letter, services.access.plans, me)


ROOMS: Mapping[Permission, Mapping[str, Room]] = {
    Permission.LOOK: {
        "home": _home,
        "people": _people,
        "find": asking("panel.ask_search", "search"),
        "card": _card,
        "theirs": _theirs,
        "tasks": _tasks,
        "task": _task,
        "failures": _failures,
        "stop": _stop,
    },
    Permission.MESSAGE: {"message": asking("panel.ask_message", "message")},
    Permission.TASKS: {"cancel": _cancel, "retry": _retry},
    Permission.ADMIT: {"requests": _requests},
    Permission.BAN: {"ban": asking("panel.ask_reason", "ban"), "unban": _unban},
    Permission.CREDITS: {
        "grant": _grant,
        "amount": asking("panel.ask_amount", "amount"),
        "plans": _plans,
        "plan": _plan,
        "refund": _refund,
    },
    Permission.OPERATE: {
        "providers": _providers,
        "door": _door,
        "notice": _notice,
        "notice_write": asking("panel.ask_notice", "notice"),
        "notice_clear": _notice_clear,
        **pricing_panel.ROOMS,
    },
    Permission.BROADCAST: {
        "write": asking("panel.ask_broadcast", "broadcast"),
        "to": _to,
        "send": _send,
        "halt": _halt,
    },
    Permission.AUDIT: {"audit": _audit, "log": _log},
}
"""Every room, by what a role must allow whoever enters it."""

WORDS: Mapping[str, Room] = {
    "search": _took_search,
    "message": _took_message,
    "amount": _took_amount,
    "ban": _took_reason,
    "notice": _took_notice,
    "broadcast": _took_broadcast,
    **pricing_panel.WORDS,
}


# -- broadcasts, as everybody sees them --------------------------------------------------------------


async def unsubscribe(update: Update, context: Context) -> None:
    """`/unsubscribe`: no more broadcasts; typed again, they come again."""
    access, me = context.services.access, user_id_of(update)
    wanted = not (await access.standing(me)).reachable
    await access.set_reachable(me, wanted)
    await answer(update, context, View(context.t("broadcast.again" if wanted else "broadcast.no_more")))
