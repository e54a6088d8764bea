"""From an update to its handler: the one handler that python-telegram-bot knows."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from telegram import Bot, Message, Update

from bot.domain.people.access import AccessLevel, Permission
from bot.domain.units import UserId
from bot.errors import UserError
from bot.i18n import for_language
from bot.services.container import Services
from bot.services.floods import body_of, sender_of
from bot.services.inbox import BROKEN
from bot.services.ports import ChatError, RawUpdate
from handlers import gate
from handlers.chat import errors
from handlers.chat.files import image_file_of, sound_file_of
from handlers.chat.html import View, plain
from handlers.chat.keyboards import Signer
from handlers.chat.menus import Menus, Section
from handlers.chat.pointers import is_film
from handlers.chat.reading import Reader, TypedCommand
from handlers.chat.routes import SUBSCRIPTION, Answer, Kind, Routes
from handlers.chat.turn import Turn
from handlers.sending.chat import Chat, ReplyTarget
from handlers.sending.pacing import Urgency


@dataclass(frozen=True, slots=True)
class Incoming:
    """An update with what belongs to its message, and what of that was acted on `earlier`."""

    update: Update
    album: Sequence[Message] = ()
    earlier: Sequence[Message] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What to do with an update, and what the gate asks for it.

    In groups only a message that is `addressed` to the bot is told that it is refused.
    """

    run: Callable[[], Awaitable[str | None]]
    access: AccessLevel
    permission: Permission | None = None
    addressed: bool = False


