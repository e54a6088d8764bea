"""Kling's first standard: `/v1/videos/*`, `/v1/images/*`, `/v1/audio/*`, `/v1/general/*` and `/account/*`."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.responses import Response

from bot.demo.kling import accounting, advanced, editing, fields, images, recognition, sounds, videos
from bot.demo.kling.answers import ok
from bot.demo.kling.body import Body, TaskBody
from bot.demo.kling.inputs import Scene
from bot.demo.kling.library import VIDEO_ELEMENTS, Entry
from bot.demo.kling.refusals import NOT_FOUND, Refusal, invalid
from bot.demo.kling.service import VOICE_SECONDS, Call, Handler, Service, Table, asks, page_of, submits
from bot.demo.kling.shapes import accepted, legacy
from bot.demo.media.films import footage
from bot.demo.media.stills import StillSpec, render_still

ENDPOINTS: Mapping[str, type[TaskBody]] = {
    "videos/text2video": videos.TextToVideo,
    "videos/image2video": videos.ImageToVideo,
    "videos/multi-image2video": videos.MultiImageToVideo,
    "videos/omni-video": advanced.OmniVideo,
    "videos/multi-elements": editing.MultiElements,
    "videos/motion-control": advanced.MotionControl,
    "videos/video-extend": advanced.VideoExtend,
    "videos/effects": advanced.Effect,
    "videos/avatar/image2video": advanced.Avatar,
    "videos/advanced-lip-sync": advanced.AdvancedLipSync,
    "videos/lip-sync": advanced.LipSync,
    "audio/text-to-audio": sounds.TextToAudio,
    "audio/video-to-audio": sounds.VideoToAudio,
    "images/generations": images.Generation,
    "images/omni-image": images.OmniImage,
    "images/multi-image2image": images.MultiImageToImage,
    "images/editing/expand": images.Expand,
    "images/kolors-virtual-try-on": images.TryOn,
    "general/ai-multi-shot": images.MultiShot,
    "general/advanced-custom-elements": sounds.NewElement,
    "general/custom-voices": sounds.NewVoice,
}
ONLY_OWN_IDS = frozenset({"videos/video-extend", "videos/advanced-lip-sync", "videos/lip-sync"})
"""Endpoints that can't be asked by an external id."""

VOICE_PAGE, PAGE = 1000, 500
SPOKEN_A_SECOND = {"en": 14, "zh": 4.5}
FACE_INTERVAL = 200
"""Milliseconds between the moments at which the faces of a video appear."""


def _lists(operation: str) -> Handler:
    largest = VOICE_PAGE if operation.endswith("voices") else PAGE

    async def handle(service: Service, call: Call) -> Response:
        tasks = [task for task in service.registry.of(call.account) if task.order.operation == operation]
        now = service.now()
        return ok([legacy(task, task.state(now), now) for task in page_of(tasks, call, largest)])

    return handle


# -- answered at once ----------------------------------------------------------------------------------


async def identify_face(service: Service, call: Call) -> Response:
    """Find the faces of a video; there is always one, and as many more as the behaviour says, each seen later."""
    film = call.read(advanced.OneFilm).film((2, 60), (512, 2160))
    service.behaviour.before_submission()
    scene = await service.inputs.scene(call.account, film)
    portrait, seconds = await _portrait(service, call, scene), scene.seconds
    times = service.behaviour.faces_seen or [
        (number * FACE_INTERVAL, int(seconds * 1000)) for number in range(service.behaviour.faces)
    ]
    seen = {str(number): time for number, time in enumerate(times)}
    faces = [
        {"face_id": face, "face_image": portrait, "start_time": start, "end_time": end}
        for face, (start, end) in seen.items()
    ]
    session = service.inputs.remember(call.account, scene, seen)
    service.accounting.call(call.account, session, "Face Recognition", service.now())
    return ok({"session_id": session, "face_data": faces, "final_unit_deduction": "0.05"})


async def _portrait(service: Service, call: Call, scene: Scene) -> str:
    if scene.parent is None:
        spec = StillSpec(images=scene.spec.images, kind="blend")
    else:
        video = await asyncio.to_thread(service.registry.tasks[scene.parent].files[0].read_bytes)
        spec = StillSpec(images=((await asyncio.to_thread(footage, video)).frame,), kind="blend")
    path = service.path(spec, "png")
    await service.pool.finish(path, lambda path: render_still(spec, path))
    return f"{call.base}files/{path.name}"


class Speech(Body):
    """Words, and the voice that says them."""

    text: Annotated[str, Field(max_length=1000), fields.Filled]
    voice_id: str
    voice_language: Literal["zh", "en"] = "zh"
    voice_speed: Annotated[float, fields.between(0.8, 2)] = 1.0


