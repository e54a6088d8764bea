"""The only I/O towards Kling: one provider's address, key and rate around one HTTP client.

What was surely never sent is told from what may have arrived: that decides whether it may be repeated.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib.metadata import version
from typing import TypeVar

import httpx
import structlog

from bot.clock import Clock, Sleep
from bot.domain.types import Millis
from bot.kling import errors
from bot.kling.addresses import Home, joined
from bot.kling.auth import Signer
from bot.kling.dialects.error_codes import http_date
from bot.kling.provider import Provider
from bot.kling.wire import HttpRequest, HttpResponse
from bot.metrics import PROVIDER_ERRORS, PROVIDER_SECONDS, Meter
from bot.network import why_insecure, why_unreachable

log = structlog.get_logger(__name__)

T = TypeVar("T")

USER_AGENT = f"klingbot/{version('klingbot')}"

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer that are read at most; a list of 500 tasks has about half a megabyte."""

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_SIGNATURE_CODES = frozenset({"1003", "1004"})


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


class Connection:
    """Sends what one provider is asked, and has its answers read.

    `mask` takes every configured secret out of the answers.
    """

    def __init__(
        self,
        config: Provider,
        signer: Signer,
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        monotonic: Callable[[], float],
        sleep: Sleep,
        mask: Callable[[bytes], bytes],
        meter: Meter,
    ) -> None:
        self._config = config
        self._meter = meter
        self._signer = signer
        self._http = http
        self._clock = clock
        self._monotonic = monotonic
        self._limiter = Limiter(config.rate, monotonic, sleep)
        self._mask = mask

    def home(self) -> Home:
        """The provider's own address, with what opens it now."""
        return Home(self._config.base_url, self._signer.authorization(self._clock.now() / 1000))

    async def exchange(
        self,
        request: HttpRequest,
        parse: Callable[[HttpResponse], T],
        *,
        submitting: bool = False,
        key: str = "",
        call: str = "other",
    ) -> T:
        """Ask, and return what `parse` makes of the answer; once more where their clock refused our token.

        `call` is as what it is measured.

        Raises:
            Ambiguous: it was `submitting`, and may have arrived.
            ProviderError: any other outcome.

        """
        name = self._config.name
        try:
            with self._meter.timed(PROVIDER_SECONDS, provider=name, call="submit" if submitting else call):
                return await self._exchange(request, parse, submitting=submitting, key=key)
        except errors.ProviderError as error:
            self._meter.count(PROVIDER_ERRORS, provider=name, error=type(error).__name__)
            raise

    async def _exchange(
        self, request: HttpRequest, parse: Callable[[HttpResponse], T], *, submitting: bool, key: str
    ) -> T:
        response, took = await self._send(request, submitting=submitting, key=key)
        try:
            return self._parsed(request, response, took, parse)
        except errors.Unauthorized as error:
            if error.code not in _SIGNATURE_CODES or self._signer.scheme != "jwt":
                raise
        # The token was not yet or no longer valid there: once more, with their clock.
        self._signer.renew(self._skew(response))
        response, took = await self._send(request, submitting=submitting, key=key)
        return self._parsed(request, response, took, parse)

    def _parsed(
        self, request: HttpRequest, response: HttpResponse, took: Millis, parse: Callable[[HttpResponse], T]
    ) -> T:
        """Read an answer; the log gets its codes, never its text."""
        code = ""
        try:
            return parse(response)
        except errors.ProviderError as error:
            code = error.code
            raise
        finally:
            log.debug(
                "provider answered",
                provider=self._config.name,
                method=request.method,
                path=request.path if request.method == "POST" else request.path.rpartition("/")[0],
                status=response.status,
                code=code,
                milliseconds=took,
            )

    async def _send(self, request: HttpRequest, *, submitting: bool, key: str) -> tuple[HttpResponse, Millis]:
        await self._limiter.wait()
        headers = {
            "Authorization": self._signer.authorization(self._clock.now() / 1000),
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
        }
        if key:
            # Whoever knows the header makes nothing twice; others pay no heed to it.
            headers["Idempotency-Key"] = key
        began = self._monotonic()
        try:
            # httpx's own limit is for each wait: an answer that comes a byte at a time would pass it for ever.
            # To connect and to shake hands have a third each: what takes longer is known not to have been sent.
            async with (
                asyncio.timeout(self._config.timeout),
                self._http.stream(
                    request.method,
                    joined(self._config.base_url, request.path),
                    params=dict(request.query) or None,
                    json=request.json,
                    headers=headers,
                    timeout=httpx.Timeout(self._config.timeout, connect=self._config.timeout / 3),
                    follow_redirects=False,
                ) as answer,
            ):
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise httpx.ReadError("the answer is too large")
                # A Retry-After that is a date is measured against the answer's own.
                dated = {"date": format_datetime(_moment(self._clock.now()), usegmt=True)}
                response = HttpResponse(
                    answer.status_code,
                    dated | {name.lower(): value for name, value in answer.headers.items()},
                    # Some quote the key that they refuse; what they say is shown to people, and kept.
                    self._mask(bytes(body)),
                )
        except _NEVER_SENT as error:
            # The text of a network error may hold an address; its kind says enough.
            insecure = why_insecure(error)
            if insecure is not None and insecure.is_certificate:
                raise errors.Untrusted(insecure.reason, code=type(error).__name__) from None
            reason = why_unreachable(error)
            words = str(insecure) if insecure else f"not reached: {reason}" if reason else "not reached"
            raise errors.Unavailable(words, code=type(error).__name__) from None
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            kind = errors.Ambiguous if submitting else errors.Unavailable
            raise kind("the connection broke", code=type(error).__name__) from None
        return response, Millis(round((self._monotonic() - began) * 1000))

    def _skew(self, response: HttpResponse) -> int | None:
        """How many seconds their clock is ahead of ours, by the Date header."""
        theirs = http_date(response.headers.get("date", ""))
        return None if theirs is None else round((theirs - self._clock.now()) / 1000)


def _moment(milliseconds: Millis) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
