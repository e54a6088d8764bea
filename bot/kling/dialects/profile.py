"""Kling's own paths and bodies, and what differs between those who speak them, as data. Pure.

The official API, gateways that keep its paths under a prefix, and flat proxies all take
``POST <root>/<operation>`` and ``GET <root>/<operation>/<id>``; a `Profile` says the rest.
"""

import base64
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from bot.domain.request import AspectRatio, ImageRef, Mode, Operation, VideoRequest
from bot.kling.dialects import answers
from bot.kling.outcomes import NotFound
from bot.kling.wire import HttpRequest, HttpResponse, Submission, SubmitContext, TaskRef, TaskStatus

OFFICIAL_RATIOS: tuple[AspectRatio, ...] = ("16:9", "9:16", "1:1")
PAGE_SIZE = 500
"""Most tasks that Kling lists on one page."""

PROBE_ID = "klingbot-probe"
"""An id that no task has: only who holds a good key is told so."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a speaker of Kling's own paths does its own way.

    `durations` is the JSON type of seconds. `image_ratio`: image2video takes an aspect ratio too.
    `needs_prompt`: also beside an image. `needs_mode`: also for models that have but one. `correlates`: takes `external_task_id` and `callback_url`.
    `looks_up`: answers questions by `external_task_id`. `lists`: answers about many tasks at once.
    """

    name: str
    root: str = "/v1/videos"
    durations: Literal["text", "integer"] = "text"
    ratios: tuple[AspectRatio, ...] = OFFICIAL_RATIOS
    modes: tuple[Mode, ...] = ("std", "pro", "4k")
    image_ratio: bool = False
    needs_prompt: bool = False
    needs_mode: bool = False
    sound: bool = True
    correlates: bool = True
    looks_up: bool = False
    lists: bool = False


class Native:
    """The dialect of a profile."""

    can_look_up: bool

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.can_look_up = profile.looks_up

    @property
    def name(self) -> str:
        """The dialect's name in the configuration."""
        return self.profile.name

    def unsupported(self, request: VideoRequest) -> tuple[str, ...]:
        """Name the fields of `request` that this wire format cannot express, empty if none."""
        profile = self.profile
        shown_ratio = request.aspect_ratio if profile.image_ratio or not request.images else None
        return tuple(
            field
            for field, missing in (
                ("prompt", profile.needs_prompt and not request.prompt),
                ("mode", request.mode not in profile.modes),
                ("aspect_ratio", shown_ratio is not None and shown_ratio not in profile.ratios),
                ("sound", request.sound and not profile.sound),
                ("seed", request.seed is not None),
                ("count", request.count > 1),
            )
            if missing
        )

    def submit(self, request: VideoRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission. Only what was asked for is sent: Kling's defaults stay Kling's."""
        profile = self.profile
        body: dict[str, Any] = {"model_name": request.model}
        if request.first_frame is not None:
            body["image"] = base64_of(request.first_frame, context)
        if request.last_frame is not None:
            body["image_tail"] = base64_of(request.last_frame, context)
        if request.prompt:
            body["prompt"] = request.prompt
        if request.negative_prompt:
            body["negative_prompt"] = request.negative_prompt
        if request.cfg_scale is not None:
            body["cfg_scale"] = request.cfg_scale
        if profile.needs_mode or takes_mode(request.model):
            body["mode"] = request.mode
        if request.aspect_ratio is not None and (profile.image_ratio or not request.images):
            body["aspect_ratio"] = request.aspect_ratio
        body["duration"] = str(request.duration) if profile.durations == "text" else request.duration
        if request.sound:
            body["sound"] = "on"
        if profile.correlates:
            if context.callback_url:
                body["callback_url"] = context.callback_url
            body["external_task_id"] = context.external_task_id
        return HttpRequest("POST", self._path(request.operation), json=body)

    def parse_submit(self, response: HttpResponse) -> Submission:
        """Read the answer to a submission."""
        return answers.submission(response)

    def query(self, ref: TaskRef) -> HttpRequest:
        """Encode the question about one task."""
        return HttpRequest("GET", self._path(ref.operation, ref.provider_task_id or ""))

    def parse_query(self, response: HttpResponse) -> TaskStatus:
        """Read the answer about one task."""
        return answers.status(response)

    def look_up(self, ref: TaskRef) -> HttpRequest | None:
        """Encode the question about a task by our own id: it stands where Kling's id would."""
        if not self.profile.looks_up:
            return None
        return HttpRequest("GET", self._path(ref.operation, ref.external_task_id))

    def parse_look_up(self, response: HttpResponse) -> TaskStatus | None:
        """Read that answer; None means: proven absent."""
        return answers.found(response)

    def query_many(self, refs: Sequence[TaskRef]) -> HttpRequest | None:
        """Encode one question about the latest tasks of the operation of `refs`."""
        if not self.profile.lists or not refs:
            return None
        page = {"pageNum": "1", "pageSize": str(PAGE_SIZE)}
        return HttpRequest("GET", self._path(refs[0].operation), query=page)

    def parse_many(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read that answer; tasks that it does not mention are simply not in it."""
        return answers.tasks(response)

    def probe(self, now_ms: int) -> HttpRequest:  # noqa: ARG002  part of the protocol
        """Ask for a task that nobody has."""
        return HttpRequest("GET", self._path(Operation.TEXT_TO_VIDEO, PROBE_ID))

    def parse_probe(self, response: HttpResponse) -> str:
        """Read that answer: that there is no such task is what a good key is told."""
        return key_accepted(response)

    def _path(self, operation: Operation, identity: str | None = None) -> str:
        path = f"{self.profile.root}/{operation.value}"
        return path if identity is None else f"{path}/{quote(identity, safe='')}"


def key_accepted(response: HttpResponse) -> str:
    """Read the answer to a question about a task that nobody has.

    Raises:
        ProviderError: the key is not good, or the answer comes from something else.

    """
    with contextlib.suppress(NotFound):
        answers.status(response)
    return "the key is accepted"


def takes_mode(model: str) -> bool:
    """Whether the model has modes at all: the "master" models have but one (update log of 2025-05-13)."""
    return not model.endswith("-master")


def base64_of(image: ImageRef, context: SubmitContext) -> str:
    """Encode an image as Kling wants it: plain Base64 without a ``data:`` prefix."""
    return base64.b64encode(_bytes_of(image, context.images)).decode("ascii")


def _bytes_of(image: ImageRef, images: Mapping[str, bytes]) -> bytes:
    return images[image.sha256]
