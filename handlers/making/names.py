"""The page of a card where a tap names its photos, videos, elements and voices in the prompt."""

from dataclasses import replace

from bot.domain.requests.naming import list_nameable, show_prompt, show_text
from bot.domain.requests.question import NEXT_MESSAGE
from bot.domain.requests.references import named_in
from bot.domain.types import UserId
from bot.i18n import Texts
from bot.services.requests.card import Card
from handlers.chat.html import View, mark_chosen, quoted
from handlers.chat.keyboards import CHOICES_PER_ROW, Button, in_rows
from handlers.chat.routes import Press
from handlers.chat.turn import Turn
from handlers.making import card_views

SHORT = 10
"""Letters of a name up to which three stand side by side on a phone; of longer ones two do."""


async def on_open_names(turn: Turn, button: card_views.OpenNames) -> None:
    """Show what the prompt of a card can name."""
    card = await turn.services.cards.get_named(turn.user_id, turn.chat_id, button.card)
    await _show(turn, card)


async def on_name(turn: Turn, button: card_views.NameInPrompt) -> None:
    """Name an input at the end of the prompt, or no longer.

    Raises:
        UserError: it is gone, or the prompt is too long for one more name.

    """
    cards = turn.services.cards
    card = await cards.get_named(turn.user_id, turn.chat_id, button.card)
    await _show(turn, cards.name(card, button.kind, button.number))


async def _show(turn: Turn, card: Card) -> None:
    await turn.stop_asking(turn.message_id or NEXT_MESSAGE)
    card = replace(card, message_id=turn.message_id)
    await turn.services.cards.save(turn.user_id, turn.chat_id, card)
    await turn.edit(names(turn.t, card, turn.user_id))


def names(t: Texts, shown: Card, owner: UserId) -> View:
    """The prompt, and a button for everything that it can name; what it names is marked."""
    request = shown.request
    present = set(named_in(request.prompt))
    buttons, longest = [], 0
    for reference in list_nameable(request):
        label = show_text(reference.token, request.elements, request.voices, request.asset_names)
        longest = max(longest, len(label))
        button = card_views.NameInPrompt(shown.name, reference.kind, reference.number)
        buttons.append(Button(mark_chosen(t, label, is_chosen=reference in present), button, owner=owner))
    lines = [
        f"<b>{t('card.names')}</b>",
        t("card.ask.names"),
        quoted(show_prompt(request), card_views.PROMPT_SHOWN),
    ]
    back = Button(t("button.back"), card_views.OpenCard(shown.name), owner=owner)
    rows = in_rows(buttons, CHOICES_PER_ROW if longest <= SHORT else 2)
    return View("\n".join(filter(None, lines)), [*rows, [back]])


BUTTONS = (Press(card_views.OpenNames, on_open_names), Press(card_views.NameInPrompt, on_name))
