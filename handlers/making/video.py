"""`/video`, and photos and texts in private chats: a prompt, a photo, first and last frame, or references."""

from dataclasses import dataclass, replace
from html import escape

from bot.domain.requests.choices import Knob
from bot.domain.requests.links import split_links
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.units import TaskId
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.compose import Pictures
from bot.services.requests.cards import FORWARDED, PHOTO, PROMPT, STALE, Card, as_given, card_name
from handlers.chat.files import RemoteFile, fetch_file, image_file_of
from handlers.chat.html import View
from handlers.chat.inputs import Inputs, is_forwarded, read_inputs, read_words
from handlers.chat.keyboards import Button, Payload
from handlers.chat.menus import Menu, Section
from handlers.chat.routes import Command, Event, Kind, Press
from handlers.chat.turn import Turn
from handlers.making.submit import is_stale, open_card, show_card, submit_or_ask


@dataclass(frozen=True)
class Animate(Payload, action="animate"):
    """Make a video of a picture that we made."""

    task_id: TaskId
    position: int = 0


async def video(turn: Turn) -> None:
    """Make a video of a prompt, of the photos that came with it, or of the message that is replied to."""
    cards, is_foreign = turn.services.cards, is_forwarded(turn)
    inputs = await read_inputs(turn, links=not is_foreign)
    # Another person's text holds no options and no pictures: it is offered as it stands.
    prompt = (
        ParsedPrompt(split_links(inputs.words).words) if is_foreign else await read_words(turn, inputs.words)
    )
    if not inputs.pictures and not prompt.prompt and not prompt.options.shots:
        await turn.answer(how_to(turn.t))
        return
    # A command is an order of its own.
    card = None if turn.command is not None else await cards.card(turn.user_id, turn.chat_id)
    if card is not None and _is_for_card(inputs, card):
        card = cards.with_pictures(card, inputs.pictures, turn.preferences)
    elif inputs.pictures and (len(inputs.pictures) == 2 or not prompt.prompt):
        card = cards.begun(card_name(turn.update_id), prompt, inputs.pictures, turn.preferences)
        question = STALE if is_stale(turn) and not card.pictures else card.question
        card = replace(card, question=question, source_message_id=turn.message_id)
    else:
        request = turn.services.compose.video(prompt, as_given(inputs.pictures), turn.preferences)
        await submit_or_ask(turn, request, FORWARDED if is_foreign else None)
        return
    await show_card(turn, card)


def _is_for_card(inputs: Inputs, card: Card) -> bool:
    """Photos without a prompt, or the photo that an open card waits for, belong to it."""
    return (
        bool(inputs.pictures) and card.takes_pictures and (not inputs.words or card.awaits is Knob.END_FRAME)
    )


async def on_text(turn: Turn) -> None:
    """A text in a private chat changes the open card, or else is offered as a prompt."""
    card = await turn.services.cards.card(turn.user_id, turn.chat_id)
    replied = turn.replied_to
    is_of_photo = image_file_of(replied) is not None and (
        # A photo that is replied to counts more than a card, unless the card began with it.
        card is None or replied is None or card.source_message_id != replied.message_id
    )
    if is_of_photo or (split_links(turn.text).links and not is_forwarded(turn)):
        # A link with a text is a photo with a caption.
        await video(turn)
    elif card is not None and _takes_text(card):
        await _answer_card(turn, card, turn.text)
    else:
        prompt = await read_words(turn, turn.text)
        if prompt.prompt:
            request = turn.services.compose.video(prompt, None, turn.preferences)
            await submit_or_ask(turn, request, PROMPT)
        else:
            await turn.answer(how_to(turn.t))


async def on_group_reply(turn: Turn) -> None:
    """In groups, texts and photos count only in reply to the person's own card."""
    card = await turn.services.cards.card(turn.user_id, turn.chat_id)
    replied = turn.replied_to
    if card is None or replied is None or replied.message_id != card.message_id:
        return
    inputs = await read_inputs(turn)
    if inputs.pictures and card.takes_pictures:
        await show_card(turn, turn.services.cards.with_pictures(card, inputs.pictures, turn.preferences))
    elif not inputs.pictures and _takes_text(card):
        await _answer_card(turn, card, inputs.words)


def _takes_text(card: Card) -> bool:
    return card.takes_words or card.awaits is not None


async def _answer_card(turn: Turn, card: Card, text: str) -> None:
    """Change a card as a text says."""
    names = await turn.services.assets.names(turn.user_id)
    await show_card(turn, turn.services.cards.answered(card, text, names))


async def on_animate(turn: Turn, button: Animate) -> None:
    """Make a video of a picture that we made: it waits for its prompt like any photo."""
    services = turn.services
    task = await services.tasks.of(turn.user_id, button.task_id)
    files = await services.results.files(task.id)
    chosen = next((file for file in files if file.position == button.position), None)
    if chosen is None or chosen.file_id is None:
        raise UserError("error.result.none")
    content = await fetch_file(turn.chat, RemoteFile(chosen.file_id, chosen.size_bytes))
    picture = await services.attachments.keep_image(content)
    draft = services.compose.video_draft(ParsedPrompt(""), Pictures(first=picture), turn.preferences)
    await open_card(turn, draft, turn.message_id, PHOTO)


# -- views -------------------------------------------------------------------------------------------


def how_to(t: Texts) -> View:
    """What to type, with an example to copy."""
    example = t("example.command")
    return View(
        f"{t('video.how_to')}\n<code>{escape(example)}</code>",
        [[Button(t("button.copy_example"), copy=example)]],
    )


COMMANDS = (Command("video", video, section=Section.MAKING, menu=Menu.PRIVATE | Menu.GROUPS),)
BUTTONS = (Press(Animate, on_animate),)
EVENTS = (
    Event(Kind.PHOTO, video),
    Event(Kind.TEXT, on_text),
    Event(Kind.GROUP_REPLY, on_group_reply),
)
