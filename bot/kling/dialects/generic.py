"""The gateway's own form: `/v1/video/generations` for text and pictures, settings in `metadata`.

Sources: the two documents of such gateways that the project began from, and the source of new-api,
from which most of them are made. They answer in several shapes; all of them are read.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

from bot.domain.request import VideoRequest
from bot.domain.task import RemoteVideo
from bot.kling import outcomes
from bot.kling.dialects.reading import (
    Json,
    http_error,
    json_of,
    kling_error,
    milliseconds_of,
    object_of,
    objects_of,
    progress_of,
    remote_state,
    text_of,
    unreadable,
)
from bot.kling.wire import (
    HttpRequest,
    HttpResponse,
    RemoteState,
    Submission,
    SubmitContext,
    TaskRef,
    TaskStatus,
)

PATH = "/v1/video/generations"

SIZES: dict[str, tuple[int, int]] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (1024, 1024)}
"""The sizes that a gateway turns back into a ratio; any other becomes 1:1."""


class Generic:
    """See `bot.kling.wire.Dialect`."""

    name = "generic"
    can_look_up = False

    def unsupported(self, request: VideoRequest) -> tuple[str, ...]:
        """Name what these gateways drop without a word, or refuse."""
        missing = []
        if not request.prompt:
            missing.append("prompt")
        if request.last_frame is not None:
            missing.append("last_frame")
        if request.sound:
            missing.append("sound")
        if request.aspect_ratio is not None and request.aspect_ratio not in SIZES:
            missing.append("aspect_ratio")
        return tuple(missing)

    def submit(self, request: VideoRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission.

        `duration` is a plain integer: the older gateways document a float, the newer ones take `10.0`
        for nothing and make 5 seconds.
        """
        metadata: dict[str, Any] = {"mode": request.mode, "external_task_id": context.external_task_id}
        if request.cfg_scale is not None:
            metadata["cfg_scale"] = request.cfg_scale
        if request.negative_prompt:
            metadata["negative_prompt"] = request.negative_prompt
        if context.callback_url is not None:
            metadata["callback_url"] = context.callback_url
        body: dict[str, Any] = {
            "model": request.model,
            "prompt": request.prompt,
            "duration": request.duration,
        }
        if request.aspect_ratio is not None:
            metadata["aspect_ratio"] = request.aspect_ratio
            body["width"], body["height"] = SIZES[request.aspect_ratio]
        if request.seed is not None:
            body["seed"] = request.seed
        if request.count > 1:
            body["n"] = request.count
        if request.first_frame is not None:
            body["image"] = base64.b64encode(context.images[request.first_frame.sha256]).decode("ascii")
        body["metadata"] = metadata
        return HttpRequest("POST", PATH, json=body)

    def parse_submit(self, response: HttpResponse) -> Submission:
        """Read `{"task_id"}`, an OpenAI video object, or either of them in an envelope."""
        document = _document(response, submitting=True)
        task_id = text_of(document, "task_id", "id") or text_of(object_of(document, "data"), "task_id", "id")
        if task_id is None:
            raise unreadable(response, submitting=True)
        return Submission(task_id)

    def query(self, ref: TaskRef) -> HttpRequest:
        """Encode the question about one task."""
        return HttpRequest("GET", f"{PATH}/{ref.provider_task_id}")

    def parse_query(self, response: HttpResponse) -> TaskStatus:
        """Read a task in any of the shapes that gateways give it."""
        document = _document(response, submitting=False)
        # A flat answer has its status at the top; an envelope has the task in `data`.
        task = document if text_of(document, "status", "task_status") else object_of(document, "data")
        status = _read(task)
        if status is None:
            raise unreadable(response, submitting=False)
        return status

    def look_up(self, ref: TaskRef) -> HttpRequest | None:
        """These gateways hand our id on and cannot be asked for it."""
        del ref

    def parse_look_up(self, response: HttpResponse) -> TaskStatus | None:
        """Never asked."""
        raise unreadable(response, submitting=False)

    def query_many(self, refs: Sequence[TaskRef]) -> HttpRequest | None:
        """There is no list."""
        del refs

    def parse_many(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Never asked."""
        raise unreadable(response, submitting=False)

    def probe(self, now_ms: int) -> HttpRequest:
        """A task that does not exist: a good key is told so, a bad one is refused."""
        del now_ms
        return HttpRequest("GET", f"{PATH}/klingbot-check")

    def parse_probe(self, response: HttpResponse) -> str:
        """Anything but a refusal of the key will do."""
        try:
            self.parse_query(response)
        except (outcomes.NotFound, outcomes.Rejected):
            return "the key is good"
        return "the key is good"


def _document(response: HttpResponse, *, submitting: bool) -> Json:
    """The answer's object, or the error that it stands for."""
    document = json_of(response)
    if document is None:
        raise unreadable(response, submitting=submitting)
    code = document.get("code")
    succeeded = code is None or code in {0, "success", "0", 200}
    if response.status < 400 and succeeded and not (document.get("error") and not _has_task(document)):
        return document
    raise _error(document, response, submitting=submitting)


def _has_task(document: Json) -> bool:
    return text_of(document, "task_id", "id", "status") is not None


def _error(document: Json, response: HttpResponse, *, submitting: bool) -> outcomes.ProviderError:
    """Find the reason: Kling's own code, also where it is nested as text, before the gateway's."""
    error = object_of(document, "error")
    message = (
        text_of(error, "message") or text_of(document, "message", "fail_reason") or f"HTTP {response.status}"
    )
    nested = _nested(message)
    if nested is not None:
        code, message = nested
        return kling_error(code, message, response.headers, submitting=submitting)
    own = document.get("code")
    if isinstance(own, int) and not isinstance(own, bool) and 1000 <= own < 6000:
        return kling_error(own, message, response.headers, submitting=submitting)
    name = text_of(document, "code") or text_of(error, "code", "type") or ""
    if name in {"task_not_exist", "task_not_found"}:
        return outcomes.NotFound(message, code=name)
    if "quota" in name or "balance" in name:
        return outcomes.OutOfBalance(message, code=name)
    if response.status < 400:
        return outcomes.Rejected(message, code=name)
    return http_error(response, message, submitting=submitting)


def _nested(message: str) -> tuple[int, str] | None:
    """Kling's own answer inside a gateway's message (`fail_to_fetch_task` carries it as text)."""
    start, end = message.find("{"), message.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        inner = json.loads(message[start : end + 1])
    except ValueError:
        return None
    if isinstance(inner, dict) and isinstance(inner.get("code"), int) and inner["code"] != 0:
        return inner["code"], text_of(inner, "message") or "no reason given"
    return None


def _read(task: Json) -> TaskStatus | None:
    task_id, word = text_of(task, "task_id", "id"), text_of(task, "status", "task_status")
    if task_id is None or word is None:
        return None
    state = remote_state(word)
    upstream = object_of(task, "data")
    inner = object_of(upstream, "data") or upstream
    url = (
        text_of(task, "url", "result_url", "video_url")
        or text_of(object_of(task, "metadata"), "url")
        or _first_url(inner)
        or _first_url(task)
    )
    failure = text_of(task, "fail_reason", "task_status_msg")
    if state is RemoteState.SUCCEEDED and url is None and failure is not None and failure.startswith("http"):
        # Older releases kept the address of the result in the column of the reason.
        url = failure
    videos: tuple[RemoteVideo, ...] = ()
    if state is RemoteState.SUCCEEDED and url is not None and url.startswith("http"):
        duration = milliseconds_of(object_of(task, "metadata").get("duration"))
        videos = (RemoteVideo(url, duration_ms=duration),)
    return TaskStatus(
        provider_task_id=task_id,
        state=state,
        word=word,
        progress=progress_of(task.get("progress")),
        videos=videos,
        reason=text_of(object_of(task, "error"), "message") or failure or text_of(inner, "task_status_msg"),
        cost=text_of(inner, "final_unit_deduction"),
    )


def _first_url(document: Json) -> str | None:
    for video in objects_of(object_of(document, "task_result"), "videos"):
        if (url := text_of(video, "url")) is not None:
            return url
    return None
