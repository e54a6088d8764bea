"""The composer card: one message in which a request takes shape before it costs anything.

Buttons change it where it stands. What people send to it changes it too; then it moves below what they sent.
"""

import json
from dataclasses import dataclass, replace

from bot.domain.people.access import AccessLevel
from bot.domain.requests.naming import show_prompt
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.question import NEXT_MESSAGE, NO_CONTENT
from bot.domain.requests.request import GenerationRequest, ImageRef
from bot.domain.types import ChatId
from bot.errors import UserError
from bot.i18n import for_language
from bot.services.compose import Images
from bot.services.requests.card import OUTFIT, Card, card_name, dump_card, load_card
from handlers.chat.html import View
from handlers.chat.inputs import parse_prompt, read_inputs
from handlers.chat.keyboards import Payload
from handlers.chat.menus import Menu, Section
from handlers.chat.pointers import Medium
from handlers.chat.routes import Command, Event, Press, QuestionKind, UpdateKind
from handlers.chat.turn import Turn
from handlers.making import card_views
from handlers.making.submit import aside_view, card_view, show_card, submit
from handlers.sending.chat import ReplyTarget
from handlers.sending.pacing import Urgency


@dataclass(frozen=True)
class SuggestedPrompt(Payload, action="suggestion"):
    """A better prompt for a card; a tap takes it."""

    card: str
    prompt: str


async def new(turn: Turn) -> None:
    """`/new`: a card with what came along, with the request of the video that is replied to, or an empty one."""
    cards, name = turn.services.cards, card_name(turn.update_id)
    inputs = await read_inputs(turn, Medium.VIDEO | Medium.PHOTO)
    if inputs.source is not None and not inputs.images:
        await turn.services.results.check_kept(inputs.source.request)
        card = cards.reopen(name, inputs.source.request, turn.preferences)
        if inputs.text:
            card = cards.answer(card, inputs.text, inputs.names)
    else:
        prompt = parse_prompt(turn, inputs.text, inputs.names)
        card = cards.start(name, prompt, inputs.images, turn.preferences)
    await show_card(turn, replace(card, source_message_id=turn.message_id))


async def suggest_outfits(turn: Turn, person: ImageRef) -> None:
    """Ask what the person in a photo should wear; a text answers it as well as a tap."""
    request = turn.services.compose.video_draft(
        ParsedPrompt(""), Images(first=person), turn.preferences, try_on=True
    )
    card = Card(card_name(turn.update_id), request, OUTFIT, turn.message_id)
    card = turn.services.cards.note_usual(card, ParsedPrompt(""), turn.preferences)
    await show_card(turn, card, view=card_views.outfits(turn.t, card, turn.user_id))


async def close_card(turn: Turn) -> View | None:
    """Discard the person's card in this chat, and what to say of it; None where there is none."""
    cards = turn.services.cards
    card = await cards.get(turn.user_id, turn.chat_id)
    if card is None:
        return None
    await cards.close(turn.user_id, turn.chat_id)
    if card.message_id is not None:
        await turn.remove(card.message_id)
    return await _discarded(turn, card)


async def _discarded(turn: Turn, card: Card | None) -> View:
    """What to say of a card that was discarded: one with photos can be brought back."""
    if card is None or not card.photos:
        return View(turn.t("draft.discarded"))
    return await aside_view(turn, card)


async def on_bring_back(turn: Turn, button: card_views.BringBack) -> None:
    """Open a card again that was put aside; it is the newest message then.

    Raises:
        UserError: it is no longer saved.

    """
    saved = await turn.services.questions.saved_words(turn.user_id, button.token)
    card = None if saved is None else load_card(json.loads(saved))
    if card is None:
        raise UserError("error.draft.gone")
    await show_card(turn, card, turn.reply_target.below)
    if turn.pressed is not None:
        await turn.remove(turn.pressed.message_id)


async def on_moved(turn: Turn) -> None:
    """Follow a group to its new id, and say there whose cards came along: their messages stayed behind."""
    message, services = turn.message, turn.services
    if message is None:
        return
    old, new = message.migrate_from_chat_id or message.chat.id, message.migrate_to_chat_id or message.chat.id
    await services.status.move(ChatId(old), ChatId(new))
    async with services.cards.showing_anew:
        for user_id, card in await services.cards.list_unshown(ChatId(new)):
            person = await services.accounts.find(str(user_id))
            t = for_language(services.accounts.language_of(person))
            token = await services.questions.save_words(user_id, json.dumps(dump_card(card)))
            view = card_views.came_along(t, person.name, token, user_id)
            sent = await turn.chat.send(ReplyTarget(ChatId(new)), view, urgency=Urgency.ANSWER)
            await services.cards.save(user_id, ChatId(new), replace(card, message_id=sent.message_id))


