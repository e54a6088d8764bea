"""The buttons on results: the same again, something made of it, its file and settings, keeping and deleting it.

Whoever sees a result may see its settings and take its file. What costs, and what changes or deletes it,
is for its owner and for admins, whose task it then is.
"""

from dataclasses import replace

from bot.domain.people.access import AccessLevel
from bot.domain.requests.operations import Operation, Role
from bot.domain.requests.request import AudioRef, ImageRef
from bot.domain.tasks.task import Delivery, Task
from bot.domain.types import TaskId
from bot.errors import UserError
from bot.i18n import for_language
from bot.services.requests.card import ONWARD, card_name
from handlers.chat.html import ALERT_LIMIT, View, cut, strip_tags
from handlers.chat.inputs import Inputs, compose_request, continue_from_frame, parse_prompt, read_prompt
from handlers.chat.keyboards import Rows
from handlers.chat.routes import Press
from handlers.chat.turn import Turn
from handlers.making.submit import (
    open_card,
    show_card,
    submit_or_ask,
    submit_pressed,
    wanted_model,
)
from handlers.results import result_views
from handlers.results.result_views import (
    AskForExtension,
    AskForSpeech,
    AskToDelete,
    ContinueFromFrame,
    DeleteResult,
    Dismiss,
    Extend,
    KeepResult,
    ListEffects,
    MakeEffect,
    OfResult,
    RenderFinal,
    SendOriginal,
    ShowAbout,
    TakeOne,
    ToggleFavourite,
)
from handlers.results.task_views import Change, MakeAgain
from handlers.sending.chat import ReplyTarget
from handlers.sending.pacing import Urgency

# -- the same again, and what whoever sees the result may press --------------------------------------


async def on_make_again(turn: Turn, button: MakeAgain) -> None:
    """Submit the same request once more, as a task of whoever presses."""
    task = await _repeatable(turn, button.task_id)
    await submit_pressed(turn, task.request, button.price, _home(turn, task))


async def on_render_final(turn: Turn, button: RenderFinal) -> None:
    """Make a draft's request once more for good, with the model that it was a draft for."""
    task = await _repeatable(turn, button.task_id)
    await submit_pressed(turn, turn.services.results.final(task), button.price, _home(turn, task))


async def on_change(turn: Turn, button: Change) -> None:
    """Open the request on a card, to be changed before it costs anything."""
    task = await _repeatable(turn, button.task_id)
    target = _home(turn, task)
    card = turn.services.cards.reopen(card_name(turn.update_id), task.request, turn.preferences)
    await show_card(turn, replace(card, source_message_id=target.message_id), target)


async def on_about(turn: Turn, button: ShowAbout) -> None:
    """Show the settings: in a private chat as a message with texts to copy, in groups as an alert."""
    delivery = await _seen(turn, button)
    view = result_views.about(turn.t, delivery, turn.local_now())
    if turn.is_private:
        await turn.answer(view)
    else:
        await turn.notify(cut(strip_tags(view.html), ALERT_LIMIT), alert=True)


async def on_take_one(turn: Turn, button: TakeOne) -> None:
    """Send one result of an album alone, with buttons of its own."""
    delivery = await _seen(turn, button)
    await turn.services.results.show_one(delivery, turn.origin(_home(turn, delivery.task)))


async def on_original(turn: Turn, button: SendOriginal) -> None:
    """Send the result as a file, as it was made."""
    delivery = await _seen(turn, button)
    # It may take a while, and the button should not spin as long.
    await turn.notify(turn.t("result.sending_file"))
    await turn.services.results.original(delivery, turn.origin())


# -- making something of a result --------------------------------------------------------------------


async def on_ask_for_extension(turn: Turn, button: AskForExtension) -> None:
    """Ask what should happen next."""
    delivery = await get_owned(turn, button)
    results = turn.services.results
    price = results.price(Operation.EXTEND, delivery, turn.preferences)
    onward = not results.is_extendable(delivery)
    view = result_views.ask_extend(turn.t, delivery, price, turn.user_id, onward=onward)
    await _ask(turn, delivery, button, view)


async def on_ask_for_speech(turn: Turn, button: AskForSpeech) -> None:
    """Ask what the face should say."""
    delivery = await get_owned(turn, button)
    price = turn.services.results.price(Operation.LIP_SYNC, delivery)
    view = result_views.ask_speech(turn.t, turn.user_id, price, turn.user.first_name)
    await _ask(turn, delivery, button, view)


