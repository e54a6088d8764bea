"""The one validated request that every dialect encodes.

A `VideoRequest` says what is wanted in Kling's own terms and knows nothing of a wire format. What a
certain model can do is the catalog's business; here only what holds for every model is checked.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PROMPT_LIMIT = 2_500
"""Characters in a prompt or negative prompt (Kling API, text2video and image2video)."""

Mode = Literal["std", "pro", "4k"]
AspectRatio = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"]


class Operation(StrEnum):
    """What is asked of Kling; each operation has its own endpoint in the official API."""

    TEXT_TO_VIDEO = "text2video"
    IMAGE_TO_VIDEO = "image2video"


class ImageRef(BaseModel):
    """A prepared image, kept in the store under the hash of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media_type: Literal["image/jpeg", "image/png"]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]


class VideoRequest(BaseModel):
    """One video as a person asked for it, defaults filled in.

    `duration` is in seconds. `cfg_scale` is 0 (free) to 1 (close to the prompt). `count` is the number
    of results. `aspect_ratio` of None means that the first frame decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: Operation
    model: Annotated[str, Field(min_length=1, max_length=80)]
    prompt: Annotated[str, Field(max_length=PROMPT_LIMIT)] = ""
    negative_prompt: Annotated[str, Field(max_length=PROMPT_LIMIT)] = ""
    mode: Mode = "std"
    duration: Annotated[int, Field(ge=1, le=60)] = 5
    aspect_ratio: AspectRatio | None = "16:9"
    cfg_scale: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    sound: bool = False
    count: Annotated[int, Field(ge=1, le=4)] = 1
    first_frame: ImageRef | None = None
    last_frame: ImageRef | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "VideoRequest":
        if self.operation is Operation.TEXT_TO_VIDEO:
            if not self.prompt:
                raise ValueError("text to video needs a prompt")
            if self.images:
                raise ValueError("text to video takes no image")
        elif not self.images:
            raise ValueError("image to video needs an image")
        return self

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """Every image that must be at hand when the request is sent."""
        return tuple(image for image in (self.first_frame, self.last_frame) if image is not None)
