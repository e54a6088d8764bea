"""`/history`, `/favourites` and `/show`: what a person has made, to be found, seen and worked with again."""

from dataclasses import replace

from telegram import CallbackQuery, Update

from bot.domain.tasks.task import Task, TaskState
from bot.errors import UserError
from bot.services.ports import Progress
from handlers.chat import html
from handlers.chat.context import (
    Context,
    answer,
    origin_of,
    place_of,
    rewrite,
    send,
    user_id_of,
)
from handlers.results import history_views, task_views
from handlers.sending.chat import ReplyTarget


async def history(update: Update, context: Context) -> None:
    """`/history [words]`: the newest page of everything, or of what holds the words."""
    if not place_of(update).is_private:
        await answer(update, context, history_views.private(context.t, context.bot.username))
        return
    words = " ".join(context.turn.arguments.split())
    of = history_views.ALL
    if words:
        of = await context.services.questions.save_words(user_id_of(update), words)
    await answer(update, context, await _page(update, context, of, 0))


async def favourites(update: Update, context: Context) -> None:
    """`/favourites`: the newest page of them."""
    if not place_of(update).is_private:
        await answer(update, context, history_views.private(context.t, context.bot.username))
        return
    await answer(update, context, await _page(update, context, history_views.FAVOURITES, 0))


async def press_history(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Turn the page."""
    of, _, number = argument.partition(".")
    await rewrite(context, query, await _page(update, context, of, int(number or 0)))


async def _page(update: Update, context: Context, of: str, number: int) -> html.View:
    services, user_id = context.services, user_id_of(update)
    words = ""
    if of == history_views.FAVOURITES:
        page = await services.history.favourites(user_id, number)
    else:
        if of != history_views.ALL:
            kept = await services.questions.saved_words(user_id, of)
            if kept is None:
                raise UserError("error.button.stale")
            words = kept
        page = await services.history.page(user_id, words, number)
    return history_views.history(
        context.t, page, words, of, services.accounts.zone, services.clock.now(), user_id
    )


async def show(update: Update, context: Context) -> None:
    """`/show <id>`: a task with its result and its buttons, or how it is with it."""
    text = context.args[0] if context.args else ""
    if not text:
        raise UserError("error.task.which")
    await open_task(update, context, text)


async def open_task(update: Update, context: Context, text: str) -> None:
    """Show the task of an id as people write it, also out of a link; only to its owner and to admins.

    Raises:
        UserError: there is no such task of this person.

    """
    task = await context.services.tasks.of(user_id_of(update), text)
    await _show(update, context, task, place_of(update))


async def press_open(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """A number of the history."""
    del query
    task = await context.services.tasks.of(user_id_of(update), argument)
    here = place_of(update)
    await _show(update, context, task, replace(here, message_id=None))


async def _show(update: Update, context: Context, task: Task, place: ReplyTarget) -> None:
    shown = await context.services.results.show(task, origin_of(update, context, place))
    if not shown:
        await send(context, place, await _standing(context, task))


async def _standing(context: Context, task: Task) -> html.View:
    """How it is with a task that has no result to be shown."""
    services = context.services
    if not task.state.is_final:
        progress = Progress(services.clock.now(), await services.status.expected(task))
        return task_views.status(context.t, task, progress)
    if task.state is TaskState.SUCCEEDED:
        return history_views.on_its_way(context.t, task)
    return task_views.notice(context.t, task)
