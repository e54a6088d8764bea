"""A request for each operation, with as little in it as the operation needs."""

from hashlib import sha256
from typing import Any

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import AudioRef, GenerationRequest, ImageRef

CONTENTS = {f"picture {number}".encode(): number for number in range(10)} | {b"a sound": 10}
BYTES = {sha256(content).hexdigest(): content for content in CONTENTS}
"""What the references below stand for, by hash."""

IMAGES = tuple(
    ImageRef(
        sha256=sha256(f"picture {number}".encode()).hexdigest(),
        media_type="image/jpeg",
        width=1280,
        height=720,
    )
    for number in range(10)
)
SOUND = AudioRef(sha256=sha256(b"a sound").hexdigest(), duration_ms=4_000)
SOURCE = {
    "provider": "official",
    "video_id": "video-1",
    "model": "kling-v1-6",
    "duration_ms": 5_100,
    "url": "https://cdn.example/video-1.mp4",
}
SPEECH = {"text": "Hello there", "voice": "oversea_male1", "language": "en"}
NEEDED: dict[Operation, dict[str, Any]] = {
    Operation.TEXT_TO_VIDEO: {"model": "kling-v2-6", "prompt": "a fox in the snow"},
    Operation.IMAGE_TO_VIDEO: {
        "model": "kling-v2-6",
        "prompt": "it jumps",
        "first_frame": IMAGES[0],
        "aspect_ratio": None,
    },
    Operation.REFERENCES_TO_VIDEO: {"model": "kling-v1-6", "prompt": "they meet", "references": IMAGES[:2]},
    Operation.OMNI_VIDEO: {"model": "kling-v3-omni", "prompt": "they meet", "references": IMAGES[:2]},
    Operation.MULTI_ELEMENTS: {
        "model": "multi-elements",
        "prompt": "the cat for the fox",
        "references": IMAGES[:1],
        "source": SOURCE,
        "edit": {"mode": "swap", "marks": ({"frame": 0, "x": 0.25, "y": 0.5},)},
    },
    Operation.MOTION_CONTROL: {
        "model": "kling-v2-6",
        "references": IMAGES[:1],
        "source": SOURCE,
        "orientation": "image",
    },
    Operation.EXTEND: {"model": "kling-v1-6", "prompt": "it runs on", "source": SOURCE},
    Operation.LIP_SYNC: {"model": "lip-sync", "source": SOURCE, "speech": SPEECH, "duration": 0},
    Operation.EFFECT: {
        "model": "effects",
        "effect": "swing_swing",
        "references": IMAGES[:1],
        "duration": 0,
    },
    Operation.AVATAR: {"model": "avatar", "references": IMAGES[:1], "speech": SPEECH, "duration": 0},
    Operation.TEXT_TO_AUDIO: {"model": "text-to-audio", "prompt": "rain on a roof"},
    Operation.VIDEO_TO_AUDIO: {"model": "video-to-audio", "prompt": "steps", "source": SOURCE, "duration": 0},
    Operation.IMAGE: {"model": "kling-v2-1", "prompt": "a fox", "duration": 0},
    Operation.REFERENCES_TO_IMAGE: {
        "model": "kling-v2-1",
        "prompt": "they meet",
        "references": IMAGES[:2],
        "duration": 0,
    },
    Operation.OMNI_IMAGE: {"model": "kling-v3-omni", "prompt": "a fox", "duration": 0},
    Operation.EXPAND: {
        "model": "image-expand",
        "references": IMAGES[:1],
        "expansion": {"left": 0.5, "right": 0.5},
        "duration": 0,
    },
    Operation.TRY_ON: {"model": "kolors-virtual-try-on-v1-5", "references": IMAGES[:2], "duration": 0},
    Operation.VIEWS: {
        "model": "ai-multi-shot",
        "name": "Fox",
        "references": IMAGES[:1],
        "duration": 0,
        "count": 3,
    },
    Operation.CUTOUT: {"model": "image-recognize", "references": IMAGES[:1], "duration": 0},
    Operation.ELEMENT: {"model": "element", "name": "Fox", "references": IMAGES[:2], "duration": 0},
    Operation.VOICE: {"model": "voice", "name": "Ada", "source": SOURCE, "duration": 0},
}


def a_request_for(operation: Operation | str, **changes: Any) -> GenerationRequest:
    """The smallest request for an operation; `changes` are fields of it."""
    chosen = Operation(operation)
    return GenerationRequest.model_validate({"operation": chosen, **NEEDED[chosen], **changes})
