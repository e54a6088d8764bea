"""Charged for what was not made: the difference is refunded once, said in the caption, and told to admins once a day."""

from dataclasses import replace

import pytest
from starlette.responses import Response

from bot.domain.requests.operations import Operation, Product
from bot.domain.tasks.task import DeliveryState, Task
from bot.domain.types import DAY, HOUR, Credits
from bot.services.ports import Job
from tests.builders import a_request, an_origin
from tests.services.test_deliver import put, ready, run_until_it_ends
from tests.services.test_result_addresses import a_result, finish
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.kling import a_film
from tests.world.media import image
from tests.world.services import ServiceWorld
from tests.world.telegram import ADA, BOSS, complaint

pytestmark = TELLS_OF_TIMEDELTA

REFUSED = complaint(400, "Bad Request: no")


@pytest.fixture
async def bringing(world) -> ServiceWorld:
    return await ready(world)


def brings(world: ServiceWorld, body: bytes) -> str:
    """Let each file be this one; its address."""
    world.to_kling.always("file", Response(body, media_type="video/mp4"))
    return f"{world.kling_url}/files/0"


def captions(world: ServiceWorld) -> list[str]:
    return [media.get("caption", "") for media in put(world)]


async def test_a_shorter_video_costs_what_its_length_costs_and_its_caption_says_so(bringing):
    url = brings(bringing, a_film(1280, 720, 2))
    task = await a_result(bringing, url, request=a_request(duration=10), price=Credits(30))
    await run_until_it_ends(bringing, task)
    assert await bringing.refunds(task) == [24]
    (caption,) = captions(bringing)
    assert "Less than you ordered: 2 s instead of 10 s. 24 credits refunded." in caption
    assert bringing.alerts == ["alert.shortfall"]
    (told,) = bringing.written(BOSS, "made less than was ordered")
    assert "kling-v2-6" in told["text"]


async def test_a_shorter_video_is_told_in_the_language_of_its_person(bringing):

    url = brings(bringing, a_film(1280, 720, 2))
    origin = replace(an_origin(), language="zh_Hans")
    task = await a_result(bringing, url, request=a_request(duration=10), price=Credits(30), origin=origin)
    await run_until_it_ends(bringing, task)
    (caption,) = captions(bringing)
    assert "少于所订：实际 2 秒，所订 10 秒。已退还 24 积分。" in caption


async def test_a_smaller_video_costs_what_its_mode_costs(bringing):
    url = brings(bringing, a_film(1280, 720, 5))
    task = await a_result(bringing, url, request=a_request(mode="pro"), price=Credits(25))
    await run_until_it_ends(bringing, task)
    (refunded,) = await bringing.refunds(task)
    assert 0 < refunded < 25
    (caption,) = captions(bringing)
    assert "standard instead of pro" in caption


@pytest.mark.parametrize("seconds", [5, 6])
async def test_what_is_as_long_as_it_was_ordered_is_paid_in_full(bringing, seconds):
    url = brings(bringing, a_film(1280, 720, seconds))
    task = await a_result(bringing, url, price=Credits(15))
    await run_until_it_ends(bringing, task)
    assert await bringing.refunds(task) == []
    assert "Less than" not in captions(bringing)[0]
    assert bringing.alerts == []


async def test_results_that_did_not_come_are_refunded_and_the_first_one_says_so(bringing):
    brings(bringing, a_film(1280, 720, 5))
    task = await finish(bringing, 2, request=a_request(count=4), price=Credits(40))
    await run_until_it_ends(bringing, task)
    assert await bringing.refunds(task) == [20]
    assert sum("2 of 4 results. 20 credits refunded" in caption for caption in captions(bringing)) == 1
    rows = await bringing.store.outbox.list_of(task.id)
    assert {row.state for row in rows} == {DeliveryState.DELIVERED}


async def test_results_that_did_not_come_are_refunded_also_where_none_can_be_fetched(bringing):
    bringing.to_kling.always("file", Response("no", 404))
    task = await finish(bringing, 1, request=a_request(count=4), price=Credits(40))
    await run_until_it_ends(bringing, task)
    assert sum(await bringing.refunds(task)) == 40
    assert "Your 40 credits are refunded" in bringing.written(ADA, "could not be fetched")[0]["text"]


async def test_a_smaller_image_costs_what_its_resolution_costs(bringing):
    url = brings(bringing, image(1024, 1024, "PNG"))
    request = a_request(operation=Operation.IMAGE, model="kling-v3-omni", resolution="2k", duration=0)
    task = await a_result(bringing, url, kind=Product.IMAGE, request=request, price=Credits(8))
    await run_until_it_ends(bringing, task)
    assert sum(await bringing.refunds(task)) < 8
    assert bringing.alerts in ([], ["alert.shortfall"])


async def test_it_is_refunded_once_though_the_delivery_is_tried_often_and_the_bot_begins_anew(bringing):
    url = brings(bringing, a_film(1280, 720, 2))
    task = await a_result(bringing, url, request=a_request(duration=10), price=Credits(30))
    bringing.to_telegram.answer("editMessageMedia", *[complaint(429, "Too Many", retry_after=5)] * 2)
    await bringing.run(Job.DELIVER)
    await bringing.restart()
    await run_until_it_ends(bringing, task)
    assert await bringing.refunds(task) == [24]
    assert "24 credits refunded" in captions(bringing)[-1]


async def test_after_a_crash_between_the_refund_and_its_note_the_same_refund_is_noted(bringing):
    url = brings(bringing, a_film(1280, 720, 2))
    task = await a_result(bringing, url, request=a_request(duration=10), price=Credits(30))
    await bringing.services.tasks.refund(task, Credits(24), "0:less")
    await run_until_it_ends(bringing, task)
    assert await bringing.refunds(task) == [24]
    assert "24 credits refunded" in captions(bringing)[-1]


async def test_a_short_video_that_never_arrives_gives_back_no_more_than_was_paid(bringing):
    url = brings(bringing, a_film(1280, 720, 2))
    task = await a_result(bringing, url, request=a_request(duration=10), price=Credits(30))
    bringing.to_telegram.answer("editMessageMedia", complaint(429, "Too Many", retry_after=5))
    await bringing.run(Job.DELIVER)
    bringing.to_kling.always("file", Response("no", 404))
    await run_until_it_ends(bringing, task)
    assert sorted(await bringing.refunds(task)) == [6, 24]
    assert "Your 30 credits are refunded" in bringing.written(ADA, "could not be fetched")[0]["text"]


async def test_admins_hear_of_it_once_a_day_for_each_provider_and_model(bringing):
    url = brings(bringing, a_film(1280, 720, 2))

    async def another(model: str = "kling-v2-6") -> Task:
        task = await a_result(bringing, url, request=a_request(duration=10, model=model), price=Credits(30))
        await run_until_it_ends(bringing, task)
        return task

    for model in ("kling-v2-6", "kling-v2-6", "kling-v2-5-turbo"):
        await another(model)
    assert bringing.alerts == ["alert.shortfall"] * 2
    bringing.clock.advance(2 * HOUR)
    await another()
    assert bringing.alerts == ["alert.shortfall"] * 2
    bringing.clock.advance(DAY)
    await another()
    assert bringing.alerts == ["alert.shortfall"] * 3
