"""What the bot writes by itself: the status of a task, within Telegram's budget of edits, how it ended, and alerts."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from telegram.constants import ReactionEmoji

from bot.clock import Clock
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import SECOND, ChatId, Millis, TaskId, UserId, format_task_id, is_private
from bot.i18n import Texts, for_language
from bot.services.ports import ChatBusy, Progress, Reaction, Sent
from handlers.admin import costs
from handlers.chat import html
from handlers.library import assets
from handlers.results import task_views
from handlers.sending.chat import Chat, ReplyTarget
from handlers.sending.media import Media, MediaKind
from handlers.sending.pacing import Urgency

REACTIONS = {
    Reaction.ACCEPTED: ReactionEmoji.EYES,
    Reaction.DONE: ReactionEmoji.PARTY_POPPER,
    Reaction.FAILED: ReactionEmoji.BROKEN_HEART,
    Reaction.CANCELLED: None,
}
"""All are among the reactions that Telegram takes."""


class TelegramNotices:
    """See `bot.services.ports.Notices`."""

    def __init__(self, chat: Chat, clock: Clock) -> None:
        self._chat = chat
        self._clock = clock
        self._pace = Pace()

    async def show_status(self, task: Task, progress: Progress) -> int | None:
        """Write or edit the task's status message, where the budget of edits allows it."""
        view = task_views.status(for_language(task.origin.language), task, progress)
        chat_id, message_id = task.origin.chat_id, task.status_message_id
        now = self._clock.now()
        # To be sent and being sent are one stage: under load a task goes from one to the other and back.
        stage = "waiting" if task.state in {TaskState.QUEUED, TaskState.SUBMITTING} else task.state
        ready = sum(each.state is TaskState.SUCCEEDED for each in progress.batch)
        asked = task.answer_by is not None and (task.state is TaskState.QUEUED or task.is_in_doubt)
        status = Shown(view.html, f"{'asked' if asked else stage} {ready}", now)
        if message_id is not None:
            since = task.submitted_at if task.submitted_at is not None else task.created_at
            if not self._pace.may_edit(chat_id, message_id, status, now - since):
                return message_id
            try:
                if await self._chat.edit(chat_id, message_id, view, urgency=Urgency.PROGRESS):
                    self._pace.record(chat_id, message_id, status)
                    return message_id
            except ChatBusy as busy:
                self._pace.pause(chat_id, Millis(now + busy.retry_after))
                raise
        sent = await self._chat.send(ReplyTarget.of(task.origin), view, silent=True)
        self._pace.record(chat_id, sent.message_id, status)
        return sent.message_id

    async def remove_status(self, task: Task) -> None:
        """Delete the status message; whether it could be deleted does not matter."""
        if task.status_message_id is not None:
            self._pace.forget(task.origin.chat_id, task.status_message_id)
            await self._chat.delete(task.origin.chat_id, task.status_message_id)

    async def send_notice(self, task: Task, batch: Sequence[Task] = ()) -> Sent:
        """Tell how a task ended: a cancelled one in its status message, others in a message that is noticed."""
        texts = for_language(task.origin.language)
        view = assets.ended(texts, task) if task.makes_asset else task_views.notice(texts, task, batch)
        message_id = task.status_message_id
        if (
            task.state is TaskState.CANCELLED
            and message_id is not None
            and await self._chat.edit(task.origin.chat_id, message_id, view)
        ):
            self._pace.forget(task.origin.chat_id, message_id)
            return Sent(message_id)
        message = await self._chat.send(ReplyTarget.of(task.origin), view)
        await self.remove_status(task)
        return Sent(message.message_id)

    async def tell(self, task: Task, key: str, /, **params: object) -> Sent:
        """Write one text to where the task came from, in the form that goes with the number of its credits."""
        texts = for_language(task.origin.language)
        number, readable = params.get("credits"), _readable(texts, params)
        text = texts.plural(key, number, **readable) if isinstance(number, int) else texts(key, **readable)
        return Sent((await self._chat.send(ReplyTarget.of(task.origin), html.View(text))).message_id)

    async def react(self, task: Task, reaction: Reaction) -> None:
        """React to a request in a group; in a private chat the status says enough."""
        origin = task.origin
        if not origin.is_private and origin.message_id is not None:
            await self._chat.react(origin.chat_id, origin.message_id, REACTIONS[reaction])

    async def alert(self, admin: UserId, language: str, key: str, /, **params: object) -> None:
        """Write to one admin; `repeated` says how often it came again."""
        texts = for_language(language)
        text = texts(key, **_readable(texts, params))
        repeated = params.get("repeated")
        if isinstance(repeated, int):
            text = f"{text}\n{texts.plural('alert.repeated', repeated)}"
        # Of what somebody wrote, the page of a link is shown.
        buttons = costs.alert_buttons(texts, key, admin)
        view = html.View(text, [buttons] if buttons else ())
        await self._chat.send(ReplyTarget(ChatId(admin)), view, preview="message" in params)

    async def send_file(
        self, chat_id: ChatId, language: str, path: Path, key: str, /, **params: object
    ) -> None:
        """Send a file as a document, streamed from its path."""
        document = Media(kind=MediaKind.DOCUMENT, source=path, exact=True)
        caption = html.View(for_language(language)(key, **params))
        target = ReplyTarget(chat_id)
        await self._chat.send_media(target, document, caption, silent=True, urgency=Urgency.NOTICE)


