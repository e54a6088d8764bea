"""What services need of a chat and of the providers, without knowing Telegram or HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from bot.domain.requests.operations import Operation
from bot.domain.tasks.task import Delivery, Task
from bot.domain.types import ChatId, Credits, Millis, UserId


@dataclass(frozen=True, slots=True)
class StoredUpdate:
    """An update as the inbox keeps it. `payload` is the Bot API's JSON; `sent_at` is when the user acted.

    `album` holds the payloads of what belongs to its message, in their order: the other parts of its album, or a
    photo forwarded with a text. What of that was acted on before this came is in `earlier`.
    """

    update_id: int
    chat_id: ChatId | None
    payload: dict[str, Any]
    sent_at: Millis | None = None
    album: tuple[dict[str, Any], ...] = ()
    earlier: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadUpdate:
    """What came in the place of an update and cannot be kept as one, and why.

    `content` is its JSON in ASCII, as far as there is any; the ids are known where they could be read.
    """

    content: str
    error: str
    update_id: int | None = None
    chat_id: ChatId | None = None
    user_id: UserId | None = None


class UnreadableError(Exception):
    """An update was kept and cannot be read."""


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A checked result on disk, ready to be sent: a video, a picture (no duration) or a sound (no size).

    `made` is what its provider made of it, where it holds more than that.
    """

    path: Path
    width: int | None
    height: int | None
    duration_ms: int | None
    size_bytes: int
    thumbnail: Path | None = None
    made: "ResultFile | None" = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What the chat made of a message.

    `file_id` is what a repeat needs, where there is one; by `file_unique_id` the file is known again in any message.
    """

    message_id: int
    file_id: str | None = None
    file_unique_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How a result arrives: silently, behind a spoiler, with a message effect.

    `offers` are the operations that its buttons offer, `final` the price of the same without being a draft, where it is one.
    """

    silent: bool = False
    spoiler: bool = False
    celebrated: bool = False
    offers: frozenset[Operation] = frozenset()
    final: Credits | None = None


PLAIN = DeliveryOptions()


class Reaction(StrEnum):
    """What our reaction to a request says."""

    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Hold(StrEnum):
    """What keeps a queued task waiting."""

    BUSY = "busy"
    """Its providers have no room, or ask for a pause."""
    DOWN = "down"
    """Its providers cannot be used."""
    OWN = "own"
    """As many of its user's tasks run already as may run at a time."""
    RETRY = "retry"
    """It could not be sent, and will be tried again."""


@dataclass(frozen=True, slots=True)
class LinePosition:
    """Where a queued task stands; without a `hold` it is about to be sent.

    `number` counts from 1 in the order in which tasks are sent. `ready_in` is when the video may be there, in
    milliseconds from now; None: nobody knows.
    """

    hold: Hold | None = None
    number: int | None = None
    ready_in: Millis | None = None


NO_HOLD = LinePosition()


@dataclass(frozen=True, slots=True)
class Progress:
    """What a status message shows of a task that is not at its end (milliseconds).

    `expected` is the learned time from submission to video. `place` is where a queued task stands. `batch` are
    all tasks of its batch.
    """

    now: Millis
    expected: Millis | None = None
    place: LinePosition = NO_HOLD
    batch: Sequence[Task] = ()


class ChatError(Exception):
    """The chat did not take a request, in one of the four ways below."""


class ChatGone(ChatError):
    """The chat cannot be written to any more (blocked, kicked, deleted): give up, keep the result."""


class ChatMoved(ChatError):
    """The group became a supergroup: the same chat under `new_chat_id`."""

    def __init__(self, new_chat_id: ChatId) -> None:
        super().__init__("the chat has a new id")
        self.new_chat_id = new_chat_id


class ChatBusy(ChatError):
    """The chat asks for a pause of `retry_after` milliseconds, or cannot be reached now."""

    def __init__(self, retry_after: Millis) -> None:
        super().__init__(f"try again in {retry_after} ms")
        self.retry_after = retry_after


