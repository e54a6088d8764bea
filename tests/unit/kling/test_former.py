"""An account that a provider had before: it may only add a task, and what is wrong with it is no fault of today's."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.demo.serving import serve
from bot.domain.requests.operations import Operation
from bot.kling import dialects, errors
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.pool import ProviderPool
from bot.kling.provider import Provider
from bot.kling.wire import RemoteState, TaskRef
from tests.clock import ManualClock

REF = TaskRef(Operation.TEXT_TO_VIDEO, "kling-v2-6", "klingbot-K7Q29F-1", "8319")
TASK = {
    "task_id": "8319",
    "task_status": "processing",
    "task_info": {"external_task_id": REF.external_task_id},
}
ANSWERS = {
    "has it": JSONResponse({"code": 0, "message": "SUCCEED", "data": TASK}),
    "has it not": JSONResponse({"code": 1203, "message": "task not found"}, 404),
    "refuses the key": JSONResponse({"code": 1000, "message": "signature invalid"}, 401),
    "is down": JSONResponse({"code": 5001, "message": "unavailable"}, 503),
}
"""What an account answers to each question about a task."""


@asynccontextmanager
async def accounts(today: str, before: str) -> AsyncIterator[KlingClient]:
    """A provider whose account of today and of before answer like this."""
    said = {"Bearer today": ANSWERS[today], "Bearer before": ANSWERS[before]}

    async def answer(request: Request) -> JSONResponse:
        return said[request.headers["authorization"]]

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    async with serve(app) as url, httpx.AsyncClient(trust_env=False) as http:

        def client(key: str, former: KlingClient | None) -> KlingClient:
            config = Provider(name="here", base_url=url, key=key, models=("kling-v2-6",), rate=1_000)
            signer = Signer("bearer", key)
            return KlingClient(config, dialects.get("official"), signer, http, ManualClock(), before=former)

        yield client("today", client("before", None))


@pytest.mark.parametrize("today", ["has it not", "refuses the key"])
async def test_what_runs_at_the_account_of_before_is_found_there(today):
    async with accounts(today, "has it") as client:
        assert (await client.query(REF)).state is RemoteState.RUNNING
        assert (await client.look_up(REF)).provider_task_id == "8319"


@pytest.mark.parametrize(
    ("today", "before", "asked", "looked_up"),
    [
        ("has it not", "has it not", errors.NotFound, None),
        ("has it not", "refuses the key", errors.NotFound, errors.FormerUnavailable),
        ("has it not", "is down", errors.FormerUnavailable, errors.FormerUnavailable),
        ("refuses the key", "has it not", errors.Unauthorized, errors.Unauthorized),
        ("refuses the key", "refuses the key", errors.Unauthorized, errors.FormerUnavailable),
        ("is down", "has it", errors.Unavailable, errors.Unavailable),
    ],
)
async def test_that_a_task_is_nowhere_is_proven_by_both_alone(today, before, asked, looked_up):
    async with accounts(today, before) as client:
        with pytest.raises(errors.ProviderError) as told:
            await client.query(REF)
        assert type(told.value) is asked
        if looked_up is None:
            assert await client.look_up(REF) is None
            return
        with pytest.raises(errors.ProviderError) as told:
            await client.look_up(REF)
        assert type(told.value) is looked_up


async def test_a_good_key_of_before_does_not_make_a_bad_one_good():
    async with accounts("refuses the key", "has it not") as client:
        with pytest.raises(errors.Unauthorized):
            await client.probe()


async def test_the_account_of_today_is_not_closed_for_what_is_wrong_with_the_one_of_before():
    async with accounts("has it not", "is down") as client:
        pool = ProviderPool([client], ManualClock(), random.Random(1), lambda _: False, ())
        for _ in range(20):
            assert not pool.record(client.name, errors.FormerUnavailable("unavailable"))
        assert pool.is_open(client.name)
