"""Let a row happen: the bot's client sends its request to the strict stand-in, and looks until its result is there."""

import base64
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.clock import Runtime
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import RemoteResult
from bot.domain.types import ProviderName
from bot.kling.client import KlingClient
from bot.kling.pool import open_pool
from bot.kling.provider import Provider
from bot.kling.wire import Submission, SubmitContext, TaskRef
from bot.media.clips import as_mp3
from bot.network import Network
from tests.acceptance.rows import Row, Speaker
from tests.clock import ManualClock
from tests.operations import BYTES, a_request_for
from tests.sold import MODELS
from tests.world.kling import Caller, canned_video, image, open_kling
from tests.world.media import a_voice_message

NAME = ProviderName("stand-in")
CONTENT = {
    digest: as_mp3(a_voice_message(4), 60_000)[0] if content == b"a sound" else base64.b64decode(image())
    for digest, content in BYTES.items()
}
SECONDS = 10
"""How long the stand-in makes a result."""


@dataclass
class Door:
    """The client of a speaker, and the stand-in behind it."""

    kling: Caller
    client: KlingClient
    clock: ManualClock
    numbers: Iterator[int]

    def let_pass(self, seconds: float) -> None:
        """Let time go by, there and here."""
        self.kling.clock.now += seconds
        self.clock.advance(int(seconds * 1000))

    async def send(self, request: GenerationRequest) -> tuple[str, Submission]:
        """Send a request; our own id of it, and what is answered."""
        external = f"klingbot-K7Q29F-{next(self.numbers)}"
        return external, await self.client.submit(request, SubmitContext(external, CONTENT))

    async def submit(self, request: GenerationRequest) -> TaskRef:
        """Send a request; how its task is asked for."""
        external, made = await self.send(request)
        return TaskRef(request.operation, request.model, external, made.provider_task_id)

    async def made(self, request: GenerationRequest) -> RemoteResult:
        """The result of a request."""
        ref = await self.submit(request)
        self.let_pass(2 * SECONDS)
        await self.kling.kling.rendered()
        (result,) = (await self.client.query(ref)).videos
        return result


@asynccontextmanager
async def open_door(directory: Path, speaker: Speaker) -> AsyncIterator[Door]:
    """The stand-in, and the bot's client of it with the key and the dialect of a speaker."""
    async with open_kling(directory, renderer=canned_video) as kling:
        kling.kling.behaviour.render_seconds = SECONDS
        # The date in its answers is the machine's, and a token that is refused is signed anew by it.
        kling.clock.now = time.time()
        clock = ManualClock(int(kling.clock.now * 1000))
        provider = Provider(
            name=NAME,
            dialect=speaker.dialect,
            base_url=str(kling.http.base_url),
            key=SecretStr(speaker.key),
            models=MODELS[speaker.dialect],
            operations=tuple(speaker.speaks().operations),
            rate=1000,
        )
        async with open_pool([provider], Runtime(clock), Network()) as pool:
            yield Door(kling, pool.client(NAME), clock, count())


async def prepared(door: Door, row: Row) -> GenerationRequest:
    """The request of a row, of a video that was made before where it is made of one."""
    assert row.request is not None
    source = row.request.source
    if source is None:
        return row.request
    before: Mapping[str, Any] = {"model": "kling-v1-6", "prompt": "it runs"}
    if row.operation is Operation.VOICE:
        # A voice is taken from a video with sound.
        before = {"model": "kling-v2-6", "prompt": "she speaks", "mode": "pro", "sound": True}
    result = await door.made(a_request_for(Operation.TEXT_TO_VIDEO, **before))
    changes = {
        "provider": NAME,
        "model": before["model"],
        "video_id": result.id,
        "url": result.url,
        "duration_ms": result.duration_ms,
    }
    return row.request.model_copy(update={"source": source.model_copy(update=changes)})
