"""Multi-element editing: a video is opened, marked frame by frame, looked at, and then changed.

A session belongs to the account that opened it, and lasts for a day. What is marked in it can be added, taken away,
and cleared.
"""

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from PIL import Image, ImageDraw
from pydantic import Field
from starlette.responses import Response

from bot.demo.kling import fields
from bot.demo.kling.advanced import OneFilm, Quality
from bot.demo.kling.answers import ok
from bot.demo.kling.body import Body, MarkedBody
from bot.demo.kling.inputs import GAP, SLACK, Scene, Selection
from bot.demo.kling.orders import Edited, Order
from bot.demo.kling.refusals import forbid
from bot.demo.kling.service import Call, Handler, Service
from bot.demo.media.films import Footage, footage

SECONDS, SIDE, RATES = (2, 10), (720, 2160), (24, 30, 60)
MOST_FRAMES = MOST_POINTS = 10
RADIUS = 0.15
"""How far what is recognised reaches around a point, as a part of the shorter side."""

CHARGES = {"final_unit_deduction": "0", "final_balance_deduction": {"quota": "0", "list_price": "0"}}
Share = Annotated[float, fields.between(0, 1)]


class MultiElements(MarkedBody):
    """Something in a video that was opened: added, swapped, or removed."""

    session_id: str
    edit_mode: Literal["addition", "swap", "removal"]
    image_list: Annotated[tuple["_Cropped", ...], fields.entries(0, 2)] = ()
    prompt: fields.Words
    negative_prompt: fields.Prompt = ""
    mode: Quality = "std"
    duration: fields.Seconds = 5

    def _checked(self, order: Order) -> Order:
        fewest, most = {"addition": (1, 2), "swap": (1, 1), "removal": (0, 0)}[self.edit_mode]
        number = len(self.image_list)
        forbid(
            not fewest <= number <= most,
            f"image_list must have {fewest} to {most} entries with edit_mode {self.edit_mode}",
        )
        forbid(self.duration not in {5, 10}, "duration must be 5 or 10")
        names = ["<<<video_1>>>", *(f"<<<image_{one}>>>" for one in range(1, number + 1))]
        return replace(
            order,
            model="kling-multi-elements",
            pictures=self.listed("image_list", "image"),
            shown=0,
            edited=Edited(self.session_id, self.edit_mode, self.duration),
            unnamed=tuple(name for name in names if name not in self.prompt),
        )


class _Cropped(Body):
    image: str


class _Session(Body):
    session_id: str


class _Point(Body):
    x: Share
    y: Share


class _Points(_Session):
    frame_index: Annotated[int, Field(ge=0)]
    points: Annotated[tuple[_Point, ...], fields.entries(1, MOST_POINTS)]


async def open_video(service: Service, call: Call) -> Response:
    """Open a video, whose length, size and rate are bounded."""
    film = replace(call.read(OneFilm).film(SECONDS, SIDE), rate=(min(RATES) - 0.1, max(RATES) + 0.5))
    service.behaviour.before_submission()
    scene = await service.inputs.scene(call.account, film)
    between = GAP[0] + SLACK < scene.seconds < GAP[1]
    forbid(between, f"{film.name} must last {SECONDS[0]} to {GAP[0]} or {GAP[1]} to {SECONDS[1]} seconds")
    seen = await _look(service, scene, film.value)
    odd = not film.made_here and all(abs(seen.rate - rate) > SLACK for rate in RATES)
    forbid(odd, f"{film.name}: the frame rate is not supported")
    selection = Selection(call.account.key, scene, seen, service.now())
    session = service.inputs.open(selection)
    found = {
        "fps": seen.rate,
        "original_duration": round(seen.seconds * 1000),
        "width": seen.width,
        "height": seen.height,
        "total_frame": selection.frames,
        "normalized_video": await _shown(service, call, selection),
    }
    return ok({"status": 0, "session_id": session, **CHARGES, **found})


async def _look(service: Service, scene: Scene, address: str) -> Footage:
    if scene.parent is None:
        data = await service.fetch(address, 100_000_000)
    else:
        task = service.registry.tasks[scene.parent]
        await service.finished(task)
        data = await asyncio.to_thread(task.files[0].read_bytes)
    return await asyncio.to_thread(footage, data)


async def _shown(service: Service, call: Call, selection: Selection) -> str:
    """Where the video can be looked at."""
    path = service.path(selection.scene.spec, "mp4")
    await service.pool.finish(path, lambda path: service.renderer(selection.scene.spec, path))
    return f"{call.base}files/{path.name}"


