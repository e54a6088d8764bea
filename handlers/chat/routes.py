"""What a module declares of itself: commands, buttons, questions, and kinds of messages, with their handlers.

Each module of `handlers/` lists these in tuples called `COMMANDS`, `BUTTONS`, `QUESTIONS` and `EVENTS`;
`handlers/__init__.py` merges them, and `handlers/dispatcher.py` looks up there what to do with an update.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from functools import cache
from itertools import chain
from types import ModuleType
from typing import Any, Generic, Self, TypeAlias, TypeVar

from bot.domain.people.access import AccessLevel, Permission
from bot.domain.requests.question import Content, Question
from bot.domain.tasks.task import ResultMessage, Task
from bot.domain.types import DAY, MINUTE, Millis
from bot.services.requests.card import Card
from bot.services.requests.interpret import Meaning
from handlers.chat.keyboards import Payload
from handlers.chat.menus import MenuEntry
from handlers.chat.turn import Turn

P = TypeVar("P", bound=Payload)

Words: TypeAlias = list[str]
"""What was typed after a command, word by word."""

CommandHandler = (
    Callable[[Turn], Awaitable[None]]
    | Callable[[Turn, str], Awaitable[None]]
    | Callable[[Turn, Words], Awaitable[None]]
)
"""Takes the turn, and, as its second parameter is annotated, the text after the command or its words."""

PressHandler = Callable[[Turn], Awaitable[str | None]] | Callable[[Turn, P], Awaitable[str | None]]
"""Takes the turn, and the button's payload where it needs it; what it returns is shown for a moment."""


@dataclass(frozen=True)
class Command(MenuEntry):
    """A command. Everybody at its `access` may use it, or only roles with the `permission`.

    `access` may depend on the text after the command; without such a text it may take another permission.
    """

    handler: CommandHandler
    access: AccessLevel | Callable[[str], AccessLevel] = field(default=AccessLevel.USE, kw_only=True)
    bare_permission: Permission | None = field(default=None, kw_only=True)

    def access_for(self, arguments: str) -> AccessLevel:
        """The level that it has with these arguments."""
        return self.access(arguments) if callable(self.access) else self.access

    def permission_for(self, arguments: str) -> Permission | None:
        """The permission that it takes with these arguments."""
        return self.permission if arguments else self.bare_permission or self.permission

    async def run(self, turn: Turn, arguments: str) -> None:
        """Call the handler."""
        handler: Callable[..., Awaitable[None]] = self.handler
        taken = _second_parameter(handler)
        if taken is None:
            await handler(turn)
        elif taken.annotation == Words:
            await handler(turn, arguments.split())
        else:
            await handler(turn, arguments)


@dataclass(frozen=True)
class Press(Generic[P]):
    """A kind of button: its payload, and what a press does."""

    payload: type[P]
    handler: PressHandler[P]
    access: AccessLevel = AccessLevel.USE
    permission: Permission | None = None
    formerly: tuple[str, ...] = ()
    """Actions of buttons of earlier versions that stand in chats and mean the same."""

    async def run(self, turn: Turn, argument: str) -> str | None:
        """Call the handler.

        Raises:
            UserError: the argument is one of another version.

        """
        handler: Callable[..., Awaitable[str | None]] = self.handler
        payload = self.payload.unpack(argument)
        return await (handler(turn) if _second_parameter(handler) is None else handler(turn, payload))


QUESTION_TTL = Millis(15 * MINUTE)
"""How long a question is open that the next message answers; later, that is a message like any other."""

REPLY_TTL = Millis(30 * DAY)
"""How long a question is open that only a reply to it answers, or a change of its card."""

SUBSCRIPTION = "subscription"
"""The kind of update about a paid plan (Bot API 10.2, BotSubscriptionUpdated); the library hands it on unread."""


