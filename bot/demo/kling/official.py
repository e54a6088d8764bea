"""Kling's first standard: `/v1/videos/*`, `/v1/images/*`, `/v1/audio/*`, `/v1/general/*` and `/account/costs`."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from starlette.responses import Response

from bot.demo.kling import advanced, images, sounds, videos
from bot.demo.kling.answers import ok
from bot.demo.kling.fields import Fields
from bot.demo.kling.inputs import Scene
from bot.demo.kling.library import Collection
from bot.demo.kling.orders import Order
from bot.demo.kling.refusals import Refusal, invalid
from bot.demo.kling.service import Call, Handler, Service, Table
from bot.demo.kling.shapes import accepted, legacy
from bot.demo.kling.tasks import RemoteTask
from bot.demo.media.films import footage
from bot.demo.media.stills import StillSpec, render_still

Reader = Callable[[Fields], Order]
ENDPOINTS: Mapping[str, Reader] = {
    "videos/text2video": videos.text2video,
    "videos/image2video": videos.image2video,
    "videos/multi-image2video": videos.multi_image2video,
    "videos/omni-video": advanced.omni_video,
    "videos/motion-control": advanced.motion_control,
    "videos/video-extend": advanced.video_extend,
    "videos/effects": advanced.effects,
    "videos/avatar/image2video": advanced.avatar,
    "videos/advanced-lip-sync": advanced.advanced_lip_sync,
    "videos/lip-sync": advanced.lip_sync,
    "audio/text-to-audio": sounds.text_to_audio,
    "audio/video-to-audio": sounds.video_to_audio,
    "images/generations": images.generations,
    "images/omni-image": images.omni_image,
    "images/multi-image2image": images.multi_image2image,
    "images/editing/expand": images.expand,
    "images/kolors-virtual-try-on": images.virtual_try_on,
    "general/advanced-custom-elements": sounds.element,
    "general/custom-voices": sounds.voice,
}
ONLY_OWN_IDS = frozenset({"videos/video-extend", "videos/advanced-lip-sync", "videos/lip-sync"})
"""Endpoints that can't be asked by an external id."""

VOICE_PAGE, PAGE = 1000, 500
SPOKEN_A_SECOND = {"en": 14, "zh": 4.5}
COSTS_INTERVAL = 1.0
"""Seconds that must lie between two questions about the costs."""


def submits(name: str, read: Reader) -> Handler:
    """The handler of submissions to an endpoint."""

    async def handle(service: Service, call: Call) -> Response:
        order = replace(read(call.fields()), operation=name.removeprefix("videos/"))
        task = await service.submit(call, order, legacy)
        _keep(service, task)
        return ok(accepted(task, "submitted", task.created_at))

    return handle


def _keep(service: Service, task: RemoteTask) -> None:
    library = service.inputs.library
    collections: dict[str, Collection] = {"element": library.elements, "voice": library.voices}
    if task.order.product in collections and task.failure is None:
        collections[task.order.product].add(task.upstream_id, task.account.key, task.order.definition)


def asks(name: str) -> Handler:
    """The handler of questions about one task."""

    async def handle(service: Service, call: Call) -> Response:
        task = service.registry.find(call.account, call.parts["task"], external=name not in ONLY_OWN_IDS)
        if task.order.operation != name.removeprefix("videos/"):
            raise invalid("Task not found by id/external id")
        now = service.now()
        return ok(legacy(task, task.state(now), now))

    return handle


def lists(name: str) -> Handler:
    """The handler of questions about all tasks of an endpoint, page by page."""
    largest = VOICE_PAGE if name.endswith("voices") else PAGE

    async def handle(service: Service, call: Call) -> Response:
        page, size = page_of(call, largest)
        operation, now = name.removeprefix("videos/"), service.now()
        tasks = [task for task in service.registry.of(call.account) if task.order.operation == operation]
        shown = tasks[(page - 1) * size : page * size]
        return ok([legacy(task, task.state(now), now) for task in shown])

    return handle


def page_of(call: Call, largest: int) -> tuple[int, int]:
    """The number and size of the page that is asked for."""
    stray = sorted(set(call.query) - {"pageNum", "pageSize"})
    if stray:
        raise invalid(f"unknown field: {stray[0]}")
    return _whole(call, "pageNum", 1, 1000), _whole(call, "pageSize", 30, largest)


