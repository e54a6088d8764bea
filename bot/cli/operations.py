"""Running the bot from a shell: how people are received, invite codes, broadcasts, statistics and the audit log."""

import sys

import click

from bot.cli.context import LISTED, CliContext, at_desk, moment, row
from bot.domain.operations.business import Grouping
from bot.domain.operations.records import BroadcastState
from bot.domain.people.access import AccessMode
from bot.domain.types import format_task_id
from bot.errors import UserError
from bot.i18n import NAMES
from bot.services.operations.broadcast import BroadcastDraft, read_content
from bot.services.operations.reports import business_cells


@click.command()
@click.argument("wanted", metavar="[on|off]", type=click.Choice(["on", "off"]), required=False)
@at_desk
async def maintenance(context: CliContext, wanted: str | None) -> None:
    """Begin nothing new, or begin again.

    What runs goes on either way. Alone: how it is.
    """
    if wanted is not None:
        await context.overrides.set_text(None, "access.maintenance", wanted, context.operation())
    row("on" if context.access.policy.maintenance else "off")


@click.command()
@click.argument(
    "mode",
    metavar=f"[{'|'.join(AccessMode)}]",
    type=click.Choice([str(mode) for mode in AccessMode]),
    required=False,
)
@at_desk
async def access(context: CliContext, mode: str | None) -> None:
    """Say who may use the bot without being let in.

    Alone: how it is.
    """
    if mode is not None:
        await context.overrides.set(None, "access.mode", mode, context.operation())
    row(context.access.policy.mode)


@click.command()
@at_desk
async def invites(context: CliContext) -> None:
    """List the codes that have not ended.

    Columns: code, uses, used, end, plan.
    """
    for code in await context.access.invites(LISTED):
        row(code.code, code.uses, code.used, moment(code.ends_at), code.plan)


@click.command()
@at_desk
async def promos(context: CliContext) -> None:
    """List the promo codes that have not ended.

    Columns: code, credits, uses, used, end, days.
    """
    for code in await context.promos.list_valid(LISTED):
        row(code.code, code.credits, code.uses, code.used, moment(code.ends_at), code.days)


@click.command()
@click.argument("text", nargs=-1)
@click.option("--clear", is_flag=True, help="Take the text away.")
@at_desk
async def notice(context: CliContext, text: tuple[str, ...], clear: bool) -> None:
    """Let a TEXT stand beneath /start.

    Alone: the one that there is.
    """
    words = " ".join(text)
    if clear and words:
        raise click.ClickException("give a text, or --clear, and not both")
    if clear or words:
        await context.overrides.set(None, "access.notice", words, context.operation())
    row(context.live.now.access.notice or None)


@click.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--plan", help="Only to people on this plan.")
@click.option("--language", type=click.Choice(list(NAMES)), help="Only to people who read this language.")
@at_desk
async def broadcast(
    context: CliContext, text: tuple[str, ...], plan: str | None, language: str | None
) -> None:
    """Draft a message to many, which `broadcast-send` sends.

    A TEXT that is a dash is read from the input. Its last lines may be up to three buttons, each a line `Title -
    https://…`. Columns: number, state, people sent to, people not reached, people
    that it goes to.
    """
    if plan is not None and plan not in context.accounts.plans:
        raise click.ClickException(f"there is no plan {plan}; there are: {', '.join(context.accounts.plans)}")
    words = sys.stdin.read() if text == ("-",) else " ".join(text)
    letter = await context.broadcasts.draft(None, read_content(words))
    if plan is not None or language is not None:
        letter = await context.broadcasts.narrow(None, letter.id, plan, language)
    _show_broadcast(letter)


@click.command("broadcast-show")
@click.argument("number", type=int)
@at_desk
async def broadcast_show(context: CliContext, number: int) -> None:
    """Tell how far a broadcast is.

    Columns: number, state, people sent to, people not reached, people that it goes to.
    """
    _show_broadcast(await _letter(context, number, *BroadcastState))


@click.command("broadcast-send")
@click.argument("number", type=int)
@at_desk
async def broadcast_send(context: CliContext, number: int) -> None:
    """Let the running bot send a draft, once.

    Columns as for `broadcast-show`.
    """
    await _letter(context, number, BroadcastState.DRAFT)
    _show_broadcast(await context.broadcasts.send(None, number, None, context.operation()))


