"""Tasks and failures in the admin panel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.people.access import Permission, Person
from bot.domain.requests.naming import show_prompt
from bot.domain.tasks.task import Task
from bot.domain.types import Millis, TaskId, UserId, format_task_id
from bot.i18n import Texts
from bot.services.tasks.admin import Failures
from handlers.admin.access import person_label
from handlers.admin.action_buttons import action_rows
from handlers.admin.panel_pages import ShowCard, ShowHome, back, page, to
from handlers.chat import html
from handlers.chat.html import View, reason_line, settings_line, snippet
from handlers.chat.keyboards import Button, Payload, in_rows
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
class ShowTask(Payload, action="panel.task"):
    """Show a task."""

    task_id: TaskId


async def _show_running(turn: Turn, button: ShowRunning) -> View:
    tasks, stuck = await turn.services.task_admin.running()
    return _tasks_view(turn.t, tasks, stuck, turn.now(), turn.user_id, button)


async def _show_tasks_of(turn: Turn, button: ShowTasksOf) -> View:
    tasks = await turn.services.task_admin.of_person(button.user_id)
    return _tasks_view(turn.t, tasks, frozenset(), turn.now(), turn.user_id, button)


async def _show_task(turn: Turn, button: ShowTask) -> View:
    return await show_task(turn, button.task_id)


async def show_task(turn: Turn, task_id: TaskId) -> View:
    """The page of a task."""
    task, person = await turn.services.task_admin.task(task_id)
    membership = await turn.services.access.membership(turn.user_id)
    rows = action_rows(turn.t, membership, task, turn.services.actions.declared)
    return _task_view(turn.t, task, person, membership.user_id, rows, turn.local_now())


async def _show_failures(turn: Turn, _: ShowFailures) -> View:
    found = await turn.services.task_admin.failures()
    return _failures_view(turn.t, found, turn.user_id)


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
        prompt = snippet(show_prompt(task.request), 50)
        age = t.duration(now - task.created_at)
        lines.append(
            f"<code>{format_task_id(task.id)}</code> {t(f'panel.state.{task.state}')} · {age}{mark}\n{prompt}"
        )
    buttons = [to(owner, format_task_id(task.id), ShowTask(task.id)) for task in found]
    last = [to(owner, t("button.panel_refresh"), refresh), *back(t, owner)]
    return View("\n\n".join([t("panel.tasks"), *lines]), [*in_rows(buttons, 3), last])


def _task_view(
    t: Texts,
    task: Task,
    person: Person,
    owner: UserId,
    actions: Sequence[Sequence[Button]],
    now: datetime,
) -> View:
    """One task, and what the reader may do about it."""
    lines = [
        f"<code>{format_task_id(task.id)}</code> {t(f'panel.state.{task.state}')} · {person_label(person)}",
        html.quoted(show_prompt(task.request), 500),
        f"{settings_line(t, task.request)} · {html.credits(t, task.price)}",
        t("panel.task_times", made=t.moment(task.created_at, now), provider=task.provider or "–"),
    ]
    if task.failure is not None:
        lines.append(t("panel.task_failure", kind=t(f"failure.{task.failure}")))
    if task.failure_detail:
        lines.append(reason_line(t, task.failure_detail))
    if task.real_cost is not None:
        lines.append(t("panel.task_cost", cost=escape(task.real_cost)))
    last = [to(owner, t("button.panel_person"), ShowCard(person.id)), *back(t, owner)]
    return View("\n".join(line for line in lines if line), [*actions, last])


def _failures_view(t: Texts, found: Failures, owner: UserId) -> View:
    """What failed within the last day, by kind, with buttons to the newest ones."""
    failed = sum(count for _, count in found.by_kind)
    lines = [t("panel.failures", failed=t.number(failed), ended=t.number(found.ended))]
    lines += [f"{t(f'failure.{kind}')}: {t.number(count)}" for kind, count in found.by_kind]
    buttons = [to(owner, format_task_id(task.id), ShowTask(task.id)) for task in found.examples]
    return View("\n".join(lines), [*in_rows(buttons, 3), back(t, owner)])


BUTTONS = (
    page(ShowRunning, _show_running, Permission.VIEW),
    page(ShowTasksOf, _show_tasks_of, Permission.VIEW),
    page(ShowTask, _show_task, Permission.VIEW),
    page(ShowFailures, _show_failures, Permission.VIEW),
)
