"""How results reach a chat: as files that are streamed from disk, as one album, or as a link."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog
from telegram import Message

from bot.domain.requests.request import PHOTO_PARTS
from bot.domain.tasks.task import Delivery, Task
from bot.domain.types import ChatId
from bot.i18n import for_language
from bot.services.ports import (
    PLAIN,
    ChatError,
    ChatGone,
    ChatLost,
    ChatRefused,
    DeliveryOptions,
    ResultFile,
    Sent,
)
from handlers.chat import html
from handlers.results import result_views, task_views
from handlers.sending import refusals
from handlers.sending.chat import Chat, ReplyTarget
from handlers.sending.media import SHOWN_AS, Media, MediaKind, simpler
from handlers.sending.pacing import Urgency
from handlers.sending.refusals import Refusal

log = structlog.get_logger(__name__)

T = TypeVar("T")

CONFETTI = "5046509860389126442"
"""One of the few message effects that everybody may send."""

PHOTO_BYTES = 10_000_000
PHOTO_SIDES = 10_000
"""The limits of a photo: its size, and the pixels of its width and height together."""


class TelegramDelivery:
    """See `bot.services.ports.ResultChat`."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    @property
    def can_fill(self) -> bool:
        """Whether files can be put into messages that stand there already."""
        return self._chat.can_fill

    def check(self, delivery: Delivery) -> None:
        """Refuse a result that its chat would not take soon."""
        urgency = Urgency.NOTICE if delivery.place is None else Urgency.FILE
        self._chat.check(delivery.task.origin.chat_id, urgency)

    async def send_place(self, delivery: Delivery, options: DeliveryOptions = PLAIN) -> Sent:
        """Announce a result by a text; without an effect that is refused."""
        texts = for_language(delivery.task.origin.language)
        view = html.View(texts(f"delivery.sending.{delivery.kind}"))
        target = ReplyTarget.of(delivery.task.origin)
        if options.celebrated and target.is_private:
            try:
                return _sent(await self._chat.send(target, view, silent=options.silent, effect=CONFETTI))
            except ChatRefused as error:
                if refusals.read(error) is not Refusal.NO_EFFECT:
                    raise
        return _sent(await self._chat.send(target, view, silent=options.silent))

    async def send_places(
        self,
        deliveries: Sequence[Delivery],
        files: Sequence[ResultFile],
        images: Sequence[bytes],
        options: DeliveryOptions = PLAIN,
    ) -> list[Sent]:
        """Announce several results by an album of small pictures; by one of files where each is too large for a photo.

        Raises:
            ChatRefused: Telegram takes only some of them as documents, or one as a sound.

        """
        kinds = {media_kind(*pair) for pair in zip(deliveries, files, strict=True)}
        as_files = kinds == {MediaKind.DOCUMENT}
        if not as_files and not all(kind.row.in_album for kind in kinds):
            raise ChatRefused("no album takes a document or a sound beside others")
        origin = deliveries[0].task.origin
        text = for_language(origin.language).plural("delivery.sending.album", len(deliveries))
        shown = MediaKind.DOCUMENT if as_files else MediaKind.PHOTO
        album = [Media(kind=shown, source=image, filename="place.jpg") for image in images]
        messages = await self._chat.send_album(ReplyTarget.of(origin), album, text, silent=options.silent)
        return [_sent(message) for message in messages]

    async def fill(
        self,
        delivery: Delivery,
        file: ResultFile | None,
        options: DeliveryOptions = PLAIN,
        *,
        captioned: bool = True,
    ) -> Sent:
        """Put a result into its place, streamed from its file, or by its file id."""
        if delivery.place is None:
            raise ChatLost("it has no place")
        view = _view(delivery, options, file)
        if delivery.in_album:
            view = html.View(view.html if captioned else "")
        media = _media(delivery, file, options)
        if delivery.in_album and media.kind is MediaKind.AUDIO:
            raise ChatLost("no album takes a sound beside others")
        chat_id, place = delivery.task.origin.chat_id, delivery.place
        try:
            message = await self._in_some_form(
                delivery, media, lambda form: self._chat.fill(chat_id, place, form, view)
            )
        except ChatLost:
            if not self.can_fill:
                await self._chat.delete(chat_id, place)
            raise
        return Sent(place) if message is None else _sent(message)

    async def send_result(
        self, delivery: Delivery, file: ResultFile | None, options: DeliveryOptions = PLAIN
    ) -> Sent:
        """Send a result, streamed from its file, or again by its file id."""
        media = _media(delivery, file, options)
        target = ReplyTarget.of(delivery.task.origin)
        view = _view(delivery, options, file)
        message = await self._in_some_form(
            delivery,
            media,
            lambda form: self._chat.send_media(
                target, form, view, silent=options.silent, urgency=Urgency.NOTICE
            ),
        )
        return _sent(message)

    async def _in_some_form(
        self, delivery: Delivery, media: Media, send: Callable[[Media], Awaitable[T]]
    ) -> T:
        """Send a file as what it is; without its thumbnail, or as a document, where it is not taken so.

        Raises:
            ChatGone: its group takes no files of any kind.

        """
        while True:
            try:
                return await send(media)
            except ChatRefused as error:
                refusal = refusals.read(error)
                form = simpler(media, refusal)
                if form is not None and not (delivery.in_album and not form.kind.row.in_album):
                    log.info("a result goes in another form", task=delivery.task.id, reason=str(error))
                    media = form
                elif refusal is Refusal.NO_RIGHT_TO_SEND_VIDEOS and not delivery.task.origin.is_private:
                    raise ChatGone(str(error)) from None
                else:
                    raise

    async def send_album_buttons(
        self, deliveries: Sequence[Delivery], options: DeliveryOptions = PLAIN
    ) -> Sent | None:
        """Send the buttons of an album, which cannot have any itself; None where they could not be sent."""
        origin = deliveries[0].task.origin
        view = result_views.album(for_language(origin.language), deliveries, options.final)
        try:
            return _sent(await self._chat.send(ReplyTarget.of(origin), view, silent=True))
        except ChatError:
            # The album has arrived: without its buttons it is still what was asked for.
            return None

    async def send_link(
        self,
        delivery: Delivery,
        url: str,
        size_bytes: int | None,
        options: DeliveryOptions = PLAIN,
        *,
        too_large: bool = True,
    ) -> Sent:
        """Send the address of a result, or write it in the place of the result."""
        origin = delivery.task.origin
        texts, buttons = for_language(origin.language), _view(delivery, options).buttons
        view = task_views.link(texts, delivery, url, size_bytes, buttons, too_large=too_large)
        if delivery.place is not None and not delivery.in_album:
            try:
                if await self._chat.edit(origin.chat_id, delivery.place, view):
                    return Sent(delivery.place)
            except ChatLost:
                # The video has arrived after all, though it was refused later.
                return Sent(delivery.place)
        return _sent(await self._chat.send(ReplyTarget.of(origin), view, silent=options.silent))

    async def send_original(self, delivery: Delivery, path: Path) -> Sent:
        """Send a result's file as a document, streamed from its file."""
        document = Media(kind=MediaKind.DOCUMENT, source=path, filename=_filename(delivery, path), exact=True)
        return _sent(await self._chat.send_media(ReplyTarget.of(delivery.task.origin), document))

    async def show_sending(self, task: Task) -> None:
        """Show "sending video", or what else it is, for five seconds."""
        shown = MediaKind.DOCUMENT if _is_file(task) else SHOWN_AS[task.request.operation.product]
        action = shown.row.action
        await self._chat.show_action(ReplyTarget.of(task.origin), action)

    async def show_sending_file(self, task: Task) -> None:
        """Show "sending a file" for five seconds."""
        await self._chat.show_action(ReplyTarget.of(task.origin), MediaKind.DOCUMENT.row.action)

    async def fetch_copy(self, file_id: str, target: Path) -> None:
        """Download what Telegram has under a file id."""
        await self._chat.downloads.save(file_id, target)

    async def delete(self, chat_id: ChatId, message_id: int) -> bool:
        """Delete a message; one that is too old for that loses its caption and buttons."""
        if await self._chat.delete(chat_id, message_id):
            return True
        await self._chat.remove_caption(chat_id, message_id)
        await self._chat.edit_buttons(chat_id, message_id)
        return False


