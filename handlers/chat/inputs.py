"""What a person gives with a command: words, pictures of the message or its album, and what is replied to."""

import re
from dataclasses import dataclass

from telegram import Message, Update

from bot.domain.requests.links import Linked, split_links
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import AudioRef, ImageRef, SourceVideo
from bot.domain.tasks.task import Task
from bot.errors import UserError
from handlers.chat.context import Context, message_of, place_of, user_id_of
from handlers.chat.files import RemoteFile, fetch_file, image_file_of, sound_file_of

COMMAND = re.compile(r"/(\w+)(?:@(\w+))?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Given:
    """Everything that a command works on. `source` is the task whose result is replied to."""

    words: str
    pictures: tuple[ImageRef, ...] = ()
    sound: AudioRef | None = None
    source: Task | None = None


def messages_of(update: Update, context: Context) -> tuple[Message, ...]:
    """The message, and the other photos of its album."""
    return (message_of(update), *context.bot_data.albums.get(update.update_id, ()))


def text_of(update: Update, context: Context) -> str:
    """The text, or the caption that one photo of an album has."""
    message = message_of(update)
    if message.text:
        return message.text
    return next((part.caption for part in messages_of(update, context) if part.caption), "")


def words_after_command(text: str) -> str:
    """What stands after the command in a text or caption; line breaks stay."""
    match = COMMAND.match(text)
    return text[match.end() if match else 0 :].strip()


def command_in(text: str, username: str) -> str | None:
    """The command that a text begins with, in small letters; None where it calls another bot."""
    match = COMMAND.match(text)
    if match is None or (match[2] is not None and match[2].casefold() != username.casefold()):
        return None
    return match[1].casefold()


async def given(update: Update, context: Context, *, links: bool = True) -> Given:
    """Gather what came with a command; files, and pictures that are named by links, are fetched and kept.

    Without `links` an address in the words is text as any other.

    Raises:
        UserError: a picture, link or sound cannot be used.

    """
    message = message_of(update)
    replied = message.reply_to_message
    source = None if replied is None else await _task_of(replied, update, context)
    words = words_after_command(text_of(update, context))
    files = pictures_of(update, context)
    if not words and not files and source is None and replied is not None and not _is_ours(replied, context):
        words = words_after_command(replied.text or "")
    sound = sound_file_of(message) or sound_file_of(replied)
    linked = split_links(words) if links else Linked(words, ())
    keep = context.services.submit
    pictures = [await fetch_file(context.chat, file) for file in files]
    pictures += await context.services.links.pictures(linked.links)
    return Given(
        linked.words,
        tuple([await keep.keep_image(picture, user_id_of(update)) for picture in pictures]),
        None
        if sound is None
        else await keep.keep_sound(await fetch_file(context.chat, sound), user_id_of(update)),
        source,
    )


async def read_words(update: Update, context: Context, words: str) -> ParsedPrompt:
    """Words as a prompt and its options; elements and voices of one's own may be called by their names.

    Raises:
        UserError: an option is unknown, or its value is.

    """
    return context.services.compose.parse(words, await context.services.assets.names(user_id_of(update)))


def pictures_of(update: Update, context: Context) -> list[RemoteFile]:
    """The pictures of the message and its album, or else of the message that is replied to."""
    own = [file for part in messages_of(update, context) if (file := image_file_of(part)) is not None]
    if own:
        return own
    replied = image_file_of(message_of(update).reply_to_message)
    return [] if replied is None else [replied]


async def source_of(update: Update, context: Context, source: Task | None) -> tuple[Task, SourceVideo]:
    """The video that is replied to, or the person's newest one.

    Raises:
        UserError: there is none, or nothing can be done with it.

    """
    results, user_id = context.services.results, user_id_of(update)
    task = source or await results.newest_video(user_id)
    return task, await results.source(user_id, task)


def is_forwarded(update: Update) -> bool:
    """Whether the message is another's: its words were not written for this bot."""
    return message_of(update).forward_origin is not None


def one_picture(given_: Given) -> ImageRef:
    """The one picture that a command needs.

    Raises:
        UserError: there is none, or more than one.

    """
    if len(given_.pictures) != 1:
        raise UserError("error.request.one_picture")
    return given_.pictures[0]


async def result_replied_to(update: Update, context: Context) -> Task | None:
    """The task whose result a message replies to; None where it replies to nothing of the kind."""
    replied = message_of(update).reply_to_message
    return None if replied is None else await _task_of(replied, update, context)


async def _task_of(replied: Message, update: Update, context: Context) -> Task | None:
    if not _is_ours(replied, context):
        return None
    return await context.services.results.of_message(place_of(update).chat_id, replied.message_id)


def _is_ours(message: Message, context: Context) -> bool:
    return message.from_user is not None and message.from_user.id == context.bot.id
