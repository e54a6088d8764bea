"""Texts to many from a shell: the text of the day, and broadcasts, which the running bot sends."""

import sys

import click

from bot.cli.desk import Desk, at_desk, row
from bot.domain.operations.actions import BroadcastState
from bot.errors import UserError
from bot.i18n import NAMES
from bot.services.operations.broadcast import Letter


@click.command()
@click.argument("text", nargs=-1)
@click.option("--clear", is_flag=True, help="Take the text away.")
@at_desk
async def notice(desk: Desk, text: tuple[str, ...], clear: bool) -> None:
    """Let a TEXT stand beneath /start.

    Alone: the one that there is.
    """
    words = " ".join(text)
    if clear and words:
        raise click.ClickException("give a text, or --clear, and not both")
    if clear or words:
        await desk.admin.set_notice(None, words, desk.operation())
    row(await desk.admin.notice() or None)


@click.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--plan", help="Only to people on this plan.")
@click.option("--language", type=click.Choice(list(NAMES)), help="Only to people who read this language.")
@at_desk
async def broadcast(desk: Desk, text: tuple[str, ...], plan: str | None, language: str | None) -> None:
    """Draft a message to many, which `broadcast-send` sends.

    A TEXT that is a dash is read from the input. Columns: number, state, people sent to, people not reached, people
    that it goes to.
    """
    if plan is not None and plan not in desk.access.plans:
        raise click.ClickException(f"there is no plan {plan}; there are: {', '.join(desk.access.plans)}")
    words = sys.stdin.read() if text == ("-",) else " ".join(text)
    letter = await desk.broadcasts.draft(None, words)
    if plan is not None or language is not None:
        letter = await desk.broadcasts.narrow(None, letter.id, plan, language)
    _show(letter)


@click.command("broadcast-show")
@click.argument("number", type=int)
@at_desk
async def broadcast_show(desk: Desk, number: int) -> None:
    """Tell how far a broadcast is.

    Columns: number, state, people sent to, people not reached, people that it goes to.
    """
    _show(await _letter(desk, number, *BroadcastState))


@click.command("broadcast-send")
@click.argument("number", type=int)
@at_desk
async def broadcast_send(desk: Desk, number: int) -> None:
    """Let the running bot send a draft, once.

    Columns as for `broadcast-show`.
    """
    await _letter(desk, number, BroadcastState.DRAFT)
    _show(await desk.broadcasts.send(None, number, None, desk.operation()))


@click.command("broadcast-stop")
@click.argument("number", type=int)
@at_desk
async def broadcast_stop(desk: Desk, number: int) -> None:
    """Send a broadcast to nobody any more.

    Columns as for `broadcast-show`.
    """
    await _letter(desk, number, BroadcastState.DRAFT, BroadcastState.SENDING)
    _show(await desk.broadcasts.stop(None, number, desk.operation()))


async def _letter(desk: Desk, number: int, *states: BroadcastState) -> Letter:
    try:
        letter = await desk.broadcasts.letter(None, number)
    except UserError:
        raise click.ClickException(f"there is no broadcast {number}") from None
    if letter.state not in states:
        raise click.ClickException(f"broadcast {number} is {letter.state}, and not {' or '.join(states)}")
    return letter


def _show(letter: Letter) -> None:
    row(letter.id, letter.state, letter.sent, letter.failed, letter.total)


COMMANDS = (notice, broadcast, broadcast_show, broadcast_send, broadcast_stop)
