"""Tasks as people read them: status, caption, notice, and the list of what runs. Pure."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bot.domain.requests.naming import show_prompt
from bot.domain.requests.request import Continued, GenerationRequest
from bot.domain.tasks.advice import advice_for
from bot.domain.tasks.shortfall import Shortfall
from bot.domain.tasks.task import Delivery, FailureKind, Task, TaskState
from bot.domain.types import Credits, Millis, TaskId, UserId, format_task_id, megabytes
from bot.i18n import Texts
from bot.services.ports import Hold, Progress
from handlers.chat.html import (
    CAPTION_LIMIT,
    View,
    credits,  # noqa: A004  the word of the domain
    keep_fitting,
    quoted,
    settings_line,
    snippet,
    swapped_line,
    utf16_length,
)
from handlers.chat.keyboards import CONFIRM, COPY_LIMIT, DANGER, Button, Payload, Rows

SHORT_PROMPT = 60
BAR_CELLS = 10
CANCEL_BUTTONS = 10
LONGER_THAN_USUAL = 1.25
"""From this multiple of the usual time on, the status says that it takes longer."""

EXACT_PLACES = 10
PLACE_STEPS = ((100, 10), (500, 50), (sys.maxsize, 100))
"""Up to so far back in line, the place is told in steps of so many."""

REPEATABLE = frozenset(FailureKind) - {
    FailureKind.CONTENT,
    FailureKind.PARAMETERS,
    FailureKind.NOTHING_FOUND,
    FailureKind.NOT_OFFERED,
}
"""After these the same request may well succeed; after the others it would fail again."""

CHANGEABLE = frozenset(
    {FailureKind.CONTENT, FailureKind.PARAMETERS, FailureKind.PROVIDER, FailureKind.NOT_OFFERED}
)
"""After these another wording, setting or model may help."""


@dataclass(frozen=True)
class CancelTask(Payload, action="cancel"):
    """Cancel the task of a status message."""

    task_id: TaskId


@dataclass(frozen=True)
class KeepWaiting(Payload, action="wait"):
    """Let a task wait longer in line."""

    task_id: TaskId


@dataclass(frozen=True)
class SendAnew(Payload, action="anew"):
    """Send a task again whose answer was lost."""

    task_id: TaskId


@dataclass(frozen=True)
class TakeRefund(Payload, action="giveup"):
    """End a task whose answer was lost, and take its credits back."""

    task_id: TaskId


@dataclass(frozen=True)
class CancelListedTask(Payload, action="drop"):
    """Cancel a task of the list of what runs."""

    task_id: TaskId


@dataclass(frozen=True)
class MakeAgain(Payload, action="again"):
    """Submit the same request once more, at the price that is shown."""

    task_id: TaskId
    price: int | None = None


@dataclass(frozen=True)
class Change(Payload, action="change"):
    """Open the request on a card."""

    task_id: TaskId


def status(t: Texts, task: Task, progress: Progress) -> View:
    """A task that is not at its end: what was understood, what it costs, and how far it is."""
    batch = progress.batch or (task,)
    lines = [_state_line(t, task, progress)]
    if len(batch) > 1:
        lines.insert(0, t("status.batch", ready=_number(batch, TaskState.SUCCEEDED), number=len(batch)))
    price = Credits(sum(each.price for each in batch))
    lines.append(quoted(show_prompt(task.request), 300))
    lines.append(f"{settings_line(t, task.request)} · {credits(t, price)}")
    if task.origin.left_model is not None and task.origin.left_why is not None:
        lines.append(swapped_line(t, task.origin.left_model, task.origin.left_why, task.request.model))
    lines.append(f"<code>{format_task_id(task.id)}</code>")
    buttons: Rows = ()
    if _waits(task, progress):
        cancel = Button(t("button.cancel"), CancelTask(task.id), style=DANGER)
        asked = task.answer_by is not None
        buttons = [[Button(t("button.keep_waiting"), KeepWaiting(task.id)), cancel] if asked else [cancel]]
    elif task.is_in_doubt:
        again = t("button.try_again", credits=credits(t, task.price))
        refund = Button(t("button.take_refund"), TakeRefund(task.id))
        buttons = [[Button(again, SendAnew(task.id), style=CONFIRM), refund]]
    return View("\n".join(line for line in lines if line), buttons)


def _number(batch: Sequence[Task], state: TaskState) -> int:
    return sum(each.state is state for each in batch)


def _waits(task: Task, progress: Progress) -> bool:
    """Whether it is shown as waiting; also while a provider that was too busy is tried, or its words would flicker."""
    return task.state is TaskState.QUEUED or (
        task.state is TaskState.SUBMITTING and progress.place.hold is Hold.BUSY
    )


def _state_line(t: Texts, task: Task, progress: Progress) -> str:
    if _waits(task, progress):
        return "\n".join(_waiting_lines(t, task, progress))
    if task.is_in_doubt:
        return t("status.in_doubt")
    if task.state in {TaskState.SUBMITTING, TaskState.UNCONFIRMED}:
        return t(f"status.{task.state}")
    since = task.submitted_at if task.submitted_at is not None else task.created_at
    elapsed = max(0, progress.now - since)
    line = t("status.in_progress", elapsed=t.duration(elapsed))
    percent = task.progress
    if percent is None and progress.expected:
        # An estimate never says that it is done.
        percent = min(95, elapsed * 100 // progress.expected)
    if progress.expected:
        longer = elapsed > progress.expected * LONGER_THAN_USUAL
        line += "\n" + t(
            "status.longer" if longer else "status.expected", expected=t.duration(progress.expected)
        )
    if percent is not None:
        filled = percent * BAR_CELLS // 100
        line += f"\n{'▓' * filled}{'░' * (BAR_CELLS - filled)} {percent} %"
    return line


def _waiting_lines(t: Texts, task: Task, progress: Progress) -> list[str]:
    """Why a queued task waits, how far back, and what its owner is asked where it waits long."""
    place = progress.place
    if place.hold is None:
        lines = [t("status.queued")]
    elif place.hold is Hold.OWN:
        lines = [t.plural("status.own", task.max_running)]
    else:
        lines = [t(f"status.{place.hold}")]
    if place.number is not None:
        lines.append(_place(t, place.number, place.ready_in))
    if task.answer_by is not None:
        lines.append(t("status.asked", waited=t.roughly(progress.now - task.created_at)))
    return lines


def _place(t: Texts, number: int, ready_in: Millis | None) -> str:
    """The place in line: far back in growing steps, so that not every move is an edit."""
    if number <= EXACT_PLACES:
        place = t("status.next") if number == 1 else t("status.place", place=t.ordinal(number))
    else:
        step = next(step for up_to, step in PLACE_STEPS if number <= up_to)
        place = t("status.place_about", place=t.ordinal(-(-number // step) * step))
    if ready_in is None:
        return place
    return t("status.place_ready", place=place, expected=t.roughly(ready_in))


def caption(t: Texts, delivery: Delivery) -> str:
    """Under a video: the prompt in a quote, and one line of settings, cost and time.

    A smaller copy says so first, and where the video itself is.
    """
    if delivery.copy_of is None:
        return _about(t, delivery, CAPTION_LIMIT)
    head, opening = t("delivery.copy", megabytes=_megabytes(t, delivery.copy_of)), t("button.open_original")
    url = "" if delivery.video is None else delivery.video.url
    room = CAPTION_LIMIT - utf16_length(f"{head}\n{opening}\n")
    return f"{head}\n{_anchor(opening, url)}\n{_about(t, delivery, room)}"


def _about(t: Texts, delivery: Delivery, limit: int) -> str:
    task = delivery.task
    lacks = "" if delivery.less is None else f"{_lacks(t, task.request, delivery.less)}\n"
    onward = f"{_continues(t, delivery, task.request.continues)}\n" if task.request.continues else ""
    tail = f"{onward}{lacks}{settings_line(t, task.request)} · {_cost(t, task)}"
    if task.submitted_at is not None and task.finished_at is not None and task.state is TaskState.SUCCEEDED:
        tail += f" · {t.duration(task.finished_at - task.submitted_at)}"
    room = limit - utf16_length(tail) - 2
    return "\n".join(part for part in (quoted(show_prompt(task.request), room), tail) if part)


def _continues(t: Texts, delivery: Delivery, continued: Continued) -> str:
    """What it goes on from, and whether that is in the same file."""
    if not continued.task:
        return t("caption.joined_own" if delivery.is_joined else "caption.onward_own")
    task = format_task_id(TaskId(continued.task))
    return t("caption.joined" if delivery.is_joined else "caption.onward", task=task)


def _lacks(t: Texts, request: GenerationRequest, less: Shortfall) -> str:
    """What is less than was ordered, and what was refunded for it."""
    if request.series == "auto" and not less.is_lesser:
        return t("delivery.chosen", made=less.results or request.results, credits=credits(t, less.refunded))
    parts = []
    if less.seconds is not None:
        parts.append(t("delivery.less.seconds", made=less.seconds, ordered=request.duration))
    if less.mode is not None:
        made, ordered = t(f"mode.{less.mode}"), t(f"mode.{request.mode}")
        parts.append(t("delivery.less.quality", made=made, ordered=ordered))
    if less.resolution is not None:
        parts.append(t("delivery.less.quality", made=less.resolution, ordered=request.resolution))
    if less.results is not None:
        parts.append(t("delivery.less.results", made=less.results, ordered=request.results))
    return t("delivery.less", what=" · ".join(parts), credits=credits(t, less.refunded))


def _cost(t: Texts, task: Task) -> str:
    return t("caption.late_free") if task.state is TaskState.EXPIRED else credits(t, task.price)


def link(
    t: Texts,
    delivery: Delivery,
    url: str,
    size_bytes: int | None,
    buttons: Rows = (),
    *,
    too_large: bool = True,
) -> View:
    """A result that is too large to be sent, or that Telegram does not take for another reason."""
    kind = delivery.kind
    if not too_large:
        head = t(f"delivery.link.refused.{kind}")
    elif not size_bytes:
        head = t(f"delivery.link.too_large.{kind}")
    else:
        head = t(f"delivery.link.{kind}", megabytes=_megabytes(t, size_bytes))
    anchor = _anchor(t(f"delivery.open.{kind}"), url)
    return View(f"{head}\n{anchor}\n{_about(t, delivery, CAPTION_LIMIT)}", buttons)


def _megabytes(t: Texts, size: int) -> str:
    return t.number(megabytes(size))


def _anchor(text: str, url: str) -> str:
    return f'<a href="{escape(url, quote=True)}">{escape(text)}</a>'


def notice(t: Texts, task: Task, batch: Sequence[Task] = ()) -> View:
    """The end of a task without a video: the reason, the credits, and what to do next.

    It speaks for all of its batch that were not made.
    """
    missed = [each for each in batch if each.state is not TaskState.SUCCEEDED] or [task]
    price = Credits(sum(each.price for each in missed))
    back = t.plural("notice.credits_back", price, credits=credits(t, price))
    if 0 < len(missed) < len(batch):
        made = t("notice.batch", ready=len(batch) - len(missed), number=len(batch))
        back = t("notice.sentences", first=made, second=back)
    if task.state is TaskState.CANCELLED:
        return View(t("notice.sentences", first=t("notice.cancelled"), second=back))
    kind = task.failure or FailureKind.PROVIDER
    lines = [t("notice.sentences", first=_why(t, task, kind), second=back)]
    if (advice := advice_for(kind, task.failure_detail)) is not None:
        lines.append(t(f"notice.advice.{advice}"))
    lines.append(quoted(show_prompt(task.request), 600))
    lines.append(f"<code>{format_task_id(task.id)}</code>")
    buttons: list[list[Button]] = []
    if kind in REPEATABLE:
        again = t("button.try_again", credits=credits(t, task.price))
        buttons.append([Button(again, MakeAgain(task.id, task.price), style=CONFIRM)])
    if kind in CHANGEABLE:
        is_about_words = bool(show_prompt(task.request)) and kind is not FailureKind.NOT_OFFERED
        label = t("button.edit_prompt" if is_about_words else "button.change")
        buttons.append([Button(label, Change(task.id))])
    if buttons and kind not in REPEATABLE and 0 < utf16_length(show_prompt(task.request)) <= COPY_LIMIT:
        buttons[-1].append(Button(t("button.copy_prompt"), copy=show_prompt(task.request)))
    return View("\n".join(line for line in lines if line), buttons)


def _why(t: Texts, task: Task, kind: FailureKind) -> str:
    """Why there is no result."""
    part = task.request.part
    if kind is FailureKind.NOTHING_FOUND and part is not None:
        return t("notice.failed.no_part", part=t(f"part.{part}"))
    return t(f"notice.failed.{kind}")


def tasks(t: Texts, running: Sequence[Task], now: Millis, owner: UserId) -> View:
    """What of a person's runs, with a cancel button for each that has not left."""
    if not running:
        return View(t("tasks.none"))
    lines = [t.plural("tasks.running", len(running)), *(task_lines(t, task, now) for task in running)]
    queued = [task for task in running if task.state is TaskState.QUEUED]
    buttons = [
        [
            Button(
                t("button.cancel_task", task=format_task_id(task.id)),
                CancelListedTask(task.id),
                owner=owner,
                style=DANGER,
            )
        ]
        for task in queued[:CANCEL_BUTTONS]
    ]
    return View(keep_fitting(lines, "\n\n"), buttons)


def task_lines(t: Texts, task: Task, now: Millis) -> str:
    """A task in a list: its id, state, age and prompt."""
    words = snippet(show_prompt(task.request), SHORT_PROMPT) or t("tasks.photo")
    age = t.duration(now - task.created_at)
    return f"<code>{format_task_id(task.id)}</code> {t(f'state.{task.state}')} · {age}\n{words}"
