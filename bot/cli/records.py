"""What was asked for, and who did what, from a shell."""

import click

from bot.cli.desk import LISTED, Desk, at_desk, moment, row


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


COMMANDS = (stats, audit)
