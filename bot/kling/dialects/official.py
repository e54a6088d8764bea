"""Kling's own API in its long-standing form: `/v1/videos/*`, the model in the body, a code in each answer.

Source: the vendor's API specification (text2video, image2video, callbacks, error codes, account).
Durations are strings, images raw Base64 without a `data:` prefix, times milliseconds.
"""

import base64
from collections.abc import Sequence
from typing import Any

from bot.domain.request import Operation, VideoRequest
from bot.domain.task import RemoteVideo
from bot.domain.units import DAY
from bot.kling import outcomes
from bot.kling.dialects.reading import (
    Json,
    json_of,
    kling_error,
    milliseconds_of,
    object_of,
    objects_of,
    remote_state,
    text_of,
    unreadable,
)
from bot.kling.wire import HttpRequest, HttpResponse, Submission, SubmitContext, TaskRef, TaskStatus

PAGE_SIZE = 500
"""The largest page of the list endpoints."""

_CFG_MODELS = "kling-v1"
"""Only the models of the first generation take cfg_scale."""

_MODELS_WITHOUT_MODE = frozenset({"kling-v2-master", "kling-v2-1-master"})


class Official:
    """See `bot.kling.wire.Dialect`. `prefix` goes before every path."""

    name = "official"
    can_look_up = True

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def unsupported(self, request: VideoRequest) -> tuple[str, ...]:
        """Name what Kling's own API has no field for."""
        missing = []
        if request.seed is not None:
            missing.append("seed")
        if request.count > 1:
            missing.append("count")
        if request.cfg_scale is not None and not request.model.startswith(_CFG_MODELS):
            missing.append("cfg_scale")
        return tuple(missing)

    def submit(self, request: VideoRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission."""
        body: dict[str, Any] = {
            "model_name": request.model,
            "prompt": request.prompt,
            "duration": str(request.duration),
            "external_task_id": context.external_task_id,
        }
        if request.model not in _MODELS_WITHOUT_MODE:
            body["mode"] = request.mode
        if request.negative_prompt:
            body["negative_prompt"] = request.negative_prompt
        if request.cfg_scale is not None:
            body["cfg_scale"] = request.cfg_scale
        if request.sound:
            body["sound"] = "on"
        if context.callback_url is not None:
            body["callback_url"] = context.callback_url
        if request.operation is Operation.TEXT_TO_VIDEO:
            body["aspect_ratio"] = request.aspect_ratio or "16:9"
        else:
            for field, image in (("image", request.first_frame), ("image_tail", request.last_frame)):
                if image is not None:
                    body[field] = base64.b64encode(context.images[image.sha256]).decode("ascii")
        return HttpRequest("POST", self._path(request.operation), json=body)

    def parse_submit(self, response: HttpResponse) -> Submission:
        """Read the answer to a submission."""
        data = self._data(response, submitting=True)
        task_id = text_of(data if isinstance(data, dict) else None, "task_id")
        if task_id is None:
            raise unreadable(response, submitting=True)
        return Submission(task_id)

    def query(self, ref: TaskRef) -> HttpRequest:
        """Encode the question about one task."""
        return HttpRequest("GET", f"{self._path(ref.operation)}/{ref.provider_task_id}")

    def parse_query(self, response: HttpResponse) -> TaskStatus:
        """Read the answer about one task."""
        status = self._status(self._data(response, submitting=False))
        if status is None:
            raise unreadable(response, submitting=False)
        return status

    def look_up(self, ref: TaskRef) -> HttpRequest | None:
        """Our own id stands in the path where the provider's does otherwise."""
        return HttpRequest("GET", f"{self._path(ref.operation)}/{ref.external_task_id}")

    def parse_look_up(self, response: HttpResponse) -> TaskStatus | None:
        """1201 with "not found" is the proof of absence."""
        try:
            return self.parse_query(response)
        except outcomes.NotFound:
            return None

    def query_many(self, refs: Sequence[TaskRef]) -> HttpRequest | None:
        """The newest page of the list; an older task is asked for by its id."""
        query = {"pageNum": "1", "pageSize": str(PAGE_SIZE)}
        return HttpRequest("GET", self._path(refs[0].operation), query=query)

    def parse_many(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read the list."""
        data = self._data(response, submitting=False)
        if not isinstance(data, list):
            raise unreadable(response, submitting=False)
        return tuple(status for item in data if (status := self._status(item)) is not None)

    def probe(self, now_ms: int) -> HttpRequest:
        """The account's resource packs: free, at most once a second."""
        query = {"start_time": str(now_ms - 30 * DAY), "end_time": str(now_ms)}
        return HttpRequest("GET", f"{self._prefix}/account/costs", query=query)

    def parse_probe(self, response: HttpResponse) -> str:
        """The units left in the packs that are in force."""
        data = self._data(response, submitting=False)
        packs = objects_of(data if isinstance(data, dict) else None, "resource_pack_subscribe_infos")
        left = [pack.get("remaining_quantity") for pack in packs if pack.get("status") == "online"]
        units = sum(float(quantity) for quantity in left if isinstance(quantity, (int, float)))
        return f"{units:g} units left" if left else "the key is good"

    def _path(self, operation: Operation) -> str:
        return f"{self._prefix}/v1/videos/{operation.value}"

    @staticmethod
    def _data(response: HttpResponse, *, submitting: bool) -> object:
        document = json_of(response)
        if document is None:
            raise unreadable(response, submitting=submitting)
        code = document.get("code")
        if not isinstance(code, int) or isinstance(code, bool):
            raise unreadable(response, submitting=submitting)
        if code != 0:
            message = text_of(document, "message") or "no reason given"
            raise kling_error(code, message, response.headers, submitting=submitting)
        return document.get("data")

    @staticmethod
    def _status(data: object) -> TaskStatus | None:
        return read_task(data) if isinstance(data, dict) else None


def read_task(data: Json) -> TaskStatus | None:
    """Read a task as Kling writes it, in answers, lists and callbacks."""
    task_id, word = text_of(data, "task_id"), text_of(data, "task_status")
    if task_id is None or word is None:
        return None
    videos = tuple(
        RemoteVideo(url, text_of(video, "id"), milliseconds_of(video.get("duration")))
        for video in objects_of(object_of(data, "task_result"), "videos")
        if (url := text_of(video, "url")) is not None
    )
    return TaskStatus(
        provider_task_id=task_id,
        state=remote_state(word),
        word=word,
        videos=videos,
        reason=text_of(data, "task_status_msg"),
        external_task_id=text_of(object_of(data, "task_info"), "external_task_id"),
        cost=text_of(data, "final_unit_deduction"),
    )
