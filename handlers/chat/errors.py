"""The one place where an exception becomes what a person sees: a sentence, or a reference for the operators."""

import random

import structlog
from telegram import Update

from bot.errors import UserError
from bot.services.ports import ChatError, ChatRefused
from handlers.chat.context import Context, acknowledge, answer
from handlers.chat.views import View, cut, error_sentence, plain

log = structlog.get_logger(__name__)

ALERT_LIMIT = 200
"""Characters that Telegram shows in the answer to a press."""


async def on_error(update: object, context: Context) -> None:
    """Answer a failed update; nobody sees a traceback, and nothing of the exception's text."""
    error = context.error
    if not isinstance(update, Update):
        log.error("an error outside an update", exc_info=error)
        return
    if isinstance(error, UserError):
        services = context.services
        text = error_sentence(context.t, error, services.accounts.zone, services.clock.now())
        log.info("refused", update=update.update_id, key=error.key)
    elif isinstance(error, ChatError) and not isinstance(error, ChatRefused):
        # Telegram does not take our answers here: there is nobody to tell and nothing of ours to mend.
        log.warning("an answer could not be sent", update=update.update_id, kind=type(error).__name__)
        return
    else:
        reference = f"T-{random.SystemRandom().getrandbits(16):04x}"
        log.error("an update failed", update=update.update_id, reference=reference, exc_info=error)
        text = context.t("error.unexpected", reference=reference)
    try:
        await _tell(update, context, text)
    except ChatError as failure:
        log.warning("an error could not be told", update=update.update_id, kind=type(failure).__name__)


async def _tell(update: Update, context: Context, text: str) -> None:
    query = update.callback_query
    if query is not None:
        if (
            await acknowledge(context, query, cut(plain(text), ALERT_LIMIT), alert=True)
            or query.message is None
        ):
            return
        # A press that waited too long for an alert is answered in the chat.
        await answer(update, context, View(text))
    elif update.message is not None or update.edited_message is not None:
        await answer(update, context, View(text))
