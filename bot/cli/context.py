"""What a command of the shell works with: the services on the bot's own store, put together for one deed."""

import asyncio
import os
import re
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial, wraps
from html import unescape
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from bot import log
from bot.cli.reload import ask_to_reload
from bot.clock import Clock, Runtime
from bot.domain.types import Millis, UserId
from bot.errors import ConfigError, StoreError, UserError
from bot.i18n import DEFAULT, for_language
from bot.kling.pool import ConfiguredOffer
from bot.kling.trial import try_account
from bot.masking import Mask
from bot.network import Network
from bot.services.added_providers import AddedProviders, with_added
from bot.services.container import Administration, added_providers, admin_actions, administration, shell_tasks
from bot.services.operations.actions import Actions
from bot.services.operations.privacy import export_person
from bot.services.ports import Job
from bot.services.tasks.admin import TaskAdmin
from bot.settings import config
from bot.store import Store, path_of

P = ParamSpec("P")

LISTED = 50
"""Rows of a list at most."""

_TAG = re.compile("<[^>]*>")
_GAPS = str.maketrans("\t\r\n", "   ")


@dataclass(frozen=True, slots=True, kw_only=True)
class CliContext(Administration):
    """The services that a command asks, each with an actor of None."""

    clock: Clock
    tasks: TaskAdmin
    actions: Actions
    export: Callable[[UserId], Awaitable[bytes]]
    added_providers: AddedProviders

    def operation(self, deed: str = "") -> str:
        """A name for what this command does; without the caller's own, no two commands are the same deed."""
        return f"shell:{deed or time.time_ns()}"

    async def user_id(self, text: str) -> UserId:
        """The id of somebody by id or @name.

        Raises:
            UserError: nobody of that id or name has written to the bot.

        """
        return (await self.accounts.find(text)).id


@asynccontextmanager
async def _desk(settings: config.Settings) -> AsyncIterator[CliContext]:
    store = await Store.open(settings.store.url, backups=settings.backup.directory)
    try:
        settings = await with_added(settings, store)
        offer, runtime = ConfiguredOffer(settings.providers), Runtime()
        made = administration(settings, store=store, offer=offer, runtime=runtime, wake=_nobody)
        await made.access.refresh()
        await made.live.refresh()
        shared = {field.name: getattr(made, field.name) for field in fields(made)}
        tasks = shell_tasks(made, store=store, polling=settings.polling, clock=runtime.clock, wake=_nobody)
        admin = TaskAdmin(store=store, tasks=tasks, access=made.access, clock=runtime.clock)
        actions = admin_actions(made, store=store, tasks=tasks, runtime=runtime, wake=_nobody)
        added = added_providers(
            made,
            settings=settings,
            store=store,
            try_provider=partial(
                try_account,
                runtime=runtime,
                network=Network(proxies=settings.network.proxies),
                mask=lambda key: Mask([key]).answer,
            ),
            ask_reload=partial(ask_to_reload, path_of(settings.store.url)),
        )
        yield CliContext(
            **shared,
            clock=runtime.clock,
            tasks=admin,
            actions=actions,
            export=partial(export_person, store),
            added_providers=added,
        )
    finally:
        await store.close()


def _nobody(job: Job) -> None:
    """Wake nobody: the bot is another process, whose jobs find what there is to do within seconds."""
    del job


def at_desk(work: Callable[Concatenate[CliContext, P], Awaitable[None]]) -> Callable[P, None]:
    """Make a function of what is done at a desk: the desk is opened before, and what goes wrong is told in one line."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        path: Path | None = click.get_current_context().obj

        async def do() -> None:
            settings = config.load(path, os.environ)
            # What is printed is for scripts: the log goes beside it.
            log.setup("WARNING", settings.logging.format, settings.secrets(), sys.stderr)
            async with _desk(settings) as context:
                await work(context, *args, **kwargs)

        try:
            asyncio.run(do())
        except ConfigError as error:
            raise click.ClickException("; ".join(error.problems)) from None
        except UserError as error:
            raise click.ClickException(_refusal(error)) from None
        except BrokenPipeError:
            # Whoever read the output has enough, as `head` has: click ends quietly.
            raise
        except (OSError, sqlite3.Error, StoreError) as error:
            raise click.ClickException(_in_one_line(f"the store cannot be used: {error}")) from None

    return run


def _refusal(error: UserError) -> str:
    """The sentence that a chat would show, and its key: that stays the same for scripts where the sentence does not."""
    try:
        sentence = for_language(DEFAULT)(error.key, **error.params)
    except KeyError:
        # A chat words some of what goes into the sentence itself.
        sentence = ", ".join(f"{name}={value}" for name, value in error.params.items())
    return _in_one_line(f"{unescape(_TAG.sub('', sentence))} ({error.key})")


def row(*cells: object) -> None:
    """Print a row: a tab between two cells, None as a dash."""
    click.echo("\t".join("-" if cell is None else str(cell).translate(_GAPS) for cell in cells))


def moment(at: Millis | None) -> str | None:
    """A moment as scripts read it, in UTC."""
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
