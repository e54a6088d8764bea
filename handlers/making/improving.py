"""A better prompt from the operator's assistant, shown beside the old one: to be used or not."""

from telegram import CallbackQuery, Update

from bot.errors import UserError
from handlers.chat.context import Context, place_of, rewrite, user_id_of
from handlers.chat.html import View, quoted
from handlers.chat.keyboards import CONFIRM, Button
from handlers.making import card

SUGGESTION = "suggestion"
PROMPT_SHOWN = 1_500


async def press_improve(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Ask for another prompt for the card, and show both."""
    services, user_id, chat_id = context.services, user_id_of(update), place_of(update).chat_id
    asked = await services.cards.named(user_id, chat_id, argument)
    prompt = asked.request.prompt
    suggestion = await services.assistant.improve(user_id, prompt, of_a_photo=bool(asked.request.images))
    await services.questions.ask(user_id, chat_id, SUGGESTION, suggestion)
    t = context.t
    lines = [
        t("improve.old"),
        quoted(prompt, PROMPT_SHOWN),
        t("improve.new"),
        quoted(suggestion, PROMPT_SHOWN),
    ]
    buttons = [
        Button(t("improve.button.use"), "improve_use", argument, user_id, style=CONFIRM),
        Button(t("improve.button.keep"), "card", argument, user_id),
    ]
    await rewrite(context, query, View("\n".join(lines), [buttons]))


async def press_use(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Put the suggestion in the place of the card's words."""
    questions, user_id, chat_id = context.services.questions, user_id_of(update), place_of(update).chat_id
    awaited = await questions.pending(user_id, chat_id)
    if awaited is None or awaited.kind != SUGGESTION:
        raise UserError("error.button.stale")
    await card.give_words(update, context, query, argument, awaited.subject)
    await questions.close(user_id, chat_id)
