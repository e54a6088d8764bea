"""How dialects write the same fields differently: Kling's own way, that of gateways, that of flat proxies."""

from dataclasses import dataclass

RATIOS = ("16:9", "9:16", "1:1")
SEVEN_RATIOS = (*RATIOS, "3:2", "2:3", "3:4", "4:3")


@dataclass(frozen=True)
class Conventions:
    """What a dialect does otherwise.

    `whole_seconds`: a duration is an integer, not a string. `image_ratio`: image2video takes an
    aspect_ratio. `mode_required`, `prompt_required`, `model_required`: the field must be sent. `forgiving`:
    what a model does not know (mode, cfg_scale) is ignored. `unchecked`: the models' features are not
    compared. `plain_images`: image2video takes image_list of strings, and cameras are a type and a value.
    `metadata`: an object of that name may hold whatever it likes.
    """

    whole_seconds: bool = False
    image_ratio: bool = False
    mode_required: bool = False
    prompt_required: bool = False
    model_required: bool = False
    forgiving: bool = False
    unchecked: bool = False
    plain_images: bool = False
    metadata: bool = False
    ratios: tuple[str, ...] = RATIOS


OFFICIAL = Conventions()
PREFIXED = Conventions(image_ratio=True, prompt_required=True, forgiving=True, metadata=True)
FLAT = Conventions(
    whole_seconds=True,
    image_ratio=True,
    mode_required=True,
    model_required=True,
    unchecked=True,
    plain_images=True,
    ratios=SEVEN_RATIOS,
)
