"""Accept a request: complete it, check it, price it, hold the credits and queue it, or say why not.

Nothing is kept and nothing held before everything that can be refused has been checked.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import ValidationError

from bot.clock import Clock
from bot.domain.catalog import Catalog
from bot.domain.lifecycle import CancelRequested, IllegalTransition, transition
from bot.domain.prompt import Options, ParsedPrompt, Vocabulary, parse
from bot.domain.quota import windows
from bot.domain.request import ImageRef, Operation, VideoRequest
from bot.domain.schedule import PollingPolicy
from bot.domain.task import ACTIVE_STATES, FINAL_STATES, Origin, Task, TaskState
from bot.domain.units import ChatId, Credits, Millis, TaskId, UserId, new_task_id, shown
from bot.errors import UserError
from bot.images.intake import prepare
from bot.kling.pool import Pool
from bot.services.accounts import Accounts
from bot.services.ports import Wake
from bot.store.base import Conflict, Draft, Store, StoredImage, TaskIdTaken

_ID_DRAWS = 8

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request gets where the person said nothing."""

    model: str
    mode: str
    duration: int
    aspect_ratio: str


class Submit:
    """Everything between a person's wish and a queued task."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        catalog: Catalog,
        pool: Pool,
        clock: Clock,
        rng: random.Random,
        policy: PollingPolicy,
        defaults: Defaults,
        wake: Wake,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._catalog = catalog
        self._pool = pool
        self._clock = clock
        self._rng = rng
        self._policy = policy
        self._defaults = defaults
        self._wake = wake

    # -- composing -----------------------------------------------------------------------------------

    def parse(self, text: str) -> ParsedPrompt:
        """Read what a person typed after the command, or as a caption.

        Raises:
            UserError: an option is unknown or out of range, or the prompt is too long.

        """
        return parse(text, self.vocabulary())

    def vocabulary(self) -> Vocabulary:
        """The models that this bot offers, by all their names."""
        return self._catalog.vocabulary(self._pool.models())

    def models(self) -> tuple[str, ...]:
        """The models that this bot offers, in order of preference."""
        return self._pool.models()

    def compose(self, parsed: ParsedPrompt, image: ImageRef | None = None) -> VideoRequest:
        """Fill in the defaults and check what the chosen model and the providers can do.

        Raises:
            UserError: with what can be done instead.

        """
        request = self._compose(parsed, image)
        self.check(request)
        return request

    def _compose(self, parsed: ParsedPrompt, image: ImageRef | None) -> VideoRequest:
        operation = Operation.IMAGE_TO_VIDEO if image else Operation.TEXT_TO_VIDEO
        wanted = parsed.options
        offered = self._pool.models()
        model = (
            wanted.model
            or self._defaults.model
            or next(iter(self._catalog.able(offered, operation)), offered[0])
        )
        known = self._catalog.model(model)
        mode = wanted.mode or _fitting(self._defaults.mode, known.modes)
        duration = wanted.duration or _fitting(self._defaults.duration, known.durations)
        try:
            return VideoRequest(
                operation=operation,
                model=model,
                prompt=parsed.prompt,
                negative_prompt=wanted.negative_prompt or "",
                mode=mode,
                duration=duration,
                aspect_ratio=wanted.aspect_ratio or (None if image else self._defaults.aspect_ratio),
                cfg_scale=wanted.cfg_scale,
                seed=wanted.seed,
                sound=bool(wanted.sound),
                count=wanted.count or 1,
                first_frame=image,
            )
        except ValidationError as error:
            log.warning(
                "a request that the grammar let through is invalid", errors=error.errors(include_input=False)
            )
            raise UserError("error.request.invalid") from error

    def compose_draft(self, parsed: ParsedPrompt, image: ImageRef) -> VideoRequest:
        """As `compose`, for a photo whose words may still come."""
        try:
            return self.compose(parsed, image)
        except UserError as error:
            if error.key != "error.request.needs_prompt":
                raise
        return self._compose(parsed, image)

    def complete_draft(self, draft: VideoRequest, parsed: ParsedPrompt) -> VideoRequest:
        """Give a photo that waited for them its words, and the options that came with them.

        Raises:
            UserError: with what can be done instead.

        """
        said = {
            name: value for name in Options.__slots__ if (value := getattr(parsed.options, name)) is not None
        }
        completed = VideoRequest.model_validate({**draft.model_dump(), **said, "prompt": parsed.prompt})
        self.check(completed)
        return completed

    def check(self, request: VideoRequest) -> None:
        """Refuse what cannot be done, before anything is held.

        Raises:
            UserError: with what can be done instead.

        """
        self._catalog.check(request, self._pool.models())
        missing = self._pool.unsupported(request)
        if missing is None:
            return
        if "prompt" in missing:
            raise UserError("error.request.needs_prompt")
        if missing:
            raise UserError("error.request.not_offered", fields=", ".join(missing), model=request.model)
        raise UserError(
            "error.request.no_provider", model=request.model, models=", ".join(self._pool.models())
        )

    def price(self, request: VideoRequest) -> Credits:
        """What the request costs in credits."""
        return self._catalog.price(request)

    # -- images --------------------------------------------------------------------------------------

    async def keep_image(self, data: bytes) -> ImageRef:
        """Make a picture into what Kling takes and keep it.

        Raises:
            UserError: it is no picture, or one that cannot be used.

        """
        prepared = await asyncio.to_thread(prepare, data)
        ref = ImageRef(
            sha256=prepared.sha256,
            media_type=prepared.media_type,
            width=prepared.width,
            height=prepared.height,
        )
        await self._store.keep_image(StoredImage(ref, prepared.data), self._clock.now())
        return ref

    # -- accepting -----------------------------------------------------------------------------------

    async def accept(self, user_id: UserId, origin: Origin, request: VideoRequest) -> Task:
        """Hold the credits and queue the request. The same update is accepted once, however often it comes.

        Raises:
            UserError: too little credit is left, too many tasks are running, or nobody can do it.

        """
        self.check(request)
        now = self._clock.now()
        plan = self._accounts.plan_of(await self._store.user(user_id))
        window = windows(now, self._accounts.zone)
        for _ in range(_ID_DRAWS):
            task_id = new_task_id(self._rng)
            task = Task(
                id=task_id,
                user_id=user_id,
                origin=origin,
                request=request,
                price=self.price(request),
                external_task_id=f"klingbot-{task_id}-{self._rng.getrandbits(48):012x}",
                created_at=now,
                deadline_at=Millis(now + self._policy.deadline),
                due_at=now,
            )
            try:
                accepted = await self._store.accept(task, (), plan, window)
            except TaskIdTaken:
                continue
            log.info(
                "task accepted", task=accepted.id, user=user_id, chat=origin.chat_id, price=accepted.price
            )
            self._wake("dispatch")
            return accepted
        raise RuntimeError("no free task id was drawn")

    async def cancel(self, user_id: UserId, task_id: TaskId) -> Task:
        """Take a queued task back, with its credits.

        Raises:
            UserError: there is no such task of this user, or it has been sent already.

        """
        task = await self._store.task(task_id)
        if task is None or (task.user_id != user_id and not self._accounts.is_admin(user_id)):
            raise UserError("error.task.unknown", task=shown(task_id))
        now = self._clock.now()
        try:
            cancelled = await self._store.apply(transition(task, CancelRequested(), now), now)
        except (Conflict, IllegalTransition) as error:
            current = await self._store.task(task_id)
            if current is not None and current.state is TaskState.CANCELLED:
                return current
            ended = current is not None and current.state in FINAL_STATES
            raise UserError(
                "error.task.ended" if ended else "error.task.already_sent", task=shown(task_id)
            ) from error
        self._wake("deliver")
        return cancelled

    async def running(self, user_id: UserId) -> list[Task]:
        """A person's tasks that are not at their end, newest first."""
        return await self._store.tasks_of(user_id, sorted(ACTIVE_STATES))

    async def task(self, user_id: UserId, task_id: TaskId) -> Task:
        """One of a person's tasks; admins see everybody's.

        Raises:
            UserError: there is none of that id.

        """
        task = await self._store.task(task_id)
        if task is None or (task.user_id != user_id and not self._accounts.is_admin(user_id)):
            raise UserError("error.task.unknown", task=shown(task_id))
        return task

    # -- drafts --------------------------------------------------------------------------------------

    async def save_draft(
        self, user_id: UserId, chat_id: ChatId, request: VideoRequest, source_message_id: int | None
    ) -> None:
        """Keep a request that a person has not confirmed; each person has one draft a chat."""
        data = {"request": request.model_dump(mode="json"), "source_message_id": source_message_id}
        await self._store.save_draft(Draft(user_id, chat_id, data, None, self._clock.now()))

    async def draft(self, user_id: UserId, chat_id: ChatId) -> tuple[VideoRequest, int | None] | None:
        """The request that a person is composing in a chat, and the message that it began with."""
        draft = await self._store.draft(user_id, chat_id)
        if draft is None:
            return None
        try:
            request = VideoRequest.model_validate(draft.data["request"])
        except (KeyError, ValidationError):
            # Written by another version: the person begins again rather than the bot guessing.
            await self._store.delete_draft(user_id, chat_id)
            return None
        return request, draft.data.get("source_message_id")

    async def delete_draft(self, user_id: UserId, chat_id: ChatId) -> None:
        """The draft is submitted or given up."""
        await self._store.delete_draft(user_id, chat_id)


def _fitting(preferred: object, offered: Sequence[T]) -> T:
    """The preferred value where the model offers it, else the first that it does offer."""
    return next((value for value in offered if value == preferred), offered[0])