def _whole(call: Call, name: str, default: int, largest: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= largest:
        raise invalid(f"{name} must be between 1 and {largest}")
    return int(text)


# -- answered at once ----------------------------------------------------------------------------------


async def identify_face(service: Service, call: Call) -> Response:
    """Find the face of a video; there is always one."""
    body = call.fields()
    film = advanced.one_film(body, (2, 60), (512, 2160))
    body.done()
    service.behaviour.before_submission()
    scene = await service.inputs.scene(call.account, film)
    face = {
        "face_id": "0",
        "face_image": await _portrait(service, call, scene),
        "start_time": 0,
        "end_time": int(scene.seconds * 1000),
    }
    session = service.inputs.remember(call.account, scene)
    return ok({"session_id": session, "face_data": [face], "final_unit_deduction": "0.05"})


async def _portrait(service: Service, call: Call, scene: Scene) -> str:
    if scene.parent is None:
        spec = StillSpec(images=scene.spec.images, kind="blend")
    else:
        video = await asyncio.to_thread(service.registry.tasks[scene.parent].files[0].read_bytes)
        spec = StillSpec(images=((await asyncio.to_thread(footage, video)).frame,), kind="blend")
    path = service.path(spec, "png")
    await service.pool.finish(path, lambda path: render_still(spec, path))
    return f"{call.base}files/{path.name}"


async def speak(service: Service, call: Call) -> Response:
    """Say words with a voice."""
    body = call.fields()
    text = body.text("text", longest=1000)
    if not text.strip():
        raise invalid("text must not be empty")
    voice = body.text("voice_id")
    language = body.choice("voice_language", tuple(SPOKEN_A_SECOND), "zh")
    speed = body.number("voice_speed", 0.8, 2.0, 1.0)
    body.done()
    service.behaviour.before_submission()
    service.inputs.library.voices.check(voice, call.account.key)
    seconds = round(max(1.0, len(text) / SPOKEN_A_SECOND[language] / speed), 1)
    path, work = service.sound((text, voice), seconds, "mp3")
    await service.pool.finish(path, work)
    sound = "".join(service.dice.choices("123456789", k=18))
    service.inputs.sounds[sound] = (call.account.key, seconds)
    now = int(service.now() * 1000)
    audio = {"id": sound, "url": f"{call.base}files/{path.name}", "duration": f"{seconds:.1f}"}
    return ok(
        {
            "task_id": sound[::-1],
            "task_status": "succeed",
            "task_status_msg": "",
            "task_result": {"audios": [audio]},
            "final_unit_deduction": "0.05",
            "created_at": now,
            "updated_at": now,
        }
    )


def presets(kind: str) -> Handler:
    """The handler of lists of what everybody may use."""

    async def handle(service: Service, call: Call) -> Response:
        page, size = page_of(call, VOICE_PAGE if kind == "voice" else PAGE)
        library = service.inputs.library
        collection = library.voices if kind == "voice" else library.elements
        entries = [
            {
                "task_id": entry.id,
                "task_status": "succeed",
                "task_result": {
                    f"{kind}s": [
                        {
                            f"{kind}_id": entry.id if kind == "voice" else int(entry.id),
                            **entry.details,
                            "owned_by": entry.owner,
                            "status": "succeed",
                        }
                    ]
                },
            }
            for entry in collection.presets()
        ]
        return ok(entries[(page - 1) * size : page * size])

    return handle


def deletes(kind: str) -> Handler:
    """The handler of takings away."""

    async def handle(service: Service, call: Call) -> Response:
        body = call.fields()
        id = body.text(f"{kind}_id")
        body.done()
        library = service.inputs.library
        collection = library.voices if kind == "voice" else library.elements
        collection.delete(id, call.account.key)
        return ok({"task_id": id, "task_status": "succeed"})

    return handle


async def costs(service: Service, call: Call) -> Response:
    """Tell what is left in the packs; once a second at most."""
    start, end = call.query.get("start_time", ""), call.query.get("end_time", "")
    if not start.isdigit() or not end.isdigit() or int(start) > int(end):
        raise Refusal(1200, "start_time and end_time are required, in milliseconds")
    now = service.now()
    if now - service.asked_for_costs.get(call.account.key, 0.0) < COSTS_INTERVAL:
        raise Refusal(1302)
    service.asked_for_costs[call.account.key] = now
    wanted = call.query.get("resource_pack_name")
    day = 86_400_000
    packs = [
        {
            "resource_pack_name": name,
            "resource_pack_id": str(number),
            "resource_pack_type": "decreasing_total",
            "total_quantity": 1000.0,
            "remaining_quantity": left,
            "purchase_time": int(now * 1000) - day,
            "effective_time": int(now * 1000) - day,
            "invalid_time": int(now * 1000) + 89 * day,
            "status": "online",
        }
        for number, (name, left) in enumerate((("Demo videos", 812.5), ("Demo images", 940.0)), 1)
        if wanted in {None, name}
    ]
    return ok({"code": 0, "msg": "success", "resource_pack_subscribe_infos": packs})


def table(root: str, endpoints: Mapping[str, Reader]) -> dict[str, Handler]:
    """Submissions, questions and lists of the endpoints under a root."""
    found: dict[str, Handler] = {}
    for name, read in endpoints.items():
        found[f"POST {root}/{name}"] = submits(name, read)
        found[f"GET {root}/{name}"] = lists(name)
        found[f"GET {root}/{name}/{{task}}"] = asks(name)
    return found


TABLE: Table = {
    "POST /v1/videos/identify-face": identify_face,
    "POST /v1/audio/tts": speak,
    "GET /v1/general/advanced-presets-elements": presets("element"),
    "GET /v1/general/presets-voices": presets("voice"),
    "POST /v1/general/delete-advanced-elements": deletes("element"),
    "POST /v1/general/delete-elements": deletes("element"),
    "POST /v1/general/delete-voices": deletes("voice"),
    "GET /account/costs": costs,
    **table("/v1", ENDPOINTS),
}
