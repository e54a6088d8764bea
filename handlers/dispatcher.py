"""From an update to its handler: the one handler that python-telegram-bot knows."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from telegram import Bot, Message, Update

from bot.domain.people.access import AccessLevel, Permission
from bot.domain.types import UserId, is_private
from bot.errors import UserError
from bot.i18n import for_language
from bot.services.container import Services
from bot.services.floods import body_of, sender_of
from bot.services.inbox import BROKEN
from bot.services.ports import ChatError, StoredUpdate
from bot.services.requests.interpret import Intent, Meaning
from handlers import gate
from handlers.chat import errors
from handlers.chat.facts import interpret_message
from handlers.chat.html import View, strip_tags
from handlers.chat.keyboards import Signer
from handlers.chat.menus import Menus, Section
from handlers.chat.reading import Reader, TypedCommand
from handlers.chat.routes import NOTHING_FOUND, SUBSCRIPTION, Found, Routes, UpdateKind
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
        self._reader = Reader(bot)
        self._signer = signer
        self._chat = chat
        self.menus = Menus(routes.commands.values(), chat, services.accounts.default_language)
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
            self._routes.questions,
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
            step = await self._step(turn)
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

    async def tell(self, update: StoredUpdate, key: str) -> None:
        """Tell who sent an update that nothing is done about it; a flood of messages to a group is not answered."""
        body = body_of(update.payload)
        sender = sender_of(update.payload)
        t = for_language("en" if sender is None else await self._language(UserId(sender[1])))
        if "callback_query" in update.payload:
            await self._chat.answer_press(str(body.get("id")), strip_tags(t(key)), alert=True)
        elif update.chat_id is not None and (is_private(update.chat_id) or key == BROKEN):
            with suppress(ChatError):
                await self._chat.send(ReplyTarget(update.chat_id), View(t(key)), urgency=Urgency.ANSWER)

    async def _language(self, user_id: UserId) -> str:
        accounts = self._services.accounts
        try:
            return accounts.language_of(await accounts.find(str(user_id)))
        except UserError:
            return accounts.language_of(None)

    async def _step(self, turn: Turn) -> Step | None:
        """What is declared for an update; None: the bot leaves it alone."""
        update = turn.update
        if update.callback_query is not None:
            return self._press(turn, update.callback_query.data)
        if turn.message is not None:
            return await self._message(turn, turn.message)
        if update.inline_query is not None:
            return self._event(turn, UpdateKind.INLINE_QUERY)
        if update.pre_checkout_query is not None:
            return self._event(turn, UpdateKind.PRE_CHECKOUT)
        if update.my_chat_member is not None:
            return self._event(turn, UpdateKind.MEMBERSHIP)
        return self._event(turn, UpdateKind.SUBSCRIPTION) if SUBSCRIPTION in update.api_kwargs else None

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

    async def _message(self, turn: Turn, message: Message) -> Step | None:
        if message.migrate_to_chat_id is not None or message.migrate_from_chat_id is not None:
            return self._event(turn, UpdateKind.MOVED)
        # A payment that arrived is credited wherever it was made.
        if message.successful_payment is not None:
            return self._event(turn, UpdateKind.PAYMENT)
        if message.refunded_payment is not None:
            return self._event(turn, UpdateKind.STARS_REFUNDED)
        intent, found = await interpret_message(turn, self._routes)
        turn.first_question = intent.ask_first
        if intent.meaning is Meaning.IGNORE:
            return None
        step = self._meant(turn, intent, found)
        if not turn.earlier or intent.meaning is Meaning.ADD_LATE_PHOTOS:
            return step
        late = self._routes.events[UpdateKind.LATE_PART]

        async def run() -> str | None:
            await late.run(turn, found)
            return await step.run()

        return replace(step, run=run)

    def _meant(self, turn: Turn, intent: Intent, found: Found) -> Step:
        """What is declared for what a message means."""
        question = intent.question
        if question is not None:
            kind = self._routes.questions[question.kind]
            return Step(lambda: kind.answer(turn, question), AccessLevel.USE)
        if intent.meaning is Meaning.RUN_COMMAND and turn.command is not None:
            return self._command(turn, turn.command)
        return self._event(turn, intent.meaning, found)

    def _command(self, turn: Turn, typed: TypedCommand) -> Step:
        command = self._routes.commands[typed.name]

        async def run() -> None:
            await turn.services.cards.outdate(turn.user_id, turn.chat_id)
            await command.run(turn, typed.arguments)

        access, permission = command.access_for(typed.arguments), command.permission_for(typed.arguments)
        return Step(run, access, permission, addressed=True)

    def _event(self, turn: Turn, kind: UpdateKind | Meaning, found: Found = NOTHING_FOUND) -> Step:
        event = self._routes.events[kind]
        return Step(lambda: event.run(turn, found), event.access)