# -- buttons -----------------------------------------------------------------------------------------


async def on_open(turn: Turn, button: card_views.OpenCard) -> None:
    """Show the choices of an option, or the whole card again."""
    option = button.option
    card = await _named(turn, button.card)
    if option is None:
        await _change(turn, card)
        return
    if option.row.sample and card.message_id is not None:
        await turn.ask(button, message_id=card.message_id)
    else:
        await turn.stop_asking(turn.message_id or NEXT_MESSAGE)
    await turn.services.cards.save(turn.user_id, turn.chat_id, card)
    choices = turn.services.cards.choices(card.request, option)
    prices = {choice.key: turn.services.compose.price(choice.request) for choice in choices}
    await turn.edit(card_views.choices(turn.t, card, option, choices, prices, turn.user_id))


async def on_choose(turn: Turn, button: card_views.Choose) -> None:
    """Set an option, and show the card with it."""
    card = await _named(turn, button.card)
    await _change(turn, turn.services.cards.choose(card, button.option, button.key))


async def on_open_assets(turn: Turn, button: card_views.OpenAssets) -> None:
    """Show which elements and voices the person can add."""
    card = await _named(turn, button.card)
    await turn.stop_asking(turn.message_id or NEXT_MESSAGE)
    await _show_assets(turn, card)


async def on_toggle_asset(turn: Turn, button: card_views.ToggleAsset) -> None:
    """Add an element or a voice to the card, or take it away.

    Raises:
        UserError: it is gone, or no model on offer takes it.

    """
    card = await _named(turn, button.card)
    castable = await _list_castable(turn, card)
    found = next((each for each in castable if each.key == button.key), None)
    if found is None:
        raise UserError("error.asset.gone")
    named = (found.id, found.name)
    await _show_assets(turn, turn.services.cards.toggle_asset(card, found.kind, named, turn.preferences))


async def _show_assets(turn: Turn, card: Card) -> None:
    castable = await _list_castable(turn, card)
    await turn.services.cards.save(turn.user_id, turn.chat_id, card)
    if castable:
        await turn.edit(card_views.assets(turn.t, card, castable, turn.user_id))
    else:
        await turn.edit(await card_view(turn, card))


async def _list_castable(turn: Turn, card: Card) -> list[card_views.Castable]:
    owned = await turn.services.assets.list_usable(turn.user_id)
    return card_views.list_castable(owned, card.request)


async def on_use_images(turn: Turn, button: card_views.UseImages) -> None:
    """Use the photos in question as frames or as references."""
    card = await _named(turn, button.card)
    await _change(turn, turn.services.cards.use_images(card, button.use, turn.preferences))


async def on_go_back(turn: Turn, button: card_views.GoBack) -> None:
    """Use the model again that another stands in for."""
    card = await _named(turn, button.card)
    await _change(turn, turn.services.cards.go_back(card))


async def on_wear(turn: Turn, button: card_views.Wear) -> None:
    """Take an outfit as the card's prompt."""
    card = await _named(turn, button.card)
    await _change(turn, turn.services.cards.set_prompt(card, turn.t(f"tryon.prompt_{button.outfit}")))


async def on_improve_prompt(turn: Turn, button: card_views.ImprovePrompt) -> None:
    """Ask the assistant for a better prompt, and show both."""
    services = turn.services
    request = (await services.cards.get_named(turn.user_id, turn.chat_id, button.card)).request
    prompt = show_prompt(request)
    suggestion = await services.assistant.improve(turn.user_id, prompt, of_a_photo=bool(request.images))
    if turn.message_id is not None:
        await turn.ask(SuggestedPrompt(button.card, suggestion), message_id=turn.message_id)
    view = card_views.improved_prompt(turn.t, button.card, prompt, suggestion, turn.user_id)
    await turn.edit(view)


async def on_use_prompt(turn: Turn) -> None:
    """Replace the card's prompt by the suggested one."""
    message_id = turn.message_id or NEXT_MESSAGE
    question = (await turn.find_questions(message_id)).get(message_id)
    if question is None or question.kind != SuggestedPrompt.action:
        raise UserError("error.button.stale")
    await SUGGESTION.answer(turn, question)