def _marking(change: Callable[[list[tuple[float, float]], list[tuple[float, float]]], None]) -> Handler:
    async def handle(service: Service, call: Call) -> Response:
        body = call.read(_Points)
        selection = service.inputs.selection(call.account, body.session_id)
        forbid(body.frame_index >= selection.frames, f"frame_index must be less than {selection.frames}")
        sent = [(point.x, point.y) for point in body.points]
        if (0.0, 0.0) in sent:
            # Nothing is recognised in the very corner: the envelope says that all went well.
            return ok({"status": 1, "session_id": body.session_id, **CHARGES, "res": {}})
        marked = list(selection.points.get(body.frame_index, ()))
        change(marked, sent)
        forbid(len(marked) > MOST_POINTS, f"a frame may have {MOST_POINTS} points")
        points = {**selection.points, body.frame_index: marked}
        selection.points = {frame: marks for frame, marks in points.items() if marks}
        forbid(len(selection.points) > MOST_FRAMES, f"{MOST_FRAMES} frames may be marked")
        masks = [_mask(number, point, selection.seen) for number, point in enumerate(marked)]
        res = {"frame_index": body.frame_index, "rle_mask_list": masks}
        return ok({"status": 0, "session_id": body.session_id, **CHARGES, "res": res})

    return handle


def _add(marked: list[tuple[float, float]], sent: list[tuple[float, float]]) -> None:
    marked += [point for point in sent if point not in marked]


def _delete(marked: list[tuple[float, float]], sent: list[tuple[float, float]]) -> None:
    for point in sent:
        forbid(point not in marked, "points must match exactly those that were added")
        marked.remove(point)


def _mask(number: int, point: tuple[float, float], seen: Footage) -> dict[str, Any]:
    """What is recognised around a point, as a picture and as run lengths of its columns (COCO)."""
    reach = RADIUS * min(seen.width, seen.height)
    x, y = point[0] * seen.width, point[1] * seen.height
    image = Image.new("L", (seen.width, seen.height))
    ImageDraw.Draw(image).ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    size = [seen.height, seen.width]
    file = io.BytesIO()
    image.save(file, "PNG")
    return {
        "object_id": number,
        "rle_mask": {"size": size, "counts": run_lengths(image)},
        "png_mask": {"size": size, "base64": base64.b64encode(file.getvalue()).decode("ascii")},
    }


def run_lengths(mask: Image.Image) -> str:
    """A mask as the vendor's sample code reads it: lengths of runs down the columns, as text of five bits a letter."""
    columns = mask.transpose(Image.Transpose.TRANSPOSE).tobytes()
    runs, value, start = [], 0, 0
    while start <= len(columns):
        end = columns.find(b"\0" if value else b"\xff", start)
        end = len(columns) if end < 0 else end
        runs.append(end - start)
        if end == len(columns):
            break
        start, value = end, 1 - value
    text = []
    for number, run in enumerate(runs):
        left = run - (runs[number - 2] if number > 2 else 0)
        more = True
        while more:
            letter, left = left & 0x1F, left >> 5
            more = left != (-1 if letter & 0x10 else 0)
            text.append(chr((letter | (0x20 if more else 0)) + 48))
    return "".join(text)


async def clear(service: Service, call: Call) -> Response:
    """Take all marks away."""
    session = call.read(_Session).session_id
    service.inputs.selection(call.account, session).points = {}
    return ok({"status": 0, "session_id": session, **CHARGES})


async def preview(service: Service, call: Call) -> Response:
    """Show the video with what is marked."""
    session = call.read(_Session).session_id
    selection = service.inputs.selection(call.account, session)
    forbid(not selection.points, "nothing is marked")
    address = await _shown(service, call, selection)
    res = dict.fromkeys(("video", "video_cover", "tracking_output"), address)
    return ok({"status": 0, "session_id": session, **CHARGES, "res": res})


HANDLERS: Mapping[str, Callable[[Service, Call], Awaitable[Response]]] = {
    "init-selection": open_video,
    "add-selection": _marking(_add),
    "delete-selection": _marking(_delete),
    "clear-selection": clear,
    "preview-selection": preview,
}


def table(root: str) -> dict[str, Handler]:
    """The steps before a task, under a root."""
    return {f"POST {root}/videos/multi-elements/{name}": handler for name, handler in HANDLERS.items()}
