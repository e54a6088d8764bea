"""From a composed request to a task, or to a card that asks first: nothing is spent by accident."""

import json
from dataclasses import replace

from bot.domain.credits import quota
from bot.domain.requests.naming import names_images
from bot.domain.requests.options import Option
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import GenerationRequest, ImageRef
from bot.domain.tasks.task import Task
from bot.errors import UserError
from bot.services.requests.card import LINE_FULL, READY, STALE, Card, card_name, dump_card
from bot.services.requests.swaps import Swap
from handlers.chat.availability import availability_line
from handlers.chat.html import View
from handlers.chat.turn import Turn
from handlers.making import card_views
from handlers.sending.chat import ReplyTarget
from handlers.sending.media import Media, MediaKind


async def make_video(
    turn: Turn, prompt: ParsedPrompt, images: tuple[ImageRef, ...] = (), question: str | None = None
) -> None:
    """Submit a video of what a message brought, or show it as a card where something is to be asked first.

    Photos without a prompt wait for it, and of two photos it may be open what they are for. Else the card
    asks `question`, or what `first_question` says.
    """
    if not images and not prompt.prompt and not prompt.options.get("shots"):
        await turn.answer(card_views.how_to(turn.t))
        return
    card = turn.services.cards.start(card_name(turn.update_id), prompt, images, turn.preferences)
    is_open = len(images) == 2 and not names_images(prompt, len(images))
    if is_open or (images and not prompt.prompt):
        is_late = turn.first_question == STALE and not card.images
        question = STALE if is_late else card.question
    else:
        turn.services.compose.check(card.request)
        question = question or first_question(turn)
    card = replace(card, source_message_id=turn.message_id)
    if question is not None:
        await show_card(turn, replace(card, question=question))
    else:
        await _submit_or_keep(turn, card)


async def submit_or_ask(
    turn: Turn, request: GenerationRequest, shown: int | None = None, wanted: str = ""
) -> None:
    """Submit the request of a message, or ask first where there is something to ask.

    `shown` is the price that was shown before; None where none was. `wanted` is the model that the person wants: where
    another stands in for it, that is said.
    """
    request, sheet = await turn.services.faces.find(request)
    if sheet is not None:
        await _ask_for_face(turn, request, sheet)
        return
    question = first_question(turn)
    if question is not None:
        await open_card(turn, request, turn.message_id, question, wanted=wanted)
    else:
        card = Card(card_name(turn.update_id), request, READY, turn.message_id)
        if wanted:
            card = turn.services.cards.note_wanted(card, wanted)
        await _submit_or_keep(turn, card, shown)


async def submit_pressed(
    turn: Turn, request: GenerationRequest, shown: int | None, target: ReplyTarget | None = None
) -> None:
    """Submit what a button asks for at the price `shown` on it; a button of another version shows none we know."""
    await submit_or_confirm(turn, request, shown or 0, target)


async def submit_or_confirm(
    turn: Turn,
    request: GenerationRequest,
    shown: int | None = None,
    target: ReplyTarget | None = None,
    swap: Swap | None = None,
) -> None:
    """Submit a request; where it costs much, or other than was `shown`, first ask with the price.

    `swap` says whose place its model takes.

    Raises:
        UserError: it was not accepted.

    """
    price = turn.services.compose.price(request)
    balance = (await turn.services.accounts.balance(turn.user_id)).available
    if shown is not None and shown != price:
        question = "confirm.changed"
    elif price <= balance and _is_large(turn, price, balance):
        question = "confirm.large"
    else:
        await submit(turn, request, target, swap)
        return
    place = target or turn.reply_target
    token = await save_request(turn, request, place.message_id)
    left = max(0, balance - price)
    view = card_views.confirmation(turn.t, question, request, price, left, token, turn.user_id, swap)
    await turn.answer(view, place)


def _is_large(turn: Turn, price: int, balance: int) -> bool:
    """Whether the person is to be asked first, by the operator's limits and their own choice."""
    limits = turn.services.limits
    if not turn.preferences.confirm_large:
        return False
    by_share = limits.confirm_percent and price * 100 >= limits.confirm_percent * balance
    return bool((limits.confirm_credits and price >= limits.confirm_credits) or by_share)


async def save_request(turn: Turn, request: GenerationRequest, message_id: int | None) -> str:
    """Save a request for a `MakeIt` button, with the message that its video will reply to; its token."""
    saved = {"request": request.model_dump(mode="json"), "message_id": message_id}
    return await turn.services.questions.save_words(turn.user_id, json.dumps(saved))


async def _ask_for_face(turn: Turn, request: GenerationRequest, sheet: bytes) -> None:
    """Show the faces of a video, and a card that asks which of them is to speak."""
    card = Card(card_name(turn.update_id), request, READY, turn.message_id)
    choices = turn.services.cards.choices(request, Option.FACE)
    prices = {choice.key: turn.services.compose.price(choice.request) for choice in choices}
    view = card_views.choices(turn.t, card, Option.FACE, choices, prices, turn.user_id)
    image = Media(kind=MediaKind.PHOTO, source=sheet, filename="faces.jpg")
    await turn.chat.send_media(turn.reply_target, image)
    await show_card(turn, card, view=replace(view, html=turn.t("draft.which_face")))


