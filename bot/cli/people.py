"""People from a shell: who they are, what they may spend, and how they stand with the bot."""

import click

from bot.cli.context import LISTED, CliContext, at_desk, moment, row
from bot.domain.types import format_task_id


@click.command()
@click.argument("words", nargs=-1)
@at_desk
async def users(context: CliContext, words: tuple[str, ...]) -> None:
    """List people whose name holds the WORDS.

    Those seen last come first. Columns: id, @name, plan, credits that can be spent, name.
    """
    for person in (await context.admin.people(" ".join(words), 0, LISTED))[:LISTED]:
        balance = await context.accounts.balance(person.id)
        row(person.id, _at(person.username), person.plan, balance.available, person.name)


@click.command()
@click.argument("user")
@at_desk
async def user(context: CliContext, user: str) -> None:
    """Show one USER (id or @name).

    A row for each thing, which its first column names. `plan` has its end in the third. `ledger`: when, kind,
    credits, credits held, task, note. `task`, of those under way: id, state, provider, seconds since it was asked for.
    """
    card = await context.admin.card(await context.user_id(user))
    person, membership, balance = card.person, card.membership, card.balance
    row("id", person.id)
    row("username", _at(person.username))
    row("name", person.name)
    row("language", person.language)
    row("plan", person.plan, moment(balance.plan_until))
    row("available", balance.available)
    row("granted", balance.granted)
    row("held", balance.held)
    row("role", membership.role)
    row("admission", membership.admission)
    row("ban", membership.ban)
    row("paused_until", moment(membership.paused_until or None))
    for line in card.ledger:
        task = None if line.task_id is None else format_task_id(line.task_id)
        row("ledger", moment(line.at), line.kind, line.amount, line.held, task, line.note)
    now = context.clock.now()
    for running in card.running:
        age = (now - running.created_at) // 1000
        row("task", format_task_id(running.id), running.state, running.provider, age)


@click.command()
@click.argument("user")
@at_desk
async def export(context: CliContext, user: str) -> None:
    """Print everything that is known of one USER (id or @name) as JSON, as /export sends it to them."""
    click.echo(await context.export(await context.user_id(user)))


@click.command()
@at_desk
async def staff(context: CliContext) -> None:
    """List everybody who runs the bot, owners first.

    Columns: id, @name, role, name.
    """
    for person, membership in await context.access.staff():
        row(person.id, _at(person.username), membership.role, person.name)


@click.command()
@at_desk
async def waiting(context: CliContext) -> None:
    """List who has asked to be let in, the longest first.

    Columns: id, @name, name.
    """
    for person in await context.access.list_join_requests(LISTED):
        row(person.id, _at(person.username), person.name)


def _at(username: str | None) -> str | None:
    return f"@{username}" if username else None


COMMANDS = (users, user, export, staff, waiting)
