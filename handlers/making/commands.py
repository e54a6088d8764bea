"""The commands that make something else than a video from a prompt or frames, and messages of no use here."""

from bot.domain.people.access import AccessLevel
from bot.errors import UserError
from bot.services.compose import Pictures
from bot.services.requests.interpret import Meaning
from handlers.chat.html import View, inline
from handlers.chat.inputs import parse_prompt, pictures_of, read_inputs, source_of
from handlers.chat.menus import Menu, Section
from handlers.chat.pointers import Medium
from handlers.chat.routes import Command, Event
from handlers.chat.turn import Turn
from handlers.making.card import suggest_outfits
from handlers.making.submit import submit_or_ask


async def extend(turn: Turn) -> None:
    """`/extend`: the video that is pointed at, or the newest, some seconds longer."""
    inputs = await read_inputs(turn, Medium.VIDEO, links=False)
    task, source = await source_of(turn, inputs)
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    await submit_or_ask(turn, turn.services.compose.extension(prompt, source, task.request.mode))


async def edit(turn: Turn) -> None:
    """`/edit`: the video that is pointed at, or the newest, changed as the prompt says."""
    inputs = await read_inputs(turn, Medium.VIDEO)
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    if not prompt.prompt:
        raise UserError("error.request.needs_prompt")
    _, source = await source_of(turn, inputs)
    await submit_or_ask(turn, turn.services.compose.edit(prompt, source))


async def lip_sync(turn: Turn) -> None:
    """`/lipsync`, or a sound in reply to a video of ours: the face in it says a text, or what a voice message says."""
    inputs = await read_inputs(turn, Medium.VIDEO | Medium.SOUND, links=False)
    compose = turn.services.compose
    speech = compose.speech(parse_prompt(turn, inputs.text, inputs.names), inputs.sound)
    _, source = await source_of(turn, inputs)
    await submit_or_ask(turn, compose.lip_sync(source, speech))


async def avatar(turn: Turn) -> None:
    """`/avatar`: a person in a photo says a text, or what a voice message says."""
    inputs = await read_inputs(turn, Medium.PHOTO | Medium.SOUND, links=not pictures_of(turn))
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    person, compose = inputs.one_picture(), turn.services.compose
    await submit_or_ask(turn, compose.avatar(prompt, person, compose.speech(prompt, inputs.sound)))


async def motion(turn: Turn) -> None:
    """`/motion`: a person in a photo moves as the one in the newest video does."""
    inputs = await read_inputs(turn, Medium.VIDEO | Medium.PHOTO)
    person = inputs.one_picture()
    _, source = await source_of(turn, inputs)
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    await submit_or_ask(turn, turn.services.compose.motion(prompt, person, source))


async def effect(turn: Turn) -> None:
    """`/effect`: one of Kling's effects, by name, on one photo or two."""
    inputs = await read_inputs(turn, Medium.PHOTO)
    # What else stands there came with the other photos of an album.
    name, effects = inputs.text.partition("\n")[0].strip(), turn.services.compose.effects
    if not name:
        raise UserError("error.effect.which")
    if not effects.knows(name) and " " in name:
        raise UserError("error.effect.unknown", effect=name[:60], nearest=effects.nearest(name))
    if not inputs.pictures:
        raise UserError("error.request.one_picture")
    await submit_or_ask(turn, turn.services.compose.effect(name, inputs.pictures))


async def try_on(turn: Turn) -> None:
    """`/tryon`: a person wears what a second photo shows (a picture), or what a prompt says (a video)."""
    inputs, compose = await read_inputs(turn, Medium.PHOTO), turn.services.compose
    if len(inputs.pictures) == 2:
        await submit_or_ask(turn, compose.try_on(*inputs.pictures))
        return
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    person = inputs.one_picture()
    if not prompt.prompt:
        await suggest_outfits(turn, person)
        return
    request = compose.video(prompt, Pictures(first=person), turn.preferences, try_on=True)
    await submit_or_ask(turn, request)


async def image(turn: Turn) -> None:
    """`/image`: a picture from a prompt, or from a prompt and photos."""
    inputs = await read_inputs(turn, Medium.PHOTO)
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    await submit_or_ask(turn, turn.services.compose.picture(prompt, inputs.pictures))


async def expand(turn: Turn) -> None:
    """`/expand`: a photo with more around it."""
    inputs = await read_inputs(turn, Medium.PHOTO)
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    await submit_or_ask(turn, turn.services.compose.expansion(prompt, inputs.one_picture()))


async def sound(turn: Turn) -> None:
    """`/sound`: a sound from a prompt, or for the video that is replied to."""
    inputs, source = await read_inputs(turn, Medium.VIDEO, links=False), None
    if inputs.source is not None:
        _, source = await source_of(turn, inputs)
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    await submit_or_ask(turn, turn.services.compose.sound(prompt, source))


# -- messages that nothing can be made of ------------------------------------------------------------


async def on_unsupported(turn: Turn) -> None:
    """Say what can be sent instead."""
    await turn.answer(View(turn.t("error.message.unsupported")))


async def on_unknown_command(turn: Turn) -> None:
    """Say where the commands are listed."""
    command = turn.text.split(maxsplit=1)[0]
    await turn.answer(View(turn.t("error.command.unknown", command=inline(command, 40))))


async def on_forwarded_command(turn: Turn) -> None:
    """Say that a command acts for whoever writes it."""
    await turn.answer(View(turn.t("error.command.forwarded")))


async def on_anonymous_command(turn: Turn) -> None:
    """Refuse a command in the name of a group or channel: it has no account to charge."""
    await turn.answer(View(turn.t("error.user.anonymous")))


COMMANDS = (
    Command("image", image, section=Section.MAKING, menu=Menu.PRIVATE),
    Command("extend", extend, section=Section.MAKING),
    Command("edit", edit, section=Section.MAKING),
    Command("lipsync", lip_sync, section=Section.MAKING),
    Command("effect", effect, section=Section.MAKING),
    Command("tryon", try_on, section=Section.MAKING),
    Command("avatar", avatar, section=Section.MAKING),
    Command("motion", motion, section=Section.MAKING),
    Command("expand", expand, section=Section.MAKING),
    Command("sound", sound, section=Section.MAKING),
)
EVENTS = (
    Event(Meaning.DUB_RESULT, lip_sync),
    Event(Meaning.REFUSE_UNSUPPORTED, on_unsupported),
    Event(Meaning.REFUSE_UNKNOWN_COMMAND, on_unknown_command),
    Event(Meaning.REFUSE_FORWARDED_COMMAND, on_forwarded_command),
    Event(Meaning.REFUSE_ANONYMOUS, on_anonymous_command, AccessLevel.OPEN),
)
