"""Finished results and what may be done with them: which task a message belongs to, and its video at the provider.

Everybody works with their own results, admins with everybody's. A result is shown again by the chat's own
file where there is one, and is fetched from its provider anew where not.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.domain.requests.request import GenerationRequest, SourceVideo, VideoRef
from bot.domain.tasks.task import Delivery, DeliveryState, Origin, ResultMessage, Task
from bot.domain.types import ChatId, TaskId, UserId
from bot.errors import UserError
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused, DownloadTooLarge
from bot.media.clips import NotAVideo, first_frame
from bot.services.compose import Compose, Onward, source_of
from bot.services.ports import ChatBusy, ChatRefused, DeliveryOptions, ResultChat, Sent
from bot.services.tasks.downloads import ResultFiles
from bot.services.tasks.lifecycle import Tasks
from bot.store import Store

log = structlog.get_logger(__name__)

ON_ITS_WAY = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})
RESENDS_AT_ONCE = 4
"""Results that people ask for once more have slots of their own, beside those that are new."""


class Results(Onward):
    """Finds what has been made and shows it again; `Onward` says what can be made of it.

    `files` are as large as the chat takes, `originals` larger: what is made of a result is never made of a smaller copy.
    `has_videos` says whether people's own videos that a request names are kept; `keep_video` keeps one more, which its first
    argument writes to a path.
    """

    def __init__(
        self,
        *,
        store: Store,
        tasks: Tasks,
        compose: Compose,
        chat: ResultChat,
        files: ResultFiles,
        originals: ResultFiles,
        has_videos: Callable[[GenerationRequest], Awaitable[bool]],
        keep_video: Callable[[Callable[[Path], Awaitable[None]], UserId], Awaitable[VideoRef]],
    ) -> None:
        super().__init__(compose)
        self._store = store
        self._tasks = tasks
        self._chat = chat
        self._files = files
        self._originals = originals
        self._has_videos = has_videos
        self._keep_video = keep_video
        self._slots = asyncio.Semaphore(RESENDS_AT_ONCE)

    # -- finding -------------------------------------------------------------------------------------

    async def noted(self, chat_id: ChatId, message_id: int) -> ResultMessage | None:
        """What a message is about; nothing where its task was deleted."""
        noted = await self._store.history.get_message(chat_id, message_id)
        return None if noted is None or noted.task.hidden else noted

    async def of_file(self, file_unique_ids: Sequence[str], user_id: UserId) -> ResultMessage | None:
        """The result that a file shows, in whatever message it stands: the person's own, or else anybody's."""
        return await self._store.history.get_file(file_unique_ids, user_id)

    async def of_request(self, chat_id: ChatId, message_id: int) -> Task | None:
        """The newest task that a person's message asked for."""
        return await self._store.history.get_task_of_request(chat_id, message_id)

    async def files(self, task_id: TaskId) -> list[Delivery]:
        """What a task brought, in order, without notices."""
        rows = await self._store.outbox.list_of(task_id)
        return sorted((row for row in rows if row.kind is not None), key=lambda row: row.position)

    async def together(self, delivery: Delivery) -> list[Delivery]:
        """The results that came in answer to the same request as one, in order, without those that were deleted."""
        batch = await self._store.tasks.list_batch(delivery.task)
        return [each for task in batch if not task.hidden for each in await self.files(task.id)]

    async def result(self, task: Task, position: int) -> Delivery:
        """One of a task's results.

        Raises:
            UserError: there is none at this position.

        """
        for row in await self.files(task.id):
            if row.position == position:
                return row
        raise UserError("error.result.none")

    async def newest_video(self, user_id: UserId, chat_id: ChatId) -> Task:
        """A person's newest finished video of a chat: what was made elsewhere is not for those who are here.

        Raises:
            UserError: there is none.

        """
        task = await self._store.history.get_newest_video(user_id, chat_id)
        if task is None:
            raise UserError("error.source.none_here")
        return task

    # -- what can be made of it ----------------------------------------------------------------------

    async def source(self, user_id: UserId, task: Task, position: int = 0) -> SourceVideo:
        """A finished video as the provider that made it knows it.

        Raises:
            UserError: it is another person's, it is no video, or its provider gave it no id.

        """
        delivery = await self.video(user_id, task, position)
        if delivery.is_joined:
            # Its provider has only the part that it made.
            if not self._compose.hands_out_videos:
                raise UserError("error.video.joined")
            return SourceVideo.of_file(await self.keep(user_id, delivery))
        source = source_of(delivery)
        if source is None:
            raise UserError("error.result.no_id")
        return source

    async def video(self, user_id: UserId, task: Task, position: int = 0) -> Delivery:
        """One of the videos that a person's task brought.

        Raises:
            UserError: it is another person's, or it is no video.

        """
        await self._tasks.check_owner(user_id, task)
        videos = [file for file in await self.files(task.id) if file.is_film]
        if len(videos) <= position:
            raise UserError("error.result.no_video")
        return videos[position]

    async def keep(self, user_id: UserId, delivery: Delivery) -> VideoRef:
        """Keep a result as people's own videos are.

        Raises:
            UserError: nobody has the file any more, or it cannot be read.

        """
        return await self._keep_video(partial(self._save, delivery), user_id)

    async def _save(self, delivery: Delivery, target: Path) -> None:
        with TemporaryDirectory(prefix="picture-", dir=self._files.directory) as name:
            async with self._somewhere(delivery, Path(name)) as path:
                await asyncio.to_thread(shutil.copyfile, path, target)

    async def check_kept(self, request: GenerationRequest) -> None:
        """Refuse a request whose pictures, sounds or videos are no longer kept.

        Raises:
            UserError: they must be sent anew.

        """
        wanted = {file.sha256 for file in request.attachments}
        if wanted - set(await self._store.drafts.get_attachments(request.attachments)):
            raise UserError("error.result.pictures_gone")
        if not await self._has_videos(request):
            raise UserError("error.video.gone")

    async def image(self, delivery: Delivery) -> bytes:
        """A result as a picture: itself, or the first frame of a video.

        Raises:
            UserError: nobody has the file any more.

        """
        with TemporaryDirectory(prefix="picture-", dir=self._files.directory) as name:
            async with self._somewhere(delivery, Path(name)) as path:
                try:
                    return await asyncio.to_thread(
                        (lambda: first_frame(path)) if delivery.is_film else path.read_bytes
                    )
                except NotAVideo:
                    raise UserError("error.result.gone") from None

    @asynccontextmanager
    async def open(self, delivery: Delivery) -> AsyncIterator[Path]:
        """A result's file, for as long as it is looked at.

        Raises:
            UserError: nobody has the file any more.

        """
        with TemporaryDirectory(prefix="picture-", dir=self._files.directory) as name:
            async with self._somewhere(delivery, Path(name)) as path:
                yield path

    # -- showing it again ----------------------------------------------------------------------------

    async def show(self, task: Task, origin: Origin) -> bool:
        """Send a task's results once more, to another place; False where there are none to be sent.

        Raises:
            UserError: nobody has the files any more, or the chat does not take them.

        """
        rows = [row for row in await self.files(task.id) if row.state not in ON_ITS_WAY]
        for row in rows:
            await self.show_one(row, origin)
        return bool(rows)

    async def show_one(self, delivery: Delivery, origin: Origin) -> None:
        """Send one result once more. Raises as `show` does."""
        placed = _placed(delivery, origin)
        await self._note(placed, await self._sent(placed))

    async def original(self, delivery: Delivery, origin: Origin) -> None:
        """Send a result as a file, as its provider made it, or as the chat keeps it.

        Raises:
            UserError: nobody has the file any more, or the chat does not take it.

        """
        placed = _placed(delivery, origin)
        await self._chat.show_sending_file(placed.task)
        with TemporaryDirectory(prefix="original-", dir=self._files.directory) as name:
            try:
                async with self._slots, self._files.open(placed, Path(name)) as file, _telling():
                    sent = await self._chat.send_original(placed, file.path)
            except DownloadTooLarge as large:
                sent = await self._send_link(placed, large.size)
            except (DownloadFailed, DownloadGone, DownloadRefused, NotAVideo) as error:
                log.info("an original comes from the chat", task=placed.task.id, reason=str(error))
                async with self._chats_copy(placed, Path(name)) as path, _telling():
                    sent = await self._chat.send_original(placed, path)
        await self._note(placed, sent)

    async def _send_link(self, delivery: Delivery, size: int | None) -> Sent:
        url = await self._files.openable(delivery)
        if url is None:
            raise UserError("error.result.gone")
        async with _telling():
            return await self._chat.send_link(delivery, url, size, self._options(delivery))

    async def _sent(self, delivery: Delivery) -> Sent:
        if delivery.file_id is not None:
            try:
                async with _telling(refused=False):
                    return await self._chat.send_result(delivery, None, self._options(delivery))
            except ChatRefused as error:
                log.info("a file id is refused", task=delivery.task.id, reason=str(error))
        try:
            async with self._slots, self._files.open(delivery) as file, _telling():
                return await self._chat.send_result(delivery, file, self._options(delivery))
        except DownloadTooLarge as large:
            return await self._send_link(delivery, large.size)
        except (DownloadFailed, DownloadGone, DownloadRefused, NotAVideo) as error:
            log.info("a result is gone", task=delivery.task.id, reason=str(error))
            raise UserError("error.result.gone") from None

    def _options(self, delivery: Delivery) -> DeliveryOptions:
        return DeliveryOptions(
            spoiler=delivery.task.request.spoiler,
            offers=self.possible(delivery),
            final=self.final_price(delivery.task),
        )

    async def save(self, delivery: Delivery, target: Path) -> None:
        """Write a result to a path as its provider made it, for what is too large for the chat to hand it out.

        Raises:
            UserError: its provider has it no more.

        """
        try:
            async with self._slots, self._originals.open(delivery, target.parent) as file:
                await asyncio.to_thread(shutil.copyfile, file.path, target)
        except (DownloadTooLarge, DownloadFailed, DownloadGone, DownloadRefused, NotAVideo) as error:
            log.info("a result is gone", task=delivery.task.id, reason=str(error))
            raise UserError("error.result.gone") from None

    @asynccontextmanager
    async def _somewhere(self, delivery: Delivery, directory: Path) -> AsyncIterator[Path]:
        """A result's file: the chat's own, or the provider's where the chat has none or a smaller copy."""
        async with AsyncExitStack() as stack:
            path = None
            if delivery.file_id is None or delivery.copy_of is not None:
                try:
                    await stack.enter_async_context(self._slots)
                    path = (await stack.enter_async_context(self._originals.open(delivery, directory))).path
                except (DownloadFailed, DownloadGone, DownloadRefused, NotAVideo) as error:
                    log.info("an original is gone", task=delivery.task.id, reason=str(error))
            if path is None:
                path = await stack.enter_async_context(self._chats_copy(delivery, directory))
            yield path

    @asynccontextmanager
    async def _chats_copy(self, delivery: Delivery, directory: Path) -> AsyncIterator[Path]:
        if delivery.file_id is None:
            raise UserError("error.result.gone")
        path = directory / f"{delivery.task.id}-{delivery.position}{delivery.product.row.suffix}"
        try:
            await self._chat.fetch_copy(delivery.file_id, path)
        except (ChatRefused, ChatBusy) as error:
            log.info("the chat does not give its copy", task=delivery.task.id, reason=str(error))
            raise UserError("error.result.gone") from None
        yield path

    async def record(self, delivery: Delivery, chat_id: ChatId, message_id: int) -> None:
        """Remember that a message is about a result."""
        await self._store.history.save_message(chat_id, message_id, delivery.task.id, delivery.position)

    async def _note(self, placed: Delivery, sent: Sent) -> None:
        task = placed.task
        await self._store.history.save_message(
            task.origin.chat_id, sent.message_id, task.id, placed.position, sent.file_unique_id
        )

    # -- keeping it ----------------------------------------------------------------------------------

    async def set_favourite(self, task: Task, *, favourite: bool) -> Task:
        """Make a task one of its owner's favourites, or no longer."""
        await self._store.history.set_favourite(task.id, favourite)
        return replace(task, favourite=favourite)

    async def delete(self, task: Task) -> int:
        """Take a finished task out of its owner's history and its messages out of the chats.

        The ledger keeps what it cost. Returns how many messages could not be taken away.

        Raises:
            UserError: it is not at its end.

        """
        if not task.state.is_final:
            raise UserError("error.result.still_running")
        messages = await self._store.history.list_messages(task.id)
        await self._store.history.hide(task.id)
        log.info("task deleted by its owner", task=task.id, user=task.user_id, messages=len(messages))
        gone = [await self._chat.delete(chat_id, message_id) for chat_id, message_id in messages]
        return gone.count(False)


