"""When something is asked before it costs anything: nothing is spent by accident."""

from bot.domain.requests.request import VideoRequest
from handlers.chat.context import Context
from handlers.chat.turn import Turn
from handlers.making.card import open_with
from handlers.making.submit import is_stale, submit
from handlers.sending.chat import ReplyTarget


async def submit_or_ask(turn: Turn, request: VideoRequest) -> None:
    """Submit at once; but ask about a message that waited too long, and whoever wants to be asked first."""
    if is_stale(turn):
        await ask(turn, request, "draft.stale")
    elif turn.preferences.confirm_first:
        await ask(turn, request, "draft.ready")
    else:
        await submit(turn, request)


async def ask(turn: Turn, request: VideoRequest, question: str) -> None:
    """Show a request that the message brought as the person's card, with a question above it."""
    await open_with(turn.update, Context(turn), request, turn.message_id, question=question)


async def offer(turn: Turn, request: VideoRequest, target: ReplyTarget) -> None:
    """Show a request that no message of the person brought as their card, at a place."""
    await open_with(turn.update, Context(turn), request, None, question="draft.words", place=target)
