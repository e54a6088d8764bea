"""The composer card: one message in which a request takes shape before it costs anything.

Buttons change it where it stands. What people send to it changes it too; then it moves below what they sent.
"""

from dataclasses import replace

from telegram import CallbackQuery, Update

from bot.domain.requests.choices import ANSWERED, Knob
from bot.domain.requests.request import ImageRef, VideoRequest
from bot.services.requests.cards import READY, Card
from handlers.chat import html
from handlers.chat.context import Context, message_of, one_of, place_of, rewrite, send, user_id_of
from handlers.chat.inputs import given, read_words
from handlers.making import card_views
from handlers.making.submit import submit
from handlers.sending.chat import ReplyTarget

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


async def open_with(
    update: Update,
    context: Context,
    request: VideoRequest,
    source_message_id: int | None,
    *,
    question: str = READY,
    place: ReplyTarget | None = None,
) -> None:
    """Show a request as the person's card in this chat; an older card gives way.

    The video will be a reply to `source_message_id`. The card itself is sent to `place`, or as an answer
    to the update. `question` is the key of what stands above it.
    """
    revived = context.services.cards.revived(request, context.preferences)
    card = Card(name_of(update), revived, question, source_message_id)
    await show(update, context, card, place)


async def new(update: Update, context: Context) -> None:
    """`/new`: a card with whatever came along, with the request of the video that is replied to, or an empty one."""
    got = await given(context.turn)
    cards = context.services.cards
    if got.source is not None and not got.pictures:
        await context.services.results.check_kept(got.source.request)
        earlier = Card(name_of(update), cards.revived(got.source.request, context.preferences))
        names = await context.services.assets.names(user_id_of(update))
        card = cards.answered(earlier, got.words, names) if got.words else earlier
    else:
        parsed = await read_words(context.turn, got.words)
        card = cards.begun(name_of(update), parsed, got.pictures, context.preferences)
    await show(update, context, replace(card, source_message_id=place_of(update).message_id))


async def show(
    update: Update,
    context: Context,
    card: Card,
    place: ReplyTarget | None = None,
    view: html.View | None = None,
) -> None:
    """Keep a card and show it as the newest message; where it, or an older one, stood before it goes away."""
    where, user_id = place or place_of(update), user_id_of(update)
    cards = context.services.cards
    older = await cards.card(user_id, where.chat_id)
    # Kept before it is shown: its buttons must work at once, also if we crash in between.
    await cards.keep(user_id, where.chat_id, replace(card, message_id=None))
    sent = await send(context, where, view or await _view(update, context, card))
    await cards.keep(user_id, where.chat_id, replace(card, message_id=sent.message_id))
    if older is not None and older.message_id is not None:
        await _remove(context, where, older.message_id)


async def close(update: Update, context: Context) -> bool:
    """Give the person's card in this chat up; False where there is none."""
    place, user_id = place_of(update), user_id_of(update)
    cards = context.services.cards
    card = await cards.card(user_id, place.chat_id)
    if card is None:
        return False
    await cards.close(user_id, place.chat_id)
    if card.message_id is not None:
        await _remove(context, place, card.message_id)
    return True


async def took_words(update: Update, context: Context, text: str) -> bool:
    """Give words to the person's open card; False where there is none that takes them."""
    cards = context.services.cards
    card = await cards.card(user_id_of(update), place_of(update).chat_id)
    if card is None or not (card.takes_words or card.awaits):
        return False
    names = await context.services.assets.names(user_id_of(update))
    await show(update, context, cards.answered(card, text, names))
    return True


async def took_pictures(update: Update, context: Context, pictures: tuple[ImageRef, ...]) -> bool:
    """Give pictures to the person's open card; False where there is none that takes them."""
    cards = context.services.cards
    card = await cards.card(user_id_of(update), place_of(update).chat_id)
    if card is None or not card.takes_pictures:
        return False
    await show(update, context, cards.with_pictures(card, pictures, context.preferences))
    return True


async def replied(update: Update, context: Context) -> bool:
    """Give a reply to the person's own card to it: in groups everything else is other people's conversation."""
    replied_to = message_of(update).reply_to_message
    card = await context.services.cards.card(user_id_of(update), place_of(update).chat_id)
    if card is None or replied_to is None or replied_to.message_id != card.message_id:
        return False
    got = await given(context.turn)
    if got.pictures:
        return await took_pictures(update, context, got.pictures)
    return await took_words(update, context, got.words)


