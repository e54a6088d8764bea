"""What a message points at: by a reply, in this chat or out of another one, or by holding a video itself.

Nothing else decides which message is meant, and whether it can be used. What is pointed at is used or refused, and
never passed over for something else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag, auto

from telegram import ExternalReplyInfo

from bot.domain.tasks.task import ResultMessage
from bot.domain.types import ChatId
from bot.errors import UserError
from handlers.chat.files import (
    Film,
    Holder,
    RemoteFile,
    film_file_of,
    film_of,
    image_file_of,
    sound_file_of,
)
from handlers.chat.turn import Turn


class Medium(Flag):
    """What can be used of a message, beside its words."""

    VIDEO = auto()
    """A finished video of ours; the person must be its owner."""
    FILM = auto()
    """Any other video: one that the person brings along."""
    PHOTO = auto()
    SOUND = auto()


NOTHING = Medium(0)

_WANTED = {
    Medium.VIDEO: "error.pointer.result",
    Medium.VIDEO | Medium.FILM: "error.source.not_a_result",
    Medium.PHOTO: "error.pointer.photo",
    Medium.VIDEO | Medium.PHOTO: "error.pointer.video_or_photo",
    Medium.VIDEO | Medium.SOUND: "error.pointer.video_or_sound",
    Medium.PHOTO | Medium.SOUND: "error.pointer.photo_or_sound",
}
"""What is told where something else is pointed at than what can be used; whose video it is, makes no difference there."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """One thing that is pointed at.

    `medium` is what it is good for, NOTHING for what is good for nothing here, None for words. `result` is the
    result that it shows or is about, whoever made it; `film` any other video.
    """

    medium: Medium | None
    result: ResultMessage | None = None
    film: RemoteFile | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """The video that is pointed at and can be used: one that was made here, or one of the person's own."""

    result: ResultMessage | None = None
    film: RemoteFile | None = None

    def __bool__(self) -> bool:
        """Whether there is one."""
        return self.result is not None or self.film is not None


async def pointed_at(turn: Turn, takes: Medium = NOTHING) -> list[Pointed]:
    """Everything that a message points at: a video that it holds, then what it replies to."""
    found = [await _look_at(part, turn) for part in turn.messages if is_film(part)]
    if not takes & Medium.FILM and any(image_file_of(part) is not None for part in turn.messages):
        # A film that stands beside photos in an album is no reason to pass over these.
        found = [pointed for pointed in found if pointed.result is not None]
    replied = turn.pointed_at
    if replied is not None:
        found.append(await _look_at(replied, turn))
    elif turn.is_reply:
        found.append(Pointed(NOTHING))
    return found


async def use(turn: Turn, takes: Medium) -> Used:
    """The video that is pointed at; an empty one where none is.

    `takes` is all that can be used; files that come with the message count too.

    Raises:
        UserError: something is pointed at that cannot be used; it says what can be.

    """
    found = []
    for pointed in await pointed_at(turn, takes):
        if pointed.medium is None:
            continue
        if not pointed.medium & takes:
            raise UserError(_refusal(turn, pointed, takes))
        if pointed.result is not None and pointed.medium is Medium.VIDEO:
            await turn.services.tasks.check_owner(turn.user_id, pointed.result.task)
            found.append(Used(pointed.result))
        elif pointed.film is not None:
            found.append(Used(film=pointed.film))
    if len(found) > 1:
        raise UserError("error.pointer.several")
    for part in turn.messages:
        if not is_film(part) and (medium := _medium(part)) is not None and not medium & takes:
            raise UserError(_wanted(takes))
    return found[0] if found else Used()


def film_pointed_at(turn: Turn) -> Film | None:
    """What Telegram tells of the video of a message, or of the one that it replies to."""
    holders = [*(part for part in turn.messages if is_film(part)), turn.pointed_at]
    found = (film_of(holder) for holder in holders if holder is not None)
    return next((film for film in found if film is not None), None)