async def speak(service: Service, call: Call) -> Response:
    """Say words with a voice."""
    body = call.read(Speech)
    text, voice = body.text, body.voice_id
    service.behaviour.before_submission()
    service.inputs.library.check_speaker(voice, call.account.key)
    spoken = len(text) / SPOKEN_A_SECOND[body.voice_language] / body.voice_speed
    seconds = round(max(1.0, spoken), 1)
    path, work = service.sound((text, voice), seconds, "mp3")
    await service.pool.finish(path, work)
    sound = "".join(service.dice.choices("123456789", k=18))
    service.inputs.sounds[sound] = (call.account.key, seconds)
    service.accounting.call(call.account, sound[::-1], "Text to Speech", service.now())
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
        entries = []
        for entry in service.inputs.library.presets(kind):
            id = entry.id if kind == "voice" else int(entry.id)
            preview = await _preview(service, call, kind, entry)
            shown = {
                f"{kind}_id": id,
                **entry.details,
                **preview,
                "owned_by": entry.owner,
                "status": "succeed",
            }
            made = {"task_id": entry.id, "task_status": "succeed", "task_result": {f"{kind}s": [shown]}}
            entries.append(made)
        return ok(page_of(entries, call, VOICE_PAGE if kind == "voice" else PAGE))

    return handle


async def _preview(service: Service, call: Call, kind: str, entry: Entry) -> dict[str, Any]:
    if kind == "voice":
        path, work = service.sound(("voice", entry.id), VOICE_SECONDS, "mp3")
        await service.pool.finish(path, work)
        return {"trial_url": f"{call.base}files/{path.name}"}
    spec = StillSpec(prompt=entry.details["element_name"])
    path = service.path(spec, "png")
    await service.pool.finish(path, lambda path: render_still(spec, path))
    return {
        "element_image_list": {"frontal_image": f"{call.base}files/{path.name}"},
        "reference_type": "video_refer" if entry.id in VIDEO_ELEMENTS else "image_refer",
    }


class Removal(Body):
    """An element, or a voice, to take away."""

    element_id: str = ""
    voice_id: str = ""


def deletes(kind: str) -> Handler:
    """The handler of takings away."""

    async def handle(service: Service, call: Call) -> Response:
        body = call.read(Removal)
        body.need(f"{kind}_id")
        body.lack("voice_id" if kind == "element" else "element_id")
        id = body.element_id or body.voice_id
        service.inputs.library.of(kind).delete(id, call.account.key)
        return ok({"task_id": id, "task_status": "succeed"})

    return handle


async def costs(service: Service, call: Call) -> Response:
    """Tell what is left in the packs; once a second at most."""
    accounting.check_times(call.query)
    now = service.now()
    return accounting.packs(call.account, service.accounting.ask(call.account, now), call.query, now)


def bills(*, money: bool) -> Handler:
    """The handler of questions about deductions, which take no signed tokens; once a second at most."""

    async def handle(service: Service, call: Call) -> Response:
        if call.token:
            raise Refusal(1002, "Authorization must be an API key")
        body = call.read(accounting.RowsBody)
        book = service.accounting.ask(call.account, service.now())
        return accounting.rows(call.account, book, body, money=money)

    return handle


def table(root: str, endpoints: Mapping[str, type[TaskBody]]) -> dict[str, Handler]:
    """Submissions, questions and lists of the endpoints under a root."""
    found: dict[str, Handler] = {}
    for name, model in endpoints.items():
        operation = name.removeprefix("videos/")
        found[f"POST {root}/{name}"] = submits(model, operation, accepted, ok)
        found[f"GET {root}/{name}"] = _lists(operation)
        found[f"GET {root}/{name}/{{task}}"] = asks(
            legacy, ok, partial(invalid, NOT_FOUND), operation, external=name not in ONLY_OWN_IDS
        )
    return found


TABLE: Table = {
    "POST /v1/videos/identify-face": identify_face,
    "POST /v1/videos/image-recognize": recognition.recognise,
    "POST /v1/audio/tts": speak,
    "GET /v1/general/advanced-presets-elements": presets("element"),
    "GET /v1/general/presets-voices": presets("voice"),
    "POST /v1/general/delete-advanced-elements": deletes("element"),
    "POST /v1/general/delete-elements": deletes("element"),
    "POST /v1/general/delete-voices": deletes("voice"),
    "GET /account/costs": costs,
    "POST /account/billing/package": bills(money=False),
    "POST /account/billing/balance": bills(money=True),
    **editing.table("/v1"),
    **table("/v1", ENDPOINTS),
}
