"""What belongs to a message and comes after that was acted on: a photo of an album that took longer to upload."""

from bot.domain.tasks.task import Task
from bot.services.requests.card import LATE
from bot.services.requests.interpret import Meaning
from handlers.chat.inputs import keep_images
from handlers.chat.routes import Event, Found, UpdateKind
from handlers.chat.turn import Turn
from handlers.making.submit import show_card


async def add_late_photos(turn: Turn, found: Found) -> None:
    """Add them to the card that began with the other parts."""
    if found.card is not None:
        images = await keep_images(turn, turn.late)
        await show_card(turn, turn.services.cards.add_images(found.card, images, turn.preferences))


async def on_late_part(turn: Turn, found: Found) -> None:
    """Note what was begun without it: all parts are acted on as one message, which takes its place.

    What is on its way to Kling stays, and it is asked whether to make another.
    """
    services, earlier = turn.services, [part.message_id for part in turn.earlier]
    card = found.card
    if card is not None and card.source_message_id in earlier and card.takes_images:
        turn.replaces_card = card
        return
    task = await _begun(turn, earlier)
    if task is not None and await services.tasks.all_wait(task):
        turn.replaces = task
    elif task is not None:
        turn.first_question = turn.first_question or LATE


async def _begun(turn: Turn, messages: list[int]) -> Task | None:
    """What was made of the parts that came before."""
    for message_id in messages:
        task = await turn.services.results.of_request(turn.chat_id, message_id)
        if task is not None and task.user_id == turn.user_id:
            return task
    return None


EVENTS = (Event(UpdateKind.LATE_PART, on_late_part), Event(Meaning.ADD_LATE_PHOTOS, add_late_photos))