class ChatUnsure(ChatBusy):
    """Whether the chat did it is not known: the answer was lost, or could not be read."""


class ChatRefused(ChatError):
    """The chat refuses this very message (too large, bad file); a repeat would be refused again."""


class ChatLost(ChatRefused):
    """The message that was to be changed is gone, or can't be changed in this way."""


class ChatTooLarge(ChatRefused):
    """The file is larger than the chat takes."""


class ChatForgot(ChatRefused):
    """The chat does not know the file under this id any more."""


class Notices(Protocol):
    """What the bot writes by itself. Every method may raise a `ChatError`, but those that are best effort."""

    async def show_status(self, task: Task, progress: Progress) -> int | None:
        """Write or edit the task's status message, and return its message id (None: it is gone)."""
        ...

    async def remove_status(self, task: Task) -> None:
        """Take the status message away: the video stands in its place. Best effort."""
        ...

    async def send_notice(self, task: Task, batch: Sequence[Task]) -> Sent:
        """Tell why a task ended without a video, and that its credits are back; with those of its batch."""
        ...

    async def tell(self, task: Task, key: str, /, **params: object) -> Sent:
        """Write one text of the locale files to where the task came from."""
        ...

    async def react(self, task: Task, reaction: Reaction) -> None:
        """React to a request in a group, in place of the last reaction. Best effort."""
        ...

    async def alert(self, admin: UserId, language: str, key: str, /, **params: object) -> None:
        """Write one text to one admin; `repeated` says how often it came again."""
        ...

    async def send_file(
        self, chat_id: ChatId, language: str, path: Path, key: str, /, **params: object
    ) -> None:
        """Send a file as it is, with a text below it."""
        ...


class Operators(Protocol):
    """Those who run the bot, as far as they are told what they must know."""

    async def alert_operators(self, key: str, /, **params: object) -> None:
        """Tell the admins something in their language; `repeated` says how often it came again. Best effort."""
        ...

    async def alert_once(self, key: str, cause: str, /, **params: object) -> None:
        """The same for something with a cause, which is told once for each provider and not again for a day."""
        ...


class ResultChat(Protocol):
    """How results reach a chat. Every method may raise a `ChatError`, but those that are best effort."""

    @property
    def can_fill(self) -> bool:
        """Whether files can be put into messages that stand there already; False once the chat said no to it."""
        ...

    def check(self, delivery: Delivery) -> None:
        """Refuse a result that its chat would not take soon, before it is fetched. Raises `ChatBusy`."""
        ...

    async def send_place(self, delivery: Delivery, options: DeliveryOptions = PLAIN) -> Sent:
        """Announce a result by a short text that `fill` puts it into: repeating that leaves one message."""
        ...

    async def send_places(
        self,
        deliveries: Sequence[Delivery],
        files: Sequence[ResultFile],
        images: Sequence[bytes],
        options: DeliveryOptions = PLAIN,
    ) -> list[Sent]:
        """Announce several results by an album of small pictures (JPEG) in whose places `fill` puts them.

        Raises:
            ChatRefused: Telegram takes only some of them as documents, which go with nothing else, or one as a sound.

        """
        ...

    async def fill(
        self,
        delivery: Delivery,
        file: ResultFile | None,
        options: DeliveryOptions = PLAIN,
        *,
        captioned: bool = True,
    ) -> Sent:
        """Put a result into `delivery.place`; without a file by its file id.

        Of an album one part is `captioned`, and none has buttons.

        Raises:
            ChatLost: the place is gone, or is none for a file.
            ChatGone: also where its group takes no files of any kind.

        """
        ...

    async def send_result(
        self, delivery: Delivery, file: ResultFile | None, options: DeliveryOptions = PLAIN
    ) -> Sent:
        """Send a video, picture or sound to where its task came from; without a file by `delivery.file_id`.

        Raises:
            ChatGone: also where its group takes no files of any kind.

        """
        ...

    async def send_album_buttons(
        self, deliveries: Sequence[Delivery], options: DeliveryOptions = PLAIN
    ) -> Sent | None:
        """Say beneath an album what can be done with it. Best effort: None where it could not be said."""
        ...

    async def send_link(
        self,
        delivery: Delivery,
        url: str,
        size_bytes: int | None,
        options: DeliveryOptions = PLAIN,
        *,
        too_large: bool = True,
    ) -> Sent:
        """Offer a result by its address, where it is too large or not taken: in its place, if it has one."""
        ...

    async def send_original(self, delivery: Delivery, path: Path) -> Sent:
        """Send a result's file as a file, byte by byte as it is, to where its task came from."""
        ...

    async def show_sending(self, task: Task) -> None:
        """Show for some seconds that a result is on its way. Best effort."""
        ...

    async def show_sending_file(self, task: Task) -> None:
        """Show for some seconds that a file is on its way. Best effort."""
        ...

    async def fetch_copy(self, file_id: str, target: Path) -> None:
        """Write the chat's own copy of a result to a file."""
        ...

    async def delete(self, chat_id: ChatId, message_id: int) -> bool:
        """Take a message with a result away, or at least its words and buttons; False where neither works."""
        ...