async def on_list_effects(turn: Turn, button: ListEffects) -> None:
    """Ask for an effect: by category, then by name, a page at a time."""
    delivery, compose = await get_owned(turn, button), turn.services.compose
    categories = compose.effects.by_category(images=1)
    if button.category is not None:
        some = categories.get(button.category)
        if some is None:
            raise UserError("error.button.stale")
        priced = compose.price_effects(some)
        view = result_views.choose_effect(turn.t, button, button.category, priced, turn.user_id)
        await turn.edit(view)
        return
    view = result_views.ask_effect(turn.t, delivery, categories, turn.user_id)
    if button.page is None:
        await _ask(turn, delivery, button, view)
    else:
        await turn.edit(view)


async def on_make(turn: Turn, button: Extend | MakeEffect) -> None:
    """Extend the video without a prompt, or make the chosen effect."""
    scene = button.scene if isinstance(button, MakeEffect) else ""
    operation = Operation.EFFECT if scene else Operation.EXTEND
    await make_of_result(turn, operation, await get_owned(turn, button), scene, shown=button.price)
    await on_dismiss(turn)


async def on_dismiss(turn: Turn) -> None:
    """Delete a question."""
    if turn.pressed is not None:
        await turn.delete(turn.pressed.message_id)


async def _ask(turn: Turn, delivery: Delivery, about: OfResult, view: View) -> None:
    """Ask about a result, and record that the question is about it."""
    # Telegram itself opens a reply to a question without buttons, so that people need not know how.
    sent = await turn.chat.send(turn.reply_target, view, force_reply=True, urgency=Urgency.ANSWER)
    await turn.services.results.record(delivery, turn.chat_id, sent.message_id)
    await turn.ask(about, message_id=sent.message_id)


async def make_of_result(
    turn: Turn,
    operation: Operation,
    delivery: Delivery,
    text: str,
    sound: AudioRef | None = None,
    shown: int | None = None,
) -> None:
    """Make something of a result as a text or a sound says; `shown` is the price that the button's message told.

    Raises:
        UserError: it cannot be made.

    """
    services = turn.services
    if operation.row.limits(Role.EFFECT)[1]:
        services.compose.effects.check(text)
    images: tuple[ImageRef, ...] = ()
    if operation.row.limits(Role.REFERENCES)[1]:
        images = (await services.attachments.save_image(await services.results.image(delivery)),)
    names = await services.assets.names(turn.user_id, text)
    inputs = Inputs(text, names, images, sound, delivery.task, delivery.position)
    request = await compose_request(turn, operation, inputs)
    if (
        request.continues is not None
        and not request.prompt
        and not services.compose.goes_without_words(request)
    ):
        said, made_by = parse_prompt(turn, text, names), delivery.task.request
        wanted = wanted_model(turn, said)
        if made_by.operation.row.on_video_model and "model" not in said.options:
            wanted = made_by.model
        await open_card(turn, request, turn.message_id, ONWARD, wanted=wanted)
    elif turn.pressed is not None:
        await submit_pressed(turn, request, shown, _home(turn, delivery.task))
    else:
        await submit_or_ask(turn, request)


async def on_continue_from_frame(turn: Turn, button: ContinueFromFrame) -> None:
    """Make a video of the last frame of another, as the text says that replied to it."""
    services = turn.services
    delivery = await get_owned(turn, button)
    text = await services.questions.saved_words(turn.user_id, button.token)
    if text is None:
        raise UserError("error.button.stale")
    request = await continue_from_frame(turn, delivery, await read_prompt(turn, text))
    await submit_pressed(turn, request, button.price, _home(turn, delivery.task))
    await on_dismiss(turn)


# -- keeping and deleting ----------------------------------------------------------------------------


async def on_toggle_favourite(turn: Turn, button: ToggleFavourite) -> str:
    """Make it a favourite, or no longer."""
    delivery = await get_owned(turn, button)
    favourite = not delivery.task.favourite
    for each in await _meant(turn, delivery):
        await turn.services.results.set_favourite(each, favourite=favourite)
    task = replace(delivery.task, favourite=favourite)
    await _edit_buttons(turn, await _usual_buttons(turn, replace(delivery, task=task)))
    return turn.t("result.starred" if task.favourite else "result.unstarred")


