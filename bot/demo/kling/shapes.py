"""How a task looks in each dialect. Pure: a task, its state and the time in, a JSON document out.

A state is given rather than read from the task, because callbacks tell of states that have passed.
"""

from collections.abc import Callable
from typing import Any

from bot.demo.kling.accounting import DOLLARS, pack_of, units
from bot.demo.kling.tasks import RemoteTask, State
from bot.demo.media.render import FRAMES_A_SECOND, frame_size

Shape = Callable[[RemoteTask, State, float], dict[str, Any]]


def _word(state: State, *words: str) -> str:
    """The word for a state, of those for submitted, processing, succeed and failed."""
    return dict(zip(("submitted", "processing", "succeed", "failed"), words, strict=True))[state]


def _paid(task: RemoteTask) -> tuple[str, str, str]:
    """What a task costs, as the service writes it: units of its pack, money, and what it is worth (both in USD)."""
    taken = units(task.order)
    worth = f"{taken * DOLLARS[pack_of(task.order)]:.4g}"
    return ("0", worth, worth) if task.account.cash else (f"{taken:g}", "0", worth)


def address(task: RemoteTask, number: int = 0) -> str:
    """Where one of the task's files is."""
    return f"{task.base}files/{task.files[number].name}"


# -- Kling's first standard ----------------------------------------------------------------------------


