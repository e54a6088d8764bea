"""`/tasks` and `/cancel`: what runs, and how to stop what has not begun."""

from bot.domain.people.access import AccessLevel
from bot.domain.tasks.task import TaskState
from bot.domain.types import format_task_id
from handlers.chat.html import View
from handlers.chat.menus import Menu, Section
from handlers.chat.routes import Command, Press, Words
from handlers.chat.turn import Turn
from handlers.making.card import close_card
from handlers.results import task_views
from handlers.results.task_views import CancelListedTask, CancelTask, KeepWaiting, SendAnew, TakeRefund


async def list_tasks(turn: Turn) -> None:
    """`/tasks`: what runs."""
    await turn.answer(await _list(turn))


async def _list(turn: Turn) -> View:
    running = await turn.services.tasks.running(turn.user_id)
    return task_views.tasks(turn.t, running, turn.now(), turn.user_id)


async def cancel(turn: Turn, words: Words) -> None:
    """`/cancel <id>`, or the only thing there is to cancel, or the list to choose from."""
    services = turn.services
    if words:
        await turn.answer(View(await _cancel(turn, words[0])))
        return
    queued = [task for task in await services.tasks.running(turn.user_id) if task.state is TaskState.QUEUED]
    if len(queued) == 1:
        await turn.answer(View(await _cancel(turn, queued[0].id)))
    elif queued:
        await turn.answer(task_views.tasks(turn.t, queued, turn.now(), turn.user_id))
    elif (closed := await close_card(turn)) is not None:
        await turn.answer(closed)
    elif await turn.stop_asking():
        await turn.answer(View(turn.t("template.stopped")))
    else:
        await turn.answer(View(turn.t("cancel.nothing")))


async def on_cancel(turn: Turn, button: CancelTask) -> str:
    """Cancel a queued task; its status message says so by itself."""
    return await _cancel(turn, button.task_id)


async def on_keep_waiting(turn: Turn, button: KeepWaiting) -> str:
    """Let a task wait longer in line; its status message says so by itself."""
    task = await turn.services.tasks.keep_waiting(turn.user_id, button.task_id)
    return turn.t("wait.kept" if task.state is TaskState.QUEUED else "wait.sent")


async def on_send_anew(turn: Turn, button: SendAnew) -> str:
    """Send a task again whose answer was lost; its status message says so by itself."""
    await turn.services.tasks.send_anew(turn.user_id, button.task_id)
    return turn.t("lost.sent_anew")


async def on_take_refund(turn: Turn, button: TakeRefund) -> str:
    """Take the credits of a task back whose answer was lost."""
    task = await turn.services.tasks.give_up(turn.user_id, button.task_id)
    return turn.t("lost.refunded" if task.state is TaskState.FAILED else "wait.sent")


async def on_cancel_listed(turn: Turn, button: CancelListedTask) -> str:
    """Cancel a task of the list, which goes on without it."""
    done = await _cancel(turn, button.task_id)
    await turn.edit(await _list(turn))
    return done


async def _cancel(turn: Turn, task_id: str) -> str:
    task = await turn.services.tasks.cancel(turn.user_id, task_id)
    return turn.t("cancel.done", task=format_task_id(task.id))


COMMANDS = (
    Command(
        "tasks",
        list_tasks,
        access=AccessLevel.VIEW,
        section=Section.RESULTS,
        menu=Menu.PRIVATE | Menu.GROUPS,
    ),
    Command("cancel", cancel, access=AccessLevel.VIEW, section=Section.RESULTS, menu=Menu.GROUPS),
)
BUTTONS = (
    Press(CancelTask, on_cancel, AccessLevel.VIEW),
    Press(KeepWaiting, on_keep_waiting, AccessLevel.VIEW),
    Press(SendAnew, on_send_anew, AccessLevel.VIEW),
    Press(TakeRefund, on_take_refund, AccessLevel.VIEW),
    Press(CancelListedTask, on_cancel_listed, AccessLevel.VIEW),
)
