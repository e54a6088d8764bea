"""Kling's newer standard: the model in the path, contents, settings and options, and `/tasks` for all questions."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator
from starlette.responses import Response

from bot.demo.kling import fields
from bot.demo.kling.advanced import omni_film
from bot.demo.kling.answers import ok
from bot.demo.kling.body import Body, MarkedBody, TaskBody
from bot.demo.kling.orders import MEGABYTE, Characters, Film, Order, Picture
from bot.demo.kling.refusals import Refusal, forbid, invalid
from bot.demo.kling.service import Call, Handler, Service, Table, submits
from bot.demo.kling.shapes import unified, unified_accepted
from bot.demo.kling.tasks import RemoteTask
from bot.demo.kling.videos import MOST_SHOTS, SHOT_LIMIT

MODES = {"720p": "std", "1080p": "pro", "4k": "4k"}
HEAVIEST_PICTURE = 50 * MEGABYTE
HEAVIEST_OF_FOURTH = 30 * MEGABYTE
MOST_IDS = 20
STATUSES = ("submitted", "processing", "succeeded", "failed")
_FRAMES = ("first_frame", "last_frame")
_OMNI = ("prompt", *_FRAMES, "refer_image", "feature_video", "base_video", "element")
_MOTION = ("prompt", "image", "video")
_SHOT = re.compile(r"\s*shot\s+(\d+)\s*,\s*(\d+)\s*,(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Endpoint:
    """One endpoint. `contents` are the kinds of contents, none where there is a `prompt` instead.

    `settings` are those that it has, with what they may be; `prompt` is how long one may be, in characters.
    `framed_1080` and `native_1080`: both frames, or sound, only come in 1080p.
    """

    settings: Mapping[str, Sequence[object]]
    contents: tuple[str, ...] = ()
    prompt: int = 2500
    shots: bool = False
    elements: int = 0
    framed_1080: bool = False
    native_1080: bool = False
    always_sounds: bool = False
    o1: bool = False
    longest_film: float = 15.5
    film_side: tuple[int, int] = (700, 4553)
    fourth: "Fourth | None" = None


@dataclass(frozen=True)
class Fourth:
    """What is so since Kling 4.0 (pages of the Comfy Router and of resellers, 2026-10): no id of the client's, no callbacks.

    `other_prompt` is how long one may be that is not English, `frames` and `voices` how many it takes.
    """

    other_prompt: int = 11_000
    frames: int = 10
    voices: int = 3


def _settings(*audio: str, **more: Sequence[object]) -> dict[str, Sequence[object]]:
    given: dict[str, Sequence[object]] = {"resolution": ("720p", "1080p"), **more}
    return given | ({"audio": audio} if audio else {})


_RATIO = {"aspect_ratio": ("16:9", "9:16", "1:1")}
_TURBO = _settings(duration=range(3, 16))
_V3 = _settings("off", "native", resolution=tuple(MODES), duration=range(3, 16), multi_shot=(True, False))
_V26 = _settings("off", "native", duration=(5, 10))
_V25 = _settings(duration=(5, 10))
_MOVES = _settings("original", "off", character_orientation=("image", "video"))
ENDPOINTS: Mapping[str, Endpoint] = {
    "text-to-video/kling-3.0-turbo": Endpoint(_TURBO | _RATIO, (), 3072, shots=True, always_sounds=True),
    "image-to-video/kling-3.0-turbo": Endpoint(
        _TURBO, ("prompt", "first_frame"), 3072, shots=True, always_sounds=True
    ),
    "text-to-video/kling-3.0": Endpoint(_V3 | _RATIO, (), 3072, shots=True),
    "image-to-video/kling-3.0": Endpoint(_V3, ("prompt", *_FRAMES, "element"), 3072, shots=True, elements=3),
    "omni-video/kling-3.0-omni": Endpoint(
        _V3 | _RATIO | {"audio": ("off", "native", "original")}, _OMNI, 3072, shots=True, elements=7
    ),
    "omni-video/kling-o1": Endpoint(
        _settings("off", "original", duration=range(3, 11)) | _RATIO,
        _OMNI,
        elements=7,
        o1=True,
    ),
    "motion-control/kling-3.0": Endpoint(_MOVES, (*_MOTION, "element"), elements=1),
    "motion-control/kling-2.6": Endpoint(_MOVES, _MOTION),
    "text-to-video/kling-2.6": Endpoint(_V26 | _RATIO, native_1080=True),
    "image-to-video/kling-2.6": Endpoint(
        _V26, ("prompt", *_FRAMES, "voice"), native_1080=True, framed_1080=True
    ),
    "text-to-video/kling-2.5-turbo": Endpoint(_V25 | _RATIO),
    "image-to-video/kling-2.5-turbo": Endpoint(_V25, ("prompt", *_FRAMES), framed_1080=True),
}


_FOURTH_RATIOS = ("16:9", "9:16", "1:1", "21:9")
_KEYFRAMES = ("first_frame", "middle_frame", "last_frame")
MOST_IMAGES, MOST_FILMS, MOST_ELEMENTS, MOST_INPUTS = 10, 5, 7, 15
LONGEST_FILMS = 30
"""Seconds of all videos together."""


def _fourth(
    model: str, frames: tuple[str, ...], kind: Fourth, resolutions: tuple[str, ...], longest: int
) -> dict[str, Endpoint]:
    settings: dict[str, Sequence[object]] = {"resolution": resolutions, "duration": range(3, longest + 1)}
    inputs = ("refer_image", "feature_video", "base_video", "element", *(("voice",) if kind.voices else ()))
    omni = settings | {"audio": ("original",), "aspect_ratio": (*_FOURTH_RATIOS, "adaptive")}
    return {
        f"text-to-video/{model}": Endpoint(
            settings | {"aspect_ratio": _FOURTH_RATIOS}, (), 26_000, always_sounds=True, fourth=kind
        ),
        f"image-to-video/{model}": Endpoint(
            settings, ("prompt", *frames), 26_000, always_sounds=True, fourth=kind
        ),
        f"omni-video/{model}": Endpoint(
            omni,
            ("prompt", *frames, *inputs),
            26_000,
            elements=MOST_ELEMENTS,
            always_sounds=True,
            longest_film=LONGEST_FILMS,
            fourth=kind,
        ),
    }


ENDPOINTS = {
    **ENDPOINTS,
    **_fourth("kling-4.0", _KEYFRAMES, Fourth(), ("720p", "1080p"), 30),
    **_fourth("kling-4.0-flash", ("first_frame",), Fourth(frames=1, voices=0), ("720p",), 20),
}


class Settings(Body):
    """All settings; which of them an endpoint has, and what they may be there, is a matter of `check`."""

    resolution: str = "720p"
    audio: str = "off"
    multi_shot: bool = True
    duration: int = 5
    aspect_ratio: str = "16:9"
    character_orientation: str = ""

    def check(self, endpoint: Endpoint) -> None:
        """Refuse what the endpoint does not know."""
        for name in Settings.model_fields:
            allowed, value = endpoint.settings.get(name), getattr(self, name)
            if allowed is None:
                self.lack(name, where="settings.")
            elif self.sent(name) and value not in allowed:
                words = f"one of {', '.join(map(str, allowed))}"
                if isinstance(allowed, range):
                    words = f"between {allowed[0]} and {allowed[-1]}"
                raise invalid(f"settings.{name} must be {words}")


class Content(Body):
    """Words, a picture, a video, an element or a voice. `id` is how the words call it."""

    type: str
    text: str = ""
    url: str = ""
    element_id: str = ""
    voice_id: str = ""
    id: str = ""

    def check(self, kinds: Sequence[str], where: str) -> None:
        """Refuse what an endpoint of these kinds does not take, and fields of other kinds."""
        forbid(self.type not in kinds, f"{where}type must be one of {', '.join(kinds)}")
        needed = _VALUES.get(self.type, ("url",))
        free = {"type", *needed} | (set() if self.type == "prompt" else {"id"})
        self.need(*needed, where=where)
        self.lack(*sorted(Content.model_fields.keys() - free), where=where)


_VALUES = {"prompt": ("text",), "element": ("element_id", "id"), "voice": ("voice_id", "id")}
"""What contents must have; pictures and videos, a `url`."""


class UnifiedBody(TaskBody):
    """What the bodies of all endpoints have. At first the operation of an order is the path of its endpoint."""

    settings: Settings = Settings()
    options: MarkedBody = MarkedBody()

    def _made(self, order: Order, kinds: Mapping[str, int]) -> Order:
        """The order, if its contents and the settings go together. `kinds` counts the contents."""
        endpoint, settings = ENDPOINTS[order.operation], self.settings
        operation, _, model = order.operation.partition("/")
        settings.check(endpoint)
        is_free = "image" in endpoint.contents or (
            endpoint.fourth is not None and sum(kinds.values()) > kinds["prompt"]
        )
        forbid(not order.prompt.strip() and not is_free, "prompt must not be empty")
        longest = (
            endpoint.prompt if order.prompt.isascii() or not endpoint.fourth else endpoint.fourth.other_prompt
        )
        forbid(len(order.prompt) > longest, f"prompt must have at most {longest} characters")
        if endpoint.fourth is not None:
            self._check_fourth(endpoint.fourth, operation, kinds)
        elif operation == "image-to-video":
            forbid(not kinds["first_frame"], "contents must hold a first_frame")
        elif operation == "omni-video":
            self._check_omni(model, kinds)
        if operation == "motion-control":
            settings.need("character_orientation", where="settings.")
            for kind in ("video", "image"):
                forbid(not kinds[kind], f"contents must hold {'an' if kind == 'image' else 'a'} {kind}")
        if endpoint.shots:
            _check_shots(order.prompt, settings.duration)
        native, large = settings.audio == "native", settings.resolution == "1080p"
        forbid(endpoint.native_1080 and native and not large, "settings.audio native needs resolution 1080p")
        framed = kinds["last_frame"] > 0
        forbid(endpoint.framed_1080 and framed and not large, "a last_frame needs resolution 1080p")
        is_silent = settings.audio == "off" and not endpoint.always_sounds
        forbid(bool(order.voices) and is_silent, "a voice needs settings.audio")
        filmed = operation == "motion-control" or kinds["base_video"]
        return replace(
            order,
            operation=operation,
            model=model,
            mode=MODES[settings.resolution],
            seconds=settings.duration,
            ratio=settings.aspect_ratio,
            sound=endpoint.always_sounds or native,
            length="film" if filmed else "own",
        )

    def _check_fourth(self, kind: Fourth, operation: str, kinds: Mapping[str, int]) -> None:
        frames = sum(kinds[name] for name in _KEYFRAMES)
        images, films = frames + kinds["refer_image"], kinds["feature_video"] + kinds["base_video"]
        inputs = images + films + kinds["element"] + kinds["voice"]
        for wrong, why in (
            (
                self.options.sent("external_task_id"),
                "options.external_task_id is not supported by this model",
            ),
            (self.options.sent("callback_url"), "options.callback_url is not supported by this model"),
            (operation == "image-to-video" and not frames, "contents must hold a frame"),
            (
                operation == "omni-video" and inputs == frames,
                "contents must hold more than a prompt and frames",
            ),
            (frames > kind.frames, f"contents may hold {kind.frames} frames"),
            (images > MOST_IMAGES, f"contents may hold {MOST_IMAGES} images"),
            (films > MOST_FILMS, f"contents may hold {MOST_FILMS} videos"),
            (kinds["base_video"] > 1, "contents may hold one base_video"),
            (kinds["voice"] > kind.voices, f"contents may hold {kind.voices} voices"),
            (inputs > MOST_INPUTS, f"contents may hold {MOST_INPUTS} inputs"),
            (kinds["base_video"] and self.settings.sent("duration"), "a base_video has its own duration"),
            (self.settings.sent("audio") and not kinds["base_video"], "settings.audio needs a base_video"),
        ):
            forbid(bool(wrong), why)

    def _check_omni(self, model: str, kinds: Mapping[str, int]) -> None:
        first, last, elements = kinds["first_frame"], kinds["last_frame"], kinds["element"]
        base, feature, others = kinds["base_video"], kinds["feature_video"], kinds["refer_image"]
        filmed, audio = base or feature, self.settings.audio
        ratio = self.settings.sent("aspect_ratio")
        most = 4 if filmed else 7
        alone = first and not others and not elements and not filmed and self.settings.duration not in {5, 10}
        o1 = model == "kling-o1"
        for wrong, why in (
            (last and not first, "a last_frame needs a first_frame"),
            (
                not first and not filmed and not ratio,
                "settings.aspect_ratio is required without a first_frame or a video",
            ),
            (first and elements > 3, "with frames contents may hold 3 elements"),
            (others + elements > most, f"contents may hold {most} refer_images and elements together"),
            (
                base and (first or last or audio == "native"),
                "a base_video takes no frames and no native audio",
            ),
            (feature and audio != "off", "a feature_video takes no audio"),
            (
                feature and not o1 and not self.settings.multi_shot,
                "a feature_video needs settings.multi_shot true",
            ),
            # The vendor's example says so, and true is the default ("Omni Video Generation", base_video).
            (base and not o1 and self.settings.multi_shot, "a base_video needs settings.multi_shot false"),
            (o1 and feature and last, "a feature_video takes no last_frame"),
            (audio == "original" and not filmed, "settings.audio original needs a video"),
            (o1 and last and (others or elements), "with a last_frame contents may hold nothing else"),
            (o1 and alone and not last, "settings.duration must be 5 or 10 with a first_frame alone"),
        ):
            forbid(bool(wrong), why)


class PromptBody(UnifiedBody):
    """Words to video."""

    prompt: str

    def _checked(self, order: Order) -> Order:
        return self._made(replace(self.options.order(order.operation), prompt=order.prompt), Counter())


class ContentsBody(UnifiedBody):
    """Contents of many kinds to video."""

    contents: Annotated[tuple[Content, ...], fields.entries(1, 20)]

    def _checked(self, order: Order) -> Order:
        endpoint = ENDPOINTS[order.operation]
        for number, item in enumerate(self.contents):
            item.check(endpoint.contents, f"contents[{number}].")
        names = [item.id for item in self.contents if item.sent("id")]
        forbid("" in names or len(set(names)) < len(names), "each id in contents must be there once")
        kinds = Counter(item.type for item in self.contents)
        for kind in ("prompt", *_FRAMES, "image", "video"):
            forbid(kinds[kind] > 1, f"contents may hold one {kind}")
        forbid(kinds["element"] > endpoint.elements, f"contents may hold {endpoint.elements} elements")
        if endpoint.fourth is None:
            forbid(kinds["feature_video"] + kinds["base_video"] > 1, "contents may hold one video")
            forbid(not kinds["prompt"] and "image" not in endpoint.contents, "contents must hold a prompt")
            forbid(kinds["voice"] > 2, "contents may hold 2 voices")
        order = replace(
            self.options.order(order.operation),
            prompt="".join(item.text for item in self.contents if item.type == "prompt"),
            pictures=tuple(self._in_time(order.operation)),
            elements=tuple(item.element_id for item in self.contents if item.type == "element"),
            voices=tuple(item.voice_id for item in self.contents if item.type == "voice"),
        )
        if order.operation.startswith("omni-video/") and endpoint.fourth is None:
            filmed = bool(kinds["feature_video"] + kinds["base_video"])
            characters = Characters.of_omni(kinds["refer_image"], filmed=filmed, o1=endpoint.o1)
            order = replace(order, characters=characters)
        films = tuple(self._films(endpoint))
        return replace(self._made(order, kinds), film=films[0] if films else None, more_films=films[1:])

    def _read(self, order: Order) -> None:
        """Refuse elements and voices that the prompt does not name, and ids that could be taken for others."""
        text = order.prompt
        ids = [item.id for item in self.contents if item.sent("id")]
        for item in self.contents:
            if item.type in _VALUES and item.type != "prompt":
                forbid(f"@{item.id}" not in text and not self._lenient, f"prompt must name @{item.id}")
        for id in ids:
            part = any(id in other for other in ids if other != id)
            forbid(part, f"contents id {id} is part of another one")
            mailed = re.search(rf"[\w.+-]@{re.escape(id)}", text, re.ASCII)
            forbid(mailed is not None, f"contents id {id} is part of other words of the prompt")

    def _in_time(self, operation: str) -> Iterator[Picture]:
        """The pictures, frames at their places in time."""
        heaviest = HEAVIEST_PICTURE if ENDPOINTS[operation].fourth is None else HEAVIEST_OF_FOURTH
        for kinds in (("first_frame",), ("middle_frame",), ("image", "refer_image"), ("last_frame",)):
            for number, item in enumerate(self.contents):
                if item.type in kinds:
                    yield Picture(f"contents[{number}].url", item.url, heaviest)

    def _films(self, endpoint: Endpoint) -> Iterator[Film]:
        orientation = self.settings.character_orientation
        for item in self.contents:
            if item.type == "video":
                longest = 10.5 if orientation == "image" else 30.5
                yield Film("contents video", item.url, False, (3, longest), (340, 3850))
            if item.type.endswith("video"):
                if endpoint.fourth is None:
                    yield omni_film("contents video", item.url, o1=endpoint.o1)
                else:
                    seconds = (3, endpoint.longest_film)
                    yield Film("contents video", item.url, False, seconds, endpoint.film_side, 300 * MEGABYTE)


def _check_shots(prompt: str, seconds: int) -> None:
    """Check a prompt of the form `shot 1, 2, words; shot 2, 3, words`; any other is one shot."""
    shots = [_SHOT.fullmatch(part) for part in prompt.split(";") if part.strip()]
    found = [match for match in shots if match is not None]
    if not found or len(found) != len(shots):
        return
    long = any(len(match[3].strip()) > SHOT_LIMIT for match in found)
    forbid(long or len(found) > MOST_SHOTS, f"there may be {MOST_SHOTS} shots of {SHOT_LIMIT} characters")
    lengths = [int(match[2]) for match in found]
    together = min(lengths) > 0 and sum(lengths) == seconds
    forbid(not together, "the shots must be as long together as settings.duration")


# -- the endpoints -------------------------------------------------------------------------------------


def needs_key(answer: Handler) -> Handler:
    """A handler that takes no signed tokens."""

    async def handle(service: Service, call: Call) -> Response:
        if call.token:
            raise Refusal(1002, "Authorization must be an API key")
        return await answer(service, call)

    return handle


def _listed(service: Service, call: Call) -> Iterator[RemoteTask]:
    """The tasks that are told of here, the newest first.

    No document names a kind for sounds ("Query Task", product_type: video, image, try_on): they are told of at their own
    path alone.
    """
    return (task for task in service.registry.of(call.account) if task.order.product != "audio")


async def by_ids(service: Service, call: Call) -> Response:
    """Tell of several tasks; those that nobody knows are left out."""
    names = {"task_ids", "external_task_ids"} & set(call.query)
    wrong = len(names) != 1 or set(call.query) != names
    forbid(wrong, "exactly one of task_ids and external_task_ids is required")
    (name,) = names
    wanted = call.query[name].split(",")
    forbid(len(wanted) > MOST_IDS or not all(wanted), f"{name} must hold 1 to {MOST_IDS} ids")
    now = service.now()
    known: dict[str | None, RemoteTask] = {
        task.upstream_id if name == "task_ids" else task.order.external_id: task
        for task in _listed(service, call)
    }
    tasks = [known[id] for id in wanted if id in known]
    return ok([unified(task, task.state(now), now) for task in tasks])


def _milliseconds(value: Any) -> Any:
    """The documents show them as a number and as a string of digits."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


