"""`/ideas`: ready-made requests with a sample each, one at a time; a tap makes the video."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

import structlog
from telegram import Message

from bot.domain.library.recipe import Idea
from bot.domain.people.access import AccessLevel
from bot.domain.requests.request import VideoRequest
from bot.domain.units import Credits, UserId
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.library.recipes import STAND_IN
from bot.services.ports import ChatError, ChatRefused
from handlers.chat import html
from handlers.chat.html import View, inline, quoted, settings_line
from handlers.chat.inputs import read_inputs
from handlers.chat.keyboards import CONFIRM, Button, Payload
from handlers.chat.menus import Section
from handlers.chat.pointers import Medium
from handlers.chat.routes import Answer, Command, Press, Reply
from handlers.chat.turn import Turn
from handlers.library import recipe_views
from handlers.making.submit import submit_or_ask, submit_pressed
from handlers.sending.chat import ReplyTarget
from handlers.sending.media import Media, MediaKind

log = structlog.get_logger(__name__)

PHOTO = "idea_photo"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""A sample of another kind is taken for a video."""

PROMPT_LIMIT = 600


class ShowIdeas(Payload, action="ideas"):
    """Show the first idea in a message of its own."""


@dataclass(frozen=True)
class ShowIdea(Payload, action="idea"):
    """Turn to another idea."""

    slug: str


@dataclass(frozen=True)
class MakeIdea(Payload, action="idea_make"):
    """Make an idea's video, at the price that is shown."""

    slug: str
    price: int | None = None


async def ideas(turn: Turn) -> None:
    """Show the first idea that can be made here."""
    await _show(turn, _offered(turn)[0], turn.reply_target)


async def on_show_first(turn: Turn) -> None:
    """Show the first idea below the message with the button."""
    await _show(turn, _offered(turn)[0], turn.reply_target.below)


async def on_show(turn: Turn, button: ShowIdea) -> None:
    """Turn to another idea: in the same message where both are text, else in a new one that takes its place."""
    idea = turn.services.ideas.find(button.slug, turn.t)
    if isinstance(turn.pressed, Message) and turn.pressed.text is not None and not idea.sample:
        await turn.edit(_view(turn, idea))
        return
    await _show(turn, idea, turn.reply_target.below)
    if turn.message_id is not None:
        await turn.delete(turn.message_id)


async def on_make(turn: Turn, button: MakeIdea) -> None:
    """Make an idea at once, or ask for the photo that it takes."""
    idea = turn.services.ideas.find(button.slug, turn.t)
    if not idea.photo:
        await submit_pressed(turn, turn.services.ideas.request(idea, turn.preferences), button.price)
        return
    if not turn.is_private:
        raise UserError("error.recipe.private_chat")
    question = recipe_views.photo_question(turn.t, idea.name, 1, turn.user_id)
    await turn.ask(PHOTO, f"{idea.slug}.{button.price or 0}", question)


async def on_photo_reply(turn: Turn, subject: str) -> None:
    """Make an idea of the photo that it asked for."""
    slug, _, shown = subject.partition(".")
    ideas_ = turn.services.ideas
    idea = ideas_.find(slug, turn.t)
    inputs = await read_inputs(turn, Medium.PHOTO)
    request = ideas_.request(idea, turn.preferences, inputs.one_picture(), inputs.text)
    await turn.stop_asking()
    await submit_or_ask(turn, request, int(shown or 0))


# -- showing -----------------------------------------------------------------------------------------


def view(
    t: Texts, idea: Idea, others: Sequence[Idea], request: VideoRequest, price: Credits, owner: UserId
) -> View:
    """One of several ideas; `others` are all, in order."""
    lines = [f"<b>{inline(idea.name, 60)}</b>", quoted(request.prompt, PROMPT_LIMIT)]
    lines.append(settings_line(t, request))
    if idea.photo:
        lines.append(t("idea.takes_photo"))
    make = t(
        "idea.button.make_of_photo" if idea.photo else "idea.button.make", credits=html.credits(t, price)
    )
    rows = [[Button(make, MakeIdea(idea.slug, price), owner=owner, style=CONFIRM)]]
    if len(others) > 1:
        place = next(number for number, other in enumerate(others) if other.slug == idea.slug)
        before, after = others[place - 1], others[(place + 1) % len(others)]
        lines.append(t("idea.place", number=place + 1, total=len(others)))
        rows.append(
            [
                Button(t("idea.button.previous"), ShowIdea(before.slug), owner=owner),
                Button(t("idea.button.next"), ShowIdea(after.slug), owner=owner),
            ]
        )
    return View("\n".join(line for line in lines if line), rows)


def _offered(turn: Turn) -> list[Idea]:
    """The ideas that can be made here.

    Raises:
        UserError: there is none.

    """
    found = [idea for idea in turn.services.ideas.listed(turn.t) if _request(turn, idea) is not None]
    if not found:
        raise UserError("error.idea.none")
    return found


def _request(turn: Turn, idea: Idea) -> VideoRequest | None:
    try:
        return turn.services.ideas.request(idea, turn.preferences, STAND_IN if idea.photo else None)
    except UserError:
        return None


def _view(turn: Turn, idea: Idea) -> View:
    request = _request(turn, idea)
    if request is None:
        raise UserError("error.idea.gone")
    price = turn.services.compose.price(request)
    return view(turn.t, idea, _offered(turn), request, price, turn.user_id)


async def _show(turn: Turn, idea: Idea, target: ReplyTarget) -> None:
    shown = _view(turn, idea)
    if not idea.sample or not await _with_sample(turn, idea, target, shown):
        await turn.answer(shown, target)


async def _with_sample(turn: Turn, idea: Idea, target: ReplyTarget, shown: View) -> bool:
    """Send an idea with its sample, which is uploaded once; False where that does not work."""
    known = await turn.services.ideas.known_sample(idea)
    if known is not None:
        with suppress(ChatRefused):
            # Another bot's token knows other files.
            await _send_sample(turn, idea, known, target, shown)
            return True
    try:
        source = idea.sample if "://" in idea.sample else Path(idea.sample)
        sent = await _send_sample(turn, idea, source, target, shown)
    except (ChatError, OSError) as error:
        log.warning("the sample of an idea cannot be sent", idea=idea.name, kind=type(error).__name__)
        return False
    file = sent.photo[-1] if sent.photo else sent.video or sent.animation or sent.document
    if file is not None:
        await turn.services.ideas.keep_sample(idea, file.file_id)
    return True


async def _send_sample(
    turn: Turn, idea: Idea, sample: str | Path, target: ReplyTarget, shown: View
) -> Message:
    is_picture = PurePath(idea.sample).suffix.lower() in PICTURES
    media = Media(kind=MediaKind.PHOTO if is_picture else MediaKind.VIDEO, source=sample)
    return await turn.chat.send_media(target, media, shown)


COMMANDS = (Command("ideas", ideas, access=AccessLevel.VIEW, section=Section.LIBRARY),)
BUTTONS = (
    Press(ShowIdeas, on_show_first, AccessLevel.VIEW),
    Press(ShowIdea, on_show),
    Press(MakeIdea, on_make),
)
REPLIES = (Reply(PHOTO, Answer.PHOTO, on_photo_reply),)