def _readable(texts: Texts, params: dict[str, object]) -> dict[str, object]:
    """Write parameters as people read them: credits as credits, ids as ids, messages as quotes, everything else escaped."""
    readable: dict[str, object] = {}
    for name, value in params.items():
        if name in {"credits", "available"} and isinstance(value, int):
            readable[name] = html.credits(texts, value)
        elif name == "message":
            readable[name] = html.quoted(str(value), 3_500)
        elif name == "id":
            readable[name] = format_task_id(TaskId(str(value).replace("-", "")))
        else:
            readable[name] = html.snippet(str(value), 300)
    return readable


EVERY_MESSAGE = 3 * SECOND
SLOWEST = 30 * SECOND
GROUP = 5 * SECOND
"""Between two edits of progress in one group, where 20 messages a minute are allowed in all."""

OVERALL = 15
"""Edits of progress a second over all chats; Telegram allows about 30 messages a second."""

REMEMBERED = 2_000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a status message said last. `stage` changes where the message is worth an edit at once."""

    text: str
    stage: str
    at: Millis


class Pace:
    """Remembers what was shown, and says whether an edit is worth its place in the budget."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[int, int], Shown] = OrderedDict()
        self._group_edits: OrderedDict[int, Millis] = OrderedDict()
        self._pauses: OrderedDict[int, Millis] = OrderedDict()
        self._recent: deque[Millis] = deque(maxlen=OVERALL)

    def may_edit(self, chat_id: int, message_id: int, format_task_id: Shown, elapsed: int) -> bool:
        """Whether to edit now. `elapsed` milliseconds of work make the edits rarer, from 3 to 30 seconds."""
        known = self._shown.get((chat_id, message_id))
        if format_task_id.at < self._pauses.get(chat_id, 0) or (
            known is not None and known.text == format_task_id.text
        ):
            return False
        if known is not None and known.stage != format_task_id.stage:
            return True
        if known is not None and format_task_id.at - known.at < min(
            SLOWEST, max(EVERY_MESSAGE, elapsed // 20)
        ):
            return False
        if (
            not is_private(chat_id)
            and format_task_id.at - self._group_edits.get(chat_id, Millis(-GROUP)) < GROUP
        ):
            return False
        return len(self._recent) < OVERALL or format_task_id.at - self._recent[0] >= SECOND

    def record(self, chat_id: int, message_id: int, format_task_id: Shown) -> None:
        """A status message says this now."""
        _keep(self._shown, (chat_id, message_id), format_task_id)
        self._recent.append(format_task_id.at)
        if not is_private(chat_id):
            _keep(self._group_edits, chat_id, format_task_id.at)

    def forget(self, chat_id: int, message_id: int) -> None:
        """A status message is gone."""
        self._shown.pop((chat_id, message_id), None)

    def pause(self, chat_id: int, until: Millis) -> None:
        """Telegram asked for a pause in this chat."""
        _keep(self._pauses, chat_id, until)


def _keep(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)
