"""Kling's newer standard: the model in the path, contents, settings and options, and `/tasks` for all questions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from bot.demo.kling.answers import ok
from bot.demo.kling.conventions import RATIOS
from bot.demo.kling.fields import Fields
from bot.demo.kling.orders import MEGABYTE, Film, Order, Picture
from bot.demo.kling.refusals import Refusal, invalid
from bot.demo.kling.service import Call, Handler, Service, Table
from bot.demo.kling.shapes import unified, unified_accepted
from bot.demo.kling.tasks import RemoteTask
from bot.demo.kling.videos import MOST_SHOTS, SHOT_LIMIT, correlation

MODES = {"720p": "std", "1080p": "pro", "4k": "4k"}
HEAVIEST_PICTURE = 50 * MEGABYTE
MOST_IDS = 20
STATUSES = ("submitted", "processing", "succeeded", "failed")
_FRAMES = ("first_frame", "last_frame")
_OMNI = ("prompt", *_FRAMES, "refer_image", "feature_video", "base_video", "element")
_SHOT = re.compile(r"\s*shot\s+(\d+)\s*,\s*(\d+)\s*,(.*)", re.IGNORECASE | re.DOTALL)
_MANY, _TWO = tuple(range(3, 16)), (5, 10)


@dataclass(frozen=True)
class Endpoint:
    """One endpoint. `contents` are the kinds of contents, none where there is a `prompt` instead.

    `seconds` is empty where the video decides. `audio` are the words for sound, the default first.
    `framed_1080` and `native_1080`: both frames, or sound, only come in 1080p.
    """

    contents: tuple[str, ...] = ()
    prompt: int = 2500
    resolutions: tuple[str, ...] = ("720p", "1080p")
    seconds: tuple[int, ...] = _TWO
    audio: tuple[str, ...] = ()
    multi_shot: bool = False
    shots: bool = False
    elements: int = 0
    framed_1080: bool = False
    native_1080: bool = False
    always_sounds: bool = False
    longest_film: float = 15.5
    film_side: tuple[int, int] = (700, 4553)


_ALL = ("720p", "1080p", "4k")
_MOTION = ("prompt", "image", "video")
ENDPOINTS: Mapping[str, Endpoint] = {
    "text-to-video/kling-3.0-turbo": Endpoint(prompt=3072, seconds=_MANY, shots=True, always_sounds=True),
    "image-to-video/kling-3.0-turbo": Endpoint(
        ("prompt", "first_frame"), prompt=3072, seconds=_MANY, shots=True, always_sounds=True
    ),
    "text-to-video/kling-3.0": Endpoint(
        prompt=3072, resolutions=_ALL, seconds=_MANY, audio=("off", "native"), multi_shot=True, shots=True
    ),
    "image-to-video/kling-3.0": Endpoint(
        ("prompt", *_FRAMES, "element"),
        prompt=3072,
        resolutions=_ALL,
        seconds=_MANY,
        audio=("off", "native"),
        multi_shot=True,
        shots=True,
        elements=3,
    ),
    "omni-video/kling-3.0-omni": Endpoint(
        _OMNI,
        prompt=3072,
        resolutions=_ALL,
        seconds=_MANY,
        audio=("off", "native", "original"),
        multi_shot=True,
        shots=True,
        elements=7,
    ),
    "omni-video/kling-o1": Endpoint(
        _OMNI,
        seconds=tuple(range(3, 11)),
        audio=("off", "original"),
        elements=7,
        longest_film=10,
        film_side=(700, 2160),
    ),
    "motion-control/kling-3.0": Endpoint(
        (*_MOTION, "element"), seconds=(), audio=("original", "off"), elements=1, film_side=(340, 3850)
    ),
    "motion-control/kling-2.6": Endpoint(
        _MOTION, seconds=(), audio=("original", "off"), film_side=(340, 3850)
    ),
    "text-to-video/kling-2.6": Endpoint(audio=("off", "native"), native_1080=True),
    "image-to-video/kling-2.6": Endpoint(
        ("prompt", *_FRAMES, "voice"), audio=("off", "native"), native_1080=True, framed_1080=True
    ),
    "text-to-video/kling-2.5-turbo": Endpoint(),
    "image-to-video/kling-2.5-turbo": Endpoint(("prompt", *_FRAMES), framed_1080=True),
}


@dataclass
class Contents:
    """What a body holds: words, frames and other pictures, a video, elements and voices."""

    prompt: str = ""
    first: Picture | None = None
    last: Picture | None = None
    others: tuple[Picture, ...] = ()
    film: str = ""
    film_kind: str = ""
    elements: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures in their order in time."""
        return tuple(picture for picture in (self.first, *self.others, self.last) if picture is not None)


