"""Copies of the database that are made by themselves: when they are due, how many stay, and to whom they are sent."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import structlog

from bot.archives import seal
from bot.clock import Clock
from bot.domain.types import DAY, HOUR, SECOND, ChatId, Millis, UserId
from bot.errors import CopyUnusable
from bot.services.operations.alerts import Alerts
from bot.services.ports import ChatError, Notices
from bot.settings import sections
from bot.store import Store, keep_newest

log = structlog.get_logger(__name__)

LAST_KEY = "backups.last"
RETRY = HOUR
"""Milliseconds from a copy that could not be made, or sent, to the next try."""

SENDING = "backup-"
"""How the directories begin in which copies are made ready to be sent."""


class Backups:
    """Makes copies, the first of them when the bot has served for as long as lies between two.

    `directory` is where people's files are: what is to be sent is made ready there.
    """

    def __init__(
        self,
        *,
        store: Store,
        notices: Notices,
        alerts: Alerts,
        clock: Clock,
        settings: sections.Backup,
        zone: ZoneInfo,
        directory: Path,
    ) -> None:
        self._store = store
        self._notices = notices
        self._alerts = alerts
        self._clock = clock
        self._settings = settings
        self._zone = zone
        self._directory = directory
        self._tried_at: Millis | None = None
        self._unsent: Path | None = None

    async def at_start(self) -> None:
        """Count from now on where no copy was made yet."""
        if self._settings.every_hours and await self._store.operations.get_setting(LAST_KEY) is None:
            await self._store.operations.set_setting(LAST_KEY, str(self._clock.now()))

    async def tick(self) -> None:
        """Make a copy where one is due, and send one that is to be sent."""
        now = self._clock.now()
        if not self._settings.every_hours or (self._tried_at is not None and now - self._tried_at < RETRY):
            return
        self._tried_at = None
        last = await self._store.operations.get_setting(LAST_KEY)
        if last is not None and is_due(
            Millis(int(last)), now, self._settings.every_hours, self._settings.at, self._zone
        ):
            await self._make(now)
        if self._unsent is not None:
            await self._send(self._unsent)

    async def _make(self, now: Millis) -> None:
        try:
            path, figures = await self._store.copy(self._settings.directory, now)
            deleted = await asyncio.to_thread(keep_newest, path, self._settings.keep, now)
        except (CopyUnusable, OSError) as error:
            self._tried_at = now
            log.error("no copy of the database was made", reason=str(error))  # noqa: TRY400  the reason is enough
            await self._alerts.alert_operators("alert.backup.failed", reason=str(error))
            return
        await self._store.operations.set_setting(LAST_KEY, str(now))
        log.info("the database was copied", path=str(path), bytes=figures.size, deleted=len(deleted))
        if self._settings.send_to:
            self._unsent = path

    async def _send(self, copy: Path) -> None:
        """Send a copy, encrypted, to the chat of the settings; all of its parts or, later, all of them again."""
        chat = ChatId(self._settings.send_to)
        language = await self._alerts.language_of(UserId(chat))
        try:
            with TemporaryDirectory(prefix=SENDING, dir=self._directory) as folder:
                parts = await asyncio.to_thread(seal, copy, Path(folder), self._settings.recipient)
                for number, part in enumerate(parts, 1):
                    await self._notices.send_file(
                        chat, language, part, "backup.sent", part=number, parts=len(parts)
                    )
        except (ChatError, OSError) as error:
            self._tried_at = self._clock.now()
            reason = str(error) or type(error).__name__
            log.error("a copy of the database was not sent", chat=chat, reason=reason)  # noqa: TRY400
            await self._alerts.alert_operators("alert.backup.unsent", reason=reason)
            return
        self._unsent = None
        log.info("a copy of the database was sent", chat=chat, parts=len(parts))


def is_due(last: Millis, now: Millis, every_hours: int, at: str, zone: ZoneInfo) -> bool:
    """Whether a copy is due; `at` ("03:30", or empty) is the time of day of the first one of a day."""
    if not at:
        return now - last >= every_hours * HOUR
    hour, minute = map(int, at.split(":"))
    here = datetime.fromtimestamp(now / SECOND, zone)
    slot = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if slot > here:
        slot -= timedelta(days=1)
    steps = (here - slot) // timedelta(hours=every_hours)
    latest = slot + steps * timedelta(hours=every_hours)
    # Of several days between two, the time of day decides to which minute.
    pause = max(0, every_hours * HOUR - DAY // 2) if every_hours * HOUR > DAY else 0
    return last < latest.timestamp() * SECOND and now - last >= pause
