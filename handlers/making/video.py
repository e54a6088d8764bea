"""`/video`, and photos and texts in private chats: a prompt, a photo, first and last frame, or references."""

from dataclasses import dataclass
from functools import partial

from bot.domain.requests.naming import names_video
from bot.domain.requests.options import PHOTO_OPTIONS, Option
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.question import NEXT_MESSAGE, Content
from bot.domain.types import TaskId
from bot.errors import UserError
from bot.services.compose import Images
from bot.services.requests.card import PHOTO, PROMPT, Card
from bot.services.requests.interpret import Meaning
from handlers.chat.files import DOWNLOAD_LIMIT, RemoteFile, save_file
from handlers.chat.inputs import Inputs, parse_prompt, read_inputs, read_prompt
from handlers.chat.keyboards import Payload
from handlers.chat.menus import Menu, Section
from handlers.chat.pointers import Medium, film_pointed_at, is_reply_to
from handlers.chat.routes import REPLY_TTL, Command, Event, Found, Press, QuestionKind
from handlers.chat.turn import Turn
from handlers.making import card_views
from handlers.making.brush import begin_brush
from handlers.making.films import refer_to_video
from handlers.making.submit import make_video, open_card, show_card, wanted_model


@dataclass(frozen=True)
class Animate(Payload, action="animate"):
    """Make a video of a picture that we made."""

    task_id: TaskId
    position: int = 0


async def video(turn: Turn) -> None:
    """`/video`: make a video of a prompt, of the photos that came with it, or of the message that is replied to."""
    if names_video(turn.arguments):
        await refer_to_video(turn, await read_inputs(turn, Medium.PHOTO | Medium.VIDEO | Medium.FILM))
    else:
        await _make_video(turn, await read_inputs(turn, Medium.PHOTO))


async def on_request(turn: Turn, found: Found) -> None:
    """Make a video of photos, or of a text about a photo; an album may hold a video that the text refers to."""
    if names_video(turn.arguments) and film_pointed_at(turn) is not None:
        await refer_to_video(turn, await read_inputs(turn, Medium.PHOTO | Medium.VIDEO | Medium.FILM))
    else:
        await _make_video(turn, await _read_photos(turn, found.card))


async def _make_video(turn: Turn, inputs: Inputs) -> None:
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    if Option.BRUSH.row.field in prompt.options:
        await begin_brush(turn, prompt, inputs.images)
    else:
        await make_video(turn, prompt, inputs.images)


async def on_prompt(turn: Turn) -> None:
    """Offer a video of a text on a card."""
    await make_video(turn, await read_prompt(turn, turn.arguments), question=PROMPT)


async def explain(turn: Turn) -> None:
    """Say how to begin."""
    await turn.answer(card_views.how_to(turn.t))


async def change_draft(turn: Turn, found: Found) -> None:
    """Change the open card as a text says."""
    if found.card is not None:
        names = await turn.services.assets.names(turn.user_id, turn.arguments)
        await show_card(turn, turn.services.cards.answer(found.card, turn.arguments, names))


async def add_photos(turn: Turn, found: Found) -> None:
    """Add photos to the open card."""
    if found.card is not None:
        inputs = await _read_photos(turn, found.card)
        await show_card(turn, turn.services.cards.add_images(found.card, inputs.images, turn.preferences))


async def _read_photos(turn: Turn, card: Card | None) -> Inputs:
    # The card has the photo that it began with.
    began = card is not None and is_reply_to(turn, card.source_message_id)
    return await read_inputs(turn, Medium.PHOTO, pointing=not began)


async def on_option_reply(turn: Turn, about: card_views.OpenCard) -> None:
    """Set the option that the card asked for."""
    cards = turn.services.cards
    card = await cards.get_named(turn.user_id, turn.chat_id, about.card)
    if about.option in PHOTO_OPTIONS:
        inputs = await _read_photos(turn, card)
        changed = cards.set_image(card, about.option, inputs.images, turn.preferences)
    else:
        names = await turn.services.assets.names(turn.user_id, turn.arguments)
        changed = cards.set_typed(card, about.option or Option.NEGATIVE, turn.arguments, names)
    await show_card(turn, changed)


