"""Tasks and failures in the admin panel: look at them, cancel, make again, refund."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.people.access import Permission, Person, Standing
from bot.domain.tasks.task import Task, TaskState
from bot.domain.units import Millis, TaskId, UserId, shown
from bot.i18n import Texts
from bot.services.tasks.admin import Failures
from handlers.admin.access import person_label
from handlers.admin.panel_pages import ShowCard, ShowHome, back, page, to
from handlers.chat import html
from handlers.chat.html import View, inline, reason_line, settings_line
from handlers.chat.keyboards import Payload, in_rows
from handlers.chat.turn import Turn


class ShowRunning(Payload, action="panel.tasks"):
    """Show everybody's running tasks."""


@dataclass(frozen=True)
class ShowTasksOf(Payload, action="panel.theirs"):
    """Show the tasks of a person."""

    user_id: UserId


class ShowFailures(Payload, action="panel.failures"):
    """Show what failed within the last day."""


@dataclass(frozen=True)
class _OfTask(Payload):
    """A button about one task."""

    task_id: TaskId


class ShowTask(_OfTask, action="panel.task"):
    """Show a task."""


class CancelTask(_OfTask, action="panel.cancel"):
    """Cancel a task."""


class MakeAgain(_OfTask, action="panel.retry"):
    """Make a task again."""


class RefundTask(_OfTask, action="panel.refund"):
    """Refund a task."""


async def _show_running(turn: Turn, button: ShowRunning) -> View:
    tasks, stuck = await turn.services.task_admin.running(turn.user_id)
    return _tasks_view(turn.t, tasks, stuck, turn.now(), turn.user_id, button)


async def _show_tasks_of(turn: Turn, button: ShowTasksOf) -> View:
    tasks = await turn.services.task_admin.of_person(turn.user_id, button.user_id)
    return _tasks_view(turn.t, tasks, frozenset(), turn.now(), turn.user_id, button)


async def _show_task(turn: Turn, button: _OfTask) -> View:
    return await _task(turn, button.task_id)


async def _task(turn: Turn, task_id: TaskId) -> View:
    task, person = await turn.services.task_admin.task(turn.user_id, task_id)
    standing = await turn.services.access.standing(turn.user_id)
    return _task_view(turn.t, task, person, standing, turn.local_now())


async def _show_failures(turn: Turn, _: ShowFailures) -> View:
    found = await turn.services.task_admin.failures(turn.user_id)
    return _failures_view(turn.t, found, turn.user_id)


async def _cancel(turn: Turn, button: CancelTask) -> View:
    await turn.services.task_admin.cancel(turn.user_id, button.task_id, turn.idempotency_key)
    return await _task(turn, button.task_id)


async def _make_again(turn: Turn, button: MakeAgain) -> View:
    press = turn.origin().press
    task = await turn.services.task_admin.make_again(turn.user_id, button.task_id, turn.update_id, press)
    return await _task(turn, task.id)


async def _refund(turn: Turn, button: RefundTask) -> View:
    await turn.services.task_admin.refund(turn.user_id, button.task_id, turn.idempotency_key)
    return await _task(turn, button.task_id)


# -- views -------------------------------------------------------------------------------------------


def _tasks_view(
    t: Texts,
    found: Sequence[Task],
    stuck: frozenset[TaskId],
    now: Millis,
    owner: UserId,
    refresh: ShowRunning | ShowTasksOf,
) -> View:
    """Tasks, each with a button; those that seem stuck are marked by a word."""
    if not found:
        return View(t("panel.no_tasks"), [[to(owner, t("button.panel_home"), ShowHome())]])
    lines = []
    for task in found:
        mark = f" · <b>{t('panel.stuck')}</b>" if task.id in stuck else ""
        prompt = inline(task.request.prompt, 50)
        age = t.duration(now - task.created_at)
        lines.append(
            f"<code>{shown(task.id)}</code> {t(f'panel.state.{task.state}')} · {age}{mark}\n{prompt}"
        )
    buttons = [to(owner, shown(task.id), ShowTask(task.id)) for task in found]
    last = [to(owner, t("button.panel_refresh"), refresh), *back(t, owner)]
    return View("\n\n".join([t("panel.tasks"), *lines]), [*in_rows(buttons, 3), last])


def _task_view(t: Texts, task: Task, person: Person, me: Standing, now: datetime) -> View:
    """One task, and what the reader may do about it."""
    owner = me.user_id
    lines = [
        f"<code>{shown(task.id)}</code> {t(f'panel.state.{task.state}')} · {person_label(person)}",
        html.quoted(task.request.prompt, 500),
        f"{settings_line(t, task.request)} · {html.credits(t, task.price)}",
        t("panel.task_times", made=t.moment(task.created_at, now), provider=task.provider or "–"),
    ]
    if task.failure is not None:
        lines.append(t("panel.task_failure", kind=t(f"failure.{task.failure}")))
    if task.failure_detail:
        lines.append(reason_line(t, task.failure_detail))
    if task.real_cost is not None:
        lines.append(t("panel.task_cost", cost=escape(task.real_cost)))
    row = []
    if not task.state.is_final:
        row.append(to(owner, t("button.panel_cancel_task"), CancelTask(task.id), danger=True))
    elif me.may(Permission.TASKS):
        row.append(to(owner, t("button.panel_retry"), MakeAgain(task.id)))
    if task.state is TaskState.SUCCEEDED and me.may(Permission.CREDITS):
        row.append(to(owner, t("button.panel_refund"), RefundTask(task.id)))
    rows = [row, [to(owner, t("button.panel_person"), ShowCard(person.id)), *back(t, owner)]]
    return View("\n".join(line for line in lines if line), rows)


def _failures_view(t: Texts, found: Failures, owner: UserId) -> View:
    """What failed within the last day, by kind, with buttons to the newest ones."""
    failed = sum(count for _, count in found.by_kind)
    lines = [t("panel.failures", failed=t.number(failed), ended=t.number(found.ended))]
    lines += [f"{t(f'failure.{kind}')}: {t.number(count)}" for kind, count in found.by_kind]
    buttons = [to(owner, shown(task.id), ShowTask(task.id)) for task in found.examples]
    return View("\n".join(lines), [*in_rows(buttons, 3), back(t, owner)])


BUTTONS = (
    page(ShowRunning, _show_running, Permission.VIEW),
    page(ShowTasksOf, _show_tasks_of, Permission.VIEW),
    page(ShowTask, _show_task, Permission.VIEW),
    page(ShowFailures, _show_failures, Permission.VIEW),
    page(CancelTask, _cancel, Permission.TASKS),
    page(MakeAgain, _make_again, Permission.TASKS),
    page(RefundTask, _refund, Permission.CREDITS),
)
