"""The settings of a running process, read again when it is asked to, and what came of that.

The bot that runs on the old settings ends in order, and is built anew on the new ones: see `bot.application`. What
cannot be used changes nothing.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import structlog

from bot.errors import ConfigError
from bot.kling.provider import Provider, is_same_account
from bot.settings.changes import changed_keys, without_restart
from bot.settings.config import Settings

log = structlog.get_logger(__name__)

SUFFIX = ".reload"
MOST_FORMER = 20
"""So many accounts that were changed or removed are remembered, for the tasks that run there."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of the latest request to read the settings again. `number` counts the requests to one process.

    `pid` is the process that reads its settings again when it gets a SIGHUP, and nobody else may be sent one.
    `changed` are the keys that hold now, `restart` those that wait for a restart; `problems` is why nothing changed.
    """

    number: int = 0
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    pid: int = 0

    @classmethod
    def read(cls, database: Path) -> "Report":
        """The report of the process that has a database; an empty one where there was none yet."""
        try:
            held = json.loads(_path_of(database).read_text("utf-8"))
            changed, restart, problems = (tuple(held[name]) for name in ("changed", "restart", "problems"))
            return cls(held["number"], changed, restart, problems, held["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, database: Path) -> None:
        """Put the report in the place of the one before; best effort."""
        path = _path_of(database)
        fresh = path.with_name(f"{path.name}.new")
        with suppress(OSError):
            fresh.write_text(json.dumps(asdict(self)), "utf-8")
            fresh.replace(path)


class Reloading:
    """What holds, and what is to hold. `read` reads the settings, `begin_log` lets the log be as they say.

    `former` are accounts that the settings no longer have, or have another key for: tasks may still run there.
    """

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Settings],
        begin_log: Callable[[Settings, Sequence[str]], None],
        database: Path,
    ) -> None:
        self.asked = asyncio.Event()
        self.settings = settings
        self.former: tuple[Provider, ...] = ()
        self._read = read
        self._begin_log = begin_log
        self._database = database
        self._before: tuple[Settings, tuple[Provider, ...]] = (settings, ())
        self._number = Report.read(database).number
        self._pending: Report | None = None
        self._complete: Callable[[Settings], Awaitable[Settings]] = _as_read

    async def begin(self, complete: Callable[[Settings], Awaitable[Settings]]) -> None:
        """From now on, `complete` adds to what is read whatever the store has of settings."""
        self._complete = complete
        self._use(await complete(self.settings))
        self._write(Report(self._number))

    async def take_up(self) -> bool:
        """Read the settings; whether the bot is to be built anew. What cannot be used is told in full."""
        try:
            new, restart = without_restart(self.settings, await self._complete(self._read()))
        except ConfigError as error:
            self._tell(problems=error.problems)
            return False
        changed = changed_keys(self.settings, new)
        self._pending = Report(self._number + 1, tuple(changed), tuple(restart))
        if not changed:
            self.done()
            return False
        self._before = (self.settings, self.former)
        newest = list(new.providers)
        for provider in (*self.settings.providers, *self.former):
            if not any(provider.name == each.name and is_same_account(provider, each) for each in newest):
                newest.append(provider)
        self.former = tuple(newest[len(new.providers) :][:MOST_FORMER])
        self._use(new)
        return True

    def done(self) -> None:
        """The bot runs. If it was built on settings that were read again, that is told."""
        if self._pending is None:
            return
        report, self._pending = self._pending, None
        if report.restart:
            log.warning("these settings need a restart", keys=list(report.restart))
        log.info("the settings were read again", changed=list(report.changed))
        self._write(report)

    def undo(self, error: ConfigError) -> bool:
        """Go back to the settings before, as the bot cannot be built on the new ones; False: there were no new ones."""
        if self._pending is None:
            return False
        self._pending = None
        settings, self.former = self._before
        self._use(settings)
        self._tell(problems=error.problems)
        return True

    def _tell(self, problems: Sequence[str]) -> None:
        log.error("the settings cannot be used; the old ones stay", problems=list(problems))
        self._write(Report(self._number + 1, problems=tuple(problems)))

    def _write(self, report: Report) -> None:
        self._number = report.number
        replace(report, pid=os.getpid()).write(self._database)

    def _use(self, settings: Settings) -> None:
        old = self.settings.secrets()
        self.settings = settings
        # What ends now may still say what was secret before.
        self._begin_log(settings, tuple(dict.fromkeys((*settings.secrets(), *old))))


async def _as_read(settings: Settings) -> Settings:
    return settings


def _path_of(database: Path) -> Path:
    real = Path(os.path.realpath(database))
    return real.with_name(real.name + SUFFIX)