Moment = Annotated[int | None, BeforeValidator(_milliseconds)]


class Filter(Body):
    """What tasks must be."""

    key: Literal["status", "product_type"]
    values: Annotated[tuple[str, ...], fields.entries(1, 10)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        allowed = STATUSES if self.key == "status" else ("video", "image", "try_on")
        strange = not set(self.values) <= set(allowed)
        forbid(strange, f"filters of {self.key} must be among {', '.join(allowed)}")
        return self


class PageBody(Body):
    """A page of the tasks of a time, which the cursor has settled where there is one."""

    start_time: Moment = None
    end_time: Moment = None
    cursor: str = ""
    limit: Annotated[int, fields.between(1, 500)] = 100
    filters: Annotated[tuple[Filter, ...], fields.entries(1, 10)] = ()

    def takes(self, task: RemoteTask, shape: Mapping[str, Any]) -> bool:
        """Whether a task is of those that are asked for."""
        product = "try_on" if task.order.operation.endswith("try-on") else task.order.product
        values = {"status": shape["status"], "product_type": product}
        for key, value in values.items():
            wanted = {name for item in self.filters if item.key == key for name in item.values}
            if wanted and value not in wanted:
                return False
        created = shape["create_time"]
        early = self.start_time is not None and created < self.start_time
        late = self.end_time is not None and created > self.end_time
        return bool(self.cursor) or not (early or late)


async def by_cursor(service: Service, call: Call) -> Response:
    """Tell of the tasks of a time, page by page."""
    page, now = call.read(PageBody), service.now()
    forbid(bool(page.cursor) and not page.cursor.isdigit(), "cursor is not one of ours")
    told = [(task, unified(task, task.state(now), now)) for task in _listed(service, call)]
    shapes = [shape for task, shape in told if page.takes(task, shape)]
    first = int(page.cursor or 0)
    end = first + page.limit
    more, shown = len(shapes) > end, shapes[first:end]
    return ok(
        {"result": shown, "count": len(shown), "next_cursor": str(end) if more else "", "has_more": more}
    )


def _submits(name: str, endpoint: Endpoint) -> Handler:
    body = ContentsBody if endpoint.contents else PromptBody
    return submits(body, name, unified_accepted, ok, unified)


TABLE: Table = {
    "GET /tasks": needs_key(by_ids),
    "POST /tasks": needs_key(by_cursor),
    **{f"POST /{name}": needs_key(_submits(name, endpoint)) for name, endpoint in ENDPOINTS.items()},
}