def read(name: str, body: Fields) -> Order:
    """Check the body of an endpoint of `ENDPOINTS`."""
    endpoint = ENDPOINTS[name]
    kind, model = name.split("/")
    contents = _contents(body, endpoint) if endpoint.contents else Contents(_words(body, "prompt", endpoint))
    options = body.inner("options") or Fields({})
    settings = body.inner("settings") or Fields({}, where="settings.")
    body.done()
    common = correlation(options)
    options.done()
    resolution = settings.choice("resolution", endpoint.resolutions, "720p")
    audio = settings.choice("audio", endpoint.audio, endpoint.audio[0]) if endpoint.audio else "off"
    if endpoint.multi_shot:
        settings.flag("multi_shot", default=True)
    seconds = 5
    if endpoint.seconds:
        seconds = settings.whole("duration", endpoint.seconds[0], endpoint.seconds[-1], 5)
        if seconds not in endpoint.seconds:
            raise invalid(f"settings.duration must be one of {', '.join(map(str, endpoint.seconds))}")
    takes_ratio = kind in {"text-to-video", "omni-video"}
    ratio = settings.choice("aspect_ratio", RATIOS, "16:9") if takes_ratio else "16:9"
    if kind == "omni-video":
        _check_omni(contents, settings, audio)
    if kind == "image-to-video" and contents.first is None:
        raise invalid("contents must hold a first_frame")
    if name == "omni-video/kling-o1" and contents.last and (contents.others or contents.elements):
        raise invalid("with a last_frame contents may hold nothing else")
    if name == "omni-video/kling-o1" and seconds not in _TWO and _first_frame_alone(contents):
        raise invalid("settings.duration must be 5 or 10 with a first_frame alone")
    film = _film(contents, endpoint, settings) if contents.film or kind == "motion-control" else None
    if kind == "motion-control" and not contents.others:
        raise invalid("contents must hold an image")
    settings.done()
    if endpoint.shots:
        _check_shots(contents.prompt, seconds)
    _check_resolution(endpoint, contents, resolution, audio)
    if contents.voices and audio == "off":
        raise invalid("a voice needs settings.audio")
    return Order(
        operation=kind,
        model=model,
        prompt=contents.prompt,
        mode=MODES[resolution],
        seconds=seconds,
        ratio=ratio,
        sound=endpoint.always_sounds or audio == "native",
        pictures=contents.pictures,
        elements=contents.elements,
        voices=contents.voices,
        film=film,
        length="film" if kind == "motion-control" or contents.film_kind == "base_video" else "own",
        **common,
    )


def _words(body: Fields, name: str, endpoint: Endpoint) -> str:
    words = body.text(name, longest=endpoint.prompt)
    if not words.strip():
        raise invalid(f"{name} must not be empty")
    return words


