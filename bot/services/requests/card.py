"""A card: a request and what is being asked about it, its name, its JSON, and what its pictures may be for."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.domain.requests.operations import CHOSEN_BY_MODEL, IMAGE_MODEL_OPERATIONS, Operation, Prompt
from bot.domain.requests.request import GenerationRequest, ImageRef
from bot.services.compose import Images
from bot.services.requests.swaps import Swap

READY = "draft.ready"
STALE = "draft.stale"
LINE_FULL = "draft.line_full"
FORWARDED = "draft.forwarded"
LATE = "draft.late"
PROMPT = "draft.words"
EDITED = "draft.edited"
OUTFIT = "tryon.which"
PHOTO = "draft.photo"
ONWARD = "draft.onward"
PHOTOS = "card.words"
TWO_PHOTOS = "draft.two_photos"
NEW = "card.new"
NEW_IMAGE = "card.new_image"
IMAGE_WORDS = "card.image_words"

WITH_WORDS = {PHOTO: "draft.photo_words", ONWARD: "draft.onward_words"}
"""What is asked in place of a question that lets a person go without words, where the model needs them."""

FRAMES = "frames"
REFERENCES = "references"
ONLY_NEW = "only"

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Card:
    """A request and what is being asked about it.

    `name` tells buttons of one card from those of another. `question` is the key of what stands above it.
    The video will be a reply to `source_message_id`; the card is shown as `message_id`. `images` are all
    pictures in question, the newest `new_images` of them last, where it cannot be told what they are for. `swap` tells
    whose place its model takes, where that was not the person's choice. `brushing` is the token of what was marked for
    its motion brush; empty: nothing was.
    """

    name: str
    request: GenerationRequest
    question: str = READY
    source_message_id: int | None = None
    message_id: int | None = None
    images: tuple[ImageRef, ...] = ()
    new_images: int = 0
    swap: Swap | None = None
    brushing: str = ""

    @property
    def photos(self) -> int:
        """How many photos it holds."""
        return len(self.images or self.request.images)

    @property
    def takes_words(self) -> bool:
        """Whether it can be changed by a text."""
        request = self.request
        spoken = request.speech is not None and request.speech.audio is not None
        is_told_how = request.operation is Operation.AVATAR
        return request.operation.row.prompt is not Prompt.NONE and (is_told_how or not spoken)

    @property
    def takes_images(self) -> bool:
        """Whether pictures can be added to it."""
        return self.request.operation in CHOSEN_BY_MODEL and self.request.source is None


def dump_card(card: Card) -> dict[str, Any]:
    """A card as JSON, without the message that shows it."""
    return {
        "name": card.name,
        "request": card.request.model_dump(mode="json"),
        "question": card.question,
        "source_message_id": card.source_message_id,
        "pictures": [image.model_dump(mode="json") for image in card.images],
        "new_pictures": card.new_images,
        "swap": None if card.swap is None else card.swap.dump(),
        "brushing": card.brushing,
    }


def load_card(data: dict[str, Any]) -> Card | None:
    """A card from its JSON; None where another version of the program wrote it."""
    try:
        return Card(
            name=data["name"],
            request=GenerationRequest.model_validate(data["request"]),
            question=data["question"],
            source_message_id=data["source_message_id"],
            images=tuple(ImageRef.model_validate(image) for image in data["pictures"]),
            new_images=data["new_pictures"],
            swap=Swap.load(data["swap"]) if data.get("swap") else None,
            brushing=data.get("brushing", ""),
        )
    except (KeyError, ValueError, ValidationError):
        return None


def card_name(update_id: int) -> str:
    """The name of the card that an update opens: the same when the update is handled again."""
    name = ""
    while update_id:
        update_id, digit = divmod(update_id, len(_DIGITS))
        name = _DIGITS[digit] + name
    return name or _DIGITS[0]


def as_given(images: tuple[ImageRef, ...]) -> Images:
    """One picture is the first frame, several are references."""
    if len(images) == 1:
        return Images(first=images[0])
    return Images(references=images)


def list_uses(card: Card) -> dict[str, Images]:
    """The ways in which the pictures in question could be used."""
    every = card.images
    if card.request.operation in IMAGE_MODEL_OPERATIONS:
        return {REFERENCES: Images(references=every)}
    new = every[len(every) - card.new_images :]
    if len(every) == 1:
        return {FRAMES: Images(first=every[0])}
    ways: dict[str, Images] = {}
    ways[FRAMES] = Images.in_order(every)
    ways[REFERENCES] = Images(references=every)
    if len(new) < len(every):
        ways[ONLY_NEW] = Images(first=new[0]) if len(new) == 1 else Images(references=new)
    return ways


def choose_question(request: GenerationRequest) -> str:
    """What is asked where there are no words: one picture moves by itself, everything else needs them."""
    if request.operation in IMAGE_MODEL_OPERATIONS:
        return IMAGE_WORDS if request.references else NEW_IMAGE
    if request.first_frame is not None:
        return PHOTO
    return PHOTOS if request.references else NEW
