"""From the address of a result to the chat: which addresses are tried, who gets the key, and how each fault ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.domain.requests.operations import Product
from bot.domain.tasks.lifecycle import Accepted, Claimed, Finished
from bot.domain.tasks.task import DeliveryState, RemoteResult, Task
from bot.domain.types import MINUTE, SECOND, Millis
from bot.services.ports import Job
from bot.services.tasks.endings import FILE_DEADLINE, LATE_AFTER, SERVER_DEADLINE
from tests.builders import LEASE, NOW, stored
from tests.services.test_deliver import ready, rows
from tests.store.steps import step
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.kling import a_film
from tests.world.media import a_voice_message, image
from tests.world.results import ResultServer, answer, result_server
from tests.world.services import A, ServiceWorld, finished
from tests.world.telegram import ADA, BOSS
from tests.world.tls import Authority

pytestmark = TELLS_OF_TIMEDELTA

KEY = "sk-gateway-key"
CONTENT = "/v1/videos/task_1/content"
FILE = "/file"
LOCAL = "http://localhost:3000"
FILM = a_film()
FILES = {
    Product.VIDEO: FILM,
    Product.IMAGE: image(1280, 720),
    Product.AUDIO: a_voice_message(5),
}
PAGE = b"<!doctype html><html><body>Just a moment...</body></html>"
JSON = b'{"error":{"message":"not ready","type":"invalid_request_error"}}'


@pytest.fixture
async def gateway(bare) -> AsyncIterator[ServiceWorld]:
    """A bot whose provider is a gateway with an API key; its results need no permission for loopback."""
    bare.configure(dialect="generic", key=KEY, models='["kling-v2-6"]', polling="retries = 2")
    text = bare.config.read_text("utf-8").replace("allow_loopback = true", "allow_loopback = false")
    bare.config.write_text(text, "utf-8")
    await bare.start()
    yield await ready(bare)
    assert KEY not in repr(bare.output)


@pytest.fixture
async def elsewhere() -> AsyncIterator[ResultServer]:
    async with result_server() as server:
        yield server


async def a_result(world: ServiceWorld, *urls: str, kind: Product = Product.VIDEO, **changes: Any) -> Task:
    """A finished task of the provider whose result has these addresses."""
    video = RemoteResult(urls[0], None, Millis(5_000), kind, others=urls[1:])
    return await _end(world, (video,), **changes)


async def finish(world: ServiceWorld, results: int, **changes: Any) -> Task:
    """A finished task of the provider with so many results."""
    found = [RemoteResult(f"{world.kling_url}/files/{each}", f"video-{each}") for each in range(results)]
    return await _end(world, tuple(found), **changes)


async def _end(world: ServiceWorld, videos: tuple[RemoteResult, ...], **changes: Any) -> Task:
    task = await stored(world.store, **changes)
    claimed = Claimed(A, Millis(NOW + LEASE), Millis(NOW + 20 * MINUTE))
    return await step(world.store, task, claimed, Accepted("kling-1", NOW), Finished(videos))


async def state_of(world: ServiceWorld, task: Task) -> DeliveryState:
    ((state, _),) = await rows(world, task)
    return state


async def until_it_ends(world: ServiceWorld, task: Task) -> int:
    """Deliver, waiting out every pause; how many milliseconds it took."""
    began = world.clock.now()
    await world.run(Job.DELIVER)
    while await state_of(world, task) in {DeliveryState.PENDING, DeliveryState.SENDING}:
        assert world.clock.now() - began < 2 * SERVER_DEADLINE
        await world.run(Job.DELIVER, 20 * SECOND)
    return world.clock.now() - began


def keyed(body: bytes) -> object:
    """An address that only the key opens."""
    return lambda asked: (
        answer(body) if "authorization" in asked.headers else answer(b'{"message":"no token"}', "401 No")
    )


async def keyed_response(request: Request) -> Response:
    """A gateway that hands a result to those who have its key."""
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return JSONResponse({"message": "no token"}, 401)
    return Response(FILM, media_type="video/mp4")


async def keyed_large(request: Request) -> Response:
    """The same with a film that is larger than the chat takes."""
    if "authorization" not in request.headers:
        return JSONResponse({"message": "no token"}, 401)
    return Response(FILM + bytes(1_100_000), media_type="video/mp4")


async def forbidden(_: Request) -> Response:
    """A gateway that has the result for nobody."""
    return JSONResponse({"message": "no"}, 401)


# -- every address, and the key ------------------------------------------------------------------------


async def test_a_result_behind_the_gateways_own_address_is_fetched_with_its_key(gateway):
    gateway.to_kling.always("query", keyed_response)
    task = await a_result(gateway, gateway.kling_url + CONTENT)
    await gateway.run(Job.DELIVER)
    assert await state_of(gateway, task) is DeliveryState.DELIVERED
    assert await gateway.refunds(task) == []


@pytest.mark.parametrize("address", [LOCAL, "http://127.0.0.1:1", "http://new-api:3000", "http://10.1.2.3"])
async def test_an_address_that_only_the_gateway_reaches_means_the_same_path_at_its_public_one(
    gateway, address
):
    gateway.to_kling.always("query", keyed_response)
    task = await a_result(gateway, address + CONTENT)
    await gateway.run(Job.DELIVER)
    assert await state_of(gateway, task) is DeliveryState.DELIVERED
    assert gateway.to_kling.paths == [CONTENT]


async def test_where_the_gateways_address_fails_klings_own_is_tried_in_the_same_moment(world, elsewhere):
    await ready(world)
    elsewhere.answers[FILE] = answer(FILM)
    world.to_kling.always("query", forbidden)
    task = await a_result(world, world.kling_url + CONTENT, elsewhere.url + FILE)
    await world.run(Job.DELIVER)
    assert await rows(world, task) == [(DeliveryState.DELIVERED, 1)]
    assert elsewhere.keys == [None]


async def test_every_address_of_an_answer_is_kept_until_the_delivery(gateway, elsewhere):
    task = await a_result(gateway, elsewhere.url + "/none", LOCAL + CONTENT, elsewhere.url + FILE)
    (row,) = await gateway.store.outbox.list_of(task.id)
    assert row.video is not None
    assert row.video.addresses == (elsewhere.url + "/none", LOCAL + CONTENT, elsewhere.url + FILE)


async def test_the_key_is_not_sent_to_another_port_of_the_gateways_host(gateway, elsewhere):
    elsewhere.answers[CONTENT] = keyed(FILM)
    gateway.to_kling.always("query", forbidden)
    task = await a_result(gateway, elsewhere.url + CONTENT)
    await gateway.run(Job.DELIVER)
    assert elsewhere.keys == [None]
    assert await state_of(gateway, task) is DeliveryState.PENDING


async def test_the_key_is_not_sent_after_a_redirect_that_leaves_and_not_when_it_comes_back(
    gateway, elsewhere
):
    seen = []

    async def lead(request):
        seen.append((request.url.path, request.headers.get("authorization")))
        if request.url.path == CONTENT:
            return RedirectResponse(elsewhere.url + FILE)
        return Response(FILM, media_type="video/mp4")

    elsewhere.answers[FILE] = answer(b"", "302 Found", Location=f"{gateway.kling_url}/v1/back")
    gateway.to_kling.always("query", lead)
    task = await a_result(gateway, gateway.kling_url + CONTENT)
    await gateway.run(Job.DELIVER)
    assert await state_of(gateway, task) is DeliveryState.DELIVERED
    assert elsewhere.keys == [None]
    assert seen == [(CONTENT, f"Bearer {KEY}"), ("/v1/back", None)]


async def test_a_redirect_from_the_gateway_leads_to_no_private_address(gateway):
    async def lead(_):
        return RedirectResponse("http://192.168.0.1/private")

    gateway.to_kling.always("query", lead)
    task = await a_result(gateway, gateway.kling_url + CONTENT)
    await until_it_ends(gateway, task)
    assert await state_of(gateway, task) is DeliveryState.UNDELIVERABLE
    assert await gateway.refunds(task) == [10]


async def test_a_result_that_is_too_large_and_that_only_the_key_opens_is_refunded_and_not_offered(bare):
    await bare.open(delivery="max_upload_mb = 1\ncopy_source_mb = 0")
    await ready(bare)
    bare.to_kling.always("query", keyed_large)
    task = await a_result(bare, bare.kling_url + CONTENT)
    await bare.run(Job.DELIVER)
    assert await state_of(bare, task) is DeliveryState.UNDELIVERABLE
    assert await bare.refunds(task) == [10]
    assert not bare.written(ADA, CONTENT)


# -- how each fault ends -------------------------------------------------------------------------------

FAULTS = {
    **{
        f"{status}": (lambda _body, status=status: answer(b"", f"{status} No"))
        for status in (400, 401, 403, 404, 410, 500, 502)
    },
    "a page": lambda _: answer(PAGE, Content_Type="text/html"),
    "JSON": lambda _: answer(JSON, Content_Type="application/json"),
    "nothing": lambda _: answer(b""),
    "half of it": lambda body: answer(body[: len(body) // 3], length=len(body)),
    "half of it that calls itself whole": lambda body: answer(body[: len(body) // 3]),
    "a beginning alone": lambda body: answer(body[:40]),
    "a reset": lambda _: b"",
    "202": lambda _: answer(JSON, "202 Accepted"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_that_stays_ends_in_a_refund_and_the_person_and_admins_hear_of_it_before(
    world, elsewhere, fault
):
    await ready(world)
    tasks = []
    for kind, body in FILES.items():
        elsewhere.answers[f"/{kind}"] = FAULTS[fault](body)
        tasks.append(await a_result(world, f"{elsewhere.url}/{kind}", kind=kind))
    whole = {Product.AUDIO} if fault == "half of it that calls itself whole" else set()
    for task, kind in zip(tasks, FILES, strict=True):
        if kind in whole:
            continue
        took = await until_it_ends(world, task)
        assert await state_of(world, task) is DeliveryState.UNDELIVERABLE, kind
        assert await world.refunds(task) == [10], kind
        assert took <= SERVER_DEADLINE + 2 * MINUTE
    late = world.written(ADA, "doesn't hand it out yet")
    assert len(late) == 3 - len(whole)
    assert next(alert for alert in world.alerts if alert != "alert.shortfall") == "alert.delivery.late"
    assert world.alerts.count("alert.delivery.late") <= 2
    assert len(world.written(ADA, "could not be fetched")) == 3 - len(whole)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_that_passes_costs_nothing_but_time(world, elsewhere, fault):
    await ready(world)
    for kind, body in FILES.items():
        elsewhere.answers[f"/{kind}"] = FAULTS[fault](body)
    tasks = [await a_result(world, f"{elsewhere.url}/{kind}", kind=kind) for kind in FILES]
    for _ in range(4):
        await world.run(Job.DELIVER, 61 * SECOND)
    for kind, body in FILES.items():
        elsewhere.answers[f"/{kind}"] = answer(body)
    for task, kind in zip(tasks, FILES, strict=True):
        await until_it_ends(world, task)
        assert await state_of(world, task) is DeliveryState.DELIVERED
        # Half a sound that calls itself whole is a sound: it is paid as what it is.
        is_short = kind is Product.AUDIO and fault == "half of it that calls itself whole"
        assert bool(await world.refunds(task)) == is_short


async def test_the_task_is_asked_again_for_a_new_address(world, elsewhere):
    await ready(world)
    elsewhere.answers["/new"] = answer(FILM)
    world.to_kling.always("query", finished("kling-1", f"{elsewhere.url}/new"))
    task = await a_result(world, f"{elsewhere.url}/old")
    await until_it_ends(world, task)
    assert await state_of(world, task) is DeliveryState.DELIVERED


async def test_an_untrusted_certificate_is_told_and_ends_in_a_refund(world):
    await ready(world)
    async with result_server(Authority().context()) as unknown:
        unknown.answers[FILE] = answer(FILM)
        task = await a_result(world, unknown.url + FILE)
        took = await until_it_ends(world, task)
        assert unknown.asked == []
    assert await world.refunds(task) == [10]
    assert took <= FILE_DEADLINE + 2 * MINUTE
    assert set(world.alerts) == {"alert.download.certificate", "alert.delivery.late"}


async def test_an_untrusted_certificate_does_no_harm_where_another_address_has_the_result(world, elsewhere):
    await ready(world)
    elsewhere.answers[FILE] = answer(FILM)
    async with result_server(Authority().context()) as unknown:
        task = await a_result(world, unknown.url + FILE, elsewhere.url + FILE)
        await world.run(Job.DELIVER)
    assert await state_of(world, task) is DeliveryState.DELIVERED


@pytest.mark.parametrize("address", ["http://cdn.example/0.mp4", "ftp://cdn.example/0.mp4", "nonsense"])
async def test_an_address_that_is_never_asked_ends_in_a_refund(gateway, address):
    task = await a_result(gateway, address)
    took = await until_it_ends(gateway, task)
    assert await gateway.refunds(task) == [10]
    assert took <= SERVER_DEADLINE + 2 * MINUTE


# -- what is late ----------------------------------------------------------------------------------------


async def test_a_server_that_is_silent_is_told_of_while_it_still_is_asked(world, elsewhere):
    await ready(world)
    may_answer = asyncio.Event()
    elsewhere.before, elsewhere.answers[FILE] = may_answer.wait, answer(FILM)
    task = await a_result(world, elsewhere.url + FILE)
    await world.begin(Job.DELIVER)
    world.clock.advance(LATE_AFTER)
    await world.begin(Job.DELIVER)
    await world.begin(Job.DELIVER)
    (told,) = world.written(ADA, "doesn't hand it out yet")
    assert "within an hour, your credits are refunded" in told["text"]
    assert world.alerts == ["alert.delivery.late"]
    may_answer.set()
    await world.drain()
    assert await state_of(world, task) is DeliveryState.DELIVERED


async def test_admins_hear_of_many_late_results_of_a_provider_once_and_people_of_each(world, elsewhere):
    await ready(world)
    tasks = [await a_result(world, f"{elsewhere.url}/{number}") for number in range(4)]
    await world.run(Job.DELIVER)
    await world.run(Job.DELIVER, LATE_AFTER)
    assert len(world.written(ADA, "doesn't hand it out yet")) == len(tasks)
    assert len(world.written(BOSS, "don't arrive")) == 1
    for task in tasks:
        await until_it_ends(world, task)
    assert len(world.written(ADA, "doesn't hand it out yet")) == len(tasks)


async def test_a_result_that_is_late_is_told_once_though_the_bot_begins_anew(world, elsewhere):
    await ready(world)
    task = await a_result(world, f"{elsewhere.url}/none")
    await world.run(Job.DELIVER)
    await world.run(Job.DELIVER, LATE_AFTER)
    await world.restart()
    await world.run(Job.DELIVER, MINUTE)
    assert len(world.written(ADA, "doesn't hand it out yet")) == 1
    assert await state_of(world, task) is DeliveryState.PENDING


async def test_results_that_never_came_count_among_the_failures(bare, elsewhere):
    await bare.open(extra="[alerts]\nfailure_tasks = 3\nfailure_percent = 50")
    await ready(bare)
    tasks = [await a_result(bare, f"{elsewhere.url}/{number}") for number in range(3)]
    for task in tasks:
        await until_it_ends(bare, task)
    await bare.run(Job.ROUNDS)
    assert "alert.failures" in bare.alerts
