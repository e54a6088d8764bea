"""What all dialects share: takes an order, makes the task, renders its results, and calls back."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from starlette.responses import JSONResponse, Response

from bot.demo.kling.accounting import Accounting
from bot.demo.kling.accounts import Account
from bot.demo.kling.behaviour import Behaviour
from bot.demo.kling.body import B, TaskBody, read
from bot.demo.kling.callbacks import CallbackSender, Sleep
from bot.demo.kling.inputs import Inputs
from bot.demo.kling.orders import Order
from bot.demo.kling.pictures import Fetch
from bot.demo.kling.refusals import Refusal, forbid, invalid
from bot.demo.kling.shapes import Shape, legacy
from bot.demo.kling.tasks import QUEUED_SHARE, RemoteTask, State, TaskRegistry
from bot.demo.media.render import RenderSpec
from bot.demo.media.render_pool import RenderPool, Work
from bot.demo.media.sound import render_sound
from bot.demo.media.stills import render_still

T = TypeVar("T")
Renderer = Callable[[RenderSpec, Path], None]
VOICE_SECONDS = 5
"""How long one can listen to a voice to try it."""


@dataclass(frozen=True)
class Call:
    """A request that is signed in. `parts` are the variable parts of its path; `base` ends in a slash.

    `key` is its Idempotency-Key. `warnings` are what the real service would not say of it.
    """

    account: Account
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]
    base: str
    token: bool = False
    key: str = ""
    warnings: list[str] = field(default_factory=list)

    def read(self, model: type[B]) -> B:
        """The body as its model, read strictly unless the account is a lenient one; models by their own names."""
        names = {
            name: self.account.aliases.get(value, value)
            for name in ("model", "model_name")
            if isinstance(value := self.body.get(name), str)
        }
        body = self.body | names
        if "model_name" not in model.model_fields and self.body.get("model_name") in self.account.aliases:
            # It names the function, which has no model to choose.
            del body["model_name"]
        return read(model, body, lenient=self.account.lenient, warnings=self.warnings)


Handler = Callable[["Service", Call], Awaitable[Response]]
Table = Mapping[str, Handler]
"""From "METHOD /path/{part}" to what answers it."""


@dataclass
class Service:
    """What the handlers of all dialects share. `dice` decides ids and which tasks fail."""

    directory: Path
    behaviour: Behaviour
    now: Callable[[], float]
    dice: random.Random
    fetch: Fetch
    sleep: Sleep
    renderer: Renderer
    pool: RenderPool = field(default_factory=RenderPool)
    of_key: dict[tuple[str, str], RemoteTask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.registry = TaskRegistry(self.behaviour, self.now, self.dice)
        self.inputs = Inputs(self.registry, self.fetch, self.dice, self.now)
        self.callbacks = CallbackSender(self.now)
        self.accounting = Accounting(self.registry)

    async def submit(self, call: Call, order: Order, tells: Shape) -> RemoteTask:
        """Make a task of an order and begin with it; `tells` is the shape of its callbacks.

        Raises:
            Refusal: the order is refused, or accepted and answered as if nobody knew.
            Interruption: there will be no answer.

        """
        self.behaviour.before_submission()
        known = self.of_key.get((call.account.key, call.key))
        if known is not None and self.behaviour.keeps_keys:
            self.behaviour.after_submission()
            return known
        order = await self.inputs.resolved(call.account, order)
        self.accounting.check(call.account, order, self.now())
        task = self.registry.make(call.account, order, call.base)
        call.warnings.extend(f"{name} is not in the prompt, and has no effect" for name in order.unnamed)
        if call.key:
            self.of_key[call.account.key, call.key] = task
        works = self._works(task)
        paths = [path for path, _ in works]
        task.marked = paths.pop() if order.watermark and order.product == "video" else None
        task.files = tuple(paths)
        if task.failure is None:
            task.rendering = [self.pool.begin(path, work) for path, work in works]
        if order.product in {"element", "voice"} and task.failure is None:
            made = self.inputs.library.of(order.product)
            made.add(task.upstream_id, call.account.key, order.definition)
        if order.callback_url is not None:
            self.callbacks.start(self._report(task, order.callback_url, tells))
        if self.behaviour.slow_answer:
            await self.sleep(self.behaviour.slow_answer)
        self.behaviour.after_submission()
        return task

    def _works(self, task: RemoteTask) -> list[tuple[Path, Work]]:
        order = task.order
        if order.product == "image":
            return [(self.path(spec, "png"), partial(render_still, spec)) for spec in order.stills()]
        if order.product == "element":
            return []
        if order.product == "voice":
            return [self.sound(("voice", order.prompt), VOICE_SECONDS, "mp3")]
        if order.product == "audio" and order.source is None:
            return [self.sound(order.prompt, order.seconds, kind) for kind in ("mp3", "wav")]
        marks = (False, True) if order.watermark else (False,)
        specs = [order.video(watermark=mark) for mark in marks]
        works: list[tuple[Path, Work]] = [
            (self.path(spec, "mp4"), partial(self.renderer, spec)) for spec in specs
        ]
        if order.product == "audio":
            works += [self.sound(order.prompt, order.seconds, kind) for kind in ("mp3", "wav")]
        return works

    def sound(self, wish: object, seconds: float, kind: str) -> tuple[Path, Work]:
        """The file of a sound, and what makes it."""
        return self.path((wish, seconds), kind), partial(render_sound, seconds)

    def path(self, spec: object, suffix: str) -> Path:
        """The same wish has the same file, whoever asks."""
        digest = hashlib.sha256(repr(spec).encode())
        for image in getattr(spec, "images", ()):
            digest.update(hashlib.sha256(image).digest())
        return self.directory / f"{digest.hexdigest()[:24]}.{suffix}"

    # -- telling of tasks ------------------------------------------------------------------------------

    async def finished(self, task: RemoteTask) -> None:
        """Wait until the task's files are there, or can't be made."""
        futures = [asyncio.wrap_future(future) for future in task.rendering]
        await asyncio.gather(*futures, return_exceptions=True)

    async def _report(self, task: RemoteTask, address: str, shape: Shape) -> None:
        waits = (0.0, task.render_seconds * QUEUED_SHARE, task.render_seconds * (1 - QUEUED_SHARE))
        states: tuple[State, ...] = ("submitted", "processing", "succeed")
        for state, seconds in zip(states, waits, strict=True):
            await self.sleep(seconds)
            if state == "succeed":
                await self.finished(task)
                state = "succeed" if task.works_out() else "failed"  # noqa: PLW2901  the last word
            message = shape(task, state, self.now())
            identifier = "".join(self.dice.choices("123456789", k=18))
            await self.callbacks.send(address, message, task.account.webhook_secret, identifier)

    async def close(self) -> None:
        """End what runs in the background."""
        await self.callbacks.close()
        self.pool.close()


# -- what endpoints of all dialects do -----------------------------------------------------------------

Wrap = Callable[[object], Response]


def submits(
    model: type[TaskBody], operation: str, shape: Shape, wrap: Wrap = JSONResponse, tells: Shape = legacy
) -> Handler:
    """The handler of submissions: `shape` and `wrap` make the answer, `tells` the callbacks."""

    async def handle(service: Service, call: Call) -> Response:
        task = await service.submit(call, call.read(model).order(operation), tells)
        return wrap(shape(task, "submitted", task.created_at))

    return handle


def asks(
    shape: Shape,
    wrap: Wrap,
    unknown: Callable[[], Refusal],
    operation: str | None = None,
    *,
    external: bool = False,
) -> Handler:
    """The handler of questions about one task, perhaps only of one `operation`, or by its external id."""

    async def handle(service: Service, call: Call) -> Response:
        try:
            task = service.registry.find(call.account, call.parts["task"], external=external)
        except Refusal:
            raise unknown() from None
        if operation not in {None, task.order.operation}:
            raise unknown()
        now = service.now()
        return wrap(shape(task, task.state(now), now))

    return handle


def page_of(rows: Sequence[T], call: Call, largest: int) -> Sequence[T]:
    """The rows on the page that is asked for; refused are numbers out of range; a page has at most `largest` rows."""
    for name in sorted(set(call.query) - {"pageNum", "pageSize"}):
        raise invalid(f"unknown field: {name}")
    numbers = []
    for name, default, most in (("pageNum", "1", 1000), ("pageSize", "30", largest)):
        text = call.query.get(name, default)
        whole = text.isascii() and text.isdigit() and len(text) < 5
        forbid(not whole or not 1 <= int(text) <= most, f"{name} must be between 1 and {most}")
        numbers.append(int(text))
    page, size = numbers
    return rows[(page - 1) * size : page * size]
