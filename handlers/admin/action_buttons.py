"""How handlers perform admin actions, and the buttons of them, made of their declarations."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.people.access import Membership
from bot.domain.people.arguments import ArgumentKind
from bot.domain.tasks.task import Task
from bot.i18n import Texts
from bot.services.operations.actions import Action, Outcome, Target
from handlers.admin.panel_pages import to
from handlers.chat.keyboards import Button, Payload, in_rows
from handlers.chat.turn import Turn

BUTTONS_IN_A_ROW = 3


async def perform(turn: Turn, action: Action) -> Outcome:
    """Perform an action for the admin who sent this update."""
    return await turn.services.actions.run(
        action, turn.user_id, turn.idempotency_key, update_id=turn.update_id, press=turn.origin().press
    )


@dataclass(frozen=True)
class _OfAction(Payload):
    """A button of an action on a person or a task."""

    name: str
    target: str


@dataclass(frozen=True)
class PerformAction(_OfAction, action="panel.do"):
    """Perform an action, with a number or the short hash of a choice."""

    value: str = ""


class ShowValues(_OfAction, action="panel.values"):
    """Show what an action's first argument can be."""


class AskArguments(_OfAction, action="panel.arguments"):
    """Ask for the arguments of an action."""


def action_rows(
    t: Texts, me: Membership, subject: Membership | Task, actions: Sequence[type[Action]]
) -> list[list[Button]]:
    """What somebody may do to a person or a task: a row of numbers for each action that has some, then the rest."""
    if isinstance(subject, Task):
        target, on = str(subject.id), {Target.TASK}
    else:
        target, on = str(subject.user_id), {Target.PERSON, Target.WALLET}
    presets, rest = [], []
    for action in actions:
        if action.on not in on or not me.may(action.permission) or not action.is_offered(subject):
            continue
        numbers = action.arguments[0].presets if action.arguments else ()
        if numbers:
            presets.append(
                [
                    to(me.user_id, f"{number:+d}", PerformAction(action.name, target, str(number)))
                    for number in numbers
                ]
            )
        payload: Payload = AskArguments(action.name, target)
        if not action.question:
            payload = PerformAction(action.name, target)
        elif action.arguments[0].kind is ArgumentKind.CHOICE:
            payload = ShowValues(action.name, target)
        rest.append(to(me.user_id, t(action.label), payload, danger=action.is_drastic))
    return [*presets, *in_rows(rest, BUTTONS_IN_A_ROW)]
