"""The Telegram adapter: the only caller of methods of `telegram.Bot` that send, edit, delete, react or answer.

Every request goes through `Requests`: in its turn, with Telegram's errors as those of `bot.services.ports`.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    ChatPermissions,
    ForceReply,
    InlineKeyboardMarkup,
    InlineQueryResultsButton,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import ChatType, ParseMode

from bot.domain.tasks.task import Origin
from bot.domain.types import ChatId, is_private
from bot.services.ports import ChatError, ChatGone, ChatLost, ChatMoved, ChatRefused
from handlers.chat.html import View, strip_tags
from handlers.chat.keyboards import Rows, Signer, markup
from handlers.sending import refusals
from handlers.sending.downloads import Downloads
from handlers.sending.media import (
    InlineFile,
    Media,
    attributes,
    content,
    inline_result,
    input_media,
    timeouts,
)
from handlers.sending.pacing import Urgency
from handlers.sending.refusals import Refusal
from handlers.sending.requests import Requests
from handlers.sending.stars import Stars

log = structlog.get_logger(__name__)

T = TypeVar("T")

OnGone = Callable[[ChatId], Awaitable[None]]

REACTION_TIMEOUT = 5.0
"""Seconds: a reaction that takes longer is not worth the wait."""

WEBHOOK_TIMEOUT = 15.0
"""Seconds: the start of the bot waits for it."""


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
        """Whether it is a chat with one person."""
        return is_private(self.chat_id)

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
        self.downloads = Downloads(bot=bot, requests=requests)
        self._on_gone = on_gone
        self.can_fill = True
        """Whether the Bot API server puts files into texts; for as long as nothing else is known."""
        self._can_copy = True
        """Whether it knows buttons that copy a text."""

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
        forced = ForceReply(selective=True) if force_reply else None
        return await self._written(
            view,
            lambda words, keyboard: self._send(
                target,
                lambda place: self._bot.send_message(
                    **words,
                    reply_markup=keyboard or forced,
                    disable_notification=silent,
                    link_preview_options=LinkPreviewOptions(is_disabled=not preview),
                    message_effect_id=effect,
                    **place,
                ),
                urgency,
            ),
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
        send = getattr(self._bot, f"send_{media.kind}")
        with ExitStack() as open_files:
            options[media.kind] = content(media, open_files)
            options |= attributes(media) | timeouts([media])
            message: Message = await self._written(
                view or View(""),
                lambda words, keyboard: self._send(
                    target, lambda place: send(**place, **words, reply_markup=keyboard, **options), urgency
                ),
                "caption",
            )
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
            await self._written(
                view,
                lambda words, keyboard: self._requests.make_in(
                    chat_id,
                    urgency,
                    lambda: self._bot.edit_message_text(
                        **words,
                        chat_id=chat_id,
                        message_id=message_id,
                        reply_markup=keyboard,
                        link_preview_options=LinkPreviewOptions(is_disabled=True),
                    ),
                ),
            )
        except ChatRefused as error:
            refusal = refusals.read(error)
            if isinstance(error, ChatLost) and refusal is not Refusal.NO_TEXT_TO_EDIT:
                return False
            if refusal is not Refusal.SAME:
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
            try:
                changed = await self._written(
                    view,
                    lambda words, keyboard: self._requests.make_in(
                        chat_id,
                        Urgency.FILE,
                        lambda: self._bot.edit_message_media(
                            input_media(media, open_files, words),
                            chat_id=chat_id,
                            message_id=message_id,
                            reply_markup=keyboard,
                            **timeouts([media]),
                        ),
                    ),
                    "caption",
                )
            except ChatRefused as error:
                refusal = refusals.read(error)
                if refusal is Refusal.SAME:
                    return None
                if refusal is Refusal.NO_MEDIA_TO_EDIT:
                    # Bot API servers before 7.11 put files only where there is one.
                    self.can_fill = False
                if refusal in {Refusal.TOPIC_CLOSED, Refusal.TOPIC_GONE}:
                    raise ChatLost(str(error)) from None
                raise
        return changed if isinstance(changed, Message) else None

    async def edit_buttons(self, chat_id: ChatId, message_id: int, buttons: Rows = ()) -> bool:
        """Change the buttons of a message, or take them away. Best effort."""
        keyboard = markup(buttons, self._signer, copies=self._can_copy)
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
            return refusals.read(error) in {Refusal.MESSAGE_GONE, Refusal.CHAT_GONE}
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

    async def find_permissions(self, chat_id: ChatId) -> ChatPermissions | None:
        """Return what everybody may send in a group; None where Telegram does not say."""
        try:
            return (await self._requests.make(lambda: self._bot.get_chat(chat_id))).permissions
        except ChatError:
            return None

    async def set_description(self, description: str, language: str | None) -> None:
        """Set what a chat shows before its first message."""
        await self._requests.make(lambda: self._bot.set_my_description(description, language))

    async def set_short_description(self, description: str, language: str | None) -> None:
        """Set what the bot's profile shows."""
        await self._requests.make(lambda: self._bot.set_my_short_description(description, language))

    # -- what all messages have -------------------------------------------------------------------------------

    async def _written(
        self,
        view: View,
        write: Callable[[dict[str, Any], InlineKeyboardMarkup | None], Awaitable[T]],
        field: str = "text",
    ) -> T:
        """Write a text or a caption with buttons; without what of its form the server does not know."""
        words: dict[str, Any] = {field: view.html, "parse_mode": ParseMode.HTML} if view.html else {}
        while True:
            copies = self._can_copy
            try:
                return await write(words, markup(view.buttons, self._signer, copies=copies))
            except ChatRefused as error:
                refusal = refusals.read(error)
                if refusal is Refusal.FORBIDDEN_BUTTON and copies:
                    self._can_copy = False
                    log.warning("buttons that copy a text are left out from now on", reason=str(error))
                elif refusal is Refusal.FORBIDDEN_MARKUP and "parse_mode" in words:
                    words = {field: strip_tags(view.html)}
                    log.warning("a text goes without its formatting", reason=str(error))
                else:
                    raise

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
                refusal = refusals.read(error)
                if refusal is Refusal.REPLY_GONE and "reply_parameters" in place:
                    del place["reply_parameters"]
                elif refusal in {Refusal.TOPIC_CLOSED, Refusal.TOPIC_GONE} and len(place) > 1:
                    # A reply would lead to the same topic.
                    place = {"chat_id": target.chat_id}
                elif refusal is Refusal.TOPIC_CLOSED and not target.is_private:
                    raise ChatGone(str(error)) from None
                else:
                    raise


def _caption(html: str) -> dict[str, Any]:
    return {"caption": html, "parse_mode": ParseMode.HTML} if html else {}
