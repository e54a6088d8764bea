"""Commands and panel buttons of admin actions, made of their declarations in `bot/services/operations/actions*.py`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from html import escape

from bot.domain.credits.promos import PromoCode
from bot.domain.people.access import InviteCode, Permission
from bot.domain.people.arguments import NUMBER, ArgumentKind, first_word, write_usage
from bot.domain.types import ChatId, TaskId, UserId, short_hash
from bot.errors import UserError
from bot.services.container import ACTIONS
from bot.services.operations.actions import Action, Outcome, Target
from bot.services.operations.actions_on_invites import CreateInvite
from bot.services.operations.actions_on_people import GROUP
from bot.services.operations.actions_on_promos import CreatePromo
from bot.services.operations.actions_on_standings import SetRole
from handlers.admin.access import invite_view, person_label, show_invites, show_staff
from handlers.admin.action_buttons import AskArguments, PerformAction, ShowValues, perform
from handlers.admin.panel_pages import ShowCard, ask, page, reply, to
from handlers.admin.panel_people import show_card
from handlers.admin.panel_tasks import show_task
from handlers.admin.promos import promo_view, show_promos
from handlers.chat.html import View, credits, snippet  # noqa: A004  the word of the domain
from handlers.chat.keyboards import Payload, in_rows
from handlers.chat.menus import Section
from handlers.chat.routes import Command
from handlers.chat.turn import Turn

Bare = Callable[[Turn], Awaitable[None]]
"""What a command does that is typed alone."""

_BARE: Mapping[type[Action], tuple[Bare, Permission]] = {
    SetRole: (show_staff, Permission.VIEW),
    CreateInvite: (show_invites, Permission.ADMIT),
    CreatePromo: (show_promos, Permission.CREDITS),
}


def _find(turn: Turn, name: str) -> type[Action]:
    for action in turn.services.actions.declared:
        if action.name == name:
            return action
    raise UserError("error.button.stale")


# -- commands ----------------------------------------------------------------------------------------


def command_of(action: type[Action]) -> Command:
    """The chat command of an action."""
    bare, bare_permission = _BARE.get(action, (None, None))

    async def on_command(turn: Turn, text: str) -> None:
        if not text and bare is not None:
            await bare(turn)
            return
        target, rest = await _split_target(turn, action, text)
        read = action.read(target, rest) if target or action.on is Target.NOTHING else None
        if read is None:
            at = "" if action.on is Target.NOTHING else f"{turn.t('argument.user')} "
            raise UserError("error.action.usage", usage=f"/{action.command} {at}{_usage(turn, action)}")
        outcome = await perform(turn, read)
        match outcome.params:
            case {"invite": InviteCode() as invite}:
                await turn.answer(invite_view(turn, invite))
            case {"promo": PromoCode() as promo}:
                await turn.answer(promo_view(turn, promo))
            case _:
                await turn.answer(View(_told(turn, outcome)))

    return Command(
        action.command,
        on_command,
        permission=action.permission,
        bare_permission=bare_permission,
        section=Section.STAFF,
    )


async def _split_target(turn: Turn, action: type[Action], text: str) -> tuple[str, str]:
    """Whom or what is meant, and the words after it. In a group, an amount alone is for the group."""
    if action.on is Target.NOTHING:
        return "", text
    target, rest = first_word(text)
    if action.on is Target.WALLET:
        is_amount, is_next = (NUMBER.fullmatch(word) is not None for word in (target, first_word(rest)[0]))
        if not turn.is_private and is_amount and not is_next:
            return str(turn.chat_id), text
        elsewhere = GROUP.fullmatch(target) and target != str(turn.chat_id)
        if elsewhere and not await turn.chat.check_group(ChatId(int(target))):
            raise UserError("error.admin.no_group", group=target)
    return target, rest


def _usage(turn: Turn, action: type[Action]) -> str:
    return write_usage(
        action.arguments, lambda name: turn.t(f"argument.{name}"), turn.services.accounts.plans
    )


def _told(turn: Turn, outcome: Outcome) -> str:
    """What was done, as HTML."""
    t, readable = turn.t, dict[str, object]()
    for name, value in outcome.params.items():
        match name, value:
            case (("credits" | "available" | "left"), int()):
                readable[name] = credits(t, value)
            case "moment", int():
                readable[name] = t.moment(value, turn.local_now())
            case "role", _:
                readable[name] = t(f"role.{value}")
            case _:
                readable[name] = snippet(str(value), 300)
    if outcome.person is not None:
        readable["name"] = person_label(outcome.person)
    return t(outcome.key, **readable)


# -- the panel ---------------------------------------------------------------------------------------


async def _page_of(turn: Turn, action: Action, outcome: Outcome) -> View:
    if action.on is Target.TASK:
        return await show_task(turn, TaskId(outcome.subject))
    return await show_card(turn, UserId(int(outcome.subject)))


async def _on_perform(turn: Turn, button: PerformAction) -> View:
    action = _find(turn, button.name)
    choices = {short_hash(choice): choice for choice in _choices(turn, action)}
    read = action.read(button.target, choices.get(button.value, button.value))
    if read is None:
        raise UserError("error.button.stale")
    return await _page_of(turn, read, await perform(turn, read))


def _choices(turn: Turn, action: type[Action]) -> Sequence[str]:
    for first in action.arguments[:1]:
        if first.kind is ArgumentKind.CHOICE:
            return turn.services.accounts.plans if first.choices is None else first.choices
    return ()


async def _show_values(turn: Turn, button: ShowValues) -> View:
    action, t, owner = _find(turn, button.name), turn.t, turn.user_id
    await turn.services.access.require(owner, action.permission)
    person = await turn.services.access.person(UserId(int(button.target)))
    buttons = [
        to(
            owner,
            t(f"role.{choice}") if action.arguments[0].name == "role" else choice,
            PerformAction(action.name, button.target, short_hash(choice)),
        )
        for choice in _choices(turn, action)
    ]
    last: list[tuple[str, Payload]] = [("button.panel_person", ShowCard(person.id))]
    if len(action.arguments) > 1:
        last.insert(0, ("button.panel_type", AskArguments(action.name, button.target)))
    text = t(action.question, name=person_label(person), plan=escape(person.plan))
    return View(text, [*in_rows(buttons, 2), [to(owner, t(key), payload) for key, payload in last]])


async def _ask_arguments(turn: Turn, button: AskArguments) -> View:
    action = _find(turn, button.name)
    await turn.services.access.require(turn.user_id, action.permission)
    if action.arguments[0].kind is ArgumentKind.CHOICE:
        return await ask(turn, button, "panel.ask_arguments", usage=escape(_usage(turn, action)))
    return await ask(turn, button, action.question)


async def _on_arguments_reply(turn: Turn, asked: AskArguments) -> View:
    action = _find(turn, asked.name)
    read = action.read(asked.target, turn.text)
    if read is None:
        raise UserError("error.action.usage", usage=_usage(turn, action))
    outcome = await perform(turn, read)
    view = await _page_of(turn, read, outcome)
    return replace(view, html=f"{_told(turn, outcome)}\n\n{view.html}") if outcome.key else view


COMMANDS = tuple(command_of(action) for action in ACTIONS if action.command)
BUTTONS = (
    page(PerformAction, _on_perform, Permission.VIEW),
    page(ShowValues, _show_values, Permission.VIEW),
    page(AskArguments, _ask_arguments, Permission.VIEW),
)
QUESTIONS = (reply(AskArguments, _on_arguments_reply, Permission.VIEW),)
