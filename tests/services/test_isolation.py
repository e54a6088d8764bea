"""A fault at a provider closes what failed, and nothing else, for as long as it fails."""

import base64
import json

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.requests.operations import Operation, Pack
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import TaskState
from bot.domain.types import HOUR, MINUTE, Millis, UserId
from bot.errors import UserError
from bot.services.operations.providers import Trouble
from bot.services.ports import Job
from tests.builders import a_request, stored
from tests.world.bot import KEY
from tests.world.services import A, ServiceWorld, accepting, refusal
from tests.world.telegram import BOSS

MODELS = '["kling-v2-6", "kling-v3"]'
NO_UNITS = refusal(429, 1102, "Account balance not enough")
NOT_ENABLED = refusal(403, 1103, "Unauthorized access to requested resource")
NO_MODEL = refusal(404, 1203, "The requested resource does not exist, such as the model")
NOT_LISTED = refusal(429, 1304, "Trigger the platform's IP whitelisting policy")
BAD_KEY = refusal(401, 1002, "Authorization is invalid")
FULL = refusal(429, 1303, "parallel task over resource pack limit")


@pytest.fixture
async def world(bare) -> ServiceWorld:
    """The bot with one provider of two models."""
    await bare.open(models=MODELS)
    return bare


def a_video(model: str = "kling-v2-6") -> GenerationRequest:
    return a_request(model=model)


def an_image() -> GenerationRequest:
    return a_request(operation="image", model="kling-v2-1", duration=0)


async def sent(world: ServiceWorld, request: GenerationRequest, user: int = 1001) -> TaskState:
    """What becomes of a request at once."""
    deadline = Millis(world.clock.now() + HOUR)
    task = await stored(world.store, user_id=UserId(user), request=request, deadline_at=deadline)
    await world.run(Job.DISPATCH)
    return await world.state(task)


def refused(world: ServiceWorld, request: GenerationRequest) -> str | None:
    """Why a request is refused before anything is held; None: it is not."""
    try:
        world.services.compose.check(request)
    except UserError as error:
        return error.key
    return None


def failing(world: ServiceWorld, answer: Response, *, when: str) -> None:
    """Every submission whose body or path has such a word fails in this way."""

    accept = accepting()

    async def answers(request: Request) -> Response:
        told = f"{request.url.path} {(await request.body()).decode()}"
        return answer if when in told else await accept(request)

    world.to_kling.always("submit", answers)


async def outages(world: ServiceWorld) -> list[tuple[Pack, str | None, Trouble]]:
    report = await world.services.providers.report(A, ask=False)
    assert report.open_until is None
    return [(outage.pack, outage.model, outage.trouble) for outage in report.outages]


async def test_an_empty_pack_of_images_closes_images_only_until_there_are_units_again(world):
    failing(world, NO_UNITS, when="/v1/images")
    assert await sent(world, an_image()) is TaskState.FAILED
    assert world.alerts == ["alert.provider.pack_image"]
    assert await outages(world) == [(Pack.IMAGE, None, Trouble.EMPTY)]
    assert refused(world, an_image()) == "error.request.all_out"
    assert Operation.IMAGE not in world.services.compose.operations()
    assert Operation.IMAGE not in world.services.compose.beside()
    for model in ("kling-v2-6", "kling-v3"):
        assert refused(world, a_video(model)) is None
        assert await sent(world, a_video(model)) is TaskState.IN_PROGRESS
    # The video that was taken says nothing of images.
    assert refused(world, an_image()) == "error.request.all_out"
    world.clock.advance(10 * MINUTE)
    assert refused(world, an_image()) is None
    assert await sent(world, an_image()) is TaskState.FAILED
    assert world.alerts == ["alert.provider.pack_image"]
    world.to_kling.forget("submit")
    world.clock.advance(20 * MINUTE)
    assert await sent(world, an_image()) is TaskState.IN_PROGRESS
    assert await outages(world) == []
    assert Operation.IMAGE in world.services.compose.operations()


@pytest.mark.parametrize(
    ("answer", "alert", "trouble", "pause"),
    [
        (NOT_ENABLED, "alert.provider.not_enabled", Trouble.NOT_ENABLED, HOUR),
        (NO_MODEL, "alert.provider.no_such_model", Trouble.MISSING, 6 * HOUR),
    ],
)
async def test_a_model_that_cannot_be_used_leaves_the_offer_alone(world, answer, alert, trouble, pause):
    failing(world, answer, when="kling-v3")
    assert await sent(world, a_video("kling-v3")) is TaskState.FAILED
    assert await world.money() == (0, 0)
    assert world.alerts == [alert]
    assert await outages(world) == [(Pack.VIDEO, "kling-v3", trouble)]
    assert world.services.compose.models() == ("kling-v2-6",)
    assert [row.id for row in world.services.compose.rows()] == ["kling-v2-6"]
    assert refused(world, a_video("kling-v3")) == "error.request.out"
    assert refused(world, a_video()) is None
    assert await sent(world, a_video()) is TaskState.IN_PROGRESS
    world.clock.advance(pause - 1)
    assert refused(world, a_video("kling-v3")) == "error.request.out"
    world.clock.advance(1)
    assert refused(world, a_video("kling-v3")) is None


