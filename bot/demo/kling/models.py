"""What each video model of the first standard can do: the stand-in's own reading of the capability map."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.demo.kling.refusals import Refusal, invalid

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
    brush: tuple[str, ...] = ()
    shots: bool = False
    voices: bool = False
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
    "kling-v2-6": Capability(_BOTH, sound=("pro",), tail=("pro",), tail_silent=True, voices=True),
    "kling-v3": Capability(
        _BOTH,
        modes=("std", "pro", "4k"),
        seconds=tuple(range(3, 16)),
        sound=("std", "pro", "4k"),
        tail=("std", "pro"),
        tail_seconds=tuple(range(3, 16)),
        shots=True,
        voices=True,
        elements=True,
    ),
    "kling-video-o1": Capability((OMNI,), seconds=tuple(range(3, 11))),
    "kling-v3-omni": Capability(
        (OMNI,),
        modes=("std", "pro", "4k"),
        seconds=tuple(range(3, 16)),
        sound=("std", "pro", "4k"),
        shots=True,
        elements=True,
    ),
}


def capability(model: str, operation: str | None = None) -> Capability:
    """What the model can do.

    Raises:
        Refusal: 1203 for a model that does not exist, 1201 for one that has no such operation.

    """
    found = MODELS.get(model)
    if found is None:
        raise Refusal(1203, f"model {model} does not exist")
    if operation is not None and operation not in found.operations:
        raise invalid(f"model {model} does not support {operation}")
    return found


@dataclass(frozen=True)
class Wish:
    """The choices that a model must be able to combine."""

    model: str
    operation: str
    mode: str
    seconds: int
    mode_sent: bool = False
    cfg_sent: bool = False
    sound: bool = False
    first: bool = False
    tail: bool = False
    camera: str | None = None
    brush: bool = False
    shots: bool = False
    voices: bool = False
    elements: bool = False


def check(wish: Wish) -> None:
    """Refuse what the model can't combine.

    Raises:
        Refusal: 1203 or 1201, with what is wrong.

    """
    can = capability(wish.model, wish.operation)
    name = wish.model
    if wish.mode_sent and not can.modes:
        raise invalid(f"model {name} has no parameter mode")
    if can.modes and wish.mode not in can.modes:
        raise invalid(f"model {name} does not support mode {wish.mode}")
    if wish.seconds not in can.seconds:
        raise invalid(f"model {name} does not support duration {wish.seconds}")
    if wish.cfg_sent and not can.cfg:
        raise invalid(f"model {name} does not support cfg_scale")
    if wish.sound and wish.mode not in can.sound:
        raise invalid(f"model {name} does not support sound in mode {wish.mode}")
    if wish.voices and not (can.voices and wish.sound):
        raise invalid(f"model {name} supports voice_list only with sound, if at all")
    if wish.shots and not can.shots:
        raise invalid(f"model {name} does not support multi_shot")
    if wish.elements and not can.elements:
        raise invalid(f"model {name} does not support element_list")
    if wish.elements and wish.voices:
        raise invalid("element_list and voice_list exclude each other")
    if sum((wish.tail, wish.brush, wish.camera is not None)) > 1:
        raise invalid("image_tail, masks and camera_control exclude each other")
    _check_tail(wish, can)
    if wish.brush and (wish.mode not in can.brush or wish.seconds != 5):
        raise invalid(f"model {name} does not support masks in mode {wish.mode} for {wish.seconds} seconds")
    if wish.camera is not None:
        modes = can.camera.get(wish.operation, ())
        if wish.mode not in modes or wish.seconds != 5 or wish.camera not in can.cameras:
            raise invalid(
                f"model {name} does not support camera_control {wish.camera} in mode {wish.mode} "
                f"for {wish.seconds} seconds"
            )


def _check_tail(wish: Wish, can: Capability) -> None:
    if not wish.tail:
        return
    if wish.mode not in can.tail or wish.seconds not in can.tail_seconds:
        raise invalid(
            f"model {wish.model} does not support image_tail in mode {wish.mode} for {wish.seconds} seconds"
        )
    if wish.sound and can.tail_silent:
        raise invalid(f"model {wish.model} supports image_tail only without sound")
    if not wish.first and not can.tail_alone:
        raise invalid(f"model {wish.model} does not support image_tail without image")
