"""People from a shell: who they are, what they may spend, and how they stand with the bot."""

import click

from bot.cli.desk import LISTED, Desk, at_desk, moment, row
from bot.domain.people.access import Role
from bot.domain.units import shown

ROLES = {"admin": Role.ADMIN, "support": Role.SUPPORT, "none": None}


@click.command()
@click.argument("words", nargs=-1)
@at_desk
async def users(desk: Desk, words: tuple[str, ...]) -> None:
    """List people whose name holds the WORDS.

    Those seen last come first. Columns: id, @name, plan, credits that can be spent, name.
    """
    for person in (await desk.admin.people(None, " ".join(words), 0, LISTED))[:LISTED]:
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
    card = await desk.admin.card(None, await desk.user_id(user))
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
@click.argument("user")
@click.argument("credits", type=int)
@click.option("--note", default="", help="Stands in the person's ledger.")
@click.option("--until", help="The end of what is granted: 30d, or a day as 2027-01-31.")
@click.option("--id", "deed", default="", help="The same id grants once only, however often it is run.")
@at_desk
async def grant(desk: Desk, user: str, credits: int, note: str, until: str | None, deed: str) -> None:
    """Give USER (id or @name) some CREDITS.

    After `--`, a negative number takes some away. Columns: id, credits that can be spent.
    """
    user_id = await desk.user_id(user)
    booked = await desk.admin.grant(None, user_id, credits, desk.operation(deed), note, until)
    left = (await desk.accounts.balance(user_id)).available
    row(user_id, f"{left} can be spent" + ("" if booked else " (was booked before)"))


@click.command()
@click.argument("user")
@click.argument("plan")
@click.option("--until", help="When the usual plan is theirs again: 30d, or a day as 2027-01-31.")
@at_desk
async def plan(desk: Desk, user: str, plan: str, until: str | None) -> None:
    """Move USER (id or @name) to a PLAN.

    Columns: id, plan, end.
    """
    moved = await desk.accounts.move(None, user, plan, until, desk.operation())
    row(moved.id, moved.plan, moment(moved.plan_until))


@click.command()
@click.argument("user")
@click.argument("role", type=click.Choice(list(ROLES)))
@at_desk
async def role(desk: Desk, user: str, role: str) -> None:
    """Let USER (id or @name) run the bot, or no more.

    Columns: id, role.
    """
    person = await desk.access.appoint(None, user, ROLES[role], desk.operation())
    row(person.id, role)


@click.command()
@at_desk
async def staff(desk: Desk) -> None:
    """List everybody who runs the bot, owners first.

    Columns: id, @name, role, name.
    """
    for person, standing in await desk.access.staff(None):
        row(person.id, _at(person.username), standing.role, person.name)


@click.command()
@click.argument("user")
@click.argument("reason", nargs=-1, required=True)
@at_desk
async def ban(desk: Desk, user: str, reason: tuple[str, ...]) -> None:
    """Ban USER (id or @name) for a REASON that they are told.

    Columns: id, how they stand now.
    """
    person = await desk.access.ban(None, user, " ".join(reason), desk.operation())
    row(person.id, "banned")


@click.command()
@click.argument("user")
@at_desk
async def unban(desk: Desk, user: str) -> None:
    """Take the ban of USER (id or @name) back.

    Columns: id, how they stand now.
    """
    person = await desk.access.unban(None, user, desk.operation())
    row(person.id, "not banned")


@click.command()
@at_desk
async def waiting(desk: Desk) -> None:
    """List who has asked to be let in, the longest first.

    Columns: id, @name, name.
    """
    for person in await desk.access.waiting(LISTED):
        row(person.id, _at(person.username), person.name)


@click.command()
@click.argument("user")
@click.option("--plan", help="The plan that they get.")
@at_desk
async def admit(desk: Desk, user: str, plan: str | None) -> None:
    """Let USER (id or @name) in.

    Columns: id, how they stand now, plan.
    """
    user_id = await desk.user_id(user)
    admitted = await desk.access.admit(None, user_id, plan, desk.operation())
    person = admitted or await desk.access.person(user_id)
    row(user_id, "allowed" + ("" if admitted else " (was before)"), person.plan)


@click.command()
@click.argument("user")
@at_desk
async def deny(desk: Desk, user: str) -> None:
    """Turn USER (id or @name) away until they are admitted.

    Columns: id, how they stand now.
    """
    user_id = await desk.user_id(user)
    news = await desk.access.deny(None, user_id, desk.operation())
    row(user_id, "denied" + ("" if news else " (was before)"))


def _at(username: str | None) -> str | None:
    return f"@{username}" if username else None


COMMANDS = (users, user, grant, plan, role, staff, ban, unban, waiting, admit, deny)
