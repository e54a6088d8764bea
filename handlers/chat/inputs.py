"""What a person gives with a command: text, pictures of the message or its album, and what is replied to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from telegram import Message

from bot.domain.library.asset import Names
from bot.domain.requests.films import FRAME_LIMITS, find_excess
from bot.domain.requests.operations import Operation, Role
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import AudioRef, Continued, GenerationRequest, ImageRef, SourceVideo
from bot.domain.requests.values import QUOTED_LENGTH
from bot.domain.tasks.task import Delivery, Task
from bot.domain.types import SECOND
from bot.errors import UserError
from bot.services.compose import Images
from bot.services.compose import Inputs as ComposeInputs
from bot.services.requests.attachments import MOST_LINKS, Linked, SaveFile, leads_to_video, split_links
from bot.services.requests.card import READY
from handlers.chat.files import RemoteFile, fetch_file, image_file_of, save_file, save_film, sound_file_of
from handlers.chat.pointers import Medium, Used, image_replied_to, sound_replied_to, use
from handlers.chat.turn import Turn


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a command works on.

    `text` comes without the links of pictures; `names` are those of the person's own elements and voices,
    which a prompt may use. `source` is the task whose video is pointed at, and `position` which of its videos; `film` saves
    a video of the person's own. `has_idle_reply` says that the message replies to one of which nothing is used.
    """

    text: str
    names: Names
    images: tuple[ImageRef, ...] = ()
    sound: AudioRef | None = None
    source: Task | None = None
    position: int = 0
    film: SaveFile | None = None
    has_idle_reply: bool = False

    @property
    def has_video(self) -> bool:
        """Whether a video is pointed at, or named by a link."""
        return self.source is not None or self.film is not None

    @property
    def given(self) -> ComposeInputs:
        """The files without the source, which is looked for last."""
        return ComposeInputs(Images(references=self.images), self.sound)

    def one_image(self) -> ImageRef:
        """The only picture.

        Raises:
            UserError: there is none, or more than one.

        """
        if len(self.images) != 1:
            raise UserError("error.request.one_picture")
        return self.images[0]


async def read_inputs(turn: Turn, takes: Medium, *, links: bool = True, pointing: bool = True) -> Inputs:
    """Gather what came with a command; files, and pictures that are named by links, are fetched and kept.

    `takes` is what the command can work on, beside a prompt. A command without text and pictures works on the text
    of the message that it replies to, or on the part of it that is quoted. Without `links`, and in somebody else's
    words, an address is text as any other. A video is fetched last, where everything else is right.

    Raises:
        UserError: a picture, link or sound cannot be used, or something is pointed at that cannot.

    """
    services = turn.services
    used = await use(turn, takes) if pointing else Used()
    noted = used.result
    files = images_of(turn, pointing=pointing)
    sound_file = sound_in(turn)
    sound = None if sound_file is None else await fetch_file(turn.chat, sound_file)
    text, addresses = turn.arguments, turn.addresses
    given = None if used else turn.quoted or (None if files or text else turn.replied_words)
    if given is not None:
        if text:
            # Whether the quote is what it is about, or only the occasion, is for the person to say.
            turn.first_question = turn.first_question or READY
        text, addresses = f"{given.request}\n{text}".strip(), (*addresses, *given.addresses)
    # Where the video is pointed at, and nothing but a video is taken, an address is a part of the prompt.
    reads_links = links and (bool(takes & Medium.PHOTO) or not used)
    linked = _linked(turn, text, addresses) if reads_links else Linked(text, ())
    film: SaveFile | None = None if used.film is None else partial(save_film, turn.chat, used.film)
    if reads_links and takes & Medium.FILM and not used:
        linked, film = _linked_film(turn, linked, takes)
    names = await services.assets.names(turn.user_id, linked.words)
    if given is not None and (linked.links or _has_options(turn, linked.words, names)):
        # What somebody else's words would cost is for the person to see first.
        turn.first_question = turn.first_question or READY
    if len(linked.links) > MOST_LINKS:
        raise UserError("error.link.too_many", limit=MOST_LINKS)
    saves = _saves(turn, files)
    saves += [partial(services.links.save, link) for link in linked.links]
    return Inputs(
        linked.words,
        names,
        await _keep(turn, saves),
        None if sound is None else await services.attachments.save_sound(sound, turn.user_id),
        None if noted is None else noted.task,
        0 if noted is None else noted.position,
        film,
        turn.is_reply and not (used or given or image_replied_to(turn) or sound_replied_to(turn)),
    )