def _contents(body: Fields, endpoint: Endpoint) -> Contents:
    found = Contents()
    names: set[str] = set()
    items = body.inners("contents", 1, 20)
    if not items:
        raise invalid("contents is required")
    seen: list[str] = []
    for item in items:
        kind = item.choice("type", endpoint.contents)
        _take(found, kind, item, endpoint, number=len(seen))
        seen.append(kind)
        if kind in {"element", "voice"} or (kind != "prompt" and item.has("id")):
            name = item.text("id")
            if not name or name in names:
                raise invalid("each id in contents must be there once")
            names.add(name)
        item.done()
    for kind in ("prompt", *_FRAMES, "image", "video"):
        if seen.count(kind) > 1:
            raise invalid(f"contents may hold one {kind}")
    if seen.count("feature_video") + seen.count("base_video") > 1:
        raise invalid("contents may hold one video")
    if not found.prompt and "image" not in endpoint.contents:
        raise invalid("contents must hold a prompt")
    if len(found.elements) > endpoint.elements:
        raise invalid(f"contents may hold {endpoint.elements} elements")
    if len(found.voices) > 2:
        raise invalid("contents may hold 2 voices")
    return found


def _take(found: Contents, kind: str, item: Fields, endpoint: Endpoint, *, number: int) -> None:
    if kind == "prompt":
        found.prompt = _words(item, "text", endpoint)
    elif kind == "element":
        found.elements += (item.text("element_id"),)
    elif kind == "voice":
        found.voices += (item.text("voice_id"),)
    elif kind.endswith("video"):
        found.film, found.film_kind = item.text("url"), kind
    else:
        picture = Picture(f"contents[{number}].url", item.text("url"), HEAVIEST_PICTURE)
        if kind == "first_frame":
            found.first = picture
        elif kind == "last_frame":
            found.last = picture
        else:
            found.others += (picture,)


def _first_frame_alone(contents: Contents) -> bool:
    return contents.first is not None and not contents.others and not contents.film


def _check_omni(contents: Contents, settings: Fields, audio: str) -> None:
    if contents.last is not None and contents.first is None:
        raise invalid("a last_frame needs a first_frame")
    if contents.first is None and not contents.film and not settings.has("aspect_ratio"):
        raise invalid("settings.aspect_ratio is required without a first_frame or a video")
    if contents.first is not None and len(contents.elements) > 3:
        raise invalid("with frames contents may hold 3 elements")
    most = 4 if contents.film else 7
    if len(contents.others) + len(contents.elements) > most:
        raise invalid(f"contents may hold {most} refer_images and elements together")
    if contents.film_kind == "base_video" and (contents.first or contents.last or audio == "native"):
        raise invalid("a base_video takes no frames and no native audio")
    if contents.film_kind == "feature_video" and (contents.last or audio != "off"):
        raise invalid("a feature_video takes no last_frame and no audio")
    if audio == "original" and not contents.film:
        raise invalid("settings.audio original needs a video")


def _film(contents: Contents, endpoint: Endpoint, settings: Fields) -> Film:
    longest, heaviest = endpoint.longest_film, 200 * MEGABYTE
    if not endpoint.seconds:
        orientation = settings.choice("character_orientation", ("image", "video"))
        longest, heaviest = (10, 100 * MEGABYTE) if orientation == "image" else (30, 100 * MEGABYTE)
        if not contents.film:
            raise invalid("contents must hold a video")
    return Film("contents video", contents.film, False, (3, longest), endpoint.film_side, heaviest)


def _check_resolution(endpoint: Endpoint, contents: Contents, resolution: str, audio: str) -> None:
    if endpoint.native_1080 and audio == "native" and resolution != "1080p":
        raise invalid("settings.audio native needs resolution 1080p")
    if endpoint.framed_1080 and contents.last is not None and resolution != "1080p":
        raise invalid("a last_frame needs resolution 1080p")


