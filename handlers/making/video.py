"""`/video`, and photos and texts in private chats: a prompt, a photo, first and last frame, or references."""

from dataclasses import dataclass
from functools import partial

from bot.domain.requests.choices import Knob
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.units import TaskId
from bot.errors import UserError
from bot.services.compose import Pictures
from bot.services.requests.cards import PHOTO, PROMPT, Card
from handlers.chat.files import RemoteFile, save_file
from handlers.chat.inputs import has_links, parse_prompt, read_inputs, read_prompt
from handlers.chat.keyboards import Payload
from handlers.chat.menus import Menu, Section
from handlers.chat.pointers import Medium, is_reply_to, picture_replied_to
from handlers.chat.routes import Command, Event, Kind, Press
from handlers.chat.turn import Turn
from handlers.making import card_views
from handlers.making.submit import make_video, open_card, show_card


@dataclass(frozen=True)
class Animate(Payload, action="animate"):
    """Make a video of a picture that we made."""

    task_id: TaskId
    position: int = 0


async def video(turn: Turn) -> None:
    """Make a video of a prompt, of the photos that came with it, or of the message that is replied to."""
    cards = turn.services.cards
    # A command is an order of its own; photos without a prompt, or what a card waits for, belong to the card.
    card = None if turn.command is not None else await cards.get(turn.user_id, turn.chat_id)
    # The card has the photo that it began with.
    began = card is not None and is_reply_to(turn, card.source_message_id)
    inputs = await read_inputs(turn, Medium.PHOTO, pointing=not began)
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    is_for_card = card is not None and (not inputs.text or card.awaits is Knob.END_FRAME)
    # Photos for a forgotten card begin another one, which says how to bring that one back.
    is_for_card = is_for_card and await is_meant(turn, card)
    if card is not None and card.takes_pictures and inputs.pictures and is_for_card:
        await show_card(turn, cards.add_pictures(card, inputs.pictures, turn.preferences))
    else:
        await make_video(turn, prompt, inputs.pictures)


async def on_text(turn: Turn) -> None:
    """A text in a private chat changes the open card, or else is offered as a prompt."""
    card = await turn.services.cards.get(turn.user_id, turn.chat_id)
    is_of_photo = picture_replied_to(turn) is not None and (
        # A photo that is replied to counts more than a card, unless the card began with it.
        card is None or not is_reply_to(turn, card.source_message_id)
    )
    if is_of_photo or has_links(turn):
        # A link with a text is a photo with a caption.
        await video(turn)
        return
    names = await turn.services.assets.names(turn.user_id)
    if card is not None and _takes_text(card):
        if await is_meant(turn, card):
            await show_card(turn, turn.services.cards.answer(card, turn.arguments, names))
            return
        token = await turn.services.questions.save_words(turn.user_id, turn.arguments)
        await turn.answer(card_views.which_draft(turn.t, card, turn.arguments, token, turn.user_id))
    else:
        await make_video(turn, parse_prompt(turn, turn.arguments, names), question=PROMPT)


async def is_meant(turn: Turn, card: Card | None) -> bool:
    """Whether what is sent is surely for the card: it is current, or replied to."""
    if card is not None and is_reply_to(turn, card.message_id):
        return True
    return await turn.services.cards.is_current(turn.user_id, turn.chat_id)


async def on_change_draft(turn: Turn, button: card_views.ChangeDraft) -> None:
    """Use the text for the card that was open when it was sent."""
    text = await _saved_text(turn, button.token)
    cards = turn.services.cards
    card = await cards.get_named(turn.user_id, turn.chat_id, button.card)
    changed = cards.answer(card, text, await turn.services.assets.names(turn.user_id))
    await show_card(turn, changed, turn.reply_target.below)
    await _remove_question(turn)


async def on_start_draft(turn: Turn, button: card_views.StartDraft) -> None:
    """Use the text for another video, on a card of its own."""
    prompt = await read_prompt(turn, await _saved_text(turn, button.token))
    request = turn.services.compose.video(prompt, None, turn.preferences)
    await open_card(turn, request, None, PROMPT, turn.reply_target.below)
    await _remove_question(turn)


async def _saved_text(turn: Turn, token: str) -> str:
    text = await turn.services.questions.saved_words(turn.user_id, token)
    if text is None:
        raise UserError("error.button.stale")
    return text


async def _remove_question(turn: Turn) -> None:
    if turn.pressed is not None:
        await turn.remove(turn.pressed.message_id)


async def on_group_reply(turn: Turn) -> None:
    """In groups, texts and photos count only in reply to the person's own card."""
    cards = turn.services.cards
    card = await cards.get(turn.user_id, turn.chat_id)
    if card is None or not is_reply_to(turn, card.message_id):
        return
    inputs = await read_inputs(turn, Medium.PHOTO)
    if inputs.pictures and card.takes_pictures:
        await show_card(turn, cards.add_pictures(card, inputs.pictures, turn.preferences))
    elif not inputs.pictures and _takes_text(card):
        await show_card(turn, cards.answer(card, inputs.text, inputs.names))


def _takes_text(card: Card) -> bool:
    return card.takes_words or card.awaits is not None


async def on_animate(turn: Turn, button: Animate) -> None:
    """Make a video of a picture that we made: it waits for its prompt like any photo."""
    services = turn.services
    task = await services.tasks.of(turn.user_id, button.task_id)
    files = await services.results.files(task.id)
    chosen = next((file for file in files if file.position == button.position), None)
    if chosen is None or chosen.file_id is None:
        raise UserError("error.result.none")
    save = partial(save_file, turn.chat, RemoteFile(chosen.file_id, chosen.size_bytes))
    picture = await services.attachments.fetch_image(save, turn.user_id)
    draft = services.compose.video_draft(ParsedPrompt(""), Pictures(first=picture), turn.preferences)
    await open_card(turn, draft, turn.message_id, PHOTO)


COMMANDS = (Command("video", video, section=Section.MAKING, menu=Menu.PRIVATE | Menu.GROUPS),)
BUTTONS = (
    Press(Animate, on_animate),
    Press(card_views.ChangeDraft, on_change_draft),
    Press(card_views.StartDraft, on_start_draft),
)
EVENTS = (
    Event(Kind.PHOTO, video),
    Event(Kind.TEXT, on_text),
    Event(Kind.GROUP_REPLY, on_group_reply),
)