def first_question(turn: Turn) -> str | None:
    """What to ask before a message costs anything: as it was decided, or as the person prefers."""
    return turn.first_question or (READY if turn.preferences.confirm_first else None)


async def _submit_or_keep(turn: Turn, card: Card, shown: int | None = None) -> None:
    """Submit the request of a card; where the line holds no more of this person, show the card for later."""
    try:
        await submit_or_confirm(turn, card.request, shown, swap=card.swap)
    except UserError as error:
        if error.key != quota.LINE_FULL:
            raise
        await show_card(turn, replace(card, question=LINE_FULL))


async def submit(
    turn: Turn, request: GenerationRequest, target: ReplyTarget | None = None, swap: Swap | None = None
) -> Task:
    """Accept a request and show its status, in answer to the update or at another place.

    The status says whose place its model takes, where there is a `swap`.

    Raises:
        UserError: it was not accepted.

    """
    await turn.record_user()
    replacing, turn.replaces = turn.replaces, None
    origin = turn.origin(target)
    if swap is not None:
        origin = replace(origin, left_model=swap.model, left_why=swap.why)
    task = await turn.services.submit.accept(turn.user_id, origin, request, replacing)
    # Its status stands below an open card from now on.
    await turn.services.cards.outdate(turn.user_id, turn.chat_id)
    if turn.replaces_card is not None:
        await turn.services.cards.close(turn.user_id, turn.chat_id)
        if turn.replaces_card.message_id is not None:
            await turn.remove(turn.replaces_card.message_id)
        turn.replaces_card = None
    if task.origin.update_id != turn.update_id:
        await turn.notify(turn.t("press.already"))
    return task


def wanted_model(turn: Turn, said: ParsedPrompt) -> str:
    """The model that a person has typed, or prefers, or that is usual."""
    return turn.services.compose.wanted_model(said.options, turn.preferences)


async def open_card(
    turn: Turn,
    request: GenerationRequest,
    source_message_id: int | None,
    question: str = READY,
    target: ReplyTarget | None = None,
    wanted: str = "",
) -> None:
    """Show a request as the person's card in this chat; it replaces an older card.

    The video will be a reply to `source_message_id`. The card itself is sent to `target`, or in answer to
    the update. `question` is the key of its first line. `wanted` is the model that the person wants: where another
    stands in for it, the card says so.
    """
    card = Card(card_name(turn.update_id), request, question, source_message_id)
    if wanted:
        card = turn.services.cards.note_wanted(card, wanted)
    await show_card(turn, card, target)


async def show_card(
    turn: Turn, card: Card, target: ReplyTarget | None = None, view: View | None = None
) -> None:
    """Save a card and show it as the newest message; the message that showed it, or an older one, goes."""
    view = view or await card_view(turn, card)
    if turn.replaces is not None:
        # What was begun without all of its parts is not made beside this.
        await turn.services.tasks.withdraw(turn.replaces)
        turn.replaces = None
    cards = turn.services.cards
    older = await cards.get(turn.user_id, turn.chat_id)
    replaced = turn.replaces_card is not None and older is not None and older.name == turn.replaces_card.name
    if older is not None and older.name != card.name and older.photos and not replaced:
        await turn.answer(await aside_view(turn, older), target)
    # Saved before it is shown: its buttons must work at once, also if we crash in between.
    await cards.save(turn.user_id, turn.chat_id, replace(card, message_id=None))
    sent = await turn.answer(view, target)
    await cards.save(turn.user_id, turn.chat_id, replace(card, message_id=sent.message_id))
    if older is not None and older.message_id is not None:
        await turn.remove(older.message_id)


async def aside_view(turn: Turn, card: Card) -> View:
    """Save a card with photos under a token, and say how to bring it back."""
    token = await turn.services.questions.save_words(turn.user_id, json.dumps(dump_card(card)))
    return card_views.put_aside(turn.t, card.photos, token, turn.user_id)


async def card_view(turn: Turn, card: Card) -> View:
    """A card as the person sees it: with its price and their balance, or with what its photos may be for."""
    services = turn.services
    if card.images:
        uses = services.cards.uses(card, turn.preferences)
        return card_views.image_uses(turn.t, card, uses, turn.user_id)
    balance = await services.accounts.balance(turn.user_id)
    takes_assets = any(way.takes("elements") for way in card.request.operation.row.ways)
    availability = services.compose.availability(card.request)
    return card_views.summary(
        turn.t,
        replace(card, question=services.cards.question(card)),
        services.cards.list_choosable(card.request),
        services.compose.price(card.request),
        balance.available,
        turn.user_id,
        can_improve=services.assistant.offered,
        has_assets=takes_assets
        and (bool(card.request.named_assets) or bool(await services.assets.list_usable(turn.user_id))),
        can_brush=services.compose.takes_brush(card.request),
        is_private=turn.is_private,
        camera_words=services.compose.camera_words(card.request),
        availability=""
        if availability is None
        else availability_line(turn.t, availability, turn.local_now()),
    )
