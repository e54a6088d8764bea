"""One provider: its dialect, its key and its limits around one HTTP client. The only I/O towards Kling.

What was surely never sent is told from what may have arrived: that decides whether it may be repeated.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache, partial
from importlib.metadata import version
from typing import TypeVar

import httpx
import structlog

from bot.clock import Clock, Sleep
from bot.domain.library.asset import Preset
from bot.domain.requests import catalog as catalogs
from bot.domain.requests import retirement
from bot.domain.requests.camera import can_be_words, direct, has_field, tell_camera
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation, Product, Role
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import ALONE, Limits, lacking
from bot.domain.tasks.matching import ListedTask
from bot.domain.tasks.resource_packs import AccountState
from bot.domain.tasks.task import FailureKind, RemoteResult
from bot.domain.types import Millis, ProviderName
from bot.kling import errors
from bot.kling.addresses import Home, joined
from bot.kling.auth import Signer
from bot.kling.dialects import accounting, library, lip_sync, words
from bot.kling.dialects.error_codes import http_date
from bot.kling.dialects.profile import PROBE_ID
from bot.kling.provider import Provider
from bot.kling.wire import (
    Dialect,
    HttpRequest,
    HttpResponse,
    RemoteState,
    Submission,
    SubmitContext,
    TaskRef,
    TaskStatus,
    is_of_another,
)
from bot.network import why_insecure, why_unreachable

log = structlog.get_logger(__name__)

T = TypeVar("T")

USER_AGENT = f"klingbot/{version('klingbot')}"
MOST_PRESET_PAGES = 4

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

_NO_TASKS = "200"
"""The code of what is Unavailable where something else than tasks is in the answer."""

MOST_PAGES = 20
"""Pages of the list of all tasks that are read for one answer, of 500 tasks each."""

_NOBODYS_TASK = TaskRef(Operation.TEXT_TO_VIDEO, "", PROBE_ID, PROBE_ID)
"""A question that only a good key gets an answer to: that there is no such task."""


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
    """Submits, asks and looks up. Every method raises only what `bot.kling.errors` names.

    `mask` takes every configured secret out of the answers. `catalog` is what its models can do and cost at this
    moment; without it, what the program knows of its dialect.
    """

    def __init__(
        self,
        config: Provider,
        dialect: Dialect,
        signer: Signer,
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        mask: Callable[[bytes], bytes] = bytes,
        catalog: Callable[[], Catalog] | None = None,
    ) -> None:
        self.config = config
        self.dialect = dialect
        self._signer = signer
        self._http = http
        self._clock = clock
        self._monotonic = monotonic
        self._limiter = Limiter(config.rate, monotonic, sleep)
        self._mask = mask
        self._catalog = catalog or cache(lambda: catalogs.load(dialect=dialect.name))
        self._strict: frozenset[str] = frozenset()
        self._narrowed: tuple[Catalog | None, Catalog] = (None, Catalog(()))
        self._unknown_words: set[str] = set()
        self._named = models_of(config, dialect)
        self._limits: Limits = (
            ("operation", lambda request: request.operation not in self.operations),
            # A series is one task, and each of its images takes a place.
            (
                "series",
                lambda request: isinstance(request.series, int) and request.series > config.max_images,
            ),
            # Elements and voices are known to their own account only, and some videos to the one that made them.
            ("account", lambda request: request.account not in {None, self.name}),
            (
                "source",
                lambda request: (
                    request.operation.row.from_maker
                    and (
                        request.source is None
                        or (request.source.file is None and request.source.provider != self.name)
                    )
                ),
            ),
        )

    @property
    def name(self) -> ProviderName:
        """The provider's name in the settings."""
        return self.config.name

    def home(self) -> Home:
        """The provider's own address, with what opens it now."""
        return Home(self.config.base_url, self._signer.authorization(self._clock.now() / 1000))

    @property
    def catalog(self) -> Catalog:
        """What its models can do and cost at this moment."""
        catalog = self._catalog()
        if self._strict and self._narrowed[0] is not catalog:
            self._narrowed = (catalog, catalog.strictly(self._strict))
        return self._narrowed[1] if self._strict else catalog

    def heed(self, request: GenerationRequest, refusal: errors.Rejected) -> None:
        """Keep to the narrower reading of the vendor's texts once a length was refused that the wider one allows."""
        row = request.operation.row
        if not row.on_video_model or not words.says_length(refusal.message):
            return
        if self.catalog.lacks(request) == () != self._catalog().strictly({request.model}).lacks(request):
            log.warning("a disputed limit holds here", provider=self.name, model=request.model)
            self._strict |= {request.model}
            self._narrowed = (None, self._catalog())

    def forget(self) -> None:
        """Read the vendor's texts as wide as they can be again."""
        self._strict = frozenset()

    @property
    def models(self) -> tuple[str, ...]:
        """The video models that it has now, the usual one first: those of the settings, or what stands in for them."""
        named = self._named
        if not self.config.replaces_retired:
            return named
        return retirement.offer(named, self.catalog.model, self.operations, self._clock.now())

    def retired(self) -> tuple[str, ...]:
        """The models of its settings that Kling has ended, where it does not offer them for that."""
        models = self.models
        return tuple(model for model in self._named if model not in models)

    def unnamed(self) -> tuple[str, ...]:
        """The models of its settings that cannot be asked for in its dialect."""
        return tuple(model for model in self.config.models if model not in self._named)

    @property
    def operations(self) -> frozenset[Operation]:
        """What can be asked for here."""
        return operations_of(self.config, self.dialect)

    def lacks(self, request: GenerationRequest) -> tuple[str, ...] | None:
        """What of a request cannot be done here, by field; None where its model is not offered at all.

        That is what its model cannot do here, and what cannot be written.
        """
        if request.operation.row.on_video_model and request.model not in self.models:
            return None
        request = self._directed(request)
        beyond = lacking((*self._limits, *self.dialect.limits), request)
        if beyond and beyond[-1] in ALONE:
            return beyond
        return tuple(dict.fromkeys((*beyond, *self.catalog.lacks(request))))

    def camera_words(self, request: GenerationRequest) -> str:
        """What is written into the prompt for the camera move of a request; empty where it has a field here, or none."""
        return "" if self._directed(request) is request else tell_camera(request)

    def _directed(self, request: GenerationRequest) -> GenerationRequest:
        """The request with its camera move in words, where the model or the dialect has no field for it."""
        if request.camera is None or not can_be_words(request):
            return request
        has = has_field(self.catalog.row(request), request)
        return request if has and "camera" not in lacking(self.dialect.limits, request) else direct(request)

    def can_ask_for(self, ref: TaskRef) -> bool:
        """Whether this very task can be asked for by our own id."""
        return self._bears_id(ref.model) and self.dialect.look_up(ref) is not None

    def can_recognise(self, ref: TaskRef) -> bool:
        """Whether it bears no id of ours, and there is a list of all tasks in which it can be told by the rest."""
        return not self._bears_id(ref.model) and self.dialect.list_between(0, 0, "") is not None

    def name_of(self, request: GenerationRequest) -> str:
        """What the model of a request is called here."""
        return self.dialect.name_of(request.model, request.operation)

    def _bears_id(self, model: str) -> bool:
        """Whether tasks of a model bear our own id, and an address to call back."""
        return model not in self.config.without_ids

    @property
    def can_query_many(self) -> bool:
        """Whether one question can be about many tasks."""
        return bool(self.dialect.query_many((_NOBODYS_TASK,)))

    async def submit(self, request: GenerationRequest, context: SubmitContext) -> Submission:
        """Find out what the request needs, then send it, once.

        Raises:
            Ambiguous: it may have arrived; ask with `look_up` before anything is sent again.
            ProviderError: any other outcome; it surely created no task.

        """
        request = self._directed(request)
        for preparation in self.dialect.preparations(request, context):
            if preparation.gives and preparation.gives <= context.prepared.keys():
                continue
            found = await self._exchange(preparation.write(context.prepared), preparation.parse)
            context = replace(context, prepared={**context.prepared, **found})
        sent = context
        if not self._bears_id(request.model):
            sent = replace(context, external_task_id="", callback_url=None)
        try:
            written = self.dialect.submit(request, sent)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise errors.Unsendable("the request cannot be written", code=type(error).__name__) from error
        submission = await self._exchange(
            written,
            self.dialect.parse_submit,
            submitting=True,
            key=context.external_task_id,
        )
        if is_of_another(submission.external_task_id, context.external_task_id):
            raise errors.Ambiguous("the answer is about another task")
        return submission

    async def query(self, ref: TaskRef) -> TaskStatus:
        """Look at one task. A refusal in answer to a look is the end of the task, for its reason."""
        try:
            status = await self._found(ref)
        except errors.Rejected as error:
            failure = error.kind if error.kind is FailureKind.CONTENT else FailureKind.PROVIDER
            status = TaskStatus("", RemoteState.FAILED, error.code, reason=error.message, failure=failure)
        if not status.provider_task_id:
            # Some gateways answer without repeating what they were asked about.
            status = replace(status, provider_task_id=ref.provider_task_id or "")
        return self._seen(status, ref)

    async def _found(self, ref: TaskRef) -> TaskStatus:
        """Ask where a task should be, and where else it may be before it counts as absent."""
        try:
            return await self._exchange(self.dialect.query(ref), self.dialect.parse_query)
        except errors.NotFound:
            for request in self.dialect.elsewhere(ref):
                # What is said of another place is no word of the task.
                with contextlib.suppress(errors.ProviderError):
                    return await self._exchange(request, self.dialect.parse_query)
            raise

    async def look_up(self, ref: TaskRef) -> TaskStatus | None:
        """Look for a task by our own id; None: the provider does not know it."""
        request = self.dialect.look_up(ref)
        if request is None:
            raise errors.Unavailable("this dialect cannot be asked for our own id")
        for place in (request, *self.dialect.elsewhere(replace(ref, provider_task_id=None))):
            try:
                status = await self._exchange(place, self.dialect.parse_look_up)
            except (errors.Rejected, errors.Misconfigured):
                if place is request:
                    raise
                continue
            if status is not None:
                return self._seen(status, ref)
        return None

    async def list_between(self, start: Millis, end: Millis) -> tuple[ListedTask, ...]:
        """All tasks of the account that were made in a time.

        Raises:
            ProviderError: it cannot say now, or there are more than fit on `MOST_PAGES` pages.

        """
        found: list[ListedTask] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            request = self.dialect.list_between(start, end, cursor)
            if request is None:
                raise errors.Unavailable("this dialect has no list of all tasks")
            page = await self._exchange(request, self.dialect.parse_list)
            found += page.tasks
            if not page.cursor or page.cursor == cursor:
                return tuple(found)
            cursor = page.cursor
        raise errors.Unavailable("the list of tasks has too many pages")

    async def search(self, ref: TaskRef) -> TaskStatus | None:
        """Look for a task by our own id where no question about it is sure; None: it was not found, or not yet.

        Raises:
            NotFound: none of the questions is answered here.
            ProviderError: the provider cannot say now.

        """
        answered = False
        for request in self.dialect.searches(ref):
            try:
                told = await self._exchange(request, self.dialect.parse_search)
            except (errors.NotFound, errors.Rejected, errors.WrongPath):
                continue
            except errors.Unavailable as error:
                if error.code != _NO_TASKS:
                    raise
                continue
            answered = True
            for status in told:
                if status.external_task_id == ref.external_task_id and status.provider_task_id:
                    return self._seen(status, ref)
        if not answered:
            raise errors.NotFound("nothing here tells of tasks by our own id")
        return None

    async def query_many(self, refs: Sequence[TaskRef]) -> tuple[TaskStatus, ...]:
        """Look at many tasks of one operation with few questions; those they miss are not in the answer."""
        requests = self.dialect.query_many(refs)
        if not requests:
            raise errors.Unavailable("this dialect has no list")
        wanted = {ref.provider_task_id: ref for ref in refs}
        found: dict[str, TaskStatus] = {}
        for request in requests:
            for status in await self._exchange(request, self.dialect.parse_many):
                ref = wanted.get(status.provider_task_id)
                if ref is not None and not is_of_another(status.external_task_id, ref.external_task_id):
                    found[status.provider_task_id] = self._seen(status, ref)
            if wanted.keys() <= found.keys():
                break
        return tuple(found.values())

    async def probe(self) -> AccountState:
        """Ask something free that only a good key answers: a few words for the operator, and the account's packs."""
        with contextlib.suppress(errors.NotFound, errors.WrongPath):
            return await self._exchange(self.dialect.probe(self._clock.now()), self._account)
        # Not everybody who speaks the dialect offers the question; a task that nobody has always does.
        with contextlib.suppress(errors.NotFound):
            await self.query(_NOBODYS_TASK)
        return AccountState("the key is accepted")

    def _account(self, response: HttpResponse) -> AccountState:
        words = self.dialect.parse_probe(response)
        return AccountState(words, accounting.list_packs(response) if self.has_accounting else None)

    async def find_faces(
        self, request: GenerationRequest, video_urls: Mapping[str, str]
    ) -> Mapping[str, str] | None:
        """What `lip_sync.read_faces` reads the faces of a lip-sync's video from; None: they are not told beforehand.

        `video_urls` is where a person's own video is fetched, by its SHA-256.

        Raises:
            Rejected: there is none, or the video is refused.
            ProviderError: the provider cannot say now.

        """
        context = SubmitContext("", {}, None, video_urls=video_urls)
        for preparation in self.dialect.preparations(request, context):
            if preparation.gives == lip_sync.FOUND:
                return await self._exchange(preparation.write({}), preparation.parse)
        return None

    async def list_presets(self, operation: Operation) -> tuple[Preset, ...]:
        """Kling's own elements or voices, in its order.

        Raises:
            ProviderError: they are not told of here, or not now.

        """
        found: list[Preset] = []
        for page in range(1, MOST_PRESET_PAGES + 1):
            parse = partial(library.parse_presets, operation, self.name)
            listed = await self._exchange(library.presets(operation, page), parse)
            found += listed
            if len(listed) < library.PRESETS_PAGE:
                break
        return tuple(found)

    async def delete_asset(self, operation: Operation, remote_id: str) -> None:
        """Delete an element or a voice of the account.

        Raises:
            ProviderError: it is not deleted.

        """
        await self._exchange(library.delete(operation, remote_id), library.parse_deletion)

    @property
    def has_accounting(self) -> bool:
        """Whether its accounting of single tasks can be asked for: what speaks like Kling's own hosts."""
        return self.dialect.name in accounting.DIALECTS

    async def charges(self, page: accounting.Page) -> accounting.Charges:
        """Read a page of the account's accounting; at most one question a second is answered.

        Raises:
            ProviderError: there is none here, or not now.

        """
        return await self._exchange(
            accounting.ask(page), lambda response: accounting.parse(response, page, self.name)
        )

    # -- the exchange --------------------------------------------------------------------------------

    async def _exchange(
        self,
        request: HttpRequest,
        parse: Callable[[HttpResponse], T],
        *,
        submitting: bool = False,
        key: str = "",
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
                provider=self.name,
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
                asyncio.timeout(self.config.timeout),
                self._http.stream(
                    request.method,
                    joined(self.config.base_url, request.path),
                    params=dict(request.query) or None,
                    json=request.json,
                    headers=headers,
                    timeout=httpx.Timeout(self.config.timeout, connect=self.config.timeout / 3),
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

    def _seen(self, status: TaskStatus, ref: TaskRef) -> TaskStatus:
        """Check that it is about the task that was asked for, and log a status word that nobody documents, once."""
        if is_of_another(status.external_task_id, ref.external_task_id):
            raise errors.Unavailable("the answer is about another task")
        if status.state is RemoteState.UNKNOWN and status.word not in self._unknown_words:
            self._unknown_words.add(status.word)
            log.warning("unknown status word", provider=self.name, word=status.word[:40])
        return replace(status, videos=tuple(_as_made(video, ref.operation) for video in status.videos))


def _as_made(result: RemoteResult, operation: Operation) -> RemoteResult:
    """A result as what its operation makes: some gateways call each a video, also an image or a sound."""
    makes_videos = operation.product is Product.VIDEO or operation.row.limits(Role.SOURCE)[1]
    if result.kind is not Product.VIDEO or makes_videos:
        return result
    return replace(result, kind=operation.product)


def models_of(config: Provider, dialect: Dialect) -> tuple[str, ...]:
    """The video models that can be asked for at a provider that is spoken to like this."""
    return tuple(model for model in config.models if dialect.has_model(model))


def operations_of(config: Provider, dialect: Dialect) -> frozenset[Operation]:
    """What can be asked for at a provider that is spoken to like this.

    Elements and voices are no choice of the settings: who can make them does.
    """
    return dialect.operations & (
        (frozenset(config.operations) or dialect.default_operations) | LIBRARY_OPERATIONS
    )


def _moment(milliseconds: Millis) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
