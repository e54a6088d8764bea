"""The chat as the services see it: messages and videos over `telegram.Bot`, within Telegram's budget.

Videos are streamed from disk. A status message is edited only where a person can see a difference, and
not more often than every few seconds.
"""

from collections.abc import Awaitable, Iterable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from telegram import Bot, InputMediaPhoto, InputMediaVideo, Message
from telegram.constants import ChatAction, ParseMode, ReactionEmoji
from telegram.error import TelegramError

from bot.clock import Clock
from bot.domain.requests.request import Operation, Product
from bot.domain.tasks.task import Delivery, DeliveryKind, Task, TaskState
from bot.domain.units import ChatId, Millis, TaskId, UserId, shown
from bot.errors import UserError
from bot.i18n import Texts, for_language
from bot.services.people.accounts import Accounts
from bot.services.ports import (
    PLAIN,
    ChatBusy,
    ChatGone,
    ChatMoved,
    ChatRefused,
    Manner,
    Progress,
    ResultFile,
    Sent,
    Sign,
)
from bot.services.tasks.results import Results
from handlers.chat import views
from handlers.chat.keyboards import Rows, Signer, markup
from handlers.results import result_views
from handlers.sending.old_media import figures_of, file_id_of, streamed, way_of
from handlers.sending.pace import Pace, Shown
from handlers.sending.sender import Sender, mapped

log = structlog.get_logger(__name__)

UPLOAD_TIMEOUT = 600.0

SIGN_TIMEOUT = 5.0
"""Seconds: a sign that takes longer is not worth the wait."""

CONFETTI = "5046509860389126442"
"""One of the few effects that everybody may send."""

ACTIONS = {
    Product.VIDEO: ChatAction.UPLOAD_VIDEO,
    Product.IMAGE: ChatAction.UPLOAD_PHOTO,
    Product.AUDIO: ChatAction.UPLOAD_VOICE,
}
SIGNS = {
    Sign.ACCEPTED: ReactionEmoji.EYES,
    Sign.DONE: ReactionEmoji.PARTY_POPPER,
    Sign.FAILED: ReactionEmoji.BROKEN_HEART,
    Sign.CANCELLED: None,
}
"""All are among the reactions that Telegram takes."""


