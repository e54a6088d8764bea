"""What a check finds, and what all checks are given."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import httpx

from bot.clock import Clock, Runtime, Sleep
from bot.domain.tasks.learned import Learned
from bot.domain.types import Millis, ProviderName
from bot.kling.dialects.error_codes import http_date
from bot.network import Network
from bot.proxies import Proxies
from bot.settings.config import Settings
from bot.store import Inspection


class Level(StrEnum):
    """How grave a finding is: only the last one keeps the bot from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; what is no `ok` says what to do. `model` is the video model that it offers."""

    subject: str
    text: str
    level: Level = Level.OK
    model: str = ""

    @property
    def line(self) -> str:
        """The finding as people read it, in one line."""
        return f"{self.level:4}  {self.subject}: {' '.join(self.text.split())}"


class Clocks(Network):
    """Opens HTTP clients, and notes how far the clocks of those who answer are ahead of ours (milliseconds), by host."""

    def __init__(self, clock: Clock, proxies: Proxies | None = None) -> None:
        super().__init__(proxies=proxies)
        self.ahead: dict[str, Millis] = {}
        self._clock = clock

    def client(
        self, *, timeout: float | None = None, http2: bool = False, proxies: Proxies | None = None
    ) -> httpx.AsyncClient:
        """See `Network`."""
        made = super().client(timeout=timeout, http2=http2, proxies=proxies)
        made.event_hooks = {"response": [self._note]}
        return made

    async def _note(self, response: httpx.Response) -> None:
        theirs = http_date(response.headers.get("date", ""))
        if theirs is not None:
            self.ahead[response.request.url.host] = Millis(theirs - self._clock.now())


@dataclass(kw_only=True)
class Subject:
    """What is checked, and with what. `settings` are those of this moment where the store tells of overrides.

    `path` is the settings file (None: there is none). `learned` is what the providers' answers taught, and `store` how the
    store was found (None: it can't be read); the check of the store fills in both.
    """

    settings: Settings
    path: Path | None
    runtime: Runtime
    sleep: Sleep
    network: Clocks = field(init=False)
    learned: Mapping[ProviderName, Sequence[Learned]] = field(default_factory=dict)
    store: Inspection | None = None

    @property
    def holder(self) -> str | None:
        """Who serves with the store."""
        return None if self.store is None else self.store.holder

    def __post_init__(self) -> None:
        self.network = Clocks(self.runtime.clock, self.settings.network.proxies)


Check = Callable[[Subject], Awaitable[Sequence[Finding]]]


def found(subject: str, ok: str, problems: Iterator[Finding]) -> list[Finding]:
    """The problems of a subject, or that there is none."""
    return list(problems) or [Finding(subject, ok)]
