"""Commands of the shell made of the declarations of admin actions."""

from datetime import datetime
from typing import Any

import click

from bot.cli.context import CliContext, at_desk, row
from bot.domain.people.arguments import Argument, ArgumentKind
from bot.services.container import ACTIONS
from bot.services.operations.actions import Action, Target

_METAVARS = {Target.PERSON: "USER", Target.WALLET: "USER", Target.TASK: "TASK", Target.CODE: "CODE"}


def command_of(action: type[Action]) -> click.Command:
    """The command of an action: required arguments by position, the others as options."""

    async def work(context: CliContext, **values: Any) -> None:
        target, deed = values.pop("target", ""), values.pop("deed")
        read = {
            name: " ".join(value) or None if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        outcome = await context.actions.run(action.of(target, read), None, context.operation(deed))
        row(*(each.isoformat() if isinstance(each, datetime) else each for each in outcome.columns))

    metavar = _METAVARS.get(action.on)
    parameters: list[click.Parameter] = [
        *([] if metavar is None else [click.Argument(["target"], metavar=metavar)]),
        *(_parameter(each, is_only=len(action.arguments) == 1) for each in action.arguments),
        click.Option(
            ["--id", "deed"], default="", help="The same id does it once only, however often it is run."
        ),
    ]
    return click.Command(action.name, params=parameters, callback=at_desk(work), help=action.__doc__)


def _parameter(argument: Argument, *, is_only: bool) -> click.Parameter:
    kind: click.ParamType[Any] = click.STRING
    if argument.kind is ArgumentKind.NUMBER:
        kind = click.INT
    elif argument.choices:
        kind = click.Choice(argument.choices)
    if argument.kind is ArgumentKind.WORDS and is_only:
        return click.Argument([argument.name], nargs=-1, required=argument.is_required)
    if argument.is_required:
        return click.Argument([argument.name], type=kind)
    default = argument.default
    return click.Option(
        [f"--{argument.name}"],
        type=kind,
        default=default,
        show_default=default is not None,
        help=argument.help,
    )


COMMANDS = tuple(command_of(action) for action in ACTIONS if action.is_for_shell)