def _linked_film(turn: Turn, linked: Linked, takes: Medium) -> tuple[Linked, SaveFile | None]:
    """The video among some links, and the links of pictures that are left.

    Raises:
        UserError: there are several.

    """
    films = [link for link in linked.links if leads_to_video(link) or not takes & Medium.PHOTO]
    if len(films) > 1:
        raise UserError("error.pointer.several")
    left = tuple(link for link in linked.links if link not in films)
    film = partial(turn.services.links.save_video, films[0]) if films else None
    return Linked(linked.words, left), film


def _has_options(turn: Turn, text: str, names: Names) -> bool:
    try:
        return bool(parse_prompt(turn, text, names).options)
    except UserError:
        return False


def has_links(turn: Turn) -> bool:
    """Whether a message names pictures by links, in its text or behind its words."""
    return bool(_linked(turn, turn.arguments, turn.addresses).links)


def has_words(turn: Turn) -> bool:
    """Whether it says anything beside such links, or quotes anything."""
    quoted = "" if turn.quoted is None else turn.quoted.request
    return bool(_linked(turn, f"{quoted}\n{turn.arguments}".strip(), turn.addresses).words)


def _linked(turn: Turn, text: str, addresses: Sequence[str]) -> Linked:
    """A text and the links of pictures in it and behind it; somebody else's links are nobody's order."""
    if turn.is_forwarded:
        return Linked(text, ())
    linked = split_links(text)
    return Linked(linked.words, tuple(dict.fromkeys((*linked.links, *addresses))))


async def read_prompt(turn: Turn, text: str) -> ParsedPrompt:
    """Split a text into prompt and options; it may use the names of the person's own elements and voices.

    Raises:
        UserError: an option is unknown, or its value is.

    """
    return parse_prompt(turn, text, await turn.services.assets.names(turn.user_id, text))


def parse_prompt(turn: Turn, text: str, names: Names, *, images: bool = False) -> ParsedPrompt:
    """The same where the names are known; models that make `images` may be named, or videos. Somebody else's words hold no options: they are taken as they stand.

    Raises:
        UserError: an option is unknown, or its value is.

    """
    if turn.is_forwarded:
        return ParsedPrompt(split_links(text).words)
    return turn.services.compose.parse(text, names, images=images)


def images_of(turn: Turn, *, pointing: bool = True) -> list[RemoteFile]:
    """The picture of the message that is replied to, then those of the message and its album."""
    files = [file for part in turn.messages if (file := image_file_of(part)) is not None]
    replied = image_replied_to(turn) if pointing else None
    return files if replied is None else [replied, *files]


async def keep_images(turn: Turn, messages: Iterable[Message]) -> tuple[ImageRef, ...]:
    """Fetch and keep the pictures of some messages.

    Raises:
        UserError: one cannot be used.

    """
    files = (image_file_of(message) for message in messages)
    return await _keep(turn, _saves(turn, [file for file in files if file is not None]))


def _saves(turn: Turn, files: Iterable[RemoteFile]) -> list[SaveFile]:
    return [partial(save_file, turn.chat, file) for file in files]


async def _keep(turn: Turn, saves: Iterable[SaveFile]) -> tuple[ImageRef, ...]:
    keep = turn.services.attachments
    return tuple([await keep.fetch_image(save, turn.user_id) for save in saves])


async def keep_sent(turn: Turn) -> tuple[tuple[ImageRef, ...], AudioRef | None]:
    """Fetch and keep the pictures and the sound of a message and its album.

    Raises:
        UserError: one cannot be used.

    """
    file = next((file for part in turn.messages if (file := sound_file_of(part)) is not None), None)
    sound = None
    if file is not None:
        content = await fetch_file(turn.chat, file)
        sound = await turn.services.attachments.save_sound(content, turn.user_id)
    return await keep_images(turn, turn.messages), sound


def sound_in(turn: Turn) -> RemoteFile | None:
    """The sound of the message, or else of the message that is replied to.

    Raises:
        UserError: both have one.

    """
    sent = next((file for part in turn.messages if (file := sound_file_of(part)) is not None), None)
    replied = sound_replied_to(turn)
    if sent is not None and replied is not None:
        raise UserError("error.pointer.several_sounds")
    return sent or replied


