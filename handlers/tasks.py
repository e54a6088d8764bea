"""`/tasks` and `/cancel`, and the buttons on tasks and drafts."""

from telegram import CallbackQuery, Update
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.domain.task import TaskState
from bot.domain.units import ChatId, TaskId, read_task_id, shown
from bot.errors import UserError
from handlers import views
from handlers.context import Context, acknowledge, answer, keyboard, message_of, user_id_of
from handlers.submitting import submit, take_draft


async def tasks(update: Update, context: Context) -> None:
    """List what runs."""
    services = context.services
    running = await services.submit.running(user_id_of(update))
    await answer(update, context, views.tasks(context.t, running, services.clock.now()))


async def cancel(update: Update, context: Context) -> None:
    """`/cancel <id>`, or the only thing there is to cancel, or the list to choose from."""
    services = context.services
    user_id, chat_id = user_id_of(update), ChatId(message_of(update).chat_id)
    if context.args:
        task_id = read_task_id(context.args[0])
        if task_id is None:
            raise UserError("error.task.unknown", task=context.args[0][:20])
        await _cancelled(update, context, task_id)
        return
    queued = [task for task in await services.submit.running(user_id) if task.state is TaskState.QUEUED]
    if len(queued) == 1:
        await _cancelled(update, context, queued[0].id)
    elif queued:
        await answer(update, context, views.tasks(context.t, queued, services.clock.now()))
    elif await services.submit.draft(user_id, chat_id) is not None:
        await services.submit.delete_draft(user_id, chat_id)
        await answer(update, context, views.View(context.t("draft.discarded")))
    else:
        await answer(update, context, views.View(context.t("cancel.nothing")))


async def _cancelled(update: Update, context: Context, task_id: TaskId) -> None:
    task = await context.services.submit.cancel(user_id_of(update), task_id)
    if task.status_message_id is None:
        await answer(update, context, views.View(context.t("cancel.done", task=shown(task.id))))


# -- buttons -----------------------------------------------------------------------------------------


async def press_cancel(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The button under a queued task."""
    await context.services.submit.cancel(user_id_of(update), TaskId(argument))
    await acknowledge(query, context.t("cancel.done", task=shown(TaskId(argument))))


async def press_again(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The same request once more, as a task of whoever presses and may."""
    task = await context.services.submit.task(user_id_of(update), TaskId(argument))
    await submit(update, context, task.request, source_message_id=task.origin.message_id)
    await acknowledge(query)


async def press_generate(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Submit the draft that the button stands under."""
    del argument
    user_id, chat_id = user_id_of(update), ChatId(message_of(update).chat_id)
    request, source = await take_draft(user_id, chat_id, context)
    await submit(update, context, request, source_message_id=source)
    await context.services.submit.delete_draft(user_id, chat_id)
    await acknowledge(query)
    await _without_buttons(query)


async def press_discard(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Give the draft up."""
    del argument
    await context.services.submit.delete_draft(user_id_of(update), ChatId(message_of(update).chat_id))
    await acknowledge(query)
    await query.edit_message_text(context.t("draft.discarded"))


async def press_try(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The example of /start: shown as a draft, so that nothing is spent by a careless tap."""
    del argument
    services = context.services
    request = services.submit.compose(services.submit.parse(context.t("start.example")))
    message = message_of(update)
    await services.submit.save_draft(user_id_of(update), ChatId(message.chat_id), request, None)
    view = views.draft(context.t, request, services.submit.price(request), "draft.words")
    await acknowledge(query)
    await context.bot.send_message(
        message.chat_id, view.html, parse_mode=ParseMode.HTML, reply_markup=keyboard(context, view)
    )


async def _without_buttons(query: CallbackQuery) -> None:
    try:
        await query.edit_message_reply_markup(None)
    except TelegramError:
        # The task is accepted: a leftover button answers politely.
        return
