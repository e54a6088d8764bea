"""The commands that make something else than a video from a prompt or frames, and messages of no use here."""

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from operator import or_

from bot.domain.people.access import AccessLevel
from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation, Product, Role, made_by
from bot.domain.requests.prompt import ParsedPrompt
from bot.services.compose import Images, Inputs
from bot.services.requests.card import ONWARD, card_name
from bot.services.requests.interpret import Meaning
from handlers.chat.html import View, snippet
from handlers.chat.inputs import compose_request, images_of, parse_prompt, read_inputs
from handlers.chat.menus import Menu, Section
from handlers.chat.pointers import NOTHING, Medium
from handlers.chat.routes import Command, Event
from handlers.chat.turn import Turn
from handlers.making.card import suggest_outfits
from handlers.making.marking import edit
from handlers.making.submit import show_card, submit_or_ask, wanted_model

MEDIA = {Product.VIDEO: Medium.VIDEO, Product.IMAGE: Medium.PHOTO, Product.AUDIO: Medium.SOUND}


async def make(turn: Turn) -> None:
    """`/extend` … `/sound`: what the command makes of a prompt, of what came with it and of what is replied to."""
    if turn.command is not None:
        await _make(turn, turn.command.name)


async def image(turn: Turn) -> None:
    """`/image`: images of a prompt and of photos; without a prompt, a card that waits for it."""
    read = await read_inputs(turn, Medium.PHOTO)
    prompt = parse_prompt(turn, read.text, read.names, images=True)
    if prompt.prompt:
        compose = turn.services.compose
        request = compose.image(prompt, read.images, turn.preferences)
        wanted = compose.wanted_model(prompt.options, turn.preferences, of_images=True)
        await submit_or_ask(turn, request, wanted=wanted)
        return
    name = card_name(turn.update_id)
    card = turn.services.cards.start_image(name, prompt, read.images, turn.preferences)
    await show_card(turn, replace(card, source_message_id=turn.message_id))


async def extend(turn: Turn) -> None:
    """`/extend`: a video made longer by its provider, or a card of what goes on from its last frame."""
    read = await read_inputs(turn, Medium.VIDEO | Medium.FILM)
    request = await compose_request(turn, Operation.EXTEND, read)
    if request.continues is not None:
        turn.first_question = turn.first_question or ONWARD
    await submit_or_ask(turn, request)


async def lip_sync(turn: Turn) -> None:
    """A sound in reply to a video of ours is what its face should say."""
    await _make(turn, "lipsync")


async def try_on(turn: Turn) -> None:
    """`/tryon`: a person wears what a second photo shows (a picture), or what a prompt says (a video)."""
    inputs, compose = await read_inputs(turn, Medium.PHOTO), turn.services.compose
    if len(inputs.images) == 2:
        both = Inputs(Images(references=inputs.images))
        await submit_or_ask(turn, compose.compose(Operation.TRY_ON, both, ParsedPrompt("")))
        return
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    person = inputs.one_image()
    if not prompt.prompt:
        await suggest_outfits(turn, person)
        return
    request = compose.video(prompt, Images(first=person), turn.preferences, try_on=True)
    await submit_or_ask(turn, request, wanted=wanted_model(turn, prompt))


def media_of(kinds: Iterable[Product], *, films: bool = False) -> Medium:
    """What can be used of a message, by the kinds of files that an operation takes; `films` are people's own videos."""
    return reduce(or_, (MEDIA[kind] for kind in kinds), Medium.FILM if films else NOTHING)


async def _make(turn: Turn, command: str) -> None:
    made = made_by(command)
    ways = [way for _, way in made]
    kinds = frozenset().union(*(way.kinds for way in ways))
    films = any(each.row.film is not None for each, _ in made)
    # What is said beside a photo may name an address; only where the photo is missing is it taken for one.
    speaks = Product.AUDIO in kinds and bool(images_of(turn))
    links = (Product.IMAGE in kinds or films) and not speaks
    read = await read_inputs(turn, media_of(kinds, films=films), links=links)
    needs_source = all(way.needs(Role.SOURCE) for way in ways)
    if needs_source or read.has_video:
        operation = next(each for each, way in made_by(command) if way.limits(Role.SOURCE)[1])
    else:
        operation = turn.services.compose.operation_for(command, read.given)
    await submit_or_ask(turn, await compose_request(turn, operation, read))


# -- messages that nothing can be made of ------------------------------------------------------------


async def on_unsupported(turn: Turn) -> None:
    """Say what can be sent instead."""
    await turn.answer(View(turn.t("error.message.unsupported")))


async def on_unknown_command(turn: Turn) -> None:
    """Say where the commands are listed."""
    command = turn.text.split(maxsplit=1)[0]
    await turn.answer(View(turn.t("error.command.unknown", command=snippet(command, 40))))


async def on_forwarded_command(turn: Turn) -> None:
    """Say that a command acts for whoever writes it."""
    await turn.answer(View(turn.t("error.command.forwarded")))


async def on_anonymous_command(turn: Turn) -> None:
    """Refuse a command in the name of a group or channel: it has no account to charge."""
    await turn.answer(View(turn.t("error.user.anonymous")))


MAKING = dict.fromkeys(
    way.command
    for operation in sorted(Operation, key=lambda each: each.product is not Product.IMAGE)
    if operation not in LIBRARY_OPERATIONS
    for way in operation.row.ways
    if way.command not in {"", "video"}
)
"""Every command that makes something, but `/video` and those of the library; images first."""

OWN_WAYS = {"image": image, "edit": edit, "tryon": try_on, "extend": extend}
"""Commands that may ask before they make something."""

COMMANDS = tuple(
    Command(
        name,
        OWN_WAYS.get(name, make),
        section=Section.MAKING,
        menu=Menu.PRIVATE if name == "image" else Menu.NONE,
    )
    for name in MAKING
)
EVENTS = (
    Event(Meaning.DUB_RESULT, lip_sync),
    Event(Meaning.REFUSE_UNSUPPORTED, on_unsupported),
    Event(Meaning.REFUSE_UNKNOWN_COMMAND, on_unknown_command),
    Event(Meaning.REFUSE_FORWARDED_COMMAND, on_forwarded_command),
    Event(Meaning.REFUSE_ANONYMOUS, on_anonymous_command, AccessLevel.OPEN),
)