async def compose_request(turn: Turn, operation: Operation, inputs: Inputs) -> GenerationRequest:
    """What an operation makes of what a person gave; a video is looked for only where everything else is right.

    Raises:
        UserError: nothing can be made of it.

    """
    if operation is Operation.EXTEND:
        return await _compose_extension(turn, inputs)
    compose, row, given = turn.services.compose, operation.row, inputs.given
    if row.limits(Role.EFFECT)[1]:
        # What else stands there came with the other photos of an album.
        prompt = ParsedPrompt(inputs.text.partition("\n")[0].strip())
    else:
        names = inputs.names.for_speech() if row.limits(Role.SPEECH)[1] else inputs.names
        prompt = parse_prompt(turn, inputs.text, names)
        voice = prompt.options.get("voice", "")
        only_videos = row.limits(Role.SPEECH)[1] and inputs.names.speaks_in_videos_only(voice)
        if only_videos and not compose.voices.knows(voice):
            raise UserError("error.voice.only_videos", voice=voice[:QUOTED_LENGTH])
    compose.settings(operation, given, prompt)
    if row.limits(Role.SOURCE)[1] and inputs.film is not None:
        given = replace(given, source=await fetch_film(turn, inputs.film))
    elif row.limits(Role.SOURCE)[1]:
        task, source = await _source_of(turn, inputs)
        given = replace(given, source=source, source_mode=task.request.mode)
    return compose.compose(operation, given, prompt)


async def compose_with_video(turn: Turn, inputs: Inputs) -> GenerationRequest:
    """A video whose prompt refers to another one: for what is in it, how it moves or looks.

    Raises:
        UserError: there is no other one, or no model takes it.

    """
    prompt = parse_prompt(turn, inputs.text, inputs.names)
    if not prompt.prompt:
        raise UserError("error.request.needs_prompt")
    if inputs.film is not None:
        video = await fetch_film(turn, inputs.film)
    elif inputs.source is not None:
        video = await turn.services.results.source(turn.user_id, inputs.source, inputs.position)
    else:
        raise UserError("error.request.no_video")
    images = Images(references=inputs.images)
    return turn.services.compose.video(prompt, images, turn.preferences, features=(video,))


async def fetch_film(turn: Turn, film: SaveFile) -> SourceVideo:
    """Fetch and keep a video of a person's own, where a provider can have it from here.

    Raises:
        UserError: none can, or it cannot be had or used.

    """
    turn.services.compose.check_hands_out()
    return SourceVideo.of_file(await turn.services.videos.fetch(film, turn.user_id))


async def _source_of(turn: Turn, inputs: Inputs) -> tuple[Task, SourceVideo]:
    """The video that is pointed at, or the person's newest one of this chat where nothing is pointed at."""
    task = await _task_of(turn, inputs)
    return task, await turn.services.results.source(turn.user_id, task, inputs.position)


async def _task_of(turn: Turn, inputs: Inputs) -> Task:
    if inputs.source is not None:
        return inputs.source
    if inputs.has_idle_reply:
        raise UserError("error.source.not_a_result")
    return await turn.services.results.newest_video(turn.user_id, turn.chat_id)


async def _compose_extension(turn: Turn, inputs: Inputs) -> GenerationRequest:
    """The video made longer by its provider, or a draft of what goes on from its last frame.

    Words may be missing from a draft. Where a model is named, that one goes on.
    """
    services, prompt = turn.services, parse_prompt(turn, inputs.text, inputs.names)
    if inputs.film is not None:
        file = await services.videos.fetch(inputs.film, turn.user_id)
        return await _go_on(turn, Continued(file=file), prompt)
    task = await _task_of(turn, inputs)
    delivery = await services.results.video(turn.user_id, task, inputs.position)
    if services.results.is_extendable(delivery) and "model" not in prompt.options:
        source = await services.results.source(turn.user_id, task, delivery.position)
        given = ComposeInputs(source=source, source_mode=task.request.mode)
        return services.compose.compose(Operation.EXTEND, given, prompt)
    return await continue_from_frame(turn, delivery, prompt)


async def continue_from_frame(turn: Turn, delivery: Delivery, prompt: ParsedPrompt) -> GenerationRequest:
    """A draft of what goes on from the last frame of a result.

    Raises:
        UserError: nobody has its file any more, or nothing can go on from it.

    """
    file = await turn.services.results.keep(turn.user_id, delivery)
    continued = Continued(file=file, task=delivery.task.id)
    return await _go_on(turn, continued, prompt, delivery.task.request)


async def _go_on(
    turn: Turn, continued: Continued, prompt: ParsedPrompt, like: GenerationRequest | None = None
) -> GenerationRequest:
    services, file = turn.services, continued.file
    shortest, longest = Operation.EXTEND.row.source_seconds
    if not shortest * SECOND <= file.duration_ms <= longest * SECOND:
        raise UserError("error.request.source_length", shortest=f"{shortest:g}", longest=f"{longest:g}")
    if (excess := find_excess(file, FRAME_LIMITS)) is not None:
        raise UserError(excess.error, **excess.details(FRAME_LIMITS))
    frame = await services.attachments.save_image(await services.videos.last_frame(file), turn.user_id)
    return services.compose.onward(prompt, frame, continued, like, turn.preferences)
