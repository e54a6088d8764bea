"""One provider: what is asked of it, in its dialect, and what its answers say."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import httpx
import structlog

from bot.clock import Clock, Sleep
from bot.domain.library.asset import Preset
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.operations import Operation, Product, Role
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.matching import ListedTask
from bot.domain.tasks.resource_packs import AccountState
from bot.domain.tasks.task import FailureKind, RemoteResult
from bot.domain.types import Millis
from bot.kling import errors
from bot.kling.abilities import NOBODYS_TASK, Abilities
from bot.kling.addresses import Home
from bot.kling.auth import Signer
from bot.kling.connection import Connection
from bot.kling.dialects import accounting, library, lip_sync, recognition
from bot.kling.provider import Provider
from bot.kling.wire import (
    Dialect,
    HttpResponse,
    RemoteState,
    Submission,
    SubmitContext,
    TaskRef,
    TaskStatus,
    is_of_another,
)
from bot.metrics import UNMEASURED, Meter

log = structlog.get_logger(__name__)

MOST_PRESET_PAGES = 4

_NO_TASKS = "200"
"""The code of what is Unavailable where something else than tasks is in the answer."""

_NOT_OURS = (errors.NotFound, errors.Unauthorized)
"""What an account answers to a question about a task of another one."""

MOST_PAGES = 20
"""Pages of the list of all tasks that are read for one answer, of 500 tasks each."""


class KlingClient(Abilities):
    """Submits, asks and looks up. Every method raises only what `bot.kling.errors` names.

    `mask` takes every configured secret out of the answers. `catalog` is what its models can do and cost at this
    moment; without it, what the program knows of its dialect. `before` is the account that had this name until the
    settings changed: what this one does not know, or no longer shows, may have been sent to that.
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
        before: "KlingClient | None" = None,
        meter: Meter = UNMEASURED,
    ) -> None:
        super().__init__(config, dialect, clock, catalog)
        self._before = before
        self._connection = Connection(
            config, signer, http, clock, monotonic=monotonic, sleep=sleep, mask=mask, meter=meter
        )
        self._unknown_words: set[str] = set()

    def home(self) -> Home:
        """The provider's own address, with what opens it now."""
        return self._connection.home()

    async def submit(self, request: GenerationRequest, context: SubmitContext) -> Submission:
        """Find out what the request needs, then send it, once.

        Raises:
            Ambiguous: it may have arrived; ask with `look_up` before anything is sent again.
            ProviderError: any other outcome; it surely created no task.

        """
        request = self.directed(request)
        for preparation in self.dialect.preparations(request, context):
            if preparation.gives and preparation.gives <= context.prepared.keys():
                continue
            found = await self._connection.exchange(preparation.write(context.prepared), preparation.parse)
            context = replace(context, prepared={**context.prepared, **found})
        sent = context
        if not self.bears_id(request.model):
            sent = replace(context, external_task_id="", callback_url=None)
        try:
            written = self.dialect.submit(request, sent)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise errors.Unsendable("the request cannot be written", code=type(error).__name__) from error
        submission = await self._connection.exchange(
            written,
            partial(recognition.read, request=request)
            if request.operation.row.answers_at_once
            else self.dialect.parse_submit,
            submitting=True,
            key=context.external_task_id,
        )
        if is_of_another(submission.external_task_id, context.external_task_id):
            raise errors.Ambiguous("the answer is about another task")
        return submission

    @property
    def has_former(self) -> bool:
        """Whether the provider had another account before, where tasks may still run."""
        return self._before is not None

    async def query(self, ref: TaskRef) -> TaskStatus:
        """Look at one task. A refusal in answer to a look is the end of the task, for its reason."""
        try:
            status = await self._found(ref)
        except _NOT_OURS as error:
            if self._before is None:
                raise
            try:
                return await self._before.query(ref)
            except (errors.NotFound, errors.Unauthorized):
                # It is not there either, or can no longer be asked: what the account of today says holds.
                raise error from None
            except errors.ProviderError as unasked:
                raise _of_former(unasked) from None
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
            return await self._connection.exchange(
                self.dialect.query(ref), self.dialect.parse_query, call="poll"
            )
        except errors.NotFound:
            for request in self.dialect.elsewhere(ref):
                # What is said of another place is no word of the task.
                with contextlib.suppress(errors.ProviderError):
                    return await self._connection.exchange(request, self.dialect.parse_query, call="poll")
            raise

    async def look_up(self, ref: TaskRef) -> TaskStatus | None:
        """Look for a task by our own id; None: the provider does not know it."""
        if self._before is None:
            return await self._looked_up(ref)
        refused: errors.Unauthorized | None = None
        try:
            if (found := await self._looked_up(ref)) is not None:
                return found
        except errors.Unauthorized as error:
            refused = error
        except errors.NotFound:
            pass
        try:
            found = await self._before.look_up(ref)
        except errors.NotFound:
            found = None
        except errors.ProviderError as unasked:
            # It may be there: that it is nowhere is not proven.
            raise _of_former(unasked) from None
        if found is None and refused is not None:
            raise refused
        return found

    async def _looked_up(self, ref: TaskRef) -> TaskStatus | None:
        request = self.dialect.look_up(ref)
        if request is None:
            raise errors.Unavailable("this dialect cannot be asked for our own id")
        for place in (request, *self.dialect.elsewhere(replace(ref, provider_task_id=None))):
            try:
                status = await self._connection.exchange(place, self.dialect.parse_look_up)
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
            page = await self._connection.exchange(request, self.dialect.parse_list)
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
                told = await self._connection.exchange(request, self.dialect.parse_search)
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
            for status in await self._connection.exchange(request, self.dialect.parse_many, call="poll"):
                ref = wanted.get(status.provider_task_id)
                if ref is not None and not is_of_another(status.external_task_id, ref.external_task_id):
                    found[status.provider_task_id] = self._seen(status, ref)
            if wanted.keys() <= found.keys():
                break
        return tuple(found.values())

    async def probe(self) -> AccountState:
        """Ask something free that only a good key answers: a few words for the operator, and the account's packs."""
        with contextlib.suppress(errors.NotFound, errors.WrongPath):
            return await self._connection.exchange(
                self.dialect.probe(self._clock.now()), self._account, call="account"
            )
        # Not everybody who speaks the dialect offers the question; a task that nobody has always does.
        with contextlib.suppress(errors.NotFound, errors.Rejected):
            await self._found(NOBODYS_TASK)
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
                return await self._connection.exchange(preparation.write({}), preparation.parse)
        return None

    async def list_presets(self, operation: Operation) -> tuple[Preset, ...]:
        """Kling's own elements or voices, in its order.

        Raises:
            ProviderError: they are not told of here, or not now.

        """
        found: list[Preset] = []
        for page in range(1, MOST_PRESET_PAGES + 1):
            parse = partial(library.parse_presets, operation, self.name)
            listed = await self._connection.exchange(library.presets(operation, page), parse)
            found += listed.presets
            if listed.is_last:
                break
        return tuple(found)

    async def delete_asset(self, operation: Operation, remote_id: str) -> None:
        """Delete an element or a voice of the account.

        Raises:
            ProviderError: it is not deleted.

        """
        await self._connection.exchange(library.delete(operation, remote_id), library.parse_deletion)

    async def charges(self, page: accounting.Page) -> accounting.Charges:
        """Read a page of the account's accounting; at most one question a second is answered.

        Raises:
            ProviderError: there is none here, or not now.

        """
        return await self._connection.exchange(
            accounting.ask(page), lambda response: accounting.parse(response, page, self.name), call="account"
        )

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


def _of_former(error: errors.ProviderError) -> errors.FormerUnavailable:
    """What is wrong with an account of before, which is no fault of today's."""
    return errors.FormerUnavailable(error.message, code=error.code, retry_after=error.retry_after)
