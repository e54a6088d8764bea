"""The one place where an exception becomes what a person sees: a sentence, or a reference for the operators."""

import random
from html import escape

import structlog
from telegram import Update
from telegram.error import TelegramError

from bot.errors import UserError
from handlers.context import Context, answer
from handlers.views import View, cut

log = structlog.get_logger(__name__)

ALERT_LIMIT = 200
"""Characters that Telegram shows in the answer to a press."""


def sentence(context: Context, error: UserError) -> str:
    """A UserError in the reader's language, its parameters readable and escaped."""
    t = context.t
    accounts = context.services.accounts
    params: dict[str, object] = {}
    for name, value in error.params.items():
        if name == "resets_at":
            moment = (
                None
                if value is None
                else t.moment(int(str(value)), accounts.zone, context.services.clock.now())
            )
            params["resets"] = "" if moment is None else t("quota.resets", moment=moment)
        elif isinstance(value, int):
            params[name] = t.number(value)
        else:
            params[name] = escape(str(value))
    return t(error.key, **params).strip()


async def on_error(update: object, context: Context) -> None:
    """Answer a failed update; nobody sees a traceback, and nothing of the exception's text."""
    error = context.error
    if not isinstance(update, Update):
        log.error("an error outside an update", exc_info=error)
        return
    if isinstance(error, UserError):
        text = sentence(context, error)
        log.info("refused", update=update.update_id, key=error.key)
    else:
        reference = f"T-{random.SystemRandom().getrandbits(16):04x}"
        log.error("an update failed", update=update.update_id, reference=reference, exc_info=error)
        text = context.t("error.unexpected", reference=reference)
    try:
        if update.callback_query is not None:
            await update.callback_query.answer(cut(text, ALERT_LIMIT), show_alert=True)
        elif update.effective_message is not None:
            await answer(update, context, View(text))
    except TelegramError as failure:
        log.warning("an error could not be told", update=update.update_id, kind=type(failure).__name__)
