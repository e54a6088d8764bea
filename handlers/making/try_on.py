"""Ready-made changes of clothes: what `/tryon` offers where one photo came without words."""

from telegram import CallbackQuery, Update

from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import ImageRef
from bot.errors import UserError
from bot.services.compose import Pictures
from bot.services.requests.cards import Card
from handlers.chat.context import Context, place_of, user_id_of
from handlers.chat.html import View
from handlers.chat.keyboards import Button, in_rows
from handlers.making import card

SUGGESTIONS = ("jeans", "suit", "gown", "sunglasses", "hat", "office")
QUESTION = "tryon.which"


async def suggest(update: Update, context: Context, person: ImageRef) -> None:
    """Ask what the person in a photo shall wear; words answer it as well as a tap."""
    compose = context.services.compose
    request = compose.video_draft(ParsedPrompt(""), Pictures(first=person), context.preferences, try_on=True)
    asked = Card(card.name_of(update), request, QUESTION, place_of(update).message_id)
    await card.show(update, context, asked, view=_view(update, context, asked))


def _view(update: Update, context: Context, asked: Card) -> View:
    t, owner = context.t, user_id_of(update)
    buttons = [Button(t(f"tryon.name_{name}"), "wear", f"{asked.name}.{name}", owner) for name in SUGGESTIONS]
    return View(
        t(QUESTION), [*in_rows(buttons, 2), [Button(t("button.discard"), "discard", asked.name, owner)]]
    )


async def press_wear(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Take a suggestion as the words of the card, which then shows its price."""
    name, _, suggestion = argument.partition(".")
    if suggestion not in SUGGESTIONS:
        raise UserError("error.button.stale")
    await card.give_words(update, context, query, name, context.t(f"tryon.prompt_{suggestion}"))
