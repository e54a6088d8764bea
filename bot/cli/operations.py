"""Running the bot from a shell: how people are received, invite codes, broadcasts, statistics and the audit log."""

import sys

import click

from bot.cli.desk import LISTED, Desk, at_desk, moment, row
from bot.domain.operations.records import BroadcastState
from bot.domain.people.access import AccessMode
from bot.errors import UserError
from bot.i18n import NAMES
from bot.services.operations.broadcast import Letter


@click.command()
@click.argument("wanted", metavar="[on|off]", type=click.Choice(["on", "off"]), required=False)
@at_desk
async def maintenance(desk: Desk, wanted: str | None) -> None:
    """Begin nothing new, or begin again.

    What runs goes on either way. Alone: how it is.
    """
    if wanted is not None:
        await desk.overrides.set_text(None, "access.maintenance", wanted, desk.operation())
    row("on" if desk.access.policy.maintenance else "off")


@click.command()
@click.argument(
    "mode",
    metavar=f"[{'|'.join(AccessMode)}]",
    type=click.Choice([str(mode) for mode in AccessMode]),
    required=False,
)
@at_desk
async def access(desk: Desk, mode: str | None) -> None:
    """Say who may use the bot without being let in.

    Alone: how it is.
    """
    if mode is not None:
        await desk.overrides.set(None, "access.mode", mode, desk.operation())
    row(desk.access.policy.mode)


@click.command()
@at_desk
async def invites(desk: Desk) -> None:
    """List the codes that have not ended.

    Columns: code, uses, used, end, plan.
    """
    for code in await desk.access.invites(LISTED):
        row(code.code, code.uses, code.used, moment(code.ends_at), code.plan)


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
        await desk.overrides.set(None, "access.notice", words, desk.operation())
    row(desk.live.now.access.notice or None)


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
    _show_broadcast(letter)


@click.command("broadcast-show")
@click.argument("number", type=int)
@at_desk
async def broadcast_show(desk: Desk, number: int) -> None:
    """Tell how far a broadcast is.

    Columns: number, state, people sent to, people not reached, people that it goes to.
    """
    _show_broadcast(await _letter(desk, number, *BroadcastState))


@click.command("broadcast-send")
@click.argument("number", type=int)
@at_desk
async def broadcast_send(desk: Desk, number: int) -> None:
    """Let the running bot send a draft, once.

    Columns as for `broadcast-show`.
    """
    await _letter(desk, number, BroadcastState.DRAFT)
    _show_broadcast(await desk.broadcasts.send(None, number, None, desk.operation()))


@click.command("broadcast-stop")
@click.argument("number", type=int)
@at_desk
async def broadcast_stop(desk: Desk, number: int) -> None:
    """Send a broadcast to nobody any more.

    Columns as for `broadcast-show`.
    """
    await _letter(desk, number, BroadcastState.DRAFT, BroadcastState.SENDING)
    _show_broadcast(await desk.broadcasts.stop(None, number, desk.operation()))


async def _letter(desk: Desk, number: int, *states: BroadcastState) -> Letter:
    try:
        letter = await desk.broadcasts.letter(None, number)
    except UserError:
        raise click.ClickException(f"there is no broadcast {number}") from None
    if letter.state not in states:
        raise click.ClickException(f"broadcast {number} is {letter.state}, and not {' or '.join(states)}")
    return letter


def _show_broadcast(letter: Letter) -> None:
    row(letter.id, letter.state, letter.sent, letter.failed, letter.total)


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far it reaches back."
)
@at_desk
async def stats(desk: Desk, days: int) -> None:
    """Print the tasks of the last days as CSV.

    The table is that of /stats, with its heading.
    """
    table = await desk.reports.table(None, days)
    # The mark is for spreadsheets, the ends of lines for mail: a script wants neither.
    for line in table.decode("utf-8-sig").splitlines():
        click.echo(line)


@click.command()
@click.argument("subject", required=False)
@at_desk
async def audit(desk: Desk, subject: str | None) -> None:
    """List who did what, newest first.

    With SUBJECT only what was done to that user (id or @name) or task (K7Q2-9F). Columns: when, who, action, subject, before, after.
    """
    if subject is not None and subject.startswith("@"):
        subject = str(await desk.user_id(subject))
    for deed in await desk.audit.rows(subject, 0, LISTED):
        actor = "shell" if deed.actor is None else deed.actor
        row(moment(deed.at), actor, deed.action, deed.subject, deed.before, deed.after)


COMMANDS = (
    maintenance,
    access,
    invites,
    notice,
    broadcast,
    broadcast_show,
    broadcast_send,
    broadcast_stop,
    stats,
    audit,
)
