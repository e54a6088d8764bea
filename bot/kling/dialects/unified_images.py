"""Images of Kling's newer standard: given in `contents` and `settings`, as its videos are. Pure.

Kling Image 4.0 is sold there only (Comfy Router's page of the model and Comfy's node of it, 2026-10): a prompt, images
and elements, 2K to 8K, several images or a series. The images of the third series and before have pages of the older
standard alone (kling.ai/document-api, 2026-09).
"""

from typing import Any

from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import Limits, unwritten

PLACE = "omni-image"
"""How its path begins, by the pattern of the omni videos; the vendor has not published it."""

AUTOMATIC = "auto"
"""The ratio that follows from the images, else from the prompt."""

WRITTEN = frozenset(
    {"model", "aspect_ratio", "resolution", "count", "series", "elements", "watermark", "duration", "spoiler"}
)
"""Options that it has a place for, or that no image has."""

LIMITS: Limits = (("prompt", lambda request: not request.prompt), *unwritten(WRITTEN))
"""What it cannot express."""


def settings(request: GenerationRequest) -> dict[str, Any]:
    """How it is made. A series says itself how many images it has."""
    number: dict[str, Any] = {"n": request.count}
    if request.series is not None:
        number = {"result_type": "series", "series_amount": request.series}
    return {
        "resolution": request.resolution,
        "aspect_ratio": request.aspect_ratio or AUTOMATIC,
        **number,
    }
