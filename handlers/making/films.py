"""A video of the person's own: what can be made of it is offered by buttons, each with its price.

It stays at Telegram until one of them is tapped; what else is needed is asked for then.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from telegram import Document, VideoNote

from bot.domain.requests.films import FRAME_LIMITS, find_excess
from bot.domain.requests.naming import names_video
from bot.domain.requests.operations import Operation
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.question import Content
from bot.domain.requests.request import PLACEHOLDER, GenerationRequest, SourceVideo, VideoRef
from bot.domain.types import SECOND, Credits
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.compose import SAMPLE_PROMPT, Images
from bot.services.compose import Inputs as ComposeInputs
from bot.services.requests.card import ONWARD, Card
from bot.services.requests.interpret import Meaning
from handlers.chat import html
from handlers.chat.files import Film, RemoteFile, save_film
from handlers.chat.html import View
from handlers.chat.inputs import (
    Inputs,
    compose_request,
    compose_with_video,
    fetch_film,
    keep_sent,
    parse_prompt,
    read_inputs,
)
from handlers.chat.keyboards import Button, Payload, in_rows
from handlers.chat.pointers import Medium, film_pointed_at, use
from handlers.chat.routes import Event, Press, QuestionKind
from handlers.chat.turn import Turn
from handlers.making.submit import open_card, show_card, submit_or_ask, submit_pressed, wanted_model

PROMPT_SHOWN = 600

UNKNOWN = VideoRef(sha256="0" * 64, width=1280, height=720, duration_ms=5_000)
"""Stands for what Telegram does not tell of a video: only priced and judged by, never sent."""


class FilmUse(StrEnum):
    """What can be made of a video; it may also be added to the open draft."""

    ADD = "add"
    EDIT = "edit"
    EXTEND = "extend"
    REFER = "refer"
    MOTION = "motion"
    SPEAK = "speak"
    SOUND = "sound"


OPERATIONS = {
    FilmUse.EDIT: Operation.OMNI_VIDEO,
    FilmUse.EXTEND: Operation.EXTEND,
    FilmUse.MOTION: Operation.MOTION_CONTROL,
    FilmUse.SPEAK: Operation.LIP_SYNC,
    FilmUse.SOUND: Operation.VIDEO_TO_AUDIO,
}
NEEDS_MORE = {
    FilmUse.EDIT: Content.TEXT,
    FilmUse.REFER: Content.TEXT,
    FilmUse.MOTION: Content.PHOTO,
    FilmUse.SPEAK: Content.TEXT | Content.SOUND,
}
"""What is asked for where it did not come with the video; the others go without."""


@dataclass(frozen=True)
class UseFilm(Payload, action="film"):
    """Make this of a saved video, at the price that is shown."""

    token: str
    use: FilmUse
    price: int | None = None


@dataclass(frozen=True)
class AskAboutFilm(Payload, action="film_more"):
    """What else is needed to make this of a saved video."""

    token: str
    use: FilmUse


async def offer_film(turn: Turn) -> None:
    """Offer what the providers can make of a video of the person's own; one that was made here gets its buttons again."""
    used = await use(turn, Medium.VIDEO | Medium.FILM)
    if names_video(turn.arguments):
        await refer_to_video(turn, await read_inputs(turn, Medium.VIDEO | Medium.FILM))
        return
    if used.result is not None:
        results = turn.services.results
        delivery = await results.video(turn.user_id, used.result.task, used.result.position)
        await results.show_one(delivery, turn.origin())
        return
    if used.film is None:
        raise UserError("error.message.unsupported")
    text, hands_out = turn.arguments, turn.services.compose.hands_out_videos
    figures, card = _figures(film_pointed_at(turn)), await turn.services.cards.get(turn.user_id, turn.chat_id)
    ways = list(_prices(turn, figures, card))
    if not ways:
        raise UserError("error.video.no_use")
    saved = {"file_id": used.film.file_id, "size": used.film.size, "text": text}
    if card is not None:
        saved["card"] = card.name
    token = await turn.services.questions.save_words(turn.user_id, json.dumps(saved))
    await turn.answer(_offer(turn.t, token, text, ways, hands_out=hands_out))


async def refer_to_video(turn: Turn, inputs: Inputs) -> None:
    """Make a video whose prompt refers to another one.

    Raises:
        UserError: there is no other one, or no model takes it.

    """
    request = await compose_with_video(turn, inputs)
    said = parse_prompt(turn, inputs.text, inputs.names)
    await submit_or_ask(turn, request, wanted=wanted_model(turn, said))


async def on_use_film(turn: Turn, button: UseFilm) -> None:
    """Make it, or ask for what is missing."""
    film, text, card = await _saved(turn, button.token)
    if button.use is FilmUse.ADD:
        await _add(turn, film, text, card)
        return
    if button.use in NEEDS_MORE and (not text or button.use is FilmUse.MOTION):
        about = AskAboutFilm(button.token, button.use)
        await turn.ask(about, View(turn.t(f"film.ask.{button.use}")))
        return
    names = await turn.services.assets.names(turn.user_id, text)
    request = await _compose(turn, button.use, Inputs(text, names, film=partial(save_film, turn.chat, film)))
    if request.continues is not None:
        await open_card(turn, request, turn.message_id, ONWARD)
    else:
        await submit_pressed(turn, request, button.price)


