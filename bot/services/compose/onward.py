"""What can be made of results, and what that costs. Nothing is stored or sent."""

from dataclasses import replace

from bot.domain.requests.choices import Preferences
from bot.domain.requests.operations import Operation, Role
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import PLACEHOLDER, GenerationRequest, SourceVideo, VideoRef
from bot.domain.tasks.task import Delivery, Task
from bot.domain.types import SECOND, Credits
from bot.errors import UserError
from bot.services.compose.build import SAMPLE_PROMPT
from bot.services.compose.compose import Compose
from bot.services.compose.inputs import Inputs
from bot.services.compose.usual import NOTHING_PREFERRED


class Onward:
    """Says what the bot's providers can make of a result, by what they offer now."""

    def __init__(self, compose: Compose) -> None:
        self._compose = compose

    def is_extendable(self, delivery: Delivery) -> bool:
        """Whether its provider makes it longer itself; any other video is gone on from by its last frame."""
        source = source_of(delivery)
        if source is None or delivery.task.request.continues is not None:
            return False
        try:
            inputs = Inputs(source=source, source_mode=delivery.task.request.mode)
            self._compose.sample(Operation.EXTEND, inputs)
        except UserError:
            return False
        return True

    def possible(self, delivery: Delivery) -> frozenset[Operation]:
        """What the bot's providers can make of a result."""
        offered = self._compose.operations()
        return frozenset(
            operation
            for operation in Operation
            if operation in offered and self._can_become(operation, delivery)
        )

    def price(
        self,
        operation: Operation,
        delivery: Delivery,
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> Credits:
        """What an operation of `possible` costs; what goes on from a last frame is made as the person prefers.

        Raises:
            UserError: it is not possible any more.

        """
        request = delivery.task.request
        if operation is Operation.EXTEND and not self.is_extendable(delivery):
            words = ParsedPrompt(SAMPLE_PROMPT)
            onward = self._compose.onward(words, PLACEHOLDER, None, request, preferences)
            self._compose.check(onward)
            return self._compose.price(onward)
        inputs = Inputs(source_mode=request.mode)
        if operation.row.limits(Role.SOURCE)[1]:
            source = _joined_source(delivery) if request.continues else source_of(delivery)
            if source is None:
                raise UserError("error.result.no_id")
            inputs = replace(inputs, source=source)
        return self._compose.price(self._compose.sample(operation, inputs))

    def final(self, task: Task) -> GenerationRequest:
        """The request of a draft as it is made for good.

        Raises:
            UserError: its model makes no drafts, or the other is not on offer any more.

        """
        request = self._compose.final_of(task.request)
        if request is None:
            raise UserError("error.result.no_final")
        return request

    def final_price(self, task: Task) -> Credits | None:
        """What `final` costs; None where there is none."""
        request = self._compose.final_of(task.request)
        return None if request is None else self._compose.price(request)

    def _can_become(self, operation: Operation, delivery: Delivery) -> bool:
        if delivery.kind not in operation.row.made_of:
            return False
        try:
            self.price(operation, delivery)
        except UserError:
            return False
        return True


def source_of(delivery: Delivery) -> SourceVideo | None:
    """A result as the provider that made it knows it; None where it gave it no id."""
    remote, task = delivery.video, delivery.task
    if remote is None or not remote.id or task.provider is None:
        return None
    return SourceVideo(
        provider=task.provider,
        video_id=remote.id,
        model=task.request.model,
        operation=task.request.operation,
        duration_ms=remote.duration_ms or delivery.duration_ms,
        url=remote.url,
    )


def _joined_source(delivery: Delivery) -> SourceVideo | None:
    """A stand-in for the file of a result that goes on from another video: to be priced, never sent."""
    request = delivery.task.request
    if request.continues is None:
        return None
    before = request.continues.file
    length = delivery.duration_ms or before.duration_ms + request.duration * SECOND
    sides = {"width": delivery.width or before.width, "height": delivery.height or before.height}
    return SourceVideo.of_file(VideoRef(sha256="0" * 64, duration_ms=length, **sides))