async def on_suggested(turn: Turn, suggested: SuggestedPrompt) -> None:
    """Take a suggested prompt; who made it may have left names out, which are not given up for that."""
    card = await _named(turn, suggested.card)
    names = await turn.services.assets.names(turn.user_id, suggested.prompt)
    await _change(turn, turn.services.cards.set_prompt(card, suggested.prompt, names, keeps_assets=True))


async def on_generate(turn: Turn, button: card_views.Generate) -> None:
    """Submit the card's request; the status message takes the card's place."""
    card = await _named(turn, button.card)
    renewed = turn.services.cards.renew(card, turn.preferences)
    if renewed is not None:
        models = {"model": card.request.model, "other": renewed.request.model}
        await turn.notify(turn.t("confirm.model_gone", **models), alert=True)
        await _change(turn, renewed)
        return
    # A card may wait without a prompt, but what needs one is not sent without.
    turn.services.compose.check(card.request)
    if button.price != turn.services.compose.price(card.request):
        await turn.notify(turn.t("confirm.card_changed"), alert=True)
        await _change(turn, card)
        return
    target = replace(turn.reply_target, message_id=card.source_message_id)
    await submit(turn, card.request, target, card.swap)
    await turn.services.cards.close(turn.user_id, turn.chat_id)
    if card.message_id is not None:
        await turn.remove(card.message_id)


async def on_make_it(turn: Turn, button: card_views.MakeIt) -> None:
    """Submit a request whose price was shown; where it costs something else by now, ask once more.

    Raises:
        UserError: it is no longer saved, or was not accepted.

    """
    services = turn.services
    saved = await services.questions.saved_words(turn.user_id, button.token)
    if saved is None:
        raise UserError("error.button.stale")
    try:
        data = json.loads(saved)
        request, message_id = GenerationRequest.model_validate(data["request"]), data["message_id"]
    except (ValueError, KeyError, TypeError):
        raise UserError("error.button.stale") from None
    await services.results.check_kept(request)
    price = services.compose.price(request)
    if price != button.price:
        left = max(0, (await services.accounts.balance(turn.user_id)).available - price)
        await turn.edit(
            card_views.confirmation(
                turn.t, "confirm.changed", request, price, left, button.token, turn.user_id
            )
        )
        return
    await submit(turn, request, replace(turn.reply_target, message_id=message_id))
    if turn.pressed is not None:
        await turn.remove(turn.pressed.message_id)


async def on_decline(turn: Turn) -> None:
    """Spend nothing."""
    await turn.edit(View(turn.t("draft.discarded")))


async def on_discard(turn: Turn, button: card_views.Discard) -> None:
    """Discard the card; a button of an older card leaves the newer one alone."""
    cards = turn.services.cards
    card = await cards.get(turn.user_id, turn.chat_id)
    mine = card if card is not None and card.name == button.card else None
    if mine is not None:
        await cards.close(turn.user_id, turn.chat_id)
    await turn.edit(await _discarded(turn, mine))


async def _named(turn: Turn, name: str) -> Card:
    """The card that a button names; it is shown where the button stands."""
    card = await turn.services.cards.get_named(turn.user_id, turn.chat_id, name)
    return replace(card, message_id=turn.message_id)


async def _change(turn: Turn, card: Card) -> None:
    """Save a card and show it in its place; what was asked there is not wanted any more."""
    await turn.stop_asking(turn.message_id or NEXT_MESSAGE)
    await turn.services.cards.save(turn.user_id, turn.chat_id, card)
    await turn.edit(await card_view(turn, card))


COMMANDS = (Command("new", new, section=Section.MAKING, menu=Menu.PRIVATE),)
BUTTONS = (
    Press(card_views.OpenCard, on_open),
    Press(card_views.Choose, on_choose),
    Press(card_views.OpenAssets, on_open_assets),
    Press(card_views.ToggleAsset, on_toggle_asset),
    Press(card_views.UseImages, on_use_images),
    Press(card_views.GoBack, on_go_back),
    Press(card_views.Wear, on_wear),
    Press(card_views.ImprovePrompt, on_improve_prompt),
    Press(card_views.UsePrompt, on_use_prompt),
    Press(card_views.Generate, on_generate),
    Press(card_views.BringBack, on_bring_back),
    Press(card_views.MakeIt, on_make_it),
    Press(card_views.Decline, on_decline, AccessLevel.VIEW),
    Press(card_views.Discard, on_discard, AccessLevel.VIEW),
)
SUGGESTION = QuestionKind(SuggestedPrompt, NO_CONTENT, on_suggested)
QUESTIONS = (SUGGESTION,)
EVENTS = (Event(UpdateKind.MOVED, on_moved, AccessLevel.OPEN),)
