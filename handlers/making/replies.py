"""Replies to results and to questions about them, and prompts that were changed after they were sent.

In groups only what is meant for the bot counts: an answer to its question, or a reply that names it.
"""

from collections.abc import Awaitable, Callable, Mapping

from telegram import Update

from bot.domain.requests.links import split_links
from bot.domain.requests.request import Operation, Product
from bot.domain.tasks.task import Delivery, MessagePurpose, NotedMessage
from bot.services.requests.cards import reworded
from handlers.chat.context import Context, message_of, place_of, user_id_of
from handlers.chat.files import fetch_file, sound_file_of
from handlers.chat.inputs import read_words
from handlers.making import card
from handlers.results import results

Answer = Callable[[Update, Context, Delivery, str], Awaitable[None]]
"""Takes the words of a reply to a question about a result."""

ANSWERS: Mapping[MessagePurpose, Answer] = {
    MessagePurpose.EXTEND: results.extend,
    MessagePurpose.LIP_SYNC: results.speak,
    MessagePurpose.EFFECT: results.effect,
}


async def reply(update: Update, context: Context) -> bool:
    """Act on words in reply to a result, or to a question about one; False where they are neither."""
    noted = await _replied(update, context) if message_of(update).text else None
    return noted is not None and await _took(update, context, noted)


async def spoken(update: Update, context: Context) -> None:
    """In groups a voice message is meant for the bot only where it answers the bot's question."""
    noted = await _replied(update, context)
    if noted is None or noted.purpose is not MessagePurpose.LIP_SYNC:
        return
    sound = sound_file_of(message_of(update))
    if sound is None:
        return
    delivery = await _asked_about(update, context, noted)
    kept = await context.services.attachments.keep_sound(await fetch_file(context.chat, sound))
    await results.speak(update, context, delivery, "", kept)
    await _answered(update, context)


async def _replied(update: Update, context: Context) -> NotedMessage | None:
    """What the message that is replied to is about, where it is one of ours."""
    replied = message_of(update).reply_to_message
    if replied is None or replied.from_user is None or replied.from_user.id != context.bot.id:
        return None
    return await context.services.results.noted(place_of(update).chat_id, replied.message_id)


async def _took(update: Update, context: Context, noted: NotedMessage) -> bool:
    words, addressed = _addressed(update, context)
    answer = ANSWERS.get(noted.purpose) if noted.purpose is not None else None
    if answer is not None:
        delivery = await _asked_about(update, context, noted)
        await answer(update, context, delivery, words)
        await _answered(update, context)
        return True
    if not addressed or noted.task.request.operation.product is not Product.VIDEO:
        return False
    await _follow(update, context, noted, words)
    return True


def _addressed(update: Update, context: Context) -> tuple[str, bool]:
    """The words without the bot's name, and whether they are meant for it: in groups only with its name."""
    text = message_of(update).text or ""
    name = f"@{context.bot.username}"
    start = text.casefold().find(name.casefold())
    if start < 0:
        return text.strip(), place_of(update).is_private
    return f"{text[:start]}{text[start + len(name) :]}".strip(), True


async def _follow(update: Update, context: Context, noted: NotedMessage, words: str) -> None:
    """Words in reply to a video: it goes on as they say where it can, else they are its new prompt."""
    services = context.services
    files = await services.results.files(noted.task.id)
    delivery = next((file for file in files if file.position == noted.position), None)
    if delivery is not None and Operation.EXTEND in services.results.possible(delivery):
        await results.extend(update, context, delivery, words)
        return
    parsed = await read_words(context.turn, words)
    await services.results.check_kept(noted.task.request)
    request = reworded(services.compose, noted.task.request, parsed, context.preferences)
    await card.open_with(update, context, request, place_of(update).message_id)


async def _answered(update: Update, context: Context) -> None:
    """Take the question away that a reply has answered."""
    replied = message_of(update).reply_to_message
    if replied is not None:
        await context.chat.delete(place_of(update).chat_id, replied.message_id)


async def _asked_about(update: Update, context: Context, noted: NotedMessage) -> Delivery:
    """The result that a question is about; only its owner may answer."""
    context.services.tasks.check_owner(user_id_of(update), noted.task)
    return await context.services.results.result(noted.task, noted.position)


async def edited(update: Update, context: Context) -> None:
    """The message that held a prompt was changed: a new run is offered, and nothing runs by itself."""
    message = message_of(update)
    services, place = context.services, place_of(update)
    task = await services.results.of_request(place.chat_id, message.message_id)
    if task is None or task.user_id != user_id_of(update):
        return
    words = context.turn.arguments
    parsed = await read_words(context.turn, split_links(words).words)
    if not parsed.prompt:
        return
    await services.results.check_kept(task.request)
    request = reworded(services.compose, task.request, parsed, context.preferences)
    if request != task.request:
        await card.open_with(update, context, request, message.message_id, question="draft.edited")
