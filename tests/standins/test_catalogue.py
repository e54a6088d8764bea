"""What the bot offers is taken: every choice on a card, and what can be made of a result, in every dialect.

Each model's cards are opened with every number of pictures and with what people write; then each choice is made. What
comes out is sent by the client, and the stand-in must accept it.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from bot.clock import Runtime
from bot.demo.kling import body
from bot.demo.kling.official import ENDPOINTS
from bot.demo.kling.refusals import Refusal
from bot.demo.kling.unified_images import PLACE, ImageBody
from bot.domain.requests.model import Model
from bot.domain.requests.operations import Operation
from bot.domain.requests.options import Option
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import GenerationRequest, Shot
from bot.domain.requests.rules import suit
from bot.domain.tasks.task import Delivery, RemoteResult, TaskState
from bot.domain.types import ProviderName
from bot.errors import UserError
from bot.kling.client import KlingClient
from bot.kling.dialects import DIALECTS
from bot.kling.errors import ProviderError, Throttled
from bot.kling.pool import open_pool
from bot.kling.wire import SubmitContext
from bot.media.clips import as_mp3
from bot.network import Network
from bot.services.compose import Compose, Images, Inputs, source_of
from bot.services.requests.cards import Cards
from bot.settings.config import load
from tests.builders import a_delivery, a_task
from tests.operations import BYTES, IMAGES, SOUND, SPEECH
from tests.sold import KEYS, MODELS
from tests.world.bot import BotInProcess, open_bot
from tests.world.kling import image
from tests.world.media import a_voice_message

SPOKEN = {**SPEECH, "text": "Hello there, how are you doing on this fine day?"}
CONTENT = {
    digest: as_mp3(a_voice_message(4), 60_000)[0] if content == b"a sound" else base64.b64decode(image())
    for digest, content in BYTES.items()
}
ANSWERS = {
    Option.NEGATIVE: {"negative_prompt": "blur, text"},
    Option.SEED: {"seed": 7},
    Option.END_FRAME: {"last_frame": IMAGES[1]},
    Option.SHOTS: {
        "shots": (Shot(prompt="it wakes", duration=2), Shot(prompt="it runs", duration=3)),
        "duration": 5,
    },
    Option.SCENE: {"scene": IMAGES[8]},
    Option.STYLE: {"style": IMAGES[9]},
}
"""What people write where a knob is set by a message."""


@dataclass
class Shop:
    """The bot with everything on offer in one dialect, and its client of the stand-in."""

    bot: BotInProcess
    client: KlingClient
    numbers: Iterator[int]

    @property
    def compose(self) -> Compose:
        return self.bot.app.services.compose

    @property
    def cards(self) -> Cards:
        return self.bot.app.services.cards

    async def refusal(self, request: GenerationRequest) -> str:
        """How the stand-in refuses a request; nothing where it accepts."""
        while True:
            try:
                context = SubmitContext(f"klingbot-{next(self.numbers)}", CONTENT)
                await self.client.submit(request, context)
            except Throttled:
                await self.bot.kling.rendered()
            except ProviderError as error:
                return str(error)
            else:
                return ""

    async def refusals(self, requests: Iterator[GenerationRequest]) -> dict[str, str]:
        """Those of many requests, with one example each; what is sent the same way is sent once."""
        found: dict[str, str] = {}
        for request in {self.sent(request): request for request in requests}.values():
            if why := await self.refusal(request):
                found[f"{request.operation} {why}"] = request.model_dump_json(exclude_defaults=True)
        return found

    async def made(self, request: GenerationRequest) -> Delivery:
        """The result of a request, as it is delivered."""
        assert await self.refusal(request) == ""
        await self.bot.kling.rendered()
        task = list(self.bot.kling.tasks.values())[-1]
        video = RemoteResult(
            url=f"{self.bot.kling_url}/files/{task.files[0].name}",
            id=task.video_id,
            duration_ms=int(task.order.seconds * 1000),
        )
        done = a_task(TaskState.SUCCEEDED, request=request, provider=ProviderName("stand-in"))
        return a_delivery(done, video=video)

    def made_of(self, result: Delivery) -> Iterator[GenerationRequest]:
        """What the bot lets a person make of a result, by its buttons and by commands in reply to it."""
        words = ParsedPrompt("it runs on, for as long as it possibly can")
        source = source_of(result)
        if source is None:
            return
        inputs = Inputs(source=source, source_mode=result.task.request.mode)
        moving = replace(inputs, images=Images(references=IMAGES[:1]))
        asked = [
            (Operation.EXTEND, inputs, words),
            (Operation.LIP_SYNC, inputs, words),
            (Operation.LIP_SYNC, replace(inputs, sound=SOUND), words),
            (Operation.VIDEO_TO_AUDIO, inputs, words),
        ]
        for model in self.compose.models():
            named = replace(words, options={"model": model})
            asked += [(Operation.OMNI_VIDEO, inputs, named), (Operation.MOTION_CONTROL, moving, named)]
        for operation, given, prompt in asked:
            with suppress(UserError):
                yield self.compose.compose(operation, given, prompt)

    def sent(self, request: GenerationRequest) -> str:
        """What the client sends for a request."""
        encoded = self.client.dialect.submit(request, SubmitContext("klingbot", CONTENT))
        return json.dumps([encoded.path, encoded.json], sort_keys=True)


@asynccontextmanager
async def open_shop(directory, dialect: str) -> AsyncIterator[Shop]:
    """The bot between both stand-ins; what Kling makes is ready at once."""
    async with open_bot(directory, BotInProcess) as bot:
        models = str(list(MODELS[dialect])).replace("'", '"')
        bot.configure(dialect=dialect, key=KEYS[dialect], models=models)
        bot.kling.behaviour.render_seconds = 0
        await bot.start()
        async with open_pool(load(bot.config, {}).providers, Runtime(bot.clock), Network()) as pool:
            yield Shop(bot, pool.client(ProviderName("stand-in")), count())


@pytest.fixture(params=DIALECTS)
async def shop(request, tmp_path):
    async with open_shop(tmp_path, request.param) as opened:
        yield opened


TYPED: tuple[dict[str, Any], ...] = (
    {},
    {"negative_prompt": "blur, text"},
    {"cfg_scale": 0.7},
    {"sound": True},
    {"sound": True, "voice": "Melody", "mode": "pro"},
    {"elements": (1_000_001,)},
    {"shots": (Shot(prompt="it wakes", duration=2), Shot(prompt="it runs", duration=3))},
    {"watermark": True},
    {"mode": "pro"},
    {"mode": "4k"},
)
"""Options that people write; the card opens with them where they are possible."""


TYPED_OF_IMAGES: tuple[dict[str, Any], ...] = (
    {},
    {"count": 9},
    {"series": 9},
    {"series": 10},
    {"series": "auto", "resolution": "4k"},
    {"resolution": "8k"},
    {"resolution": "2k", "aspect_ratio": "21:9"},
    {"aspect_ratio": None},
    {"negative_prompt": "blur, text"},
    {"elements": (1_000_001,)},
    {"scene": 1},
    {"style": 2, "count": 3},
    {"scene": 2, "style": 3},
    {"reference_type": "face", "image_fidelity": 0.0},
    {"reference_type": "subject", "image_fidelity": 1.0, "face_fidelity": 0.3},
    {"watermark": True},
)
"""Options that people write for images."""


def image_cards_of(compose: Compose, row: Model) -> Iterator[GenerationRequest]:
    """The cards that can be opened for an image model: words alone, and photos up to as many as it takes."""
    for number in sorted({0, 1, 2, row.references}):
        for typed in TYPED_OF_IMAGES:
            with suppress(UserError):
                yield compose.image(ParsedPrompt("a fox runs", {"model": row.id, **typed}), IMAGES[:number])


def cards_of(compose: Compose, row: Model) -> Iterator[GenerationRequest]:
    """The cards that can be opened for a model: words, one photo, two, and as many as it takes."""
    for images in (
        Images(),
        Images(first=IMAGES[0]),
        Images(first=IMAGES[0], last=IMAGES[1]),
        *(Images(references=IMAGES[:number]) for number in {1, row.references} - {0}),
    ):
        for typed in TYPED:
            with suppress(UserError):
                said = {"model": row.id, **typed}
                yield compose.video(ParsedPrompt("a fox runs", said), images)


def changed(shop: Shop, request: GenerationRequest) -> Iterator[GenerationRequest]:
    """What one more choice on a card makes of it."""
    for option in shop.cards.list_choosable(request):
        yield from (choice.request for choice in shop.cards.choices(request, option))
        if option.row.sample:
            answered = suit(request.model_copy(update=ANSWERS[option]), shop.compose.rows_for(request)[0])
            if answered is not None and shop.compose.possible(answered):
                yield answered


@pytest.mark.timeout(400)
async def test_every_choice_on_a_card_is_taken(shop):
    opened = [card for row in shop.compose.rows() for card in cards_of(shop.compose, row)]
    once = [request for card in opened for request in changed(shop, card)]
    assert opened
    refusals = await shop.refusals(iter([*opened, *once]))
    assert sorted(refusals) == []


async def test_every_choice_on_a_card_of_images_is_taken(shop):
    rows = shop.compose.image_rows()
    opened = [card for row in rows for card in image_cards_of(shop.compose, row)]
    assert {card.model for card in opened} == {row.id for row in rows}
    once = [request for card in opened for request in changed(shop, card)]
    # Rendering nine images for each would take minutes: their bodies are read as they are.
    refused = {why for request in (*opened, *once) if (why := read_refusal(shop, request))}
    assert refused == set()


def read_refusal(shop: Shop, request: GenerationRequest) -> str:
    """How the stand-in refuses the body of a request; nothing where it reads it."""
    ours = "" if request.model in shop.client.config.without_ids else "klingbot-1"
    sent = shop.client.dialect.submit(request, SubmitContext(ours, CONTENT))
    name = sent.path.partition("/v1/")[2] or sent.path[1:]
    try:
        body.read({**ENDPOINTS, PLACE: ImageBody}[name], json.loads(json.dumps(sent.json))).order(name)
    except Refusal as refusal:
        return f"{request.operation} {refusal}"
    return ""


SOURCES = frozenset({"kling-v1-6", "kling-v3-omni"})
"""One whose videos can be extended, of every way to make one, and one that makes them longer than most is done with."""


async def test_what_can_be_made_of_a_result_is_taken(shop):
    # What may be edited of a video in 4k is not documented.
    results = {}
    for row in (row for row in shop.compose.rows() if row.id in SOURCES):
        for card in cards_of(shop.compose, row):
            for length in (row.durations[0], row.durations[-1]):
                longer = card.model_copy(update={"duration": length, "shots": ()})
                if longer.mode != "4k" and shop.compose.possible(longer):
                    results[card.operation, row.id, length] = longer
    refusals = {}
    for request in results.values():
        result = await shop.made(request)
        offered = list(shop.made_of(result))
        buttons = shop.bot.app.services.results.possible(result) - {Operation.EFFECT}
        if not (request.operation.row.is_extendable and request.model == "kling-v1-6"):
            # What cannot be extended goes on from its last frame, as a video of its own.
            buttons -= {Operation.EXTEND}
        assert buttons <= {made.operation for made in offered}
        for made in offered:
            if why := await shop.refusal(made):
                refusals[f"{made.operation} of {request.operation}: {why}"] = request.model
        longer = [made for made in offered if made.operation is Operation.EXTEND]
        again = [made for made in longer for made in shop.made_of(await shop.made(made))]
        for made in again:
            if why := await shop.refusal(made):
                refusals[f"{made.operation} of an extension: {why}"] = request.model
    assert refusals == {}
