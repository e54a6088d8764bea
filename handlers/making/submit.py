"""From a composed request to a task, or to a card that asks first: nothing is spent by accident."""

from dataclasses import replace

from bot.domain.requests.request import VideoRequest
from bot.domain.tasks.task import Task
from bot.services.requests.cards import READY, STALE, Card, card_name
from handlers.chat.html import View
from handlers.chat.turn import Turn
from handlers.making import card_views
from handlers.sending.chat import ReplyTarget


async def submit(turn: Turn, request: VideoRequest, target: ReplyTarget | None = None) -> Task:
    """Accept a request and show its status, in answer to the update or at another place.

    Raises:
        UserError: it was not accepted.

    """
    task = await turn.services.submit.accept(turn.user_id, turn.origin(target), request)
    await turn.services.status.show(task)
    return task


async def submit_or_ask(turn: Turn, request: VideoRequest, question: str | None = None) -> None:
    """Submit the request of a message, or show it as a card where something is to be asked first.

    Without a `question`, a message that waited too long is asked about, and so is everything of a
    person who prefers to confirm.
    """
    if question is None and is_stale(turn):
        question = STALE
    elif question is None and turn.preferences.confirm_first:
        question = READY
    if question is None:
        await submit(turn, request)
    else:
        await open_card(turn, request, turn.message_id, question)


def is_stale(turn: Turn) -> bool:
    """Whether a message waited so long that its sender may no longer want what it asks for."""
    assert turn.message is not None  # noqa: S101  a press is never stale
    return turn.now() - turn.message.date.timestamp() * 1000 > turn.services.stale_after


async def open_card(
    turn: Turn,
    request: VideoRequest,
    source_message_id: int | None,
    question: str = READY,
    target: ReplyTarget | None = None,
) -> None:
    """Show a request as the person's card in this chat; it replaces an older card.

    The video will be a reply to `source_message_id`. The card itself is sent to `target`, or in answer to
    the update. `question` is the key of its first line.
    """
    request = turn.services.cards.revived(request, turn.preferences)
    await show_card(turn, Card(card_name(turn.update_id), request, question, source_message_id), target)


async def show_card(
    turn: Turn, card: Card, target: ReplyTarget | None = None, view: View | None = None
) -> None:
    """Save a card and show it as the newest message; the message that showed it, or an older one, goes."""
    cards = turn.services.cards
    older = await cards.card(turn.user_id, turn.chat_id)
    # Saved before it is shown: its buttons must work at once, also if we crash in between.
    await cards.keep(turn.user_id, turn.chat_id, replace(card, message_id=None))
    sent = await turn.answer(view or await card_view(turn, card), target)
    await cards.keep(turn.user_id, turn.chat_id, replace(card, message_id=sent.message_id))
    if older is not None and older.message_id is not None:
        await turn.remove(older.message_id)


async def card_view(turn: Turn, card: Card) -> View:
    """A card as the person sees it: with its price and their balance, or with what its photos may be for."""
    services = turn.services
    if card.pictures:
        uses = services.cards.uses(card, turn.preferences)
        return card_views.picture_uses(turn.t, card, uses, turn.user_id)
    balance = await services.accounts.balance(turn.user_id)
    return card_views.card(
        turn.t,
        card,
        services.cards.knobs(card.request),
        services.compose.price(card.request),
        balance.available,
        turn.user_id,
        can_improve=services.assistant.offered,
        is_private=turn.is_private,
    )
