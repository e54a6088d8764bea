"""Random requests, and what was answered about each before the capability rules became a table.

`answers.bin` holds, for each request of `random_requests`, a digest of the verdict with its parameters and one of the
fields that each dialect lacks; `choices.bin` what the card offers for every tenth that is possible. All of it goes by
`catalog.toml` beside them, so that a new model changes nothing here. Where a dialect lacks the operation, nothing else counts.
"""

import random
import tomllib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.domain.requests import catalog as catalogs
from bot.domain.requests.model import Model
from bot.domain.requests.operations import (
    LIBRARY_OPERATIONS,
    VIDEO_MODEL_OPERATIONS,
    Operation,
    Product,
)
from bot.domain.requests.request import BrushStroke, Camera, GenerationRequest, MotionBrush, Point, Shot
from tests.operations import IMAGES, SOUND, SOURCE, SPEECH, a_request_for

SAMPLES = Path(__file__).parent / "recorded"
CATALOG = catalogs.read(tomllib.loads((SAMPLES / "catalog.toml").read_text("utf-8")))
NUMBER = 20_000
STRIDE = 10
"""What the card offers is recorded for one request of so many."""

ROWS = [row for section in ("models", "images", "services") for row in CATALOG.section(section)]
OPERATIONS = [
    operation
    for operation in Operation
    if operation not in LIBRARY_OPERATIONS | {Operation.VIEWS, Operation.CUTOUT}
]
"""Those that a model makes; elements and voices have no row of the catalogue."""
OFFERED = tuple(row.id for row in CATALOG.known())
MODES = ("std", "pro", "4k")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
CAMERAS = (
    Camera(move="simple", axis="zoom", value=-5),
    Camera(move="forward_up"),
    Camera(move="simple", axis="tilt", value=5),
)
BRUSH = MotionBrush(strokes=(BrushStroke(mask=IMAGES[5], trajectory=(Point(x=0, y=0), Point(x=5, y=5))),))
TAKES_REFERENCES = {
    Operation.REFERENCES_TO_VIDEO: (1, 4),
    Operation.OMNI_VIDEO: (0, 7),
    Operation.EFFECT: (1, 2),
    Operation.IMAGE: (0, 1),
    Operation.REFERENCES_TO_IMAGE: (1, 4),
    Operation.OMNI_IMAGE: (0, 7),
}


def random_requests(number: int = NUMBER, seed: int = 18) -> Iterator[GenerationRequest]:
    """The same requests each time: for every kind of model, some that it can do and some that it cannot."""
    rng = random.Random(seed)
    while number:
        row = rng.choice(ROWS)
        operation = rng.choice(row.operations) if rng.random() < 0.9 else rng.choice(OPERATIONS)
        try:
            request = a_request_for(operation, **_fields(rng, row, operation))
        except ValidationError:
            continue
        if request.operation in {Operation.IMAGE, Operation.OMNI_IMAGE} and not request.prompt:
            # Those had to have words when they were recorded.
            continue
        yield request
        number -= 1


def _fields(rng: random.Random, row: Model, operation: Operation) -> dict[str, Any]:
    """The fields of one request; half of them keep to what the model can do, the others take anything."""
    keeps = rng.random() < 0.5

    def chance(probability: float) -> bool:
        return rng.random() < probability * (0.4 if keeps else 1)

    def one_of(held: tuple[Any, ...], every: tuple[Any, ...]) -> Any:
        return rng.choice(held if keeps or rng.random() < 0.7 else every)

    fields: dict[str, Any] = {"model": row.id if rng.random() < 0.97 else "kling-v9"}
    fields["mode"] = one_of(row.modes, MODES)
    video = operation in VIDEO_MODEL_OPERATIONS
    fields["duration"] = one_of(row.durations, (3, 5, 7, 10, 12, 20)) if video else row.durations[0]
    fields["aspect_ratio"] = one_of(row.ratios, RATIOS) if chance(1.0) else None
    if operation.product is Product.IMAGE:
        fields["resolution"] = one_of(row.resolutions, ("1k", "2k", "4k"))
    fields["count"] = rng.randint(1, row.count if keeps else 4)
    if chance(0.15):
        fields["cfg_scale"] = 0.5
    if chance(0.1):
        fields["seed"] = 7
    if chance(0.2):
        fields["negative_prompt"] = "blur"
    if chance(0.1):
        fields["prompt"] = ""
    fields["watermark"] = chance(0.05)
    if operation in TAKES_REFERENCES:
        low, high = TAKES_REFERENCES[operation]
        fields["references"] = IMAGES[
            : rng.randint(low, min(high, row.references) if keeps and row.references else high)
        ]
    if operation in {Operation.IMAGE_TO_VIDEO, Operation.OMNI_VIDEO}:
        first = operation is Operation.IMAGE_TO_VIDEO or chance(0.4)
        fields["first_frame"] = IMAGES[6] if first else None
        fields["last_frame"] = IMAGES[7] if chance(0.5 if first else 0.1) else None
    if video:
        fields["sound"] = chance(0.4) and (not keeps or fields["mode"] in row.sound)
        fields["camera"] = rng.choice(CAMERAS) if chance(0.2) else None
        fields["brush"] = BRUSH if chance(0.08) else None
        fields["voices"] = ("ada",) if chance(0.15) else ()
        fields["elements"] = tuple(range(1, rng.randint(2, 4))) if chance(0.2) else ()
        if chance(0.1) and fields["duration"] > 1:
            seconds = fields["duration"] - 1
            fields["shots"] = (
                Shot(prompt="it wakes", duration=1),
                Shot(prompt="it runs", duration=min(15, seconds)),
            )
    if operation in {
        Operation.EXTEND,
        Operation.MOTION_CONTROL,
        Operation.LIP_SYNC,
        Operation.VIDEO_TO_AUDIO,
    } or (operation is Operation.OMNI_VIDEO and rng.random() < 0.2):
        fields["source"] = SOURCE | {
            "duration_ms": rng.choice((None, 2_400, 5_100, 10_040, 15_000, 61_000, 180_000)),
            "operation": rng.choice((None, Operation.TEXT_TO_VIDEO, Operation.OMNI_VIDEO)),
        }
    if operation in {Operation.LIP_SYNC, Operation.AVATAR}:
        fields["speech"] = SPEECH if rng.random() < 0.5 else {"audio": SOUND}
    return fields


def digest(answer: object) -> bytes:
    """Two bytes that differ where answers do."""
    return blake2b(repr(answer).encode(), digest_size=2).digest()
