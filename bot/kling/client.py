"""One provider: its dialect, its key and its limits around one HTTP client. The only I/O towards Kling.

What was surely never sent is told from what may have arrived: that decides whether it may be repeated.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TypeVar

import httpx
import structlog

from bot.clock import Clock
from bot.domain.request import VideoRequest
from bot.domain.units import Millis, ProviderName
from bot.kling import outcomes
from bot.kling.auth import Signer
from bot.kling.wire import (
    Dialect,
    HttpRequest,
    HttpResponse,
    RemoteState,
    Submission,
    SubmitContext,
    TaskRef,
    TaskStatus,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

USER_AGENT = f"klingbot/{version('klingbot')}"
LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer that are read at most; a list of 500 tasks has about half a megabyte."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_SIGNATURE_CODES = frozenset({"1003", "1004"})

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """What a client must know of its provider. `rate` in requests a second, `timeout` in seconds."""

    name: ProviderName
    base_url: str
    models: tuple[str, ...]
    max_concurrent: int = 5
    priority: int = 1
    timeout: float = 60
    rate: float = 5
    key: str = field(default="", repr=False)


class Limiter:
    """Lets at most `rate` requests a second begin, one after the other."""

    def __init__(self, rate: float, monotonic: Callable[[], float], sleep: Sleep) -> None:
        self._interval = 1 / rate
        self._monotonic = monotonic
        self._sleep = sleep
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for one's turn."""
        now = self._monotonic()
        turn = max(now, self._next)
        self._next = turn + self._interval
        if turn > now:
            await self._sleep(turn - now)


class KlingClient:
    """Submits, asks and looks up. Every method raises only what `bot.kling.outcomes` names."""

    def __init__(
        self,
        config: ProviderConfig,
        dialect: Dialect,
        signer: Signer,
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.config = config
        self.dialect = dialect
        self._signer = signer
        self._http = http
        self._clock = clock
        self._limiter = Limiter(config.rate, monotonic, sleep)
        self._unknown_words: set[str] = set()

    @property
    def name(self) -> ProviderName:
        """The provider's name in the settings."""
        return self.config.name

    @property
    def can_look_up(self) -> bool:
        """Whether a task can be asked for by our own id."""
        return self.dialect.can_look_up

    @property
    def can_query_many(self) -> bool:
        """Whether one question can be about many tasks."""
        return self.dialect.can_look_up

    async def submit(self, request: VideoRequest, context: SubmitContext) -> Submission:
        """Send a request, once.

        Raises:
            Ambiguous: it may have arrived; ask with `look_up` before anything is sent again.
            ProviderError: any other outcome; it surely created no task.

        """
        return await self._exchange(
            self.dialect.submit(request, context), self.dialect.parse_submit, submitting=True
        )

    async def query(self, ref: TaskRef) -> TaskStatus:
        """Look at one task."""
        return self._seen(await self._exchange(self.dialect.query(ref), self.dialect.parse_query))

    async def look_up(self, ref: TaskRef) -> TaskStatus | None:
        """Look for a task by our own id; None: the provider does not know it."""
        request = self.dialect.look_up(ref)
        if request is None:
            raise outcomes.Unavailable("this dialect cannot be asked for our own id")
        status = await self._exchange(request, self.dialect.parse_look_up)
        return None if status is None else self._seen(status)

    async def query_many(self, refs: Sequence[TaskRef]) -> tuple[TaskStatus, ...]:
        """Look at many tasks of one operation with one question; those it misses are not in the answer."""
        request = self.dialect.query_many(refs)
        if request is None:
            raise outcomes.Unavailable("this dialect has no list")
        return tuple(self._seen(status) for status in await self._exchange(request, self.dialect.parse_many))

    async def probe(self) -> str:
        """Ask something free that only a good key answers; a few words for the operator."""
        return await self._exchange(self.dialect.probe(self._clock.now()), self.dialect.parse_probe)

    # -- the exchange --------------------------------------------------------------------------------

    async def _exchange(
        self, request: HttpRequest, parse: Callable[[HttpResponse], T], *, submitting: bool = False
    ) -> T:
        response = await self._send(request, submitting=submitting)
        try:
            return parse(response)
        except outcomes.Unauthorized as error:
            if error.code not in _SIGNATURE_CODES or self._signer.scheme != "jwt":
                raise
        # The token was not yet or no longer valid there: once more, with their clock.
        self._signer.renew(self._skew(response))
        return parse(await self._send(request, submitting=submitting))

    async def _send(self, request: HttpRequest, *, submitting: bool) -> HttpResponse:
        await self._limiter.wait()
        headers = {
            "Authorization": self._signer.authorization(self._clock.now() / 1000),
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
        }
        began = self._clock.now()
        try:
            async with self._http.stream(
                request.method,
                self.config.base_url.rstrip("/") + request.path,
                params=dict(request.query) or None,
                json=request.json,
                headers=headers,
                timeout=self.config.timeout,
                follow_redirects=False,
            ) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise httpx.ReadError("the answer is too large")
                response = HttpResponse(
                    answer.status_code,
                    {name.lower(): value for name, value in answer.headers.items()},
                    bytes(body),
                )
        except _NEVER_SENT as error:
            # The text of a network error may hold an address; its kind says enough.
            raise outcomes.Unavailable("not reached", code=type(error).__name__) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            kind = outcomes.Ambiguous if submitting else outcomes.Unavailable
            raise kind("the connection broke", code=type(error).__name__) from None
        log.debug(
            "provider answered",
            provider=self.name,
            method=request.method,
            operation=request.path.rsplit("/", 1)[0] if request.method == "GET" else request.path,
            status=response.status,
            milliseconds=self._clock.now() - began,
        )
        return response

    def _skew(self, response: HttpResponse) -> int | None:
        """How many seconds their clock is ahead of ours, by the Date header."""
        try:
            theirs = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return None
        return round(theirs.timestamp() - self._clock.now() / 1000)

    def _seen(self, status: TaskStatus) -> TaskStatus:
        """Log a status word that nobody documents, once."""
        if status.state is RemoteState.UNKNOWN and status.word not in self._unknown_words:
            self._unknown_words.add(status.word)
            log.warning("unknown status word", provider=self.name, word=status.word[:40])
        return status


def retry_after_of(error: outcomes.ProviderError) -> Millis | None:
    """How long the provider asks to be left alone, where it says so."""
    return error.retry_after if isinstance(error, (outcomes.Throttled, outcomes.Unavailable)) else None
