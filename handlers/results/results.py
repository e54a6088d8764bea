"""The buttons on results: the same again, something made of it, its file and settings, keeping and deleting it.

Whoever sees a result may see its settings and take its file. What costs, and what changes or deletes it,
is for its owner and for admins, whose task it then is.
"""

from dataclasses import replace

from telegram import CallbackQuery, Update

from bot.domain.requests.request import AudioRef, Operation, VideoRequest
from bot.domain.tasks.task import Delivery, MessagePurpose, Task
from bot.domain.units import ChatId, TaskId
from bot.errors import UserError
from bot.i18n import Texts, for_language
from handlers.chat.context import (
    Context,
    origin_of,
    place_of,
    rewrite,
    send,
    user_id_of,
)
from handlers.chat.html import ALERT_LIMIT, View, cut, plain
from handlers.chat.inputs import read_words
from handlers.chat.keyboards import Rows
from handlers.making.submit import open_card, submit, submit_or_ask
from handlers.results import result_views
from handlers.sending.chat import ReplyTarget

# -- buttons: the same again, and what whoever sees the result may press -------------------------------


async def press_again(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The same request once more, as a task of whoever presses."""
    del query
    task = await _repeatable(update, context, argument)
    await submit(context.turn, task.request, _home(update, task))


async def press_change(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The request on a card, to be changed before it costs anything."""
    del query
    task = await _repeatable(update, context, argument)
    place = _home(update, task)
    await open_card(context.turn, task.request, place.message_id, target=place)


async def press_about(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The settings: in a private chat as a message with what is worth copying, in groups as an alert."""
    del query
    services = context.services
    name, position = _parts(argument)
    place = place_of(update)
    task = await services.tasks.of(user_id_of(update), name, place.chat_id)
    delivery = await services.results.result(task, position)
    view = result_views.about(context.t, delivery, services.accounts.zone, services.clock.now())
    if place.is_private:
        await send(context, place, view)
    else:
        await context.turn.notify(cut(plain(view.html), ALERT_LIMIT), alert=True)


async def press_take(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """One result of an album alone, with buttons of its own."""
    del query
    services = context.services
    name, position = _parts(argument)
    task = await services.tasks.of(user_id_of(update), name, place_of(update).chat_id)
    delivery = await services.results.result(task, position)
    await services.results.show_one(delivery, origin_of(update, context, _home(update, task)))


async def press_original(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The result as a file, as it was made."""
    del query
    services = context.services
    name, position = _parts(argument)
    task = await services.tasks.of(user_id_of(update), name, place_of(update).chat_id)
    delivery = await services.results.result(task, position)
    # It may take a while, and the button should not turn as long.
    await context.turn.notify(context.t("result.sending_file"))
    await services.results.original(delivery, origin_of(update, context, place_of(update)))


# -- buttons: what is made of a result ---------------------------------------------------------------


async def press_extend(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Ask what should happen next."""
    del query
    delivery = await _owned(update, context, argument)
    price = context.services.results.price(Operation.EXTEND, delivery)
    view = result_views.ask_extend(context.t, delivery, price, user_id_of(update))
    await _ask(update, context, delivery, MessagePurpose.EXTEND, view)


async def press_longer(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Let the video just go on."""
    delivery = await _owned(update, context, argument)
    await extend(update, context, delivery, "")
    await _put_away(context, query)


async def press_speak(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Ask what the face should say."""
    del query
    delivery = await _owned(update, context, argument)
    price = context.services.results.price(Operation.LIP_SYNC, delivery)
    name = update.effective_user.first_name if update.effective_user is not None else ""
    view = result_views.ask_speech(context.t, user_id_of(update), price, name)
    await _ask(update, context, delivery, MessagePurpose.LIP_SYNC, view)


async def press_effects(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Show effects to choose from, or another page of them."""
    name, _, page = argument.rpartition(".") if argument.count(".") == 2 else (argument, "", "")
    delivery = await _owned(update, context, name)
    effects = context.services.compose.effects.search("", 1)
    price = context.services.results.price(Operation.EFFECT, delivery)
    view = result_views.ask_effect(context.t, delivery, effects, int(page or 0), price, user_id_of(update))
    if page:
        await rewrite(context, query, view)
    else:
        await _ask(update, context, delivery, MessagePurpose.EFFECT, view)


async def press_effect(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Make the chosen effect."""
    name, _, scene = argument.rpartition(".")
    delivery = await _owned(update, context, name)
    await effect(update, context, delivery, scene)
    await _put_away(context, query)


async def press_dismiss(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Take a question back."""
    del update, argument
    await _put_away(context, query)


async def _ask(
    update: Update, context: Context, delivery: Delivery, purpose: MessagePurpose, view: View
) -> None:
    """Ask about a result beneath it, and remember what the question is for."""
    place = place_of(update)
    # Words are asked for by Telegram itself, so that people need not know how to reply.
    sent = await context.chat.send(place, view, force_reply=True, wait=True)
    await context.services.results.note(delivery, place.chat_id, sent.message_id, purpose)


async def _put_away(context: Context, query: CallbackQuery) -> None:
    if query.message is not None:
        await context.chat.delete(ChatId(query.message.chat.id), query.message.message_id)


# -- buttons: keeping and deleting -------------------------------------------------------------------


async def press_star(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Make it a favourite, or no longer."""
    results = context.services.results
    delivery = await _owned(update, context, argument)
    task = await results.set_favourite(delivery.task, favourite=not delivery.task.favourite)
    await _rebutton(context, query, _buttons(context, replace(delivery, task=task), query))
    return context.t("result.starred" if task.favourite else "result.unstarred")


async def press_delete(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Ask once before it is gone."""
    delivery = await _owned(update, context, argument)
    texts = for_language(delivery.task.origin.language)
    await _rebutton(context, query, result_views.delete_question(texts, argument))


async def press_keep(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Not to be deleted after all."""
    delivery = await _owned(update, context, argument)
    await _rebutton(context, query, _buttons(context, delivery, query))


async def press_erase(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Delete it: its messages from the chats, the task from the history."""
    results = context.services.results
    delivery = await _owned(update, context, argument)
    if query.message is not None:
        await results.note(
            delivery, place_of(update).chat_id, query.message.message_id, MessagePurpose.BESIDE
        )
    left = await results.delete(delivery.task)
    return result_views.deleted(context.t, delivery.task, left)


def _buttons(context: Context, delivery: Delivery, query: CallbackQuery) -> Rows:
    """The buttons that a message had before it asked something."""
    texts: Texts = for_language(delivery.task.origin.language)
    has_file = getattr(query.message, "effective_attachment", None) is not None
    if delivery.task.request.count > 1 and not has_file:
        return result_views.album(texts, delivery).buttons
    return result_views.result_buttons(texts, delivery, context.services.results.possible(delivery))


async def _rebutton(context: Context, query: CallbackQuery, buttons: Rows) -> None:
    if query.message is not None:
        await context.chat.edit_buttons(ChatId(query.message.chat.id), query.message.message_id, buttons)


# -- making something of a result --------------------------------------------------------------------


async def extend(update: Update, context: Context, delivery: Delivery, words: str) -> None:
    """The video, some seconds longer, as words say."""
    services = context.services
    source = await services.results.source(user_id_of(update), delivery.task, delivery.position)
    parsed = await read_words(context.turn, words)
    request = services.compose.extension(parsed, source, delivery.task.request.mode)
    await make(update, context, delivery, request)


async def speak(
    update: Update, context: Context, delivery: Delivery, words: str, sound: AudioRef | None = None
) -> None:
    """The video, whose face says words or what is in a sound."""
    services = context.services
    speech = services.compose.speech(await read_words(context.turn, words), sound)
    source = await services.results.source(user_id_of(update), delivery.task, delivery.position)
    await make(update, context, delivery, services.compose.lip_sync(source, speech))


async def effect(update: Update, context: Context, delivery: Delivery, words: str) -> None:
    """An effect by its name, on the result as a picture."""
    services = context.services
    effects = services.compose.effects
    if not effects.knows(words):
        raise UserError("error.effect.unknown", effect=words[:60], nearest=effects.nearest(words))
    picture = await services.attachments.keep_image(await services.results.picture(delivery))
    await make(update, context, delivery, services.compose.effect(words, (picture,)))


async def make(update: Update, context: Context, delivery: Delivery, request: VideoRequest) -> None:
    """Submit what was made of a result; a button with a price has been asked about already."""
    if update.callback_query is not None:
        await submit(context.turn, request, _home(update, delivery.task))
    else:
        await submit_or_ask(context.turn, request)


# -- parts -------------------------------------------------------------------------------------------


def _parts(argument: str) -> tuple[TaskId, int]:
    """The task and the place of the result in it that a button names."""
    name, _, position = argument.partition(".")
    return TaskId(name), int(position or 0)


def _home(update: Update, task: Task) -> ReplyTarget:
    """Where a task of the same chat is at home: beneath its request, in its topic."""
    here, origin = place_of(update), task.origin
    if here.chat_id != origin.chat_id:
        return here
    # Telegram tells nothing of the topic of an old message; the task knows it.
    return ReplyTarget.of(origin)


async def _repeatable(update: Update, context: Context, argument: str) -> Task:
    """The task of a button that makes it anew, if what it was made of is still there; nobody does so for others."""
    task = await context.services.tasks.owned(user_id_of(update), _parts(argument)[0])
    await context.services.results.check_kept(task.request)
    return task


async def _owned(update: Update, context: Context, argument: str) -> Delivery:
    """The result of a button that is for its owner."""
    name, position = _parts(argument)
    task = await context.services.tasks.owned(user_id_of(update), name)
    return await context.services.results.result(task, position)