async def _add(turn: Turn, film: RemoteFile, text: str, name: str) -> None:
    """Let the draft of this name refer to the video, with the words that came with it."""
    cards = turn.services.cards
    card = await cards.get_named(turn.user_id, turn.chat_id, name)
    video = await fetch_film(turn, partial(save_film, turn.chat, film))
    card = cards.add_video(card, video, turn.preferences)
    if text:
        card = cards.answer(card, text, await turn.services.assets.names(turn.user_id, text))
    await show_card(turn, card, turn.reply_target.below)
    if turn.pressed is not None:
        await turn.remove(turn.pressed.message_id)


async def on_more(turn: Turn, about: AskAboutFilm) -> None:
    """Make it of the video and of what was asked for."""
    film, said, _ = await _saved(turn, about.token)
    images, sound = await keep_sent(turn)
    text = turn.arguments or (said if images else "")
    names = await turn.services.assets.names(turn.user_id, text)
    inputs = Inputs(text, names, images, sound, film=partial(save_film, turn.chat, film))
    await submit_or_ask(turn, await _compose(turn, about.use, inputs))


async def _compose(turn: Turn, use: FilmUse, inputs: Inputs) -> GenerationRequest:
    if use is FilmUse.REFER:
        return await compose_with_video(turn, inputs)
    return await compose_request(turn, OPERATIONS[use], inputs)


async def _saved(turn: Turn, token: str) -> tuple[RemoteFile, str, str]:
    """A video with the words that came with it, and the name of the card that was open then."""
    words = await turn.services.questions.saved_words(turn.user_id, token)
    if words is None:
        raise UserError("error.button.stale")
    saved = json.loads(words)
    return RemoteFile(saved["file_id"], saved["size"]), saved["text"], saved.get("card", "")


def _figures(film: Film | None) -> VideoRef:
    """What Telegram tells of a video; of a document it tells but its size."""
    if film is None or isinstance(film, Document):
        return UNKNOWN
    width, height = (film.length, film.length) if isinstance(film, VideoNote) else (film.width, film.height)
    # The library's own attribute is about to change its type.
    duration = film.to_dict()["duration"] * SECOND
    known = {"width": width, "height": height, "duration_ms": duration, "size": film.file_size}
    return UNKNOWN.model_copy(update={name: value for name, value in known.items() if value})


def _prices(turn: Turn, figures: VideoRef, card: Card | None) -> Iterator[tuple[FilmUse, Credits]]:
    """What some provider can make of such a video, by itself or with the open card, and what each costs."""
    compose, preferences = turn.services.compose, turn.preferences
    source, words = SourceVideo.of_file(figures), ParsedPrompt(SAMPLE_PROMPT)
    given = ComposeInputs(source=source)
    moved = ComposeInputs(Images(references=(PLACEHOLDER,)), source=source)

    def onward() -> GenerationRequest:
        shortest, longest = Operation.EXTEND.row.source_seconds
        if find_excess(figures, FRAME_LIMITS) or not shortest <= figures.duration_ms / SECOND <= longest:
            raise UserError("error.video.no_use")
        request = compose.onward(words, PLACEHOLDER, None, None, preferences)
        compose.check(request)
        return request

    def added() -> GenerationRequest:
        if card is None or not card.takes_images:
            raise UserError("error.video.no_use")
        return compose.with_video(card.request, source, preferences)

    samples: dict[FilmUse, Callable[[], GenerationRequest]] = {
        FilmUse.ADD: added,
        FilmUse.EDIT: lambda: compose.compose(Operation.OMNI_VIDEO, given, words),
        FilmUse.EXTEND: onward,
        FilmUse.REFER: lambda: compose.video(words, None, preferences, features=(source,)),
        FilmUse.MOTION: lambda: compose.compose(Operation.MOTION_CONTROL, moved, ParsedPrompt("")),
        FilmUse.SPEAK: lambda: compose.compose(Operation.LIP_SYNC, given, words),
        FilmUse.SOUND: lambda: compose.compose(Operation.VIDEO_TO_AUDIO, given, words),
    }
    for way, sample in samples.items():
        with suppress(UserError):
            yield way, compose.price(sample())


def _offer(
    t: Texts, token: str, text: str, ways: Sequence[tuple[FilmUse, Credits]], *, hands_out: bool
) -> View:
    buttons = [
        Button(t(f"film.button.{way}", price=t.number(price)), UseFilm(token, way, price))
        for way, price in ways
    ]
    lines = [t("film.offer"), html.quoted(text, PROMPT_SHOWN), "" if hands_out else t("film.no_address")]
    return View("\n".join(line for line in lines if line), in_rows(buttons, 2))


BUTTONS = (Press(UseFilm, on_use_film),)
QUESTIONS = (QuestionKind(AskAboutFilm, lambda about: NEEDS_MORE.get(about.use, Content.TEXT), on_more),)
EVENTS = (Event(Meaning.OFFER_FILM, offer_film),)