def accepted(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """The answer to a submission."""
    external = task.order.external_id
    return {
        "task_id": task.upstream_id,
        "task_status": state,
        "task_info": {} if external is None else {"external_task_id": external},
        "created_at": int(task.created_at * 1000),
        "updated_at": int(task.changed_at(now) * 1000),
    }


def legacy(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """The answer to a query, and the body of a callback."""
    shape = accepted(task, state, now)
    shape["task_status_msg"] = task.failure if state == "failed" else ""
    shape["watermark_info"] = {"enabled": task.order.watermark}
    if state == "succeed":
        taken, money, worth = _paid(task)
        shape["final_unit_deduction"] = taken
        shape["final_balance_deduction"] = {"quota": money, "list_price": worth}
        shape["task_result"] = _results(task)
        if task.order.parent is not None:
            shape["task_info"]["parent_video"] = {"id": task.order.parent}
    return shape


def _results(task: RemoteTask) -> dict[str, Any]:
    order = task.order
    if order.product == "image":
        numbers = range(len(task.files))
        images = [{"index": number, "url": address(task, number)} for number in numbers]
        if order.operation == "general/ai-multi-shot":
            return {
                "images": [{"index": 0, **{f"url_{number + 1}": address(task, number) for number in numbers}}]
            }
        if order.operation != "images/omni-image":
            # The newer standard tells of a series as of any others.
            return {"images": images}
        single, series = ([], images) if order.series else (images, [])
        return {
            "result_type": "series" if order.series else "single",
            "images": single,
            "series_images": series,
        }
    if order.product == "element":
        return {"elements": [{"element_id": int(task.upstream_id), **order.definition, "status": "succeed"}]}
    if order.product == "voice":
        voice = {"voice_id": task.upstream_id, "trial_url": address(task), "owned_by": task.account.key[:4]}
        return {"voices": [{**voice, **order.definition}]}
    if order.product == "audio":
        first = 0 if order.source is None else 1
        length = f"{order.seconds:.1f}"
        sound = {
            "id": task.video_id,
            "url_mp3": address(task, first),
            "url_wav": address(task, first + 1),
            "duration_mp3": length,
            "duration_wav": length,
        }
        return {"videos": [_video(task)], "audios": [sound]} if first else {"audios": [sound]}
    return {"videos": [_video(task)]}


def _video(task: RemoteTask) -> dict[str, Any]:
    video = {"id": task.video_id, "url": address(task), "duration": f"{task.order.seconds:.1f}"}
    if task.marked is not None:
        video["watermark_url"] = f"{task.base}files/{task.marked.name}"
    return video


# -- Kling's newer standard ----------------------------------------------------------------------------


def unified_accepted(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """The answer to a submission."""
    shape: dict[str, Any] = {
        "id": task.upstream_id,
        "status": "succeeded" if state == "succeed" else state,
        "create_time": int(task.created_at * 1000),
        "update_time": int(task.changed_at(now) * 1000),
    }
    if task.order.external_id is not None:
        shape["external_id"] = task.order.external_id
    return shape


def unified(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """The answer to a query, and the body of a callback. Tasks of the first standard are told of as well."""
    shape = unified_accepted(task, state, now)
    shape["message"] = task.failure if state == "failed" else ""
    if state == "succeed":
        shape["outputs"] = list(_outputs(task))
        shape["billing"] = [_bill(task)]
    return shape


def _bill(task: RemoteTask) -> dict[str, Any]:
    kind = task.order.product if task.order.product in {"image", "audio"} else "video"
    taken, money, worth = _paid(task)
    if task.account.cash:
        return {"charge_type": "cash", "amount": money, "currency": "USD", "list_price": worth}
    return {"charge_type": "unit", "amount": taken, "package_type": kind}


def _outputs(task: RemoteTask) -> list[dict[str, Any]]:
    results = _results(task)
    outputs = [{"type": "video", **video} for video in results.get("videos", ())]
    images = [*results.get("images", ()), *results.get("series_images", ())]
    outputs += [{"type": "image", "url": image["url"]} for image in images]
    outputs += [
        {
            "type": "audio",
            "id": sound["id"],
            "mp3_url": sound["url_mp3"],
            "wav_url": sound["url_wav"],
            "mp3_duration": sound["duration_mp3"],
            "wav_duration": sound["duration_wav"],
        }
        for sound in results.get("audios", ())
    ]
    outputs += [
        {"type": "element", "id": str(element["element_id"]), "name": element["element_name"]}
        for element in results.get("elements", ())
    ]
    return outputs + [
        {"type": "voice", "id": voice["voice_id"], "name": voice["voice_name"], "url": voice["trial_url"]}
        for voice in results.get("voices", ())
    ]


# -- gateways ------------------------------------------------------------------------------------------


def classic(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """A query at older gateways."""
    del now
    shape: dict[str, Any] = {"task_id": task.id, "status": "succeeded" if state == "succeed" else state}
    if state == "succeed":
        width, height = frame_size(task.order.video())
        metadata = {"duration": float(task.order.seconds), "fps": FRAMES_A_SECOND}
        metadata |= {"width": width, "height": height}
        if task.order.seed is not None:
            metadata["seed"] = task.order.seed
        shape |= {"url": address(task), "format": "mp4", "metadata": metadata}
    if state == "failed":
        shape["error"] = {"code": 4001, "message": task.failure}
    return shape


def simple(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """A query at gateways that give one flat shape inside an envelope."""
    del now
    return {
        "task_id": task.id,
        "status": _word(state, "queued", "processing", "succeeded", "failed"),
        "url": address(task) if state == "succeed" else "",
        "format": "mp4",
        "metadata": None,
        "error": {"message": task.failure, "code": "task_failed"} if state == "failed" else None,
    }


def row(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """A query at newer gateways: a row of their table, with Kling's own answer inside."""
    ended = int(task.changed_at(now)) if state in {"succeed", "failed"} else 0
    shape: dict[str, Any] = {
        "id": int(task.upstream_id[:6]),
        "task_id": task.id,
        "platform": "50",
        "action": "generate" if task.order.pictures else "textGenerate",
        "status": _word(state, "SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE"),
        "fail_reason": task.failure if state == "failed" else "",
        "submit_time": int(task.created_at),
        "start_time": 0 if state == "submitted" else int(task.created_at),
        "finish_time": ended,
        "progress": _word(state, "10%", "50%", "100%", "100%"),
        "properties": {"input": task.order.prompt},
        "data": {"code": 0, "message": "SUCCEED", "request_id": "", "data": legacy(task, state, now)},
    }
    if state == "succeed":
        shape["result_url"] = address(task)
    return shape


def openai_accepted(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """A submission at newer gateways."""
    del state, now
    return {
        "id": task.id,
        "task_id": task.id,
        "object": "video",
        "model": task.order.model,
        "status": "queued",
        "progress": 0,
        "created_at": int(task.created_at),
    }


def openai(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """A query at newer gateways under `/v1/videos`."""
    shape = openai_accepted(task, state, now)
    shape |= {
        "status": _word(state, "queued", "in_progress", "completed", "failed"),
        "progress": 100 if state in {"succeed", "failed"} else 50,
        "created_at": int(task.created_at * 1000),
        "seconds": f"{task.order.seconds:g}",
    }
    if state == "succeed":
        shape["metadata"] = {"url": address(task)}
    if state == "failed":
        shape["error"] = {"message": task.failure, "code": "task_failed"}
    return shape


def omnimaas(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """A submission or a query at OmniMaaS."""
    del now
    progress = {"submitted": 0, "processing": 50}
    shape: dict[str, Any] = {
        "id": task.id,
        "object": "video",
        "model": task.order.model,
        "created_at": int(task.created_at),
        "status": _word(state, "processing", "processing", "succeeded", "failed"),
        "progress": progress.get(state, 100),
    }
    if state == "succeed":
        shape["url"] = address(task)
    if state == "failed":
        shape["error"] = {"code": "task_failed", "message": task.failure}
    return shape


def flat_accepted(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """A submission at flat proxies."""
    return {
        "task_id": task.id,
        "task_status": "completed" if state == "succeed" else state,
        "created_at": int(task.created_at * 1000),
        "updated_at": int(task.changed_at(now) * 1000),
    }


def flat(task: RemoteTask, state: State, now: float) -> dict[str, Any]:
    """A query at flat proxies."""
    shape = flat_accepted(task, state, now)
    if state == "failed":
        shape["task_status_msg"] = task.failure
    if state == "succeed":
        video = {"id": task.video_id, "url": address(task), "duration": round(task.order.seconds)}
        shape["task_result"] = {"videos": [video]}
    return shape