async def test_a_missing_model_is_back_when_an_admin_resumes_its_provider(world):
    failing(world, NO_MODEL, when="kling-v3")
    await sent(world, a_video("kling-v3"))
    await world.services.providers.resume(A, BOSS, "update:resume")
    assert world.services.compose.models() == ("kling-v2-6", "kling-v3")
    assert await outages(world) == []


async def test_something_else_that_does_not_exist_leaves_the_model_alone(world):
    failing(world, refusal(404, 1203, "video 123 does not exist"), when="kling-v3")
    assert await sent(world, a_video("kling-v3")) is TaskState.FAILED
    assert world.alerts == []
    assert refused(world, a_video("kling-v3")) is None


@pytest.mark.parametrize(
    ("answer", "alert", "trouble"),
    [
        (NOT_LISTED, "alert.provider.address", Trouble.ADDRESS),
        (BAD_KEY, "alert.provider.unauthorized", Trouble.KEY),
    ],
)
async def test_a_key_that_is_refused_closes_all_of_it_with_precise_words(world, answer, alert, trouble):
    world.to_kling.always("submit", answer)
    assert await sent(world, a_video()) is TaskState.FAILED
    assert world.alerts == [alert]
    report = await world.services.providers.report(A, ask=False)
    assert (report.closed_for, report.outages) == (trouble, ())
    for request in (a_video("kling-v3"), an_image()):
        assert refused(world, request) == "error.request.all_out"


async def test_what_another_provider_has_stays_on_offer_and_goes_there(bare):
    await bare.open(second=True, models=MODELS, second_models='["kling-v3"]')
    failing(bare, NOT_ENABLED, when="kling-v3")
    await sent(bare, a_video("kling-v3"))
    assert refused(bare, a_video("kling-v3")) is None
    assert "kling-v3" in bare.services.compose.models()
    before = len(bare.to_kling.of("submit"))
    assert await sent(bare, a_video("kling-v3"), user=1002) is TaskState.IN_PROGRESS
    assert len(bare.to_kling.of("submit")) == before


async def test_a_full_model_keeps_no_other_from_being_sent(world):
    failing(world, FULL, when="kling-v3")
    assert await sent(world, a_video("kling-v3")) is TaskState.QUEUED
    assert await sent(world, a_video()) is TaskState.IN_PROGRESS
    assert world.alerts == []
    assert refused(world, a_video("kling-v3")) is None


async def test_every_model_has_slots_of_its_own(bare):
    await bare.open(models=MODELS, provider="max_concurrent = 1")
    states = [await sent(bare, a_video(model)) for model in ("kling-v2-6", "kling-v2-6", "kling-v3")]
    assert states == [TaskState.IN_PROGRESS, TaskState.QUEUED, TaskState.IN_PROGRESS]


async def test_a_refusal_of_content_does_not_say_that_units_are_back(world):
    world.to_kling.answer("submit", NO_UNITS, refusal(400, 1301, "risk control"))
    await sent(world, a_video())
    world.clock.advance(10 * MINUTE)
    await sent(world, a_video())
    assert refused(world, a_video()) == "error.request.all_out"
    world.clock.advance(MINUTE)
    assert refused(world, a_video()) is None


async def test_a_message_that_quotes_the_key_reaches_nobody_with_it(world):
    """Not the admins, not the person, not the store, and not the log."""
    quoted = f"Incorrect key {KEY.partition('|')[0]} or {base64.b64encode(KEY.encode()).decode()}"
    world.to_kling.answer("submit", refusal(401, 1002, quoted), refusal(400, 1201, quoted))
    await sent(world, a_video())
    await world.services.providers.resume(A, BOSS, "update:resume")
    await sent(world, a_video())
    told = [json.dumps(call) for call in world.to_telegram.of("sendMessage")]
    kept = [str(row) for row in world.rows("SELECT failure_detail FROM tasks")]
    assert any("Incorrect key ***" in text for text in told)
    assert any("Incorrect key ***" in text for text in kept)
    for secret in quoted.split()[2::2]:
        assert not any(
            secret in text for text in (*told, *kept, str(world.events("submission not accepted")))
        )
