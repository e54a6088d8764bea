"""The chat as the services see it: messages and videos over `telegram.Bot`, within Telegram's budget.

Videos are streamed from disk. A status message is edited only where a person can see a difference, and
not more often than every few seconds.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack, suppress
from html import escape
from typing import Any, TypeVar

import structlog
from telegram import Bot, InputFile, Message, ReplyParameters
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.clock import Clock
from bot.domain.task import Delivery, Task, TaskState
from bot.domain.units import ChatId, Millis, UserId
from bot.i18n import Texts, for_language
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused, Progress, Sent, VideoFile
from handlers import views
from handlers.keyboards import Signer, markup

log = structlog.get_logger(__name__)

T = TypeVar("T")

EDIT_INTERVAL = 3_000
"""Milliseconds between two edits of one message."""

REMEMBERED = 2_000
"""How many status messages' texts are kept in memory; an unknown one is simply edited."""

BUSY_PAUSE = Millis(5_000)
UPLOAD_TIMEOUT = 600.0

_GONE = (
    "chat not found",
    "user is deactivated",
    "bot was kicked",
    "group chat was deleted",
    "have no rights to send",
)
_NO_THREAD = ("message thread not found", "topic_deleted", "topic_closed", "topic deleted", "topic closed")


class TelegramMessenger:
    """See `bot.services.ports.Messenger`."""

    def __init__(self, bot: Bot, signer: Signer, clock: Clock, admins: Iterable[UserId]) -> None:
        self._bot = bot
        self._signer = signer
        self._clock = clock
        self._admins = tuple(admins)
        self._shown: OrderedDict[tuple[int, int], tuple[str, int]] = OrderedDict()

    async def show_status(self, task: Task, progress: Progress) -> int | None:
        """Write or edit the task's status message."""
        view = views.status(self._texts(task), task, progress)
        if task.status_message_id is None:
            return (await self._send(task, view)).message_id
        key = (task.origin.chat_id, task.status_message_id)
        text, edited_at = self._shown.get(key, ("", 0))
        now = self._clock.now()
        if text == view.html or now - edited_at < EDIT_INTERVAL:
            return task.status_message_id
        try:
            await _mapped(
                self._bot.edit_message_text(
                    view.html,
                    chat_id=task.origin.chat_id,
                    message_id=task.status_message_id,
                    parse_mode=ParseMode.HTML,
                    reply_markup=markup(view.buttons, self._signer),
                )
            )
        except ChatRefused as error:
            if "message to edit not found" in str(error).lower():
                return (await self._send(task, view)).message_id
            if "not modified" not in str(error).lower():
                raise
        self._remember(key, view.html, now)
        return task.status_message_id

    async def remove_status(self, task: Task) -> None:
        """Delete the status message; whether it could be deleted does not matter."""
        if task.status_message_id is None:
            return
        self._shown.pop((task.origin.chat_id, task.status_message_id), None)
        with suppress(TelegramError):
            await self._bot.delete_message(task.origin.chat_id, task.status_message_id)

    async def send_video(self, delivery: Delivery, file: VideoFile | None) -> Sent:
        """Send a video, streamed from its file, or again by its file id."""
        task = delivery.task
        texts = self._texts(task)
        with ExitStack() as open_files:
            options: dict[str, Any] = {
                "caption": views.caption(texts, delivery),
                "parse_mode": ParseMode.HTML,
                "supports_streaming": True,
                "reply_markup": markup(views.video_buttons(texts, task), self._signer),
                "read_timeout": UPLOAD_TIMEOUT,
                "write_timeout": UPLOAD_TIMEOUT,
            }
            if file is None:
                options["video"] = delivery.file_id
            else:
                handle = open_files.enter_context(file.path.open("rb"))
                # The handle is read while it is sent: 45 MB cost no memory.
                options["video"] = InputFile(handle, filename=f"{task.id}.mp4", read_file_handle=False)
                options["width"], options["height"] = file.width, file.height
                options["duration"] = max(1, round(file.duration_ms / 1000))
                if file.thumbnail is not None:
                    options["thumbnail"] = InputFile(file.thumbnail.read_bytes(), filename="thumbnail.jpg")
            message = await self._in_thread(task, lambda place: self._bot.send_video(**place, **options))
        return Sent(message.message_id, message.video.file_id if message.video is not None else None)

    async def send_link(self, delivery: Delivery, url: str, size_bytes: int | None) -> Sent:
        """Offer a video by its address."""
        return await self._send(
            delivery.task, views.link(self._texts(delivery.task), delivery, url, size_bytes)
        )

    async def send_notice(self, task: Task) -> Sent:
        """Tell how a task ended: a cancelled one in its status message, others in a message that is noticed."""
        view = views.notice(self._texts(task), task)
        if task.state is TaskState.CANCELLED and task.status_message_id is not None:
            with suppress(ChatRefused):
                await _mapped(
                    self._bot.edit_message_text(
                        view.html,
                        chat_id=task.origin.chat_id,
                        message_id=task.status_message_id,
                        parse_mode=ParseMode.HTML,
                    )
                )
                return Sent(task.status_message_id)
        sent = await self._send(task, view)
        await self.remove_status(task)
        return sent

    async def tell(self, task: Task, key: str, /, **params: object) -> Sent:
        """Write one text to where the task came from."""
        texts = self._texts(task)
        return await self._send(task, views.View(texts(key, **_readable(texts, params))))

    async def sending(self, task: Task) -> None:
        """Show "sending video"; best effort."""
        with suppress(TelegramError):
            await self._bot.send_chat_action(
                task.origin.chat_id, ChatAction.UPLOAD_VIDEO, message_thread_id=task.origin.thread_id
            )

    async def alert_operators(self, key: str, /, **params: object) -> None:
        """Tell every admin; one who cannot be reached does not keep the others from hearing it."""
        log.error(
            "operators are told", alert=key, **{f"about_{name}": value for name, value in params.items()}
        )
        texts = for_language("en")
        for admin in self._admins:
            try:
                await self._bot.send_message(
                    admin, texts(key, **_readable(texts, params)), parse_mode=ParseMode.HTML
                )
            except TelegramError as error:
                log.warning("an admin could not be told", admin=admin, kind=type(error).__name__)

    # -- sending -------------------------------------------------------------------------------------

    async def _send(self, task: Task, view: views.View) -> Sent:
        keyboard = markup(view.buttons, self._signer)
        message = await self._in_thread(
            task,
            lambda place: self._bot.send_message(
                text=view.html, parse_mode=ParseMode.HTML, reply_markup=keyboard, **place
            ),
        )
        self._remember((task.origin.chat_id, message.message_id), view.html, self._clock.now())
        return Sent(message.message_id)

    async def _in_thread(self, task: Task, send: Callable[[dict[str, Any]], Awaitable[Message]]) -> Message:
        """Send as a reply in the right topic; where the topic is gone, in the chat itself."""
        origin = task.origin
        place: dict[str, Any] = {"chat_id": origin.chat_id, "message_thread_id": origin.thread_id}
        if origin.message_id is not None:
            place["reply_parameters"] = ReplyParameters(origin.message_id, allow_sending_without_reply=True)
        try:
            return await _mapped(send(place))
        except ChatRefused as error:
            if origin.thread_id is None or not any(words in str(error).lower() for words in _NO_THREAD):
                raise
        return await _mapped(send({"chat_id": origin.chat_id}))

    def _texts(self, task: Task) -> Texts:
        return for_language(task.origin.language)

    def _remember(self, key: tuple[int, int], text: str, now: int) -> None:
        self._shown[key] = (text, now)
        self._shown.move_to_end(key)
        while len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)


async def _mapped(sending: Awaitable[T]) -> T:
    """Translate Telegram's errors to those that the services know."""
    try:
        return await sending
    except ChatMigrated as error:
        raise ChatMoved(ChatId(error.new_chat_id)) from None
    except RetryAfter as error:
        seconds = (
            error.retry_after
            if isinstance(error.retry_after, (int, float))
            else error.retry_after.total_seconds()
        )
        raise ChatBusy(Millis(int(seconds * 1000))) from None
    except Forbidden as error:
        raise ChatGone(error.message) from None
    except BadRequest as error:
        if any(words in error.message.lower() for words in _GONE):
            raise ChatGone(error.message) from None
        raise ChatRefused(error.message) from None
    except NetworkError as error:
        if "too large" in error.message.lower():
            raise ChatRefused(error.message) from None
        # The message of a network error may hold the address, and so the token.
        raise ChatBusy(BUSY_PAUSE) from None


def _readable(texts: Texts, params: dict[str, object]) -> dict[str, object]:
    """Escape what goes into a text, and write credits as credits."""
    return {
        name: views.credits(texts, value)
        if name == "credits" and isinstance(value, int)
        else escape(str(value))
        for name, value in params.items()
    }
