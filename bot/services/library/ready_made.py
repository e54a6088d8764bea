"""The elements and voices of Kling's own, which everybody may use in videos: listed, and found by name.

They are asked for when somebody first wants them, and then kept in memory for some hours.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.clock import Clock
from bot.domain.library.asset import NO_NAMES, Names, Preset, folded
from bot.domain.requests.operations import Operation, Product
from bot.domain.requests.options import Option
from bot.domain.types import HOUR, MINUTE, Millis, ProviderName
from bot.kling import errors
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused
from bot.kling.pool import ProviderPool
from bot.services.slots import waiting

log = structlog.get_logger(__name__)

KEPT = 6 * HOUR
KEPT_AFTER_A_FAULT = 5 * MINUTE
PATIENCE_SECONDS = 10.0
"""How long a message waits for a list that it may name something of."""

_NAMING = ("@", "＠", *Option.ELEMENTS.row.words, *Option.VOICE.row.words)
"""What a text has in it that names one."""

FetchFile = Callable[[ProviderName, str, Path, Product], Awaitable[object]]
"""Saves a provider's file by its address, or raises what `bot.kling.download` raises."""

PREVIEWED_AS = {Operation.ELEMENT: Product.IMAGE, Operation.VOICE: Product.AUDIO}


class ReadyMade:
    """Lists them, of the first provider that tells of any. Files in between are written to `directory`."""

    def __init__(self, *, pool: ProviderPool, fetch: FetchFile, directory: Path, clock: Clock) -> None:
        self._pool = pool
        self._fetch = fetch
        self._directory = directory
        self._clock = clock
        self._kept: dict[Operation, tuple[Millis, tuple[Preset, ...]]] = {}

    def may_have(self, kind: Operation) -> bool:
        """Whether some provider may have any: nobody is asked."""
        return any(kind in client.operations for client in self._pool.clients())

    async def list(self, kind: Operation) -> tuple[Preset, ...]:
        """Those of a kind, in Kling's order; none where nobody tells of any, or nobody can now."""
        until, known = self._kept.get(kind, (Millis(0), ()))
        now = self._clock.now()
        if now < until:
            return known
        keeps = KEPT_AFTER_A_FAULT
        for client in self._pool.clients():
            if kind not in client.operations or not self._pool.is_open(client.name):
                continue
            try:
                async with waiting(), asyncio.timeout(PATIENCE_SECONDS):
                    known, keeps = await client.list_presets(kind), KEPT
            except (errors.ProviderError, TimeoutError) as error:
                log.info("presets cannot be listed", provider=client.name, kind=kind, reason=str(error))
                continue
            break
        self._kept[kind] = (Millis(now + keeps), known)
        return known

    async def presets(self, text: str) -> Names:
        """What of it a text may call by name; nobody is asked for one that can name nothing."""
        said = text.casefold()
        if not any(word in said for word in _NAMING):
            return NO_NAMES
        elements = await self.list(Operation.ELEMENT) if self.may_have(Operation.ELEMENT) else ()
        voices = await self.list(Operation.VOICE) if self.may_have(Operation.VOICE) else ()
        return Names(
            {folded(preset.called): int(preset.remote_id) for preset in reversed(elements)},
            preset_voices={folded(preset.called): preset.remote_id for preset in reversed(voices)},
        )

    def video_elements(self) -> frozenset[int]:
        """Those of the elements that were told of which are characters of a video; nobody is asked."""
        _, known = self._kept.get(Operation.ELEMENT, (Millis(0), ()))
        return frozenset(int(preset.remote_id) for preset in known if preset.of_video)

    async def preview(self, preset: Preset) -> bytes | None:
        """What it looks or sounds like; None where that cannot be had."""
        if not preset.preview:
            return None
        with TemporaryDirectory(prefix="preview-", dir=self._directory) as directory:
            path = Path(directory) / "preview"
            try:
                async with waiting():
                    await self._fetch(preset.provider, preset.preview, path, PREVIEWED_AS[preset.kind])
            except (DownloadFailed, DownloadGone, DownloadRefused) as error:
                log.info("a preview cannot be had", provider=preset.provider, reason=str(error))
                return None
            return path.read_bytes()