class NoUpdates(StrEnum):
    """Why no updates come."""

    TAKEN = "taken"
    """Another process asks for them with the same token."""
    TOKEN = "token"  # noqa: S105  no secret
    """The token is refused."""
    SILENT = "silent"
    """There is no answer, or none that can be read."""
    CERTIFICATE = "certificate"
    """Its certificate is refused: nothing is sent to it."""


class UpdatesRefused(Exception):
    """No updates are handed out, for a reason that a repeat alone does not change."""

    def __init__(self, cause: NoUpdates, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause


class UpdateSource(Protocol):
    """Where updates come from."""

    async def fetch(self, offset: int | None, timeout_seconds: int) -> Sequence[StoredUpdate | UnreadUpdate]:
        """Wait for updates with ids from `offset` on; asking confirms all before it.

        One that cannot be read keeps no other from coming.

        Raises:
            UpdatesRefused: the token is refused, others ask with it, or the server is not to be trusted.

        """
        ...


class UpdateProcessor(Protocol):
    """Who acts on an update."""

    async def process(self, update: StoredUpdate) -> None:
        """Act on one update, to its end. Exceptions that it lets out are logged; the update counts as done.

        Raises:
            UnreadableError: it is no update as Telegram writes them.

        """
        ...

    async def tell(self, update: StoredUpdate, key: str) -> None:
        """Tell who sent an update that nothing is done about it, by one text. Best effort."""
        ...


class Job(StrEnum):
    """What the scheduler runs at intervals, or at once when it is woken."""

    DISPATCH = "dispatch"
    POLL = "poll"
    DELIVER = "deliver"
    ASSETS = "assets"
    RECOVER = "recover"
    STATUS = "status"
    SPENDING = "spending"
    ACCESS = "access"
    SETTINGS = "settings"
    ROUNDS = "rounds"
    MODERATION = "moderation"
    BROADCAST = "broadcast"
    NOTICES = "notices"
    NAME = "name"
    ACCOUNTING = "accounting"
    BACKUP = "backup"


class Wake(Protocol):
    """Lets one service tell another that there is something to do now; the job would find it anyway."""

    def __call__(self, job: Job) -> None:
        """Run a job at once."""
        ...


@dataclass(frozen=True, slots=True)
class Balance:
    """A user's standing, for people to read."""

    available: Credits
    granted: Credits
    held: Credits
    day_limit: int | None
    day_spent: Credits
    month_limit: int | None
    month_spent: Credits
    resets_at: Millis | None
    running: int
    max_running: int
    plan: str = ""
    plan_until: Millis | None = None