async def awaits_picture(update: Update, context: Context) -> bool:
    """Whether the next picture is an answer to the person's open card, whatever stands beneath it."""
    card = await context.services.cards.card(user_id_of(update), place_of(update).chat_id)
    return card is not None and card.awaits is Knob.END_FRAME


# -- buttons -----------------------------------------------------------------------------------------


async def press_card(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Show the choices of a knob, or the whole card again."""
    name, _, which = argument.partition(".")
    card = await _named(update, context, name)
    knob = one_of(Knob, which) if which else None
    card = replace(card, awaits=knob if knob in ANSWERED else None)
    await _keep(update, context, card)
    if knob is None:
        await rewrite(context, query, await _view(update, context, card))
        return
    cards, compose = context.services.cards, context.services.compose
    choices = cards.choices(card.request, knob)
    prices = {choice.key: compose.price(choice.request) for choice in choices}
    view = card_views.knob(context.t, card, knob, choices, prices, user_id_of(update))
    await rewrite(context, query, view)


async def press_pick(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Choose something, and show the card with it."""
    name, _, choice = argument.partition(".")
    which, _, key = choice.partition(".")
    card = context.services.cards.chosen(await _named(update, context, name), one_of(Knob, which), key)
    await _change(update, context, query, card)


async def press_use(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Use the pictures in question as frames or as references."""
    name, _, use = argument.partition(".")
    card = await _named(update, context, name)
    await _change(update, context, query, context.services.cards.used(card, use, context.preferences))


async def give_words(update: Update, context: Context, query: CallbackQuery, name: str, words: str) -> None:
    """Give words that a button stands for to the card that it names, and show the card in its place.

    Raises:
        UserError: the card is gone, or can't be made with these words.

    """
    card = context.services.cards.worded(await _named(update, context, name), words)
    await _change(update, context, query, card)


async def press_generate(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Submit what the card holds; the status message takes its place."""
    del query
    place, user_id = place_of(update), user_id_of(update)
    services = context.services
    card = await _named(update, context, argument)
    # A card may wait without words, but what needs them is not sent without.
    services.compose.check(card.request)
    await submit(context.turn, card.request, replace(place, message_id=card.source_message_id))
    await services.cards.close(user_id, place.chat_id)
    if place.message_id is not None:
        await _remove(context, place, place.message_id)


async def press_discard(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Give the card up; a button of an older card leaves the newer one alone."""
    place, user_id = place_of(update), user_id_of(update)
    cards = context.services.cards
    card = await cards.card(user_id, place.chat_id)
    if card is not None and card.name == argument:
        await cards.close(user_id, place.chat_id)
    await rewrite(context, query, html.View(context.t("draft.discarded")))


# -- parts -------------------------------------------------------------------------------------------


def name_of(update: Update) -> str:
    """The name of the card that an update begins: the same when the update is acted on again."""
    number, name = update.update_id, ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        name = DIGITS[digit] + name
    return name or DIGITS[0]


async def _named(update: Update, context: Context, name: str) -> Card:
    """The card that a button names; it is shown where the button stands."""
    place = place_of(update)
    card = await context.services.cards.named(user_id_of(update), place.chat_id, name)
    return replace(card, message_id=place.message_id)


async def _keep(update: Update, context: Context, card: Card) -> None:
    await context.services.cards.keep(user_id_of(update), place_of(update).chat_id, card)


async def _change(update: Update, context: Context, query: CallbackQuery, card: Card) -> None:
    await _keep(update, context, card)
    await rewrite(context, query, await _view(update, context, card))


async def _view(update: Update, context: Context, card: Card) -> html.View:
    services, user_id = context.services, user_id_of(update)
    if card.pictures:
        ways = services.cards.uses(card, context.preferences)
        return card_views.uses(context.t, card, ways, user_id)
    balance = await services.accounts.balance(user_id)
    price = services.compose.price(card.request)
    knobs = services.cards.knobs(card.request)
    return card_views.card(
        context.t,
        card,
        knobs,
        price,
        balance.available,
        user_id,
        improvable=services.assistant.offered,
        is_private=place_of(update).is_private,
    )


async def _remove(context: Context, place: ReplyTarget, message_id: int) -> None:
    if not await context.chat.delete(place.chat_id, message_id):
        # Too old to be deleted: without its buttons it is history.
        await context.chat.edit_buttons(place.chat_id, message_id)
