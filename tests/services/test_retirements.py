"""A model that Kling ends leaves the offer at its day, and nobody is left with an error."""

from datetime import UTC, datetime

import pytest

from bot.domain.requests.choices import Preferences
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.tasks.task import TaskState
from bot.domain.types import to_millis
from bot.errors import UserError
from bot.services.compose import Images
from bot.services.ports import Job
from bot.services.requests.card import Card
from tests.builders import NOW, a_request, an_image, stored
from tests.world.services import ServiceWorld
from tests.world.telegram import BOSS

END = to_millis(datetime(2026, 9, 15, tzinfo=UTC))
REPLACING = 'retired_models = "replace"'
OLD = '["kling-v1-6", "kling-v2-6"]'
ENDED = a_request(model="kling-v1-6")


@pytest.fixture
async def world(bare) -> ServiceWorld:
    """The bot whose first model is one that Kling will end; the day has not come."""
    await bare.open(models=OLD, provider=REPLACING, extra='[models]\ndefault = "kling-v1-6"')
    return bare


def until_the_end(world: ServiceWorld) -> None:
    world.clock.advance(END - NOW)


def told(world: ServiceWorld) -> list[str]:
    """What the admin was told of models that have ended."""
    texts = [str(params["text"]) for _, params in world.to_telegram.calls if params.get("chat_id") == BOSS]
    return [text for text in texts if "Kling ended" in text]


async def test_it_leaves_the_offer_at_its_day_and_others_stand_in(world):
    compose = world.services.compose
    world.clock.advance(END - NOW - 1)
    assert compose.models() == ("kling-v1-6", "kling-v2-6")
    world.clock.advance(1)
    assert compose.models() == ("kling-v2-5-turbo", "kling-video-o1", "kling-v2-6")
    assert [row.id for row in compose.rows()] == list(compose.models())


async def test_the_admins_are_told_once_with_what_stands_in(world):
    until_the_end(world)
    for _ in range(2):
        await world.run(Job.ROUNDS)
        await world.run(Job.NOTICES)
        await world.restart()
    (text,) = told(world)
    assert "kling-v1-6" in text
    assert "kling-v2-5-turbo, kling-video-o1" in text


async def test_before_its_day_nobody_is_told(world):
    await world.run(Job.ROUNDS)
    assert world.rows("SELECT * FROM retirements") == []


async def test_defaults_and_preferences_fall_to_what_stands_in(world):
    until_the_end(world)
    compose = world.services.compose
    for preferences in (Preferences(), Preferences(model="kling-v1-6")):
        assert compose.video(ParsedPrompt("a fox"), None, preferences).model == "kling-v2-5-turbo"


async def test_several_references_go_to_an_omni_model(world):
    until_the_end(world)
    images = Images(references=(an_image(b"a").ref, an_image(b"b").ref))
    request = world.services.compose.video(ParsedPrompt("a fox and a hare"), images)
    assert (request.model, request.operation) == ("kling-video-o1", "omni-video")


async def test_who_names_it_is_told_what_to_use(world):
    until_the_end(world)
    with pytest.raises(UserError) as caught:
        world.services.compose.check(ENDED)
    assert (caught.value.key, caught.value.params) == (
        "error.model.retired",
        {"model": "kling-v1-6", "other": "kling-v2-5-turbo"},
    )


async def test_a_draft_with_it_gets_another_model(world):
    cards, card = world.services.cards, Card("c1", ENDED)
    assert cards.renew(card) is None
    until_the_end(world)
    renewed = cards.renew(card)
    assert renewed is not None
    assert renewed.request.model == "kling-v2-5-turbo"
    assert cards.renew(renewed) is None


async def test_a_plan_that_names_it_holds_what_stands_in(world):
    plan = world.services.accounts.plan_of(None).model_copy(update={"models": ("kling-v1-6",)})
    assert world.services.compose.renewed(plan) is plan
    until_the_end(world)
    assert world.services.compose.renewed(plan).models == ("kling-v2-5-turbo",)


async def test_what_runs_goes_on_and_what_waits_is_refunded(world):
    running = await world.a_running_task(request=ENDED)
    until_the_end(world)
    waiting = await stored(world.store, request=ENDED, created_at=world.clock.now())
    await world.run(Job.DISPATCH)
    assert await world.state(waiting) is TaskState.FAILED
    assert await world.state(running) is TaskState.IN_PROGRESS


async def test_gateways_keep_it(bare):
    await bare.open(models=OLD)
    until_the_end(bare)
    await bare.run(Job.ROUNDS)
    assert bare.services.compose.models() == ("kling-v1-6", "kling-v2-6")
    assert bare.rows("SELECT * FROM retirements") == []