@dataclass(frozen=True)
class QuestionKind(Generic[P]):
    """A kind of question: what it is about, what it accepts, who takes the answer, and how long it is open.

    Where the handler refuses the answer, the question stays open for a better one. `open_for` is in milliseconds.
    """

    payload: type[P]
    accepts: Content | Callable[[P], Content]
    handler: Callable[[Turn, P], Awaitable[None]]
    open_for: Millis = QUESTION_TTL

    def accepts_about(self, about: P) -> Content:
        """What answers a question about this."""
        return self.accepts(about) if callable(self.accepts) else self.accepts

    async def answer(self, turn: Turn, question: Question) -> None:
        """Call the handler, and close the question.

        Raises:
            UserError: the answer cannot be used, or the question is one of another version.

        """
        await self.handler(turn, self.payload.unpack(question.payload))
        await turn.services.questions.close(question.user_id, question.chat_id, question.message_id)


class UpdateKind(StrEnum):
    """What an update is, where it is no message that means something, and no press."""

    LATE_PART = auto()
    """What belongs to a message that was acted on already: comes before what it means."""
    INLINE_QUERY = auto()
    PRE_CHECKOUT = auto()
    PAYMENT = auto()
    STARS_REFUNDED = auto()
    """Telegram gave Stars back."""
    SUBSCRIPTION = auto()
    MEMBERSHIP = auto()
    """The bot was added to a chat, or removed."""
    MOVED = auto()
    """A group became a supergroup, which has another id."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked up to decide what a message means: each None where there is none, or it did not matter.

    These are the person's open card, the result that is replied to, and the task that was made of an edited message.
    """

    card: Card | None = None
    result: ResultMessage | None = None
    made: Task | None = None


NOTHING_FOUND = Found()


EventHandler = Callable[[Turn], Awaitable[None]] | Callable[[Turn, Found], Awaitable[None]]
"""Takes the turn, and what was found, where it needs that."""


@dataclass(frozen=True)
class Event:
    """What is done about a kind of update, or about a message that means this."""

    kind: UpdateKind | Meaning
    handler: EventHandler
    access: AccessLevel = AccessLevel.USE

    async def run(self, turn: Turn, found: Found) -> None:
        """Call the handler."""
        handler: Callable[..., Awaitable[None]] = self.handler
        await (handler(turn) if _second_parameter(handler) is None else handler(turn, found))


@dataclass(frozen=True)
class Routes:
    """Everything that is declared, by what it is looked up with."""

    commands: Mapping[str, Command]
    buttons: Mapping[str, Press[Any]]
    questions: Mapping[str, QuestionKind[Any]]
    events: Mapping[UpdateKind | Meaning, Event]

    @classmethod
    def of(
        cls,
        commands: Iterable[Command] = (),
        buttons: Iterable[Press[Any]] = (),
        questions: Iterable[QuestionKind[Any]] = (),
        events: Iterable[Event] = (),
    ) -> Self:
        """Merge declarations.

        Raises:
            ValueError: two of them are about the same.

        """
        return cls(
            _unique((command.name, command) for command in commands),
            _unique(
                (action, button) for button in buttons for action in (button.payload.action, *button.formerly)
            ),
            _unique((question.payload.action, question) for question in questions),
            _unique((event.kind, event) for event in events),
        )

    @classmethod
    def of_modules(cls, *modules: ModuleType) -> Self:
        """Merge what modules declare.

        Raises:
            ValueError: two declarations are about the same.

        """

        def declared(name: str) -> Iterator[Any]:
            return chain.from_iterable(getattr(module, name, ()) for module in modules)

        return cls.of(declared("COMMANDS"), declared("BUTTONS"), declared("QUESTIONS"), declared("EVENTS"))

    def button(self, action: str, argument: str) -> Press[Any] | None:
        """The kind of a button; the first part of the argument may name it too."""
        return self.buttons.get(f"{action}.{argument.partition('.')[0]}") or self.buttons.get(action)


K = TypeVar("K")
V = TypeVar("V")


def _unique(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    found: dict[K, V] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} is declared twice")
        found[key] = value
    return found


@cache
def _second_parameter(handler: Callable[..., object]) -> inspect.Parameter | None:
    """What a handler takes besides the turn; looked up once, for every update asks."""
    parameters = list(inspect.signature(handler, eval_str=True).parameters.values())
    return parameters[1] if len(parameters) > 1 else None