def _placed(delivery: Delivery, origin: Origin) -> Delivery:
    """A result that goes to another place than where its task came from."""
    return replace(delivery, task=replace(delivery.task, origin=origin), place=None, in_album=False)


@asynccontextmanager
async def _telling(*, refused: bool = True) -> AsyncIterator[None]:
    """Turn what the chat answers into something that can be told; a refusal only where nothing else is tried."""
    try:
        yield
    except ChatBusy:
        raise UserError("error.result.not_sent") from None
    except ChatRefused:
        if not refused:
            raise
        raise UserError("error.result.not_sent") from None


PAGE = 6
RESULTS_A_PAGE = 50
"""As many as Telegram takes as the answer to an inline query."""

LONGEST_WORDS = 256
"""Letters of a search or an inline query; Telegram's own limit for the latter."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some tasks of a history. `number` counts from 0."""

    tasks: Sequence[Task]
    number: int
    has_more: bool


class History:
    """Looks through what one person has made."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, user_id: UserId, words: str, number: int) -> Page:
        """A page of a person's tasks that hold all the words, newest first."""
        tasks = await self._store.history.search(user_id, words[:LONGEST_WORDS], number * PAGE, PAGE + 1)
        return Page(tasks[:PAGE], number, len(tasks) > PAGE)

    async def favourites(self, user_id: UserId, number: int) -> Page:
        """A page of a person's favourites, newest first."""
        tasks = await self._store.history.list_favourites(user_id, number * PAGE, PAGE + 1)
        return Page(tasks[:PAGE], number, len(tasks) > PAGE)

    async def results(self, user_id: UserId, words: str, skip: int) -> tuple[list[Delivery], int | None]:
        """Videos and pictures that a person can send again, and where the next of them begin (None: no more)."""
        found = await self._store.history.search_results(
            user_id, words[:LONGEST_WORDS], skip, RESULTS_A_PAGE + 1
        )
        more = skip + RESULTS_A_PAGE if len(found) > RESULTS_A_PAGE else None
        return found[:RESULTS_A_PAGE], more
