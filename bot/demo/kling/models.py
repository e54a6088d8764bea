"""What each video model of the first standard can do: the stand-in's own reading of the capability map."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from bot.demo.kling.orders import Order
from bot.demo.kling.refusals import Refusal, forbid, invalid

PRESETS = ("down_back", "forward_up", "right_turn_forward", "left_turn_forward")
CAMERAS = ("simple", *PRESETS)
TEXT, IMAGE, OMNI = "text2video", "image2video", "omni-video"


@dataclass(frozen=True)
class Capability:
    """One model. Sets of modes say where a feature exists; `modes` is empty where there is nothing to choose."""

    operations: tuple[str, ...]
    modes: tuple[str, ...] = ("std", "pro")
    seconds: tuple[int, ...] = (5, 10)
    cfg: bool = False
    sound: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    tail_seconds: tuple[int, ...] = (5, 10)
    tail_silent: bool = False
    tail_alone: bool = False
    camera: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cameras: tuple[str, ...] = CAMERAS
    camera_seconds: tuple[int, ...] = (5,)
    brush: tuple[str, ...] = ()
    shots: bool = False
    voices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elements: bool = False


_BOTH = (TEXT, IMAGE)
MODELS: Mapping[str, Capability] = {
    "kling-v1": Capability(
        _BOTH,
        cfg=True,
        tail=("std", "pro"),
        tail_seconds=(5,),
        camera={TEXT: ("std",), IMAGE: ("std",)},
        brush=("std",),
    ),
    "kling-v1-5": Capability(
        (IMAGE,), cfg=True, tail=("pro",), camera={IMAGE: ("pro",)}, cameras=("simple",), brush=("pro",)
    ),
    "kling-v1-6": Capability(_BOTH, cfg=True, tail=("pro",), tail_alone=True),
    "kling-v2-master": Capability(_BOTH, modes=()),
    "kling-v2-1": Capability((IMAGE,), tail=("pro",)),
    "kling-v2-1-master": Capability(_BOTH, modes=()),
    "kling-v2-5-turbo": Capability(_BOTH, tail=("pro",)),
    "kling-v2-6": Capability(
        _BOTH, sound=("pro",), tail=("pro",), tail_silent=True, voices={IMAGE: ("pro",)}
    ),
    "kling-v3": Capability(
        _BOTH,
        modes=("std", "pro", "4k"),
        seconds=tuple(range(3, 16)),
        sound=("std", "pro", "4k"),
        tail=("std", "pro", "4k"),
        tail_seconds=tuple(range(3, 16)),
        shots=True,
        elements=True,
    ),
    "kling-video-o1": Capability((OMNI,), seconds=tuple(range(3, 11)), elements=True),
    "kling-v3-omni": Capability(
        (OMNI,),
        modes=("std", "pro", "4k"),
        seconds=tuple(range(3, 16)),
        sound=("std", "pro", "4k"),
        shots=True,
        elements=True,
    ),
}


_DOCUMENTED = tuple(range(3, 11))
GATEWAYS: Mapping[str, Capability] = {
    **MODELS,
    "kling-v1": replace(MODELS["kling-v1"], seconds=_DOCUMENTED),
    "kling-v1-6": replace(
        MODELS["kling-v1-6"],
        seconds=_DOCUMENTED,
        camera={TEXT: ("std", "pro"), IMAGE: ("std", "pro")},
        camera_seconds=_DOCUMENTED,
    ),
    "kling-v2-master": replace(MODELS["kling-v2-master"], seconds=_DOCUMENTED),
}
"""The same as the document of gateways has it: 3 to 10 seconds, and camera_control on kling-v1-6."""


def capability(
    model: str, operation: str | None = None, models: Mapping[str, Capability] = MODELS
) -> Capability:
    """What the model can do; refused is one that does not exist (1203), or has no such operation (1201)."""
    found = models.get(model)
    if found is None:
        raise Refusal(1203, f"model {model} does not exist")
    if operation is not None and operation not in found.operations:
        raise invalid(f"model {model} does not support {operation}")
    return found


def check(
    order: Order,
    sent: Collection[str] = (),
    *,
    camera: str | None = None,
    shots: bool = False,
    models: Mapping[str, Capability] = MODELS,
) -> None:
    """Refuse what the model can't combine. `sent` are the fields of the body that were sent."""
    can, mode, seconds = capability(order.model, order.operation, models), order.mode, order.seconds
    tail, brush = "image_tail" in sent, not {"static_mask", "dynamic_masks"}.isdisjoint(sent)
    here = f"in mode {mode} for {seconds:g} seconds"
    modes = can.camera.get(order.operation, ())
    filmed = camera is None or (mode in modes and seconds in can.camera_seconds and camera in can.cameras)
    for wrong, problem in (
        ("mode" in sent and not can.modes, "has no parameter mode"),
        (can.modes and mode not in can.modes, f"does not support mode {mode}"),
        (seconds not in can.seconds, f"does not support duration {seconds:g}"),
        ("cfg_scale" in sent and not can.cfg, "does not support cfg_scale"),
        (order.sound and mode not in can.sound, f"does not support sound in mode {mode}"),
        (
            order.voices and not (order.sound and mode in can.voices.get(order.operation, ())),
            "supports voice_list only with sound in 1080p from an image, if at all",
        ),
        (shots and not can.shots, "does not support multi_shot"),
        (order.elements and not can.elements, "does not support element_list"),
        (order.elements and order.voices, "supports either element_list or voice_list"),
        (
            tail + brush + (camera is not None) > 1,
            "lets image_tail, masks and camera_control exclude each other",
        ),
        (
            tail and (mode not in can.tail or seconds not in can.tail_seconds),
            f"does not support image_tail {here}",
        ),
        (tail and order.sound and can.tail_silent, "supports image_tail only without sound"),
        (tail and "image" not in sent and not can.tail_alone, "does not support image_tail without image"),
        (brush and (mode not in can.brush or seconds != 5), f"does not support masks {here}"),
        (not filmed, f"does not support camera_control {camera} {here}"),
    ):
        forbid(bool(wrong), f"model {order.model} {problem}")
