"""People from a shell: who they are, what they may spend, and how they stand with the bot."""

import click

from bot.cli.desk import LISTED, Desk, at_desk, moment, row
from bot.domain.units import shown


@click.command()
@click.argument("words", nargs=-1)
@at_desk
async def users(desk: Desk, words: tuple[str, ...]) -> None:
    """List people whose name holds the WORDS.

    Those seen last come first. Columns: id, @name, plan, credits that can be spent, name.
    """
    for person in (await desk.admin.people(" ".join(words), 0, LISTED))[:LISTED]:
        balance = await desk.accounts.balance(person.id)
        row(person.id, _at(person.username), person.plan, balance.available, person.name)


@click.command()
@click.argument("user")
@at_desk
async def user(desk: Desk, user: str) -> None:
    """Show one USER (id or @name).

    A row for each thing, which its first column names. `plan` has its end in the third. `ledger`: when, kind,
    credits, credits held, task, note. `task`, of those under way: id, state, provider, seconds since it was asked for.
    """
    card = await desk.admin.card(await desk.user_id(user))
    person, standing, balance = card.person, card.standing, card.balance
    row("id", person.id)
    row("username", _at(person.username))
    row("name", person.name)
    row("language", person.language)
    row("plan", person.plan, moment(balance.plan_until))
    row("available", balance.available)
    row("granted", balance.granted)
    row("held", balance.held)
    row("role", standing.role)
    row("admission", standing.admission)
    row("ban", standing.ban)
    row("paused_until", moment(standing.paused_until or None))
    for line in card.ledger:
        task = None if line.task_id is None else shown(line.task_id)
        row("ledger", moment(line.at), line.kind, line.amount, line.held, task, line.note)
    now = desk.clock.now()
    for running in card.running:
        age = (now - running.created_at) // 1000
        row("task", shown(running.id), running.state, running.provider, age)


@click.command()
@at_desk
async def staff(desk: Desk) -> None:
    """List everybody who runs the bot, owners first.

    Columns: id, @name, role, name.
    """
    for person, standing in await desk.access.staff():
        row(person.id, _at(person.username), standing.role, person.name)


@click.command()
@at_desk
async def waiting(desk: Desk) -> None:
    """List who has asked to be let in, the longest first.

    Columns: id, @name, name.
    """
    for person in await desk.access.waiting(LISTED):
        row(person.id, _at(person.username), person.name)


def _at(username: str | None) -> str | None:
    return f"@{username}" if username else None


COMMANDS = (users, user, staff, waiting)