class Dispatcher:
    """Finds what is declared for an update, asks the gate, runs it, and answers errors."""

    def __init__(self, routes: Routes, bot: Bot, signer: Signer, chat: Chat, services: Services) -> None:
        self._routes = routes
        self._bot = bot
        self._reader = Reader(bot)
        self._signer = signer
        self._chat = chat
        self.menus = Menus(routes.commands.values(), chat)
        self._services = services

    def turn(self, incoming: Incoming) -> Turn:
        """An update as a handler sees it, before the person is loaded."""
        return Turn(
            incoming.update,
            incoming.album,
            self._services,
            self._chat,
            self.menus,
            self._reader,
            self._earlier(incoming),
        )

    def _earlier(self, incoming: Incoming) -> Sequence[Message]:
        """What was acted on earlier and is to be made anew with this; what makes nothing is not done again."""
        if not incoming.earlier or incoming.update.message is None:
            return ()
        typed = self._reader.read((*incoming.earlier, incoming.update.message, *incoming.album)).command
        command = None if typed is None else self._routes.commands.get(typed.name)
        return incoming.earlier if command is None or command.section is Section.MAKING else ()

    async def handle(self, turn: Turn) -> None:
        """Act on one update to its end; whatever fails is told to the person."""
        try:
            await turn.load_user()
            step = self._step(turn)
            if step is None or not await gate.admits(
                turn, step.access, step.permission, addressed=step.addressed
            ):
                return
            notice = await step.run()
            # Every press is answered: that stops its spinner.
            if notice is not None or not turn.is_notified:
                await turn.notify(notice)
        except Exception as error:  # noqa: BLE001  an update that fails must not stop the others
            await errors.answer_error(turn, error)

    async def tell(self, update: RawUpdate, key: str) -> None:
        """Tell who sent an update that nothing is done about it; a flood of messages to a group is not answered."""
        body = body_of(update.payload)
        sender = sender_of(update.payload)
        t = for_language("en" if sender is None else await self._language(UserId(sender[1])))
        if "callback_query" in update.payload:
            await self._chat.answer_press(str(body.get("id")), plain(t(key)), alert=True)
        elif update.chat_id is not None and (update.chat_id > 0 or key == BROKEN):
            with suppress(ChatError):
                await self._chat.send(ReplyTarget(update.chat_id), View(t(key)), urgency=Urgency.ANSWER)

    async def _language(self, user_id: UserId) -> str:
        accounts = self._services.accounts
        try:
            return accounts.language_of(await accounts.find(str(user_id)))
        except UserError:
            return accounts.language_of(None)

    def _step(self, turn: Turn) -> Step | None:
        """What is declared for an update; None: the bot leaves it alone."""
        update = turn.update
        if update.callback_query is not None:
            return self._press(turn, update.callback_query.data)
        if update.message is not None:
            return self._message(turn, update.message)
        if update.edited_message is not None:
            return self._edited(turn, update.edited_message)
        if update.inline_query is not None:
            return self._event(turn, Kind.INLINE_QUERY)
        if update.pre_checkout_query is not None:
            return self._event(turn, Kind.PRE_CHECKOUT)
        if update.my_chat_member is not None:
            return self._event(turn, Kind.MEMBERSHIP)
        return self._event(turn, Kind.SUBSCRIPTION) if SUBSCRIPTION in update.api_kwargs else None

    def _press(self, turn: Turn, data: str | None) -> Step:
        """A press on a button; a forged or stale one, or another person's, is refused behind the gate."""
        written = self._signer.read(data)
        press = None if written is None else self._routes.button(written.action, written.argument)

        async def run() -> str | None:
            if written is None or press is None or turn.pressed is None:
                raise UserError("error.button.stale")
            if written.owner is not None and written.owner != turn.user_id:
                raise UserError("error.button.not_yours")
            return await press.run(turn, written.argument)

        return Step(run, AccessLevel.USE) if press is None else Step(run, press.access, press.permission)

    def _edited(self, turn: Turn, message: Message) -> Step | None:
        # An edited message is not a new order: whoever edits a prompt must not pay twice.
        if message.sender_chat is not None or not (message.text or message.caption):
            return None
        if (typed := turn.command) is not None:
            command = self._routes.commands.get(typed.name) if typed.is_ours else None
            if command is None or command.section is not Section.MAKING:
                # What stands behind it is no prompt any more.
                return None
        return self._event(turn, Kind.EDITED)

    def _message(self, turn: Turn, message: Message) -> Step | None:
        if message.migrate_to_chat_id is not None or message.migrate_from_chat_id is not None:
            return self._event(turn, Kind.MOVED)
        # A payment that arrived is credited wherever it was made.
        if message.successful_payment is not None:
            return self._event(turn, Kind.PAYMENT)
        if message.refunded_payment is not None:
            return self._event(turn, Kind.STARS_REFUNDED)
        # What a person shared by inline mode is for the others in the chat.
        if message.via_bot is not None and message.via_bot.id == self._bot.id:
            return None
        step = self._said(turn, message)
        if step is None or not turn.earlier:
            return step
        late = self._routes.events[Kind.LATE_PART]

        async def run() -> str | None:
            return None if await late.handler(turn) is not False else await step.run()

        return replace(step, run=run)

    def _said(self, turn: Turn, message: Message) -> Step | None:
        """What is declared for a message, or for all parts of an album as one."""
        has_image = any(image_file_of(part) is not None for part in turn.messages)
        has_sound = any(sound_file_of(part) is not None for part in turn.messages)
        is_text = any(part.text for part in turn.messages)
        # The caption of another kind of file is no order: nothing can be made of the file.
        is_order = is_text or has_image or has_sound or any(is_film(part) for part in turn.messages)
        command = turn.command if is_order else None
        # Telegram shows one and the same user for everybody who writes in the name of a chat.
        if message.sender_chat is not None:
            is_known = (
                command is not None
                and command.is_ours
                and command.name in self._routes.commands
                # As of a person, a forwarded command without the bot's name was written for another bot.
                and (command.is_named or not turn.is_forwarded)
            )
            is_addressed = is_known or (command is None and turn.is_reply and turn.names_bot)
            return self._event(turn, Kind.ANONYMOUS_COMMAND) if is_addressed else None
        if command is not None:
            return self._command(turn, command)
        if not turn.is_private:
            # In groups only commands count, and replies to what is ours: the rest is people's conversation.
            if turn.is_reply and (has_image or is_text):
                return self._event(turn, Kind.RESULT_REPLY, Kind.GROUP_REPLY)
            return self._event(turn, Kind.GROUP_SOUND_REPLY) if turn.is_reply and has_sound else None
        # Pictures come before what is not supported: they are files and stickers too.
        if has_image:
            return self._event(turn, Kind.PHOTO, answer=Answer.PHOTO)
        if has_sound:
            return self._event(turn, Kind.SOUND_REPLY if turn.is_reply else Kind.SOUND, answer=Answer.SOUND)
        if is_text and turn.is_reply:
            # Words about a result come before an answer to a question, and before a prompt.
            return self._event(turn, Kind.RESULT_REPLY, Kind.TEXT, answer=Answer.TEXT)
        if is_text:
            return self._event(turn, Kind.TEXT, answer=Answer.TEXT)
        return self._event(turn, Kind.UNSUPPORTED) if _is_content(message) else None

    def _command(self, turn: Turn, typed: TypedCommand) -> Step | None:
        command = self._routes.commands.get(typed.name) if typed.is_ours else None
        if command is None:
            # In a group it may be for another bot, in private nobody else is there.
            return self._event(turn, Kind.UNKNOWN_COMMAND) if turn.is_private else None
        if turn.is_forwarded:
            # In a group a forwarded command without the bot's name was written for another bot.
            if not turn.is_private and not typed.is_named:
                return None
            if command.section is not Section.MAKING:
                return self._event(turn, Kind.FORWARDED_COMMAND) if turn.is_private else None

        async def run() -> None:
            await turn.services.cards.outdate(turn.user_id, turn.chat_id)
            await command.run(turn, typed.arguments)

        access, permission = command.access_for(typed.arguments), command.permission_for(typed.arguments)
        return Step(run, access, permission, addressed=True)

    def _event(self, turn: Turn, *kinds: Kind, answer: Answer | None = None) -> Step:
        """The first of these kinds whose handler takes the update.

        A pending question that waits for such an `answer` comes before the last kind.
        """
        *before, last = [self._routes.events[kind] for kind in kinds]

        async def run() -> None:
            for event in before:
                if await event.handler(turn) is not False:
                    return
            if answer is None or not await self._answered(turn, answer):
                await last.handler(turn)

        return Step(run, last.access)

    async def _answered(self, turn: Turn, answer: Answer) -> bool:
        """Give the message to the question that waits for it; False where none does."""
        pending = await turn.services.questions.pending(turn.user_id, turn.chat_id)
        reply = None if pending is None else self._routes.replies.get((pending.kind, answer))
        if pending is None or reply is None:
            return False
        await reply.handler(turn, pending.subject)
        return True


def _is_content(message: Message) -> bool:
    """Whether somebody sent something, and it is no news of the chat itself."""
    others = ("checklist", "gift", "unique_gift", "giveaway", "giveaway_winners")
    return (
        message.effective_attachment is not None
        or any(getattr(message, kind) is not None for kind in others)
        # What the library does not know yet.
        or bool(message.api_kwargs)
    )
