"""What a person gives with a command: words, pictures of the message or its album, and what is replied to."""

from dataclasses import dataclass

from telegram import Message

from bot.domain.requests.links import Linked, split_links
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import AudioRef, ImageRef, SourceVideo
from bot.domain.tasks.task import Task
from bot.errors import UserError
from handlers.chat.files import RemoteFile, fetch_file, image_file_of, sound_file_of
from handlers.chat.turn import Turn, read_command


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a command works on. `source` is the task whose result is replied to."""

    words: str
    pictures: tuple[ImageRef, ...] = ()
    sound: AudioRef | None = None
    source: Task | None = None


async def read_inputs(turn: Turn, *, links: bool = True) -> Inputs:
    """Gather what came with a command; files, and pictures that are named by links, are fetched and kept.

    Without `links` an address in the words is text as any other.

    Raises:
        UserError: a picture, link or sound cannot be used.

    """
    replied = turn.replied_to
    source = None if replied is None else await _task_of(replied, turn)
    words = turn.arguments
    files = pictures_of(turn)
    if not words and not files and source is None and replied is not None and not turn.is_ours(replied):
        words = _words_of(replied, turn)
    sound = sound_file_of(turn.message) or sound_file_of(replied)
    linked = split_links(words) if links else Linked(words, ())
    keep = turn.services.attachments
    pictures = [await fetch_file(turn.chat, file) for file in files]
    pictures += await turn.services.links.pictures(linked.links)
    return Inputs(
        linked.words,
        tuple([await keep.keep_image(picture, turn.user_id) for picture in pictures]),
        None if sound is None else await keep.keep_sound(await fetch_file(turn.chat, sound), turn.user_id),
        source,
    )


async def read_words(turn: Turn, words: str) -> ParsedPrompt:
    """Words as a prompt and its options; elements and voices of one's own may be called by their names.

    Raises:
        UserError: an option is unknown, or its value is.

    """
    return turn.services.compose.parse(words, await turn.services.assets.names(turn.user_id))


def pictures_of(turn: Turn) -> list[RemoteFile]:
    """The pictures of the message and its album, or else of the message that is replied to."""
    files = [file for part in turn.messages if (file := image_file_of(part)) is not None]
    if files:
        return files
    replied = image_file_of(turn.replied_to)
    return [] if replied is None else [replied]


async def source_of(turn: Turn, source: Task | None) -> tuple[Task, SourceVideo]:
    """The video that is replied to, or the person's newest one.

    Raises:
        UserError: there is none, or nothing can be done with it.

    """
    results, user_id = turn.services.results, turn.user_id
    task = source or await results.newest_video(user_id)
    return task, await results.source(user_id, task)


def is_forwarded(turn: Turn) -> bool:
    """Whether the message is another's: its words were not written for this bot."""
    return turn.message is not None and turn.message.forward_origin is not None


def one_picture(inputs: Inputs) -> ImageRef:
    """The one picture that a command needs.

    Raises:
        UserError: there is none, or more than one.

    """
    if len(inputs.pictures) != 1:
        raise UserError("error.request.one_picture")
    return inputs.pictures[0]


async def result_replied_to(turn: Turn) -> Task | None:
    """The task whose result a message replies to; None where it replies to nothing of the kind."""
    replied = turn.replied_to
    return None if replied is None else await _task_of(replied, turn)


async def _task_of(replied: Message, turn: Turn) -> Task | None:
    if not turn.is_ours(replied):
        return None
    return await turn.services.results.of_message(turn.chat_id, replied.message_id)


def _words_of(message: Message, turn: Turn) -> str:
    """What another message says, without a command."""
    text = message.text or ""
    command = read_command(text, turn.username)
    return text.strip() if command is None else command.arguments
