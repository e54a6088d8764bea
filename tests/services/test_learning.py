"""What the answers of an account teach: kept over restarts, tried again after a pause, forgotten on request."""

import json

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, HOUR, MINUTE, Millis, UserId
from bot.kling.parallel import FIRST_TRIAL
from bot.services.ports import Job
from tests.builders import a_request, stored
from tests.world.services import A, ServiceWorld, accepting, refusal
from tests.world.telegram import BOSS

MODELS = '["kling-v2-6", "kling-v3"]'
NOT_ENABLED = refusal(403, 1103, "Unauthorized access to requested resource")
NO_MODEL = refusal(404, 1203, "The requested resource does not exist, such as the model")
TAUGHT = [(NOT_ENABLED, HOUR), (NO_MODEL, 6 * HOUR)]


@pytest.fixture
async def world(bare) -> ServiceWorld:
    """The bot with one provider of two models."""
    await bare.open(models=MODELS)
    return bare


def refusing(world: ServiceWorld, answer: Response, model: str = "kling-v3") -> None:
    """Refuse every submission of a model in this way, and take the others."""
    accept = accepting()

    async def answers(request: Request) -> Response:
        body = json.loads(await request.body())
        return answer if body["model_name"] == model else await accept(request)

    world.to_kling.always("submit", answers)


async def sent(world: ServiceWorld, model: str = "kling-v3", user: int = 1001) -> TaskState:
    """What becomes of a request at once."""
    request: GenerationRequest = a_request(model=model)
    deadline = Millis(world.clock.now() + HOUR)
    task = await stored(world.store, user_id=UserId(user), request=request, deadline_at=deadline)
    await world.run(Job.DISPATCH)
    return await world.state(task)


@pytest.mark.parametrize(("answer", "pause"), TAUGHT)
async def test_what_a_model_was_refused_for_is_known_after_a_restart_and_tried_after_its_pause(
    world, answer, pause
):
    refusing(world, answer)
    assert await sent(world) is TaskState.FAILED
    await world.restart()
    assert world.services.compose.models() == ("kling-v2-6",)
    assert len(world.alerts) == 1
    world.clock.advance(pause)
    assert world.services.compose.models() == ("kling-v2-6", "kling-v3")
    # It is refused again: for twice as long, and the admins know already.
    assert await sent(world) is TaskState.FAILED
    assert len(world.alerts) == 1
    await world.restart()
    world.clock.advance(2 * pause - 1)
    assert world.services.compose.models() == ("kling-v2-6",)
    world.clock.advance(1)
    world.to_kling.always("submit", accepting())
    assert await sent(world, user=1002) is TaskState.IN_PROGRESS
    await world.restart()
    assert world.services.compose.models() == ("kling-v2-6", "kling-v3")
    assert world.rows("SELECT * FROM learned") == []


async def test_resuming_the_provider_forgets_it_for_good(world):
    refusing(world, NO_MODEL)
    await sent(world)
    await world.services.providers.resume(A, BOSS, "update:resume")
    await world.restart()
    assert world.services.compose.models() == ("kling-v2-6", "kling-v3")


async def test_resuming_it_from_a_shell_forgets_it_too(world):
    refusing(world, NO_MODEL)
    await sent(world)
    for value in ("true", "false"):
        status, printed = await world.command("admin", "settings", "set", "providers.stand-in.paused", value)
        assert status == 0, printed
        await world.run(Job.SETTINGS)
    assert world.services.compose.models() == ("kling-v2-6", "kling-v3")
    assert world.rows("SELECT * FROM learned") == []


@pytest.mark.parametrize(
    ("changed", "forgets"),
    [
        ({"models": '["kling-v3", "kling-v2-6"]'}, True),
        ({"provider": "max_concurrent = 9"}, True),
        ({"provider": 'model_names = { kling-v3 = "kling-3" }'}, True),
        ({"provider": "priority = 7"}, False),
    ],
)
async def test_other_settings_of_the_provider_forget_it_where_they_decide(world, changed, forgets):
    refusing(world, NO_MODEL)
    await sent(world)
    await world.stop()
    world.configure(**{"polling": "retries = 2", "models": MODELS, **changed})
    await world.start()
    assert ("kling-v3" in world.services.compose.models()) is forgets


async def test_nothing_that_is_kept_tells_the_key(world):
    refusing(world, NO_MODEL)
    await sent(world)
    ((row),) = world.rows("SELECT * FROM learned")
    assert row[0] == A
    assert not any("demo" in str(value) for value in row)


async def test_check_names_what_is_out_of_reach_and_what_to_do(bare):
    models = '["kling-v2-6", "kling-v3", "kling-v1-6"]'
    # The command has the clock of this machine.
    ended = '[catalog.models.kling-v1-6]\nretired = "2020-01-01"'
    await bare.open(models=models, provider='retired_models = "replace"', extra=ended)
    refusing(bare, NOT_ENABLED)
    await sent(bare)
    await bare.stop()
    _, printed = await bare.command("check")
    warned = [line for line in printed.splitlines() if line.startswith("warn")]
    for words in (
        "kling-v3 was refused as not enabled for this key; enable it",
        "kling-v1-6 was ended by Kling on 2020-01-01; in its place: kling-v2-5-turbo, kling-video-o1",
    ):
        assert any(words in line for line in warned), printed


# -- how many run at a time --------------------------------------------------------------------------


async def waiting(world: ServiceWorld, number: int) -> None:
    """So many tasks in line, each of another person."""
    for each in range(number):
        await stored(world.store, user_id=UserId(2000 + each), waits_until=Millis(world.clock.now() + DAY))


def refusals(world: ServiceWorld) -> int:
    """How often the account had too much to do."""
    return sum(record["outcome"] == "TooManyAtOnce" for record in world.events("submission not accepted"))


async def test_the_true_number_is_learned_once_and_not_run_into_again(bare):
    """The account takes five tasks of a model, the settings say twenty."""
    await bare.open(provider="max_concurrent = 20")
    bare.kling.behaviour.render_seconds = 60
    await waiting(bare, 30)
    await bare.run(Job.DISPATCH)
    met = refusals(bare)
    assert met > 0
    for _ in range(90):
        await bare.run(Job.POLL, 5_000)
        await bare.run(Job.DISPATCH)
        counted = await bare.store.tasks.count_running()
        assert sum(counted.values()) <= 5
    assert refusals(bare) == met
    done = bare.rows("SELECT count(*) FROM tasks WHERE state = 'succeeded'")
    assert done[0][0] >= 20


async def test_it_is_known_after_a_restart(bare):
    await bare.open(provider="max_concurrent = 20")
    await waiting(bare, 6)
    await bare.run(Job.DISPATCH)
    met = refusals(bare)
    (report,) = await bare.services.providers.reports()
    assert report.limits == {"kling-v2-6": 5}
    await bare.restart()
    for _ in range(20):
        await bare.run(Job.DISPATCH, 10_000)
    assert refusals(bare) == met
    # From time to time one more is tried: the package may be another one now.
    bare.to_kling.always("submit", accepting())
    await bare.run(Job.DISPATCH, FIRST_TRIAL)
    await bare.run(Job.DISPATCH, MINUTE)
    (report,) = await bare.services.providers.reports()
    assert report.limits == {"kling-v2-6": 6}