async def result_replied_to(turn: Turn) -> ResultMessage | None:
    """The result that a message replies to: anybody's of this chat, or one of the person's own out of any other."""
    replied = turn.pointed_at
    if replied is None:
        return None
    result, is_here = await _find_result(replied, turn)
    is_own = result is not None and result.task.user_id == turn.user_id
    return result if is_here or is_own else None


def image_replied_to(turn: Turn) -> RemoteFile | None:
    """The picture of the message that is replied to."""
    return image_file_of(turn.pointed_at)


def sound_replied_to(turn: Turn) -> RemoteFile | None:
    """The sound of the message that is replied to."""
    return sound_file_of(turn.pointed_at)


def is_film(holder: Holder) -> bool:
    """Whether a message holds a video, a GIF, a video message, or a video as a file."""
    return film_file_of(holder) is not None


def message_replied_to(turn: Turn) -> int | None:
    """The id of the message of this chat that a message replies to."""
    return None if turn.replied_to is None else turn.replied_to.message_id


def is_reply_to(turn: Turn, message_id: int | None) -> bool:
    """Whether a message replies to this message of the chat; never to None."""
    return message_id is not None and message_replied_to(turn) == message_id


async def delete_replied_to(turn: Turn) -> None:
    """Delete the message that is replied to: a question that is answered."""
    if turn.replied_to is not None:
        await turn.delete(turn.replied_to.message_id)


async def _look_at(holder: Holder, turn: Turn) -> Pointed:
    result, _ = await _find_result(holder, turn)
    if result is not None and result.task.request.operation.product.is_film:
        return Pointed(Medium.VIDEO, result)
    if (film := film_file_of(holder)) is not None:
        return Pointed(Medium.FILM, film=film)
    medium = _medium(holder)
    return Pointed(NOTHING if medium is None and result is not None else medium, result)


async def _find_result(holder: Holder, turn: Turn) -> tuple[ResultMessage | None, bool]:
    """The result that a message shows or is about, whoever made it, and whether this chat knows it by the message."""
    if holder not in turn.results:
        here = await _result_here(holder, turn)
        turn.results[holder] = here or await _result_elsewhere(holder, turn), here is not None
    return turn.results[holder]


async def _result_here(holder: Holder, turn: Turn) -> ResultMessage | None:
    """The result that a message of ours in this chat brought or is about."""
    if isinstance(holder, ExternalReplyInfo) or not turn.is_ours(holder):
        return None
    return await turn.services.results.noted(turn.chat_id, holder.message_id)


async def _result_elsewhere(holder: Holder, turn: Turn) -> ResultMessage | None:
    """The result that a message of another chat brought or is about, or that a file shows, whoever made it."""
    results = turn.services.results
    if isinstance(holder, ExternalReplyInfo) and holder.chat is not None and holder.message_id is not None:
        noted = await results.noted(ChatId(holder.chat.id), holder.message_id)
        if noted is not None:
            return noted
    files = _file_ids(holder)
    return await results.of_file(files, turn.user_id) if files else None


def _wanted(takes: Medium) -> str:
    return _WANTED.get(takes) or _WANTED[takes & ~Medium.FILM]


def _refusal(turn: Turn, pointed: Pointed, takes: Medium) -> str:
    if pointed.medium is not Medium.VIDEO or pointed.result is None:
        return _wanted(takes)
    is_own = pointed.result.task.user_id == turn.user_id
    return "error.pointer.finished_video" if is_own else "error.result.not_yours"


def _medium(holder: Holder) -> Medium | None:
    """What the file of a message is good for; None where it has none."""
    if image_file_of(holder) is not None:
        return Medium.PHOTO
    if sound_file_of(holder) is not None:
        return Medium.SOUND
    files = (holder.document, holder.sticker, holder.story, holder.paid_media, holder.live_photo)
    return None if all(file is None for file in files) else NOTHING


def _file_ids(holder: Holder) -> Sequence[str]:
    """By what Telegram knows the file of a message, in whatever message it stands."""
    files = (holder.video, holder.animation, holder.document, holder.audio, *(holder.photo or ()))
    return sorted({file.file_unique_id for file in files if file is not None})