def media_kind(delivery: Delivery, file: ResultFile | None = None) -> MediaKind:
    """Return how Telegram shows a result: an image that is too large for a photo, or has transparency, is a document."""
    if _is_file(delivery.task):
        return MediaKind.DOCUMENT
    kind, known = SHOWN_AS[delivery.product], file or delivery
    sides = (known.width or 0) + (known.height or 0)
    too_large = (known.size_bytes or 0) > PHOTO_BYTES or sides > PHOTO_SIDES
    return MediaKind.DOCUMENT if kind is MediaKind.PHOTO and too_large else kind


def _media(delivery: Delivery, file: ResultFile | None, options: DeliveryOptions) -> Media:
    media = Media(kind=media_kind(delivery, file), source=delivery.file_id or "", spoiler=options.spoiler)
    if file is None:
        return media
    return replace(
        media,
        source=file.path,
        filename=_filename(delivery, file.path),
        width=file.width,
        height=file.height,
        duration=max(1, round((file.duration_ms or 0) / 1000)),
        thumbnail=file.thumbnail,
    )


def _is_file(task: Task) -> bool:
    """Whether its results are sent as files."""
    return task.request.operation.row.as_files


def _filename(delivery: Delivery, path: Path) -> str:
    number = f"-{delivery.position + 1}" if delivery.position else ""
    if _is_file(delivery.task) and delivery.video is not None and delivery.video.id in PHOTO_PARTS:
        number = f"-{delivery.video.id}"
    return f"{delivery.task.id}{number}{path.suffix}"


def _view(delivery: Delivery, options: DeliveryOptions, file: ResultFile | None = None) -> html.View:
    """Return the caption and the buttons of a result."""
    if file is not None:
        delivery = replace(delivery, duration_ms=file.duration_ms)
    texts = for_language(delivery.task.origin.language)
    buttons = result_views.result_buttons(texts, delivery, options.offers, options.final)
    return html.View(task_views.caption(texts, delivery), buttons)


def _sent(message: Message) -> Sent:
    media = message.photo[-1] if message.photo else message.video or message.audio or message.document
    if media is None:
        return Sent(message.message_id)
    return Sent(message.message_id, media.file_id, media.file_unique_id)