def _answers(about: card_views.OpenCard) -> Content:
    return Content.PHOTO if about.option in PHOTO_OPTIONS else Content.TEXT


async def ask_which_draft(turn: Turn, found: Found) -> None:
    """Ask whether a text is for the card, or for another one."""
    if found.card is not None:
        token = await turn.services.questions.save_words(turn.user_id, turn.arguments)
        await turn.answer(card_views.which_draft(turn.t, found.card, turn.arguments, token, turn.user_id))


async def on_change_draft(turn: Turn, button: card_views.ChangeDraft) -> None:
    """Use the text for the card that was open when it was sent."""
    text = await _saved_text(turn, button.token)
    cards = turn.services.cards
    card = await cards.get_named(turn.user_id, turn.chat_id, button.card)
    shown = card.message_id or NEXT_MESSAGE
    question = (await turn.find_questions(shown)).get(shown)
    names = await turn.services.assets.names(turn.user_id, text)
    if (
        question is not None
        and question.kind == card_views.OpenCard.action
        and question.accepts & Content.TEXT
    ):
        option = card_views.OpenCard.unpack(question.payload).option
        changed = cards.set_typed(card, option or Option.NEGATIVE, text, names)
    else:
        changed = cards.answer(card, text, names)
    await show_card(turn, changed, turn.reply_target.below)
    await _remove_question(turn)


async def on_start_draft(turn: Turn, button: card_views.StartDraft) -> None:
    """Use the text for another video, on a card of its own."""
    prompt = await read_prompt(turn, await _saved_text(turn, button.token))
    request = turn.services.compose.video(prompt, None, turn.preferences)
    await open_card(turn, request, None, PROMPT, turn.reply_target.below, wanted=wanted_model(turn, prompt))
    await _remove_question(turn)


async def _saved_text(turn: Turn, token: str) -> str:
    text = await turn.services.questions.saved_words(turn.user_id, token)
    if text is None:
        raise UserError("error.button.stale")
    return text


async def _remove_question(turn: Turn) -> None:
    if turn.pressed is not None:
        await turn.remove(turn.pressed.message_id)


async def on_animate(turn: Turn, button: Animate) -> None:
    """Make a video of a picture that we made: it waits for its prompt like any photo."""
    services = turn.services
    task = await services.tasks.of(turn.user_id, button.task_id)
    files = await services.results.files(task.id)
    chosen = next((file for file in files if file.position == button.position), None)
    if chosen is None:
        raise UserError("error.result.none")
    save = partial(services.results.save, chosen)
    if chosen.file_id is not None and (chosen.size_bytes or 0) <= DOWNLOAD_LIMIT:
        save = partial(save_file, turn.chat, RemoteFile(chosen.file_id, chosen.size_bytes))
    image = await services.attachments.fetch_image(save, turn.user_id)
    said = ParsedPrompt("")
    draft = services.compose.video_draft(said, Images(first=image), turn.preferences)
    await open_card(turn, draft, turn.message_id, PHOTO, wanted=wanted_model(turn, said))


COMMANDS = (Command("video", video, section=Section.MAKING, menu=Menu.PRIVATE | Menu.GROUPS),)
BUTTONS = (
    Press(Animate, on_animate),
    Press(card_views.ChangeDraft, on_change_draft),
    Press(card_views.StartDraft, on_start_draft),
)
EVENTS = (
    Event(Meaning.NEW_REQUEST, on_request),
    Event(Meaning.NEW_PROMPT, on_prompt),
    Event(Meaning.EXPLAIN, explain),
    Event(Meaning.CHANGE_DRAFT, change_draft),
    Event(Meaning.ADD_PHOTOS, add_photos),
    Event(Meaning.ASK_WHICH_DRAFT, ask_which_draft),
)
QUESTIONS = (QuestionKind(card_views.OpenCard, _answers, on_option_reply, REPLY_TTL),)
