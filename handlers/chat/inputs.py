"""What a person gives with a command: text, pictures of the message or its album, and what is replied to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from telegram import Message

from bot.domain.library.asset import Names
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import AudioRef, ImageRef, SourceVideo
from bot.domain.tasks.task import NotedMessage, Task
from bot.errors import UserError
from bot.services.requests.attachments import MOST_LINKS, Linked, SaveImage, split_links
from bot.services.requests.cards import READY
from handlers.chat.files import RemoteFile, fetch_file, image_file_of, save_file, sound_file_of
from handlers.chat.turn import Turn


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a command works on.

    `text` comes without the links of pictures; `names` are those of the person's own elements and voices,
    which a prompt may use. `source` is the task whose result is replied to, and `position` which of its results.
    """

    text: str
    names: Names
    pictures: tuple[ImageRef, ...] = ()
    sound: AudioRef | None = None
    source: Task | None = None
    position: int = 0

    def one_picture(self) -> ImageRef:
        """The only picture.

        Raises:
            UserError: there is none, or more than one.

        """
        if len(self.pictures) != 1:
            raise UserError("error.request.one_picture")
        return self.pictures[0]


async def read_inputs(turn: Turn, *, links: bool = True) -> Inputs:
    """Gather what came with a command; files, and pictures that are named by links, are fetched and kept.

    A command without text and pictures works on the text of the message that it replies to, or on the part of it
    that is quoted. Without `links`, and in somebody else's words, an address is text as any other.

    Raises:
        UserError: a picture, link or sound cannot be used, or the message that is replied to holds a video
            that somebody sent.

    """
    services, replied = turn.services, turn.replied_to
    noted = None if replied is None else await _noted(replied, turn)
    if noted is None:
        refuse_uploaded_video(turn)
    files = pictures_of(turn)
    sound_file = sound_in(turn)
    sound = None if sound_file is None else await fetch_file(turn.chat, sound_file)
    text, addresses = turn.arguments, turn.addresses
    given = None if noted is not None else turn.quoted or (None if files else turn.replied_words)
    if given is not None and not text:
        text, addresses = given.request, (*addresses, *given.addresses)
    elif given is not None and given is turn.quoted:
        # Whether the quote is what it is about, or only the occasion, is for the person to say.
        text, addresses = f"{given.request}\n{text}", (*addresses, *given.addresses)
        turn.first_question = READY
    linked = _linked(turn, text, addresses) if links else Linked(text, ())
    if len(linked.links) > MOST_LINKS:
        raise UserError("error.link.too_many", limit=MOST_LINKS)
    keep = services.attachments
    saves: list[SaveImage] = [partial(save_file, turn.chat, file) for file in files]
    saves += [partial(services.links.save, link) for link in linked.links]
    return Inputs(
        linked.words,
        await services.assets.names(turn.user_id),
        tuple([await keep.fetch_image(save, turn.user_id) for save in saves]),
        None if sound is None else await keep.keep_sound(sound, turn.user_id),
        None if noted is None else noted.task,
        0 if noted is None else noted.position,
    )


def has_links(turn: Turn) -> bool:
    """Whether a message names pictures by links, in its text or behind its words."""
    return bool(_linked(turn, turn.arguments, turn.addresses).links)


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
    return parse_prompt(turn, text, await turn.services.assets.names(turn.user_id))


def parse_prompt(turn: Turn, text: str, names: Names) -> ParsedPrompt:
    """The same where the names are known. Somebody else's words hold no options: they are taken as they stand.

    Raises:
        UserError: an option is unknown, or its value is.

    """
    if turn.is_forwarded:
        return ParsedPrompt(split_links(text).words)
    return turn.services.compose.parse(text, names)


def pictures_of(turn: Turn) -> list[RemoteFile]:
    """The pictures of the message and its album, or else of the message that is replied to."""
    files = [file for part in turn.messages if (file := image_file_of(part)) is not None]
    if files:
        return files
    replied = image_file_of(turn.pointed_at)
    return [] if replied is None else [replied]


async def keep_pictures(turn: Turn, messages: Iterable[Message]) -> tuple[ImageRef, ...]:
    """Fetch and keep the pictures of some messages.

    Raises:
        UserError: one cannot be used.

    """
    files = [file for message in messages if (file := image_file_of(message)) is not None]
    keep = turn.services.attachments
    return tuple(
        [await keep.fetch_image(partial(save_file, turn.chat, file), turn.user_id) for file in files]
    )


def sound_in(turn: Turn) -> RemoteFile | None:
    """The sound of the message, or else of the message that is replied to."""
    sent = next((file for part in turn.messages if (file := sound_file_of(part)) is not None), None)
    return sent or sound_file_of(turn.pointed_at)


async def source_of(
    turn: Turn, inputs: Inputs, *replied_files: RemoteFile | None
) -> tuple[Task, SourceVideo]:
    """The video that is replied to, or the person's newest one where they reply to none.

    A message that is replied to is never passed over for another video: it is a result, gives one of
    `replied_files` or the text that the command works on, or is refused.

    Raises:
        UserError: there is none, or nothing can be done with it.

    """
    results, user_id = turn.services.results, turn.user_id
    if inputs.source is not None:
        return inputs.source, await results.source(user_id, inputs.source, inputs.position)
    is_input = any(file is not None for file in replied_files) or _gives_text(turn)
    if turn.is_reply and not is_input:
        raise UserError("error.source.not_a_result")
    task = await results.newest_video(user_id)
    return task, await results.source(user_id, task)


def refuse_uploaded_video(turn: Turn) -> None:
    """Refuse a reply to a video that somebody sent: nothing can be made of it.

    Raises:
        UserError: it is one.

    """
    replied = turn.replied_to
    if replied is None or turn.is_ours(replied):
        return
    document = replied.document
    is_video = document is not None and (document.mime_type or "").startswith("video/")
    if is_video or replied.video or replied.animation or replied.video_note:
        raise UserError("error.source.uploaded")


async def result_replied_to(turn: Turn) -> Task | None:
    """The task whose result a message replies to; None where it replies to nothing of the kind."""
    replied = turn.replied_to
    noted = None if replied is None else await _noted(replied, turn)
    return None if noted is None else noted.task


def _gives_text(turn: Turn) -> bool:
    """Whether a bare command works on the text of the message that it replies to."""
    return not turn.arguments and (turn.quoted or turn.replied_words) is not None


async def _noted(replied: Message, turn: Turn) -> NotedMessage | None:
    if not turn.is_ours(replied):
        return None
    return await turn.services.results.noted(turn.chat_id, replied.message_id)