@click.command("broadcast-stop")
@click.argument("number", type=int)
@at_desk
async def broadcast_stop(context: CliContext, number: int) -> None:
    """Send a broadcast to nobody any more.

    Columns as for `broadcast-show`.
    """
    await _letter(context, number, BroadcastState.DRAFT, BroadcastState.SENDING)
    _show_broadcast(await context.broadcasts.stop(None, number, context.operation()))


async def _letter(context: CliContext, number: int, *states: BroadcastState) -> BroadcastDraft:
    try:
        letter = await context.broadcasts.letter(None, number)
    except UserError:
        raise click.ClickException(f"there is no broadcast {number}") from None
    if letter.state not in states:
        raise click.ClickException(f"broadcast {number} is {letter.state}, and not {' or '.join(states)}")
    return letter


def _show_broadcast(letter: BroadcastDraft) -> None:
    row(letter.id, letter.state, letter.sent, letter.failed, letter.total)


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far it reaches back."
)
@at_desk
async def stats(context: CliContext, days: int) -> None:
    """Print the tasks of the last days as CSV.

    The table is that of /stats, with its heading.
    """
    table = await context.reports.table(None, days)
    # The mark is for spreadsheets, the ends of lines for mail: a script wants neither.
    for line in table.decode("utf-8-sig").splitlines():
        click.echo(line)


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far it reaches back."
)
@at_desk
async def costs(context: CliContext, days: int) -> None:
    """Tell what Kling charged, and where that differs.

    The first column says what a row is, and so what follows. sum: provider, unit, amount, charges, those without a
    task. read: provider, until when. lost: provider, answers, units. unmatched: when, provider, Kling's task, what,
    model, amount, unit. failed: task, when, amount, unit. drift: provider, operation, model, kind, price in the
    catalog, price that was charged, tasks. settings: lines that make the catalog right.
    """
    report = await context.costs.report(days)
    for found in report.sums:
        unit = found.currency or found.product
        row("sum", found.provider, unit, f"{found.amount:g}", found.number, found.unmatched)
    for read in report.read_until:
        row("read", read.provider, moment(read.moment))
    for lost in report.lost:
        row("lost", lost.provider, lost.number, f"{lost.units:g}")
    for charge in report.unmatched:
        about = (charge.function, charge.model, f"{charge.amount:g}", charge.currency or charge.product)
        row("unmatched", moment(charge.charged_at), charge.provider, charge.remote_id, *about)
    for task in report.failed:
        unit = task.currency or task.product
        row("failed", format_task_id(task.id), moment(task.charged_at), f"{task.amount:g}", unit)
    for drift in report.drifts:
        kind = (drift.operation, drift.model, drift.variant, f"{drift.listed:g}", f"{drift.charged:g}")
        row("drift", drift.provider, *kind, drift.tasks)
    for line in filter(None, report.settings.splitlines()):
        row("settings", line)


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far it reaches back."
)
@click.option(
    "--by",
    type=click.Choice([str(each) for each in Grouping]),
    default=str(Grouping.DAY),
    show_default=True,
    help="What a row is for.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a heading.")
@at_desk
async def revenue(context: CliContext, days: int, by: str, *, as_csv: bool) -> None:
    """Tell what Stars brought in and what Kling took.

    The last row is the total. Columns: by, name, Stars from packages, from subscriptions, refunded, net; credits sold,
    taken back, granted, charged, refunded; tasks; Kling units, the estimated part of them; units and money that the
    accounts charged; revenue, cost, margin, currency. What is not known is a dash.
    """
    if as_csv:
        table = await context.business.table(days, Grouping(by))
        for line in table.decode("utf-8-sig").splitlines():
            click.echo(line)
        return
    for found in business_cells(await context.business.report(days, Grouping(by))):
        row(*(cell or None for cell in found))


@click.command()
@click.argument("subject", required=False)
@at_desk
async def audit(context: CliContext, subject: str | None) -> None:
    """List who did what, newest first.

    With SUBJECT only what was done to that user (id or @name) or task (K7Q2-9F). Columns: when, who, action, subject, before, after.
    """
    if subject is not None and subject.startswith("@"):
        subject = str(await context.user_id(subject))
    for deed in await context.audit.rows(subject, 0, LISTED):
        actor = "shell" if deed.actor is None else deed.actor
        row(moment(deed.at), actor, deed.action, deed.subject, deed.before, deed.after)


COMMANDS = (
    maintenance,
    access,
    invites,
    promos,
    notice,
    broadcast,
    broadcast_show,
    broadcast_send,
    broadcast_stop,
    stats,
    costs,
    revenue,
    audit,
)
