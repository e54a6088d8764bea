"""The one place where an exception becomes what a person sees: a sentence, or a reference for the operators."""

import random

import structlog

from bot.errors import UserError
from bot.services.ports import ChatError, ChatMoved, ChatRefused
from handlers.chat.html import ALERT_LIMIT, View, cut, error_sentence, strip_tags
from handlers.chat.turn import Turn

log = structlog.get_logger(__name__)


async def answer_error(turn: Turn, error: Exception) -> None:
    """Answer a failed update; nobody sees a traceback, and nothing of the exception's text."""
    update_id = turn.update_id
    if isinstance(error, UserError):
        text = error_sentence(turn.t, error, turn.local_now())
        log.info("refused", update=update_id, key=error.key)
    elif isinstance(error, ChatError) and not isinstance(error, ChatRefused):
        # Telegram does not take our answers here: there is nobody to tell and nothing of ours to mend.
        log.warning("an answer could not be sent", update=update_id, kind=type(error).__name__)
        if isinstance(error, ChatMoved) and not turn.is_private:
            await turn.services.status.move(turn.chat_id, error.new_chat_id)
        return
    else:
        reference = f"T-{random.SystemRandom().getrandbits(16):04x}"
        log.error("an update failed", update=update_id, reference=reference, exc_info=error)
        text = turn.t("error.unexpected", reference=reference)
    try:
        await _tell(turn, text)
    except ChatError as failure:
        log.warning("an error could not be told", update=update_id, kind=type(failure).__name__)


async def _tell(turn: Turn, text: str) -> None:
    if turn.update.callback_query is not None:
        if await turn.notify(cut(strip_tags(text), ALERT_LIMIT), alert=True) or turn.pressed is None:
            return
        # A press that waited too long for an alert is answered in the chat.
        await turn.answer(View(text))
    elif turn.message is not None:
        await turn.answer(View(text))