class TelegramMessenger:
    """See `bot.services.ports.Messenger`."""

    def __init__(self, bot: Bot, signer: Signer, clock: Clock, admins: Iterable[UserId]) -> None:
        self._bot = bot
        self._signer = signer
        self._sender = Sender(bot, signer)
        self._clock = clock
        self._admins = tuple(admins)
        self._accounts: Accounts | None = None
        self._pace = Pace()
        self._results: Results | None = None

    def offer_what_can_be_made(self, results: Results) -> None:
        """Know from here on what can be made of a result; before, its buttons offer nothing of the kind."""
        self._results = results

    def read_languages_from(self, accounts: Accounts) -> None:
        """Know from here on in which language to write to whom; tasks carry theirs with them."""
        self._accounts = accounts

    async def show_status(self, task: Task, progress: Progress) -> int | None:
        """Write or edit the task's status message."""
        view = views.status(self._texts(task), task, progress)
        chat_id, message_id = task.origin.chat_id, task.status_message_id
        now = self._clock.now()
        status = Shown(view.html, task.state, now)
        if message_id is not None:
            since = task.submitted_at if task.submitted_at is not None else task.created_at
            if not self._pace.may_edit(chat_id, message_id, status, now - since):
                return message_id
            try:
                if await self._sender.edit(chat_id, message_id, view):
                    self._pace.note(chat_id, message_id, status)
                    return message_id
            except ChatBusy as busy:
                self._pace.pause(chat_id, Millis(now + busy.retry_after))
                raise
        sent = await self._sender.send(task, view, silent=True)
        self._pace.note(chat_id, sent.message_id, status)
        return sent.message_id

    async def remove_status(self, task: Task) -> None:
        """Delete the status message; whether it could be deleted does not matter."""
        if task.status_message_id is None:
            return
        self._pace.forget(task.origin.chat_id, task.status_message_id)
        with suppress(TelegramError):
            await self._bot.delete_message(task.origin.chat_id, task.status_message_id)

    async def send_result(self, delivery: Delivery, file: ResultFile | None, manner: Manner = PLAIN) -> Sent:
        """Send a result, streamed from its file, or again by its file id; without the effect where it is refused."""
        if manner.celebrated and delivery.task.origin.is_private:
            try:
                return await self._send_result(delivery, file, manner, CONFETTI)
            except ChatRefused as error:
                if "effect" not in str(error).lower():
                    raise
        return await self._send_result(delivery, file, manner, None)

    async def _send_result(
        self, delivery: Delivery, file: ResultFile | None, manner: Manner, effect: str | None
    ) -> Sent:
        task = delivery.task
        texts = self._texts(task)
        options: dict[str, Any] = {
            "caption": views.caption(texts, delivery),
            "parse_mode": ParseMode.HTML,
            "reply_markup": markup(self._buttons(texts, delivery), self._signer),
            "disable_notification": manner.silent,
            "message_effect_id": effect,
            "read_timeout": UPLOAD_TIMEOUT,
            "write_timeout": UPLOAD_TIMEOUT,
        }
        with ExitStack() as open_files:
            if file is None:
                way = way_of(delivery)
                options[way] = delivery.file_id
            else:
                way = way_of(delivery, file)
                options[way] = streamed(delivery, file.path, open_files)
                options |= figures_of(way, file)
            if way == "video":
                options["supports_streaming"] = True
            if way in {"video", "photo"}:
                options["has_spoiler"] = manner.spoiler
            send = getattr(self._bot, f"send_{way}")
            message: Message = await self._sender.in_thread(task, lambda place: send(**place, **options))
        return Sent(message.message_id, file_id_of(message))

    async def send_album(
        self, deliveries: Sequence[Delivery], files: Sequence[ResultFile], manner: Manner = PLAIN
    ) -> list[Sent]:
        """Send several results as one album."""
        task = deliveries[0].task
        texts = self._texts(task)
        with ExitStack() as open_files:
            media = [
                self._in_album(texts, delivery, file, open_files, spoiler=manner.spoiler)
                for delivery, file in zip(deliveries, files, strict=True)
            ]

            def send(place: dict[str, Any]) -> Awaitable[tuple[Message, ...]]:
                return self._bot.send_media_group(
                    media=media,
                    disable_notification=manner.silent,
                    read_timeout=UPLOAD_TIMEOUT,
                    write_timeout=UPLOAD_TIMEOUT,
                    **place,
                )

            messages = await self._sender.in_thread(task, send)
        return [Sent(message.message_id, file_id_of(message)) for message in messages]

    async def offer_next(self, delivery: Delivery) -> Sent | None:
        """Say beneath an album, which can have no buttons of its own, what can be done with it."""
        with suppress(ChatBusy, ChatGone, ChatMoved, ChatRefused):
            # The album has arrived: without its buttons it is still what was asked for.
            return await self._sender.send(
                delivery.task, result_views.album(self._texts(delivery.task), delivery), silent=True
            )
        return None

    def _in_album(
        self, texts: Texts, delivery: Delivery, file: ResultFile, open_files: ExitStack, *, spoiler: bool
    ) -> InputMediaPhoto | InputMediaVideo:
        content = streamed(delivery, file.path, open_files)
        first = delivery.position == 0
        caption = views.caption(texts, delivery) if first else None
        parse_mode = ParseMode.HTML if first else None
        if delivery.kind is DeliveryKind.IMAGE:
            return InputMediaPhoto(content, caption, parse_mode, has_spoiler=spoiler)
        return InputMediaVideo(
            content,
            caption,
            parse_mode=parse_mode,
            supports_streaming=True,
            has_spoiler=spoiler,
            **figures_of("video", file),
        )

    async def send_link(
        self, delivery: Delivery, url: str, size_bytes: int | None, manner: Manner = PLAIN
    ) -> Sent:
        """Offer a video by its address."""
        texts = self._texts(delivery.task)
        view = views.link(texts, delivery, url, size_bytes, self._buttons(texts, delivery))
        return await self._sender.send(delivery.task, view, silent=manner.silent)

    async def send_original(self, delivery: Delivery, path: Path) -> Sent:
        """Send a result's file as a document, streamed from its file."""
        task = delivery.task
        with ExitStack() as open_files:
            document = streamed(delivery, path, open_files)

            def send(place: dict[str, Any]) -> Awaitable[Message]:
                return self._bot.send_document(
                    document=document,
                    disable_content_type_detection=True,
                    read_timeout=UPLOAD_TIMEOUT,
                    write_timeout=UPLOAD_TIMEOUT,
                    **place,
                )

            message = await self._sender.in_thread(task, send)
        return Sent(message.message_id)

    async def fetch_copy(self, file_id: str, target: Path) -> None:
        """Download what Telegram keeps under a file id."""
        file = await mapped(self._bot.get_file(file_id))
        try:
            await mapped(file.download_to_drive(target))
        except OSError as error:
            raise ChatRefused(type(error).__name__) from None

    async def delete(self, chat_id: ChatId, message_id: int) -> bool:
        """Delete a message; one that is too old for that loses its words and buttons."""
        try:
            await self._bot.delete_message(chat_id, message_id)
        except TelegramError as error:
            if "not found" in error.message.lower():
                return True
        else:
            return True
        for strip in (
            partial(self._bot.edit_message_caption, caption=""),
            self._bot.edit_message_reply_markup,
        ):
            with suppress(TelegramError):
                await strip(chat_id=chat_id, message_id=message_id)
        return False

    async def send_notice(self, task: Task) -> Sent:
        """Tell how a task ended: a cancelled one in its status message, others in a message that is noticed."""
        view = views.notice(self._texts(task), task)
        message_id = task.status_message_id
        if (
            task.state is TaskState.CANCELLED
            and message_id is not None
            and await self._sender.edit(task.origin.chat_id, message_id, view)
        ):
            self._pace.forget(task.origin.chat_id, message_id)
            return Sent(message_id)
        sent = await self._sender.send(task, view)
        await self.remove_status(task)
        return sent

    async def tell(self, task: Task, key: str, /, **params: object) -> Sent:
        """Write one text to where the task came from."""
        texts = self._texts(task)
        return await self._sender.send(task, views.View(texts(key, **_readable(texts, params))))

    async def sending(self, task: Task) -> None:
        """Show "sending video", or what else it is, for five seconds; best effort."""
        action = ACTIONS[task.request.operation.product]
        with suppress(TelegramError):
            await self._bot.send_chat_action(
                task.origin.chat_id, action, message_thread_id=task.origin.thread_id
            )

    async def sign(self, task: Task, sign: Sign) -> None:
        """React to a request in a group; best effort, for a group may have no reactions."""
        origin = task.origin
        if origin.is_private or origin.message_id is None:
            return
        with suppress(TelegramError):
            await self._bot.set_message_reaction(
                origin.chat_id,
                origin.message_id,
                SIGNS[sign],
                read_timeout=SIGN_TIMEOUT,
                write_timeout=SIGN_TIMEOUT,
                connect_timeout=SIGN_TIMEOUT,
                pool_timeout=SIGN_TIMEOUT,
            )

    async def sending_file(self, task: Task) -> None:
        """Show "sending a file"; best effort."""
        with suppress(TelegramError):
            await self._bot.send_chat_action(
                task.origin.chat_id, ChatAction.UPLOAD_DOCUMENT, message_thread_id=task.origin.thread_id
            )

    async def alert_operators(self, key: str, /, **params: object) -> None:
        """Tell every admin; one who cannot be reached does not keep the others from hearing it."""
        log.error(
            "operators are told", alert=key, **{f"about_{name}": value for name, value in params.items()}
        )
        repeated = params.get("repeated")
        for admin in self._admins if self._accounts is None else sorted(self._accounts.admins):
            texts = await self._texts_of(admin)
            text = texts(key, **_readable(texts, params))
            if isinstance(repeated, int):
                text = f"{text}\n{texts.plural('alert.repeated', repeated)}"
            try:
                await self._bot.send_message(admin, text, parse_mode=ParseMode.HTML)
            except TelegramError as error:
                log.warning("an admin could not be told", admin=admin, kind=type(error).__name__)

    def _buttons(self, texts: Texts, delivery: Delivery) -> Rows:
        possible = frozenset[Operation]() if self._results is None else self._results.possible(delivery)
        return result_views.result_buttons(texts, delivery, possible)

    def _texts(self, task: Task) -> Texts:
        return for_language(task.origin.language)

    async def _texts_of(self, user_id: UserId) -> Texts:
        """The texts in a person's language; English for one who has never written to the bot."""
        if self._accounts is None:
            return for_language("en")
        try:
            found = await self._accounts.find(str(user_id))
        except UserError:
            return for_language("en")
        return for_language(self._accounts.language_of(found))


def _readable(texts: Texts, params: dict[str, object]) -> dict[str, object]:
    """Write parameters as people read them: credits as credits, ids as ids, everything else escaped."""
    readable: dict[str, object] = {}
    for name, value in params.items():
        if name == "credits" and isinstance(value, int):
            readable[name] = views.credits(texts, value)
        elif name == "id":
            readable[name] = shown(TaskId(str(value).replace("-", "")))
        else:
            readable[name] = views.inline(str(value), 300)
    return readable
