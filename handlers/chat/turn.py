"""One update as a handler sees it: who acts, where, in which language, and how to answer."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol

import structlog
from telegram import Bot, ExternalReplyInfo, MaybeInaccessibleMessage, Message, Update, User

from bot.domain.requests.choices import Preferences
from bot.domain.requests.question import NEXT_MESSAGE, Content, Question
from bot.domain.tasks.task import Origin, ResultMessage, Task
from bot.domain.types import ChatId, Millis, UserId
from bot.i18n import Texts, for_language
from bot.services.container import Services
from bot.services.ports import ChatError, ChatGone, ChatMoved
from bot.services.requests.card import Card
from handlers.chat import people
from handlers.chat.html import View
from handlers.chat.keyboards import Payload
from handlers.chat.menus import Menus
from handlers.chat.reading import Reader, TypedCommand, Words, is_foreign
from handlers.sending.chat import Chat, ReplyTarget
from handlers.sending.pacing import Urgency

log = structlog.get_logger(__name__)


def reply_target_of(update: Update) -> ReplyTarget:
    """Where an update is answered. A press on a message that Telegram no longer shows has no topic."""
    query = update.callback_query
    source = query.message if query is not None else update.message or update.edited_message
    assert source is not None  # noqa: S101  only messages and presses on them are answered in a chat
    return ReplyTarget(
        ChatId(source.chat.id),
        source.message_id,
        source.message_thread_id if isinstance(source, Message) and source.is_topic_message else None,
    )


def _replied_to(message: Message) -> Message | None:
    replied = message.reply_to_message
    # What only stands in a topic replies to the topic's first message, as Telegram has it.
    return None if replied is None or replied.forum_topic_created is not None else replied


class Asking(Protocol):
    """A kind of question, as far as asking it goes."""

    @property
    def open_for(self) -> Millis:
        """How long it is open."""

    def accepts_about(self, about: Any) -> Content:
        """What answers a question about this."""


class Turn:
    """One update. The dispatcher makes it, and loads the person before a handler sees it.

    `message` is the message that was sent or edited, `pressed` the one under which a button was pressed.
    `album` holds what belongs to the message: the other parts of its album, a photo forwarded with it. Of these
    `earlier` have been acted on before this one came. `t` and `preferences` are the person's.

    What its messages say, whether it is somebody else's words and what it points at is decided here, for all
    handlers alike. `first_question` is what to ask before anything is made of it; `replaces` and `replaces_card` are
    the task and the card that were begun of its earlier parts.
    """

    def __init__(
        self,
        update: Update,
        album: Sequence[Message],
        services: Services,
        chat: Chat,
        menus: Menus,
        reader: Reader,
        earlier: Sequence[Message] = (),
        question_kinds: Mapping[str, Asking] = MappingProxyType({}),
    ) -> None:
        self.update = update
        self.services = services
        self.chat = chat
        self.menus = menus
        self._reader = reader
        self._question_kinds = question_kinds
        self._bot: Bot = reader.bot
        self.message: Message | None = update.message or update.edited_message
        self.pressed: MaybeInaccessibleMessage | None = (
            update.callback_query.message if update.callback_query is not None else None
        )
        self.album = tuple(album)
        self.earlier = tuple(earlier)
        self.results: dict[object, tuple[ResultMessage | None, bool]] = {}
        """What was found of each message that is pointed at, which is looked up once."""
        self.first_question: str | None = None
        self.replaces: Task | None = None
        self.replaces_card: Card | None = None
        self.t: Texts = for_language("en")
        self.preferences = Preferences()
        self.is_notified = False
        self._is_kept = False

    async def load_user(self) -> None:
        """From here on speak the person's language and know what they prefer. Nothing is kept of them by it."""
        person = self.update.effective_user
        if person is None:
            return
        accounts = self.services.accounts
        user = await accounts.known(UserId(person.id), person.language_code)
        self.t = for_language(accounts.language_of(user))
        self.preferences = accounts.get_defaults(user)

    async def record_user(self) -> None:
        """Keep the person, who uses the bot; called by the gate, and by what answers or makes something."""
        person = people.person_of(self.update)
        if person is None or self._is_kept:
            return
        self._is_kept = True
        await self.services.accounts.touch_user(
            UserId(person.id),
            people.full_name(person),
            person.username,
            person.language_code,
            opens_chat=people.opens_chat(self.update),
        )

    # -- who and where -------------------------------------------------------------------------------

    @property
    def update_id(self) -> int:
        """The update's number; a replay has the same."""
        return self.update.update_id

    @property
    def idempotency_key(self) -> str:
        """The name under which what this update does is booked: a replay does nothing again."""
        return f"update:{self.update_id}"

    @property
    def user(self) -> User:
        """Who acts, as Telegram knows them."""
        assert self.update.effective_user is not None  # noqa: S101  only what people send reaches a handler
        return self.update.effective_user

    @property
    def user_id(self) -> UserId:
        """Who acts."""
        return UserId(self.user.id)

    @property
    def reply_target(self) -> ReplyTarget:
        """Where to answer."""
        return reply_target_of(self.update)

    @property
    def chat_id(self) -> ChatId:
        """The chat."""
        return self.reply_target.chat_id

    @property
    def message_id(self) -> int | None:
        """The message that was sent, or under which a button was pressed."""
        return self.reply_target.message_id

    @property
    def thread_id(self) -> int | None:
        """The topic of a group with topics."""
        return self.reply_target.thread_id

    @property
    def is_private(self) -> bool:
        """Whether nobody else reads along."""
        return self.reply_target.is_private

    def origin(self, target: ReplyTarget | None = None) -> Origin:
        """The conversation that a task comes from; an update is the origin of one task at most."""
        place = target or self.reply_target
        return Origin(
            chat_id=place.chat_id,
            message_id=place.message_id,
            thread_id=place.thread_id,
            update_id=self.update_id,
            language=self.t.language,
            is_private=place.is_private,
            press=self._press,
        )

    @property
    def _press(self) -> str | None:
        """The button that was pressed, by whom and where; None where none was."""
        query = self.update.callback_query
        if query is None or query.message is None:
            return None
        return f"{self.user_id}:{query.message.chat.id}:{query.message.message_id}:{query.data}"

    # -- what was sent -------------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[Message, ...]:
        """The message, with the other parts of its album."""
        return () if self.message is None else (*self.earlier, self.message, *self.album)

    @property
    def late(self) -> tuple[Message, ...]:
        """Of these parts those that came now."""
        return self.messages[len(self.earlier) :]

    @property
    def says_more(self) -> bool:
        """Whether these change what all of them say together."""
        return self._words.text != self._reader.read(self.earlier).text

    @property
    def replied_to(self) -> Message | None:
        """The message of this chat that this one replies to, or another part of its album."""
        return next((replied for part in self.messages if (replied := _replied_to(part)) is not None), None)

    @property
    def pointed_at(self) -> Message | ExternalReplyInfo | None:
        """The message that is replied to, be it in another chat: of that one Telegram tells the files."""
        elsewhere = next((part.external_reply for part in self.messages if part.external_reply), None)
        return self.replied_to or elsewhere

    @property
    def is_reply(self) -> bool:
        """Whether it replies to anything, be it out of another chat, or a story."""
        return self.pointed_at is not None or any(part.reply_to_story is not None for part in self.messages)

    @cached_property
    def _words(self) -> Words:
        return self._reader.read(self.messages)

    @property
    def text(self) -> str:
        """The text, or the captions, as they were written but for invisible marks."""
        return self._words.text

    @property
    def command(self) -> TypedCommand | None:
        """The command that the text begins with, or the caption of any part of an album."""
        return self._words.command

    @property
    def arguments(self) -> str:
        """The text after the command, or all of it, without the bot's name; line breaks stay."""
        return self._words.request

    @property
    def addresses(self) -> tuple[str, ...]:
        """The web addresses that stand behind words."""
        return self._words.addresses

    @property
    def names_bot(self) -> bool:
        """Whether the bot's name is mentioned in it."""
        return self._words.names_bot

    @property
    def is_forwarded(self) -> bool:
        """Whether the words are another's: they were not written for this bot."""
        return self.message is not None and (
            self._words.foreign if self._words.text else is_foreign(self.message)
        )

    @cached_property
    def quoted(self) -> Words | None:
        """The part of a message that is quoted in a reply; None where none is."""
        quote = next((part.quote for part in self.messages if part.quote is not None), None)
        return None if quote is None else self._reader.quoted(quote)

    @cached_property
    def replied_words(self) -> Words | None:
        """What somebody else says in the message of this chat that is replied to; None where nothing is said."""
        replied = self.replied_to
        words = None if replied is None or self.is_ours(replied) else self._reader.read([replied])
        return words if words and words.text else None

    @property
    def is_stale(self) -> bool:
        """Whether its sender may no longer want what it asks for.

        It waited for long; or the store was put back from a copy since, so that it may have been acted on before.
        """
        if self.message is None:
            return False
        sent_at = self.message.date.timestamp() * 1000
        return sent_at < self.services.restored_at or self.now() - sent_at > self.services.stale_after

    @property
    def username(self) -> str:
        """The bot's name at Telegram."""
        return self._bot.username

    def is_ours(self, message: Message) -> bool:
        """Whether the bot wrote a message."""
        return message.from_user is not None and message.from_user.id == self._bot.id

    @property
    def is_inline(self) -> bool:
        """Whether a person shared it through this bot by inline mode: it is for the others in the chat."""
        via = None if self.message is None else self.message.via_bot
        return via is not None and via.id == self._bot.id

    # -- time ----------------------------------------------------------------------------------------

    def now(self) -> Millis:
        """The current time."""
        return self.services.clock.now()

    def local_now(self) -> datetime:
        """The current time in the operator's time zone."""
        return datetime.fromtimestamp(self.now() / 1000, self.services.accounts.zone)

    # -- answering -----------------------------------------------------------------------------------

    async def answer(self, view: View, target: ReplyTarget | None = None) -> Message:
        """Answer with a reply, or at another place. An answer must not be lost: it waits out a short pause.

        In a group that takes no messages it goes to the person in private.
        """
        await self.record_user()
        place = target or self.reply_target
        try:
            return await self.chat.send(place, view, urgency=Urgency.ANSWER)
        except ChatMoved as moved:
            await self.services.status.move(place.chat_id, moved.new_chat_id)
            return await self.chat.send(ReplyTarget(moved.new_chat_id), view, urgency=Urgency.ANSWER)
        except ChatGone:
            if place.is_private or self.update.effective_user is None:
                raise
        html = f"{self.t('answer.in_private')}\n{view.html}"
        return await self.chat.send(
            ReplyTarget(ChatId(self.user_id)), replace(view, html=html), urgency=Urgency.ANSWER
        )

    async def edit(self, view: View) -> None:
        """Change the message under which a button was pressed. Best effort: the press itself has worked."""
        if self.pressed is not None:
            with suppress(ChatError):
                await self.chat.edit(self.chat_id, self.pressed.message_id, view, urgency=Urgency.ANSWER)

    async def notify(self, text: str | None = None, *, alert: bool = False) -> bool:
        """Answer a press, which stops its spinner; False where it is too old, or there is none."""
        query = self.update.callback_query
        if query is None:
            return False
        self.is_notified = True
        return await self.chat.answer_press(query.id, text, alert=alert)

    async def tell(self, user_id: UserId, view: View, *, preview: bool = False) -> bool:
        """Write to a person in private; False where they cannot be reached. `preview` shows the page of a link."""
        try:
            await self.chat.send(ReplyTarget(ChatId(user_id)), view, preview=preview)
        except ChatError as error:
            log.info("a person could not be told", user=user_id, kind=type(error).__name__)
            return False
        return True

    async def delete(self, message_id: int) -> bool:
        """Delete a message of this chat; False where it cannot be deleted."""
        return await self.chat.delete(self.chat_id, message_id)

    async def remove(self, message_id: int) -> None:
        """Delete a message of this chat; one that is too old to be deleted loses its buttons."""
        if not await self.delete(message_id):
            await self.chat.edit_buttons(self.chat_id, message_id)

    async def ask(self, about: Payload, view: View | None = None, message_id: int = NEXT_MESSAGE) -> None:
        """Ask for what the `QuestionKind` of this payload accepts, with `view` where it is not shown yet.

        The next message answers, or only one that concerns the message of this id.
        """
        kind = self._question_kinds[about.action]
        await self.services.questions.ask(
            Question(
                self.chat_id,
                message_id,
                self.user_id,
                about.action,
                about.pack()[1],
                kind.accepts_about(about),
                Millis(self.now() + kind.open_for),
            )
        )
        if view is not None:
            await self.answer(view)

    async def find_questions(self, *messages: int) -> dict[int, Question]:
        """The open questions of these messages of this chat, without those of a kind that there is no more."""
        found = await self.services.questions.find(self.user_id, self.chat_id, *messages)
        return {message: each for message, each in found.items() if each.kind in self._question_kinds}

    async def stop_asking(self, message_id: int = NEXT_MESSAGE) -> bool:
        """Forget what was asked for, which is not wanted after all; False where nothing was."""
        return await self.services.questions.close(self.user_id, self.chat_id, message_id)