def _check_shots(prompt: str, seconds: int) -> None:
    """Check a prompt of the form `shot 1, 2, words; shot 2, 3, words`; any other is one shot."""
    parts = [part for part in prompt.split(";") if part.strip()]
    found = [_SHOT.fullmatch(part) for part in parts]
    shots = [match for match in found if match is not None]
    if not shots or len(shots) != len(found):
        return
    if len(shots) > MOST_SHOTS or any(len(match[3].strip()) > SHOT_LIMIT for match in shots):
        raise invalid(f"there may be {MOST_SHOTS} shots of {SHOT_LIMIT} characters")
    lengths = [int(match[2]) for match in shots]
    if min(lengths) < 1 or sum(lengths) != seconds:
        raise invalid("the shots must be as long together as settings.duration")


# -- the endpoints -------------------------------------------------------------------------------------


def _submits(name: str) -> Handler:
    async def handle(service: Service, call: Call) -> Response:
        _needs_key(call)
        task = await service.submit(call, read(name, call.fields()), unified)
        return ok(unified_accepted(task, "submitted", task.created_at))

    return handle


def _needs_key(call: Call) -> None:
    if call.token:
        raise Refusal(1002, "Authorization must be an API key")


async def by_ids(service: Service, call: Call) -> Response:
    """Tell of several tasks; those that nobody knows are left out."""
    _needs_key(call)
    names = {"task_ids", "external_task_ids"} & set(call.query)
    if len(names) != 1 or set(call.query) - names:
        raise invalid("exactly one of task_ids and external_task_ids is required")
    (name,) = names
    wanted = call.query[name].split(",")
    if len(wanted) > MOST_IDS or not all(wanted):
        raise invalid(f"{name} must hold 1 to {MOST_IDS} ids")
    now = service.now()
    known: dict[str | None, RemoteTask] = {
        task.upstream_id if name == "task_ids" else task.order.external_id: task
        for task in service.registry.of(call.account)
    }
    tasks = [known[id] for id in wanted if id in known]
    return ok([unified(task, task.state(now), now) for task in tasks])


async def by_cursor(service: Service, call: Call) -> Response:
    """Tell of the tasks of a time, page by page."""
    _needs_key(call)
    body = call.fields()
    start, end = _moment(body, "start_time"), _moment(body, "end_time")
    cursor = body.text("cursor", "")
    limit = body.whole("limit", 1, 500, 100)
    wanted = _filters(body)
    body.done()
    if cursor and not cursor.isdigit():
        raise invalid("cursor is not one of ours")
    now = service.now()
    tasks = []
    for task in service.registry.of(call.account):
        shape = unified(task, task.state(now), now)
        late = not cursor and end is not None and shape["create_time"] > end
        early = not cursor and start is not None and shape["create_time"] < start
        fits = shape["status"] in wanted.get("status", STATUSES)
        fits = fits and _product(task) in wanted.get("product_type", (_product(task),))
        if fits and not early and not late:
            tasks.append(shape)
    first = int(cursor or 0)
    shown = tasks[first : first + limit]
    more = len(tasks) > first + limit
    return ok(
        {
            "result": shown,
            "count": len(shown),
            "next_cursor": str(first + limit) if more else "",
            "has_more": more,
        }
    )


def _product(task: RemoteTask) -> str:
    return "try_on" if task.order.operation.endswith("try-on") else task.order.product


def _moment(body: Fields, name: str) -> int | None:
    """Milliseconds; the documents show them as a number and as a string of digits."""
    value = body.raw(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise invalid(f"{name} must be in milliseconds")


def _filters(body: Fields) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    allowed = {"status": STATUSES, "product_type": ("video", "image", "try_on")}
    for item in body.inners("filters", 1, 10):
        key = item.choice("key", tuple(allowed))
        values = item.texts("values", 1, 10)
        if not set(values) <= set(allowed[key]):
            raise invalid(f"filters of {key} must be among {', '.join(allowed[key])}")
        found.setdefault(key, []).extend(values)
        item.done()
    return found


TABLE: Table = {
    "GET /tasks": by_ids,
    "POST /tasks": by_cursor,
    **{f"POST /{name}": _submits(name) for name in ENDPOINTS},
}
