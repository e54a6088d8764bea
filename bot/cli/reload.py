"""`klingbot reload`: let the running bot read its settings again, and tell what came of it."""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bot.reloading import Report
from bot.store import holder_of

PATIENCE_SECONDS = 45.0
"""A bot that renders nothing begins anew in a second; what it is sending may take it 10."""

LOOK_SECONDS = 0.1


class NotReloaded(Exception):
    """There is nobody to read anything, or no answer; one line."""


def reload(database: Path, sleep: Callable[[float], None] = time.sleep) -> Report:
    """Ask the process that has the database, and wait for its report.

    Raises:
        NotReloaded: there is none, it cannot be asked from here, or it does not answer.

    """
    holder = holder_of(database)
    if holder is None or not holder.pid:
        raise NotReloaded(f"no bot is running with {database}")
    if holder.host != socket.gethostname():
        raise NotReloaded(f"the bot runs elsewhere: {holder}; ask there")
    before = Report.read(database)
    if before.pid != holder.pid:
        raise NotReloaded(f"{holder} is still starting, or does something else than `klingbot run`")
    try:
        os.kill(holder.pid, signal.SIGHUP)
    except ProcessLookupError:
        raise NotReloaded(f"{holder} cannot be reached from here; ask in its container") from None
    except PermissionError:
        raise NotReloaded(f"{holder} belongs to another user; ask as that one, or as root") from None
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        report = Report.read(database)
        if report.number != before.number:
            return report
        sleep(LOOK_SECONDS)
    raise NotReloaded(f"{holder} does not answer; its log says more")


def ask_to_reload(database: Path) -> None:
    """Ask the process that has the database, if one runs here, and wait for nothing."""
    holder = holder_of(database)
    if holder is not None and holder.host == socket.gethostname() and Report.read(database).pid == holder.pid:
        with suppress(OSError):
            os.kill(holder.pid, signal.SIGHUP)


def lines(report: Report) -> list[str]:
    """What is said of a report, a line each."""
    if report.problems:
        return [
            "the settings cannot be used; the old ones stay",
            *(f"  - {each}" for each in report.problems),
        ]
    said = [f"now holds: {key}" for key in report.changed] or ["nothing has changed"]
    return said + [f"needs a restart: {key}" for key in report.restart]