async def on_ask_to_delete(turn: Turn, button: AskToDelete) -> None:
    """Ask once before it is gone."""
    delivery = await get_owned(turn, button)
    texts = for_language(delivery.task.origin.language)
    await _edit_buttons(turn, result_views.delete_question(texts, delivery))


async def on_keep(turn: Turn, button: KeepResult) -> None:
    """Take the question back."""
    delivery = await get_owned(turn, button)
    await _edit_buttons(turn, await _usual_buttons(turn, delivery))


async def on_delete(turn: Turn, button: DeleteResult) -> str:
    """Delete its messages from the chats, and its task from the history."""
    results = turn.services.results
    delivery = await get_owned(turn, button)
    if turn.pressed is not None:
        await results.record(delivery, turn.chat_id, turn.pressed.message_id)
    left = 0
    for each in await _meant(turn, delivery):
        left += await results.delete(each)
    return result_views.deleted(turn.t, delivery.task, left)


async def _usual_buttons(turn: Turn, delivery: Delivery) -> Rows:
    """Return the buttons that a message had before it asked something."""
    texts = for_language(delivery.task.origin.language)
    album = await _album(turn, delivery)
    results = turn.services.results
    final = results.final_price(delivery.task)
    if album:
        first = replace(album[0], task=replace(album[0].task, favourite=delivery.task.favourite))
        return result_views.album(texts, [first, *album[1:]], final).buttons
    return result_views.result_buttons(texts, delivery, results.possible(delivery), final)


async def _meant(turn: Turn, delivery: Delivery) -> list[Task]:
    """Return the tasks that a button is about: beneath an album it is about all that are in it."""
    found = {each.task.id: each.task for each in await _album(turn, delivery)}
    return list(found.values()) or [delivery.task]


async def _album(turn: Turn, delivery: Delivery) -> list[Delivery]:
    """Return what is in the album beneath which a button was pressed; nothing where the message is a result."""
    if getattr(turn.pressed, "effective_attachment", None) is not None:
        return []
    together = await turn.services.results.together(delivery)
    return together if len(together) > 1 else []


async def _edit_buttons(turn: Turn, buttons: Rows) -> None:
    if turn.pressed is not None:
        await turn.chat.edit_buttons(turn.chat_id, turn.pressed.message_id, buttons)


# -- parts -------------------------------------------------------------------------------------------


def _home(turn: Turn, task: Task) -> ReplyTarget:
    """Return where a task of the same chat belongs: below its request, in its topic."""
    if turn.chat_id != task.origin.chat_id:
        return turn.reply_target
    # Telegram tells nothing of the topic of an old message; the task knows it.
    return ReplyTarget.of(task.origin)


async def _repeatable(turn: Turn, task_id: TaskId) -> Task:
    """Return a task of the person's whose attachments are still there."""
    task = await turn.services.tasks.owned(turn.user_id, task_id)
    await turn.services.results.check_kept(task.request)
    return task


async def _seen(turn: Turn, button: OfResult) -> Delivery:
    """Return the result of a button that is for everybody in the chat."""
    task = await turn.services.tasks.of(turn.user_id, button.task_id, turn.chat_id)
    return await turn.services.results.result(task, button.position)


async def get_owned(turn: Turn, button: OfResult) -> Delivery:
    """Return the result of a button that is for its owner."""
    task = await turn.services.tasks.owned(turn.user_id, button.task_id)
    return await turn.services.results.result(task, button.position)


BUTTONS = (
    Press(MakeAgain, on_make_again),
    Press(RenderFinal, on_render_final),
    Press(Change, on_change),
    Press(AskForExtension, on_ask_for_extension),
    Press(Extend, on_make),
    Press(AskForSpeech, on_ask_for_speech),
    Press(ListEffects, on_list_effects),
    Press(MakeEffect, on_make),
    Press(ContinueFromFrame, on_continue_from_frame),
    Press(Dismiss, on_dismiss, AccessLevel.VIEW),
    Press(SendOriginal, on_original, AccessLevel.VIEW),
    Press(ShowAbout, on_about, AccessLevel.VIEW),
    Press(TakeOne, on_take_one),
    Press(ToggleFavourite, on_toggle_favourite, AccessLevel.VIEW),
    Press(AskToDelete, on_ask_to_delete, AccessLevel.VIEW),
    Press(KeepResult, on_keep, AccessLevel.VIEW),
    Press(DeleteResult, on_delete, AccessLevel.VIEW),
)
