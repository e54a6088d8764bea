"""`klingbot admin`: the essentials of the panel from a shell, for scripts. It works while the bot runs.

Each deed stands in the audit log as done from a shell. Whoever reads the settings may do everything.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click

from bot import config
from bot.clock import SystemClock
from bot.domain.access import AccessMode
from bot.domain.task import ACTIVE_STATES, LedgerRow
from bot.domain.units import UserId, shown
from bot.errors import ConfigError, UserError
from bot.services.access import Access, AllowList
from bot.services.accounts import Accounts
from bot.services.audit import Audit
from bot.services.plans import Plans
from bot.store.base import NotEnough
from bot.store.sqlite.operating import OperatingSqliteStore

T = TypeVar("T")

LISTED = 50


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command of the shell works with."""

    store: OperatingSqliteStore
    accounts: Accounts
    access: Access
    audit: Audit
    clock: SystemClock

    @property
    def operation(self) -> str:
        """A name for what this command does: no two commands are the same deed."""
        return f"shell:{time.time_ns()}"


@asynccontextmanager
async def _desk(settings: config.Settings) -> AsyncIterator[Desk]:
    store = await OperatingSqliteStore.open(settings.store.url)
    try:
        clock = SystemClock()
        plans = Plans(store, settings.plans, settings.quota.default_plan)
        await plans.refresh()
        owners = frozenset(UserId(admin) for admin in settings.telegram.admins)
        zone = ZoneInfo(settings.quota.timezone)
        accounts = Accounts(store, clock, plans, plans.default, zone, owners)
        audit = Audit(store, clock)
        access = Access(
            store, accounts, audit, clock, random.SystemRandom(), AccessMode.PUBLIC, AllowList(), plans
        )
        yield Desk(store, accounts, access, audit, clock)
    finally:
        await store.close()


def _run(path: Path, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Open the store of the settings, do the work, and tell of what went wrong in one line."""

    async def do() -> T:
        async with _desk(config.load(path, os.environ)) as desk:
            return await work(desk)

    try:
        return asyncio.run(do())
    except ConfigError as error:
        raise click.ClickException("; ".join(error.problems)) from None
    except UserError as error:
        told = ", ".join(f"{name}={value}" for name, value in error.params.items())
        raise click.ClickException(f"{error.key} {told}".strip()) from None


@click.group()
def admin() -> None:
    """The commands; their object is the path of the settings."""


@admin.command()
@click.argument("words", nargs=-1)
@click.pass_obj
def users(path: Path, words: tuple[str, ...]) -> None:
    """List people whose name holds the WORDS, those seen last first: id, @name, plan, credits, name."""

    async def work(desk: Desk) -> None:
        for user in await desk.store.people(" ".join(words), 0, LISTED):
            balance = await desk.accounts.balance(user.id)
            at = f"@{user.username}" if user.username else "-"
            plan = desk.accounts.plan_of(user).name
            click.echo(f"{user.id}\t{at}\t{plan}\t{balance.available}\t{user.name}")

    _run(path, work)


@admin.command()
@click.argument("user")
@click.argument("credits", type=int)
@click.option("--note", default="", help="Stands in the person's ledger.")
@click.option("--id", "deed", default="", help="The same id grants once only, however often it is run.")
@click.pass_obj
def grant(path: Path, user: str, credits: int, note: str, deed: str) -> None:
    """Give USER (id or @name) some CREDITS; after `--`, a negative number takes some away."""

    async def work(desk: Desk) -> None:
        found = await desk.accounts.find(user)
        now = desk.clock.now()
        operation = f"shell:{deed}" if deed else desk.operation
        row = LedgerRow.grant(found.id, credits, now, operation, note=note)
        before = (await desk.accounts.balance(found.id)).granted
        try:
            booked = await desk.store.book(row)
        except NotEnough as error:
            raise click.ClickException(f"only {error.granted} can be taken") from None
        if booked:
            after = f"{before + credits} ({credits:+d})"
            await desk.audit.note(operation, None, "grant", str(found.id), str(before), after)
        left = (await desk.accounts.balance(found.id)).available
        click.echo(f"{found.id}\t{left} can be spent" + ("" if booked else " (was booked before)"))

    _run(path, work)


@admin.command()
@click.argument("user")
@click.argument("reason", nargs=-1, required=True)
@click.pass_obj
def ban(path: Path, user: str, reason: tuple[str, ...]) -> None:
    """Ban USER (id or @name) for a REASON that they are told."""

    async def work(desk: Desk) -> None:
        person = await desk.access.ban(None, user, " ".join(reason), desk.operation)
        click.echo(f"{person.id}\tbanned")

    _run(path, work)


@admin.command()
@click.argument("user")
@click.pass_obj
def unban(path: Path, user: str) -> None:
    """Take the ban of USER (id or @name) back."""

    async def work(desk: Desk) -> None:
        person = await desk.access.unban(None, user, desk.operation)
        click.echo(f"{person.id}\tnot banned")

    _run(path, work)


@admin.command()
@click.argument("subject", required=False)
@click.pass_obj
def audit(path: Path, subject: str | None) -> None:
    """List who did what, newest first; with SUBJECT only what was done to that user id or task."""

    async def work(desk: Desk) -> None:
        for row in await desk.audit.rows(subject, 0, LISTED):
            at = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="seconds")
            actor = "shell" if row.actor is None else str(row.actor)
            click.echo(f"{at}\t{actor}\t{row.action}\t{row.subject}\t{row.before}\t{row.after}")

    _run(path, work)


@admin.command()
@click.pass_obj
def tasks(path: Path) -> None:
    """List what is under way, the oldest first: id, state, user, provider, seconds since it was asked for."""

    async def work(desk: Desk) -> None:
        now = desk.clock.now()
        for task in await desk.store.tasks_in(sorted(ACTIVE_STATES), LISTED):
            age = (now - task.created_at) // 1000
            click.echo(f"{shown(task.id)}\t{task.state}\t{task.user_id}\t{task.provider or '-'}\t{age}")

    _run(path, work)
