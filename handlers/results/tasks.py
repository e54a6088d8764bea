"""`/tasks` and `/cancel`, and the buttons on tasks."""

from telegram import CallbackQuery, Update

from bot.domain.tasks.task import TaskState
from bot.domain.units import shown
from handlers.chat import html
from handlers.chat.context import Context, answer, place_of, rewrite, user_id_of
from handlers.making import card
from handlers.results import task_views


async def tasks(update: Update, context: Context) -> None:
    """List what runs."""
    await answer(update, context, await _list(update, context))


async def cancel(update: Update, context: Context) -> None:
    """`/cancel <id>`, or the only thing there is to cancel, or the list to choose from."""
    services = context.services
    user_id = user_id_of(update)
    if context.args:
        await _cancel(update, context, context.args[0])
        return
    queued = [task for task in await services.tasks.running(user_id) if task.state is TaskState.QUEUED]
    if len(queued) == 1:
        await _cancel(update, context, queued[0].id)
    elif queued:
        await answer(update, context, task_views.tasks(context.t, queued, services.clock.now(), user_id))
    elif await card.close(update, context):
        await answer(update, context, html.View(context.t("draft.discarded")))
    elif await services.questions.pending(user_id, place_of(update).chat_id) is not None:
        await services.questions.close(user_id, place_of(update).chat_id)
        await answer(update, context, html.View(context.t("recipe.stopped")))
    else:
        await answer(update, context, html.View(context.t("cancel.nothing")))


async def _cancel(update: Update, context: Context, task_id: str) -> None:
    task = await context.services.tasks.cancel(user_id_of(update), task_id)
    await answer(update, context, html.View(context.t("cancel.done", task=shown(task.id))))


async def _list(update: Update, context: Context) -> html.View:
    services = context.services
    user_id = user_id_of(update)
    running = await services.tasks.running(user_id)
    return task_views.tasks(context.t, running, services.clock.now(), user_id)


# -- buttons -----------------------------------------------------------------------------------------


async def press_cancel(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """The button under a queued task; the status message says so by itself."""
    del query
    task = await context.services.tasks.cancel(user_id_of(update), argument)
    return context.t("cancel.done", task=shown(task.id))


async def press_cancel_listed(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """A button of the list; the list goes on without the task."""
    said = await press_cancel(update, context, query, argument)
    await rewrite(context, query, await _list(update, context))
    return said
