"""The Telegram adapter: the only caller of methods of `telegram.Bot` that send, edit, delete, react or answer.

Every request goes through `Requests`: in its turn, with Telegram's errors as those of `bot.services.ports`.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    File,
    ForceReply,
    InlineQueryResultsButton,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import ChatType, ParseMode

from bot.domain.tasks.task import Origin
from bot.domain.units import ChatId
from bot.services.ports import ChatBusy, ChatError, ChatGone, ChatLost, ChatMoved, ChatRefused
from handlers.chat.html import View
from handlers.chat.keyboards import Rows, Signer, markup
from handlers.sending.media import (
    InlineFile,
    Media,
    MediaKind,
    attributes,
    content,
    inline_result,
    input_media,
    timeouts,
)
from handlers.sending.pacing import Urgency
from handlers.sending.requests import BUSY_PAUSE, Requests
from handlers.sending.stars import Stars

T = TypeVar("T")

OnGone = Callable[[ChatId], Awaitable[None]]

REACTION_TIMEOUT = 5.0
"""Seconds: a reaction that takes longer is not worth the wait."""

WEBHOOK_TIMEOUT = 15.0
"""Seconds: the start of the bot waits for it."""

# Telegram's descriptions, in lower case; its codes alone do not tell these apart.
_NO_TARGET = (
    "message thread not found",
    "topic_deleted",
    "topic_closed",
    "topic_id_invalid",
    "topic deleted",
    "topic closed",
)
_NO_REPLY = "repl"
"""Telegram words it in several ways that the answered message is gone; all of them speak of a reply."""

_LOST = (
    "message to edit not found",
    "message_id_invalid",
    "message can't be edited",
    "message media can't be edited",
)
_SAME = "message is not modified"
_OVERTAKEN = "canceled by new edit message request"
_NO_TEXT = "there is no text in the message"
_NO_MEDIA = "there is no media in the message to edit"


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """Where a message goes: to a chat, into its topic `thread_id`, as a reply to `message_id`; None: neither."""

    chat_id: ChatId
    message_id: int | None = None
    thread_id: int | None = None

    @classmethod
    def of(cls, origin: Origin) -> Self:
        """Where a task came from."""
        return cls(origin.chat_id, origin.message_id, origin.thread_id)

    @property
    def is_private(self) -> bool:
        """Whether it is a chat with one person: Telegram gives groups and channels negative ids."""
        return self.chat_id > 0

    @property
    def below(self) -> Self:
        """The same chat and topic, for a message that replies to nothing."""
        return replace(self, message_id=None)


class Chat:
    """Sends, edits, deletes, reacts and answers.

    Methods raise a `ChatError`; those that return a bool are best effort and return False instead. `on_gone` hears
    of whom the bot cannot write to in private: they blocked it, never opened the chat, or are no more.
    """

    def __init__(
        self, *, bot: Bot, signer: Signer, requests: Requests, on_gone: OnGone | None = None
    ) -> None:
        self._bot = bot
        self._signer = signer
        self._requests = requests
        self.stars = Stars(bot=bot, requests=requests)
        self._on_gone = on_gone
        self.can_fill = True
        """Whether the Bot API server puts files into texts; for as long as nothing else is known."""

    def check(self, chat_id: ChatId, urgency: Urgency) -> None:
        """Refuse what a chat would not take soon enough, before work is done for it. Raises `ChatBusy`."""
        self._requests.check_in(chat_id, urgency)

    # -- messages ------------------------------------------------------------------------------------

    async def send(
        self,
        target: ReplyTarget,
        view: View,
        *,
        silent: bool = False,
        force_reply: bool = False,
        preview: bool = False,
        effect: str | None = None,
        urgency: Urgency = Urgency.NOTICE,
    ) -> Message:
        """Send a text.

        `force_reply` opens the reader's reply where the view has no buttons; `preview` shows the page of a link;
        `effect` is the id of a message effect.
        """
        keyboard = markup(view.buttons, self._signer)
        return await self._send(
            target,
            lambda place: self._bot.send_message(
                text=view.html,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard or (ForceReply(selective=True) if force_reply else None),
                disable_notification=silent,
                link_preview_options=LinkPreviewOptions(is_disabled=not preview),
                message_effect_id=effect,
                **place,
            ),
            urgency,
        )

    async def send_media(
        self,
        target: ReplyTarget,
        media: Media,
        view: View | None = None,
        *,
        silent: bool = False,
        urgency: Urgency = Urgency.ANSWER,
    ) -> Message:
        """Send a file with a caption and buttons, streamed from its path."""
        options: dict[str, Any] = {"disable_notification": silent}
        if view is not None:
            options |= _caption(view.html) | {"reply_markup": markup(view.buttons, self._signer)}
        send = getattr(self._bot, f"send_{media.kind}")
        with ExitStack() as open_files:
            options[media.kind] = content(media, open_files)
            options |= attributes(media) | timeouts([media])
            if media.kind is MediaKind.DOCUMENT and media.exact:
                options["disable_content_type_detection"] = True
            message: Message = await self._send(target, lambda place: send(**place, **options), urgency)
        return message

    async def send_album(
        self, target: ReplyTarget, album: Sequence[Media], caption: str, *, silent: bool = False
    ) -> tuple[Message, ...]:
        """Send 2-10 photos and videos as one album; the caption is HTML and stands under the first."""
        with ExitStack() as open_files:
            items = [
                input_media(media, open_files, _caption(caption if position == 0 else ""))
                for position, media in enumerate(album)
            ]
            return await self._send(
                target,
                lambda place: self._bot.send_media_group(
                    media=items, disable_notification=silent, **timeouts(album), **place
                ),
                Urgency.NOTICE,
            )

    async def edit(
        self, chat_id: ChatId, message_id: int, view: View, *, urgency: Urgency = Urgency.NOTICE
    ) -> bool:
        """Change a text and its buttons; False where the message cannot be edited any more.

        Raises:
            ChatLost: it has become a file.

        """
        try:
            await self._requests.make_in(
                chat_id,
                urgency,
                lambda: self._bot.edit_message_text(
                    view.html,
                    chat_id=chat_id,
                    message_id=message_id,
                    parse_mode=ParseMode.HTML,
                    reply_markup=markup(view.buttons, self._signer),
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                ),
            )
        except ChatRefused as error:
            description = str(error).lower()
            if any(words in description for words in _LOST):
                return False
            if _NO_TEXT in description:
                raise ChatLost(str(error)) from None
            if _SAME not in description:
                raise
        return True

    async def fill(self, chat_id: ChatId, message_id: int, media: Media, view: View) -> Message | None:
        """Make a text a file with a caption and buttons, or put a file in the place of another; None: it is there.

        Doing it once more changes nothing: it may be repeated for as long as its outcome is not known.

        Raises:
            ChatLost: the message is gone, or cannot become a file.
            ChatBusy: also where another request is doing it now.

        """
        with ExitStack() as open_files:
            item = input_media(media, open_files, _caption(view.html))
            try:
                changed = await self._requests.make_in(
                    chat_id,
                    Urgency.FILE,
                    lambda: self._bot.edit_message_media(
                        item,
                        chat_id=chat_id,
                        message_id=message_id,
                        reply_markup=markup(view.buttons, self._signer),
                        **timeouts([media]),
                    ),
                )
            except ChatRefused as error:
                description = str(error).lower()
                if _SAME in description:
                    return None
                if _OVERTAKEN in description:
                    raise ChatBusy(BUSY_PAUSE) from None
                if _NO_MEDIA in description:
                    # Bot API servers before 7.11 put files only where there is one.
                    self.can_fill = False
                    raise ChatLost(str(error)) from None
                if any(words in description for words in _LOST):
                    raise ChatLost(str(error)) from None
                raise
        return changed if isinstance(changed, Message) else None

    async def edit_buttons(self, chat_id: ChatId, message_id: int, buttons: Rows = ()) -> bool:
        """Change the buttons of a message, or take them away. Best effort."""
        keyboard = markup(buttons, self._signer)
        return await self._requests.attempt_in(
            chat_id,
            Urgency.ANSWER,
            lambda: self._bot.edit_message_reply_markup(chat_id, message_id, reply_markup=keyboard),
        )

    async def remove_caption(self, chat_id: ChatId, message_id: int) -> bool:
        """Take the caption and the buttons of a file away. Best effort."""
        return await self._requests.attempt_in(
            chat_id,
            Urgency.ANSWER,
            lambda: self._bot.edit_message_caption(chat_id=chat_id, message_id=message_id, caption=""),
        )

    async def delete(self, chat_id: ChatId, message_id: int) -> bool:
        """Delete a message; True where it is gone now. Best effort."""
        try:
            await self._requests.make(lambda: self._bot.delete_message(chat_id, message_id))
        except ChatError as error:
            return "not found" in str(error).lower()
        return True

    async def react(self, chat_id: ChatId, message_id: int, emoji: str | None) -> bool:
        """Set our only reaction to a message, or take it away. Best effort: a group may have no reactions."""
        return await self._requests.attempt_in(
            chat_id,
            Urgency.SIGN,
            lambda: self._bot.set_message_reaction(
                chat_id,
                message_id,
                emoji,
                read_timeout=REACTION_TIMEOUT,
                write_timeout=REACTION_TIMEOUT,
                connect_timeout=REACTION_TIMEOUT,
                pool_timeout=REACTION_TIMEOUT,
            ),
        )

    async def show_action(self, target: ReplyTarget, action: str) -> bool:
        """Show for five seconds what the bot is doing (a `ChatAction`). Best effort."""
        return await self._requests.attempt_in(
            target.chat_id,
            Urgency.SIGN,
            lambda: self._bot.send_chat_action(target.chat_id, action, message_thread_id=target.thread_id),
        )

    # -- answers to queries --------------------------------------------------------------------------

    async def answer_press(self, query_id: str, text: str | None = None, *, alert: bool = False) -> bool:
        """Answer a pressed button, which stops its spinner; False where it is too old to be answered."""
        return await self._requests.attempt(
            lambda: self._bot.answer_callback_query(query_id, text, show_alert=alert)
        )

    async def answer_inline(
        self,
        query_id: str,
        files: Iterable[InlineFile] = (),
        *,
        cache_seconds: int = 0,
        next_offset: str = "",
        button: InlineQueryResultsButton | None = None,
    ) -> bool:
        """Answer an inline query, for its asker alone; False where it is too old to be answered."""
        return await self._requests.attempt(
            lambda: self._bot.answer_inline_query(
                query_id,
                [inline_result(file, _caption(file.caption)) for file in files],
                cache_time=cache_seconds,
                is_personal=True,
                next_offset=next_offset,
                button=button,
            )
        )

    async def answer_checkout(self, query_id: str, refusal: str | None = None) -> bool:
        """Let a payment go on, or refuse it with a reason; False where it could not be answered."""
        return await self._requests.attempt(
            lambda: self._bot.answer_pre_checkout_query(query_id, refusal is None, error_message=refusal)
        )

    # -- files ---------------------------------------------------------------------------------------

    async def download(self, file_id: str) -> bytes:
        """Return the content of a file at Telegram, whole in memory."""
        return bytes(await self._fetch(file_id, lambda file: file.download_as_bytearray()))

    async def download_to(self, file_id: str, target: Path) -> None:
        """Write a file at Telegram to a path."""
        await self._fetch(file_id, lambda file: file.download_to_drive(target))

    async def _fetch(self, file_id: str, read: Callable[[File], Awaitable[T]]) -> T:
        file = await self._requests.make(lambda: self._bot.get_file(file_id))
        try:
            return await self._requests.make(lambda: read(file))
        except OSError as error:
            # A local Bot API server may name a path that is not there; the text would hold the token.
            raise ChatRefused(type(error).__name__) from None

    # -- what the bot shows of itself ----------------------------------------------------------------

    async def set_commands(
        self, commands: Sequence[BotCommand], scope: BotCommandScope, language: str | None
    ) -> None:
        """Set the command menu of some chats in a language (None: in every other one)."""
        await self._requests.make(lambda: self._bot.set_my_commands(commands, scope, language))

    async def delete_commands(self, scope: BotCommandScope, language: str | None) -> None:
        """Give some chats the menu of a wider scope again."""
        await self._requests.make(lambda: self._bot.delete_my_commands(scope, language))

    async def check_group(self, chat_id: ChatId) -> bool:
        """Whether Telegram knows a group of this id that the bot is in; raises `ChatBusy` where it does not say."""
        try:
            chat = await self._requests.make(lambda: self._bot.get_chat(chat_id))
        except (ChatGone, ChatRefused, ChatMoved):
            return False
        return chat.type in {ChatType.GROUP, ChatType.SUPERGROUP}

    async def remove_webhook(self) -> str | None:
        """Take a webhook away, which keeps updates from being fetched; the host that it led to, None: there is none.

        What waits at Telegram stays.
        """
        patience: dict[str, Any] = {"read_timeout": WEBHOOK_TIMEOUT, "pool_timeout": WEBHOOK_TIMEOUT}
        info = await self._requests.make(lambda: self._bot.get_webhook_info(**patience))
        if not info.url:
            return None
        await self._requests.make(lambda: self._bot.delete_webhook(drop_pending_updates=False, **patience))
        # The rest of the address may be a secret.
        return urlsplit(info.url).hostname or "?"

    async def set_description(self, description: str, language: str | None) -> None:
        """Set what a chat shows before its first message."""
        await self._requests.make(lambda: self._bot.set_my_description(description, language))

    async def set_short_description(self, description: str, language: str | None) -> None:
        """Set what the bot's profile shows."""
        await self._requests.make(lambda: self._bot.set_my_short_description(description, language))

    # -- what all messages have -------------------------------------------------------------------------------

    async def _send(
        self, target: ReplyTarget, send: Callable[[dict[str, Any]], Awaitable[T]], urgency: Urgency
    ) -> T:
        """Send as a reply in the right topic; where that message or topic is gone, without it."""
        place: dict[str, Any] = {"chat_id": target.chat_id, "message_thread_id": target.thread_id}
        if target.message_id is not None:
            place["reply_parameters"] = ReplyParameters(target.message_id, allow_sending_without_reply=True)
        while True:
            try:
                return await self._requests.make_in(target.chat_id, urgency, partial(send, place))
            except ChatGone:
                if target.is_private and self._on_gone is not None:
                    await self._on_gone(target.chat_id)
                raise
            except ChatRefused as error:
                description = str(error).lower()
                if "reply_parameters" in place and _NO_REPLY in description:
                    del place["reply_parameters"]
                elif len(place) > 1 and any(words in description for words in _NO_TARGET):
                    place = {"chat_id": target.chat_id}
                else:
                    raise


def _caption(html: str) -> dict[str, Any]:
    return {"caption": html, "parse_mode": ParseMode.HTML} if html else {}
