"""The documented `callback_url`: it is written where a document has it, and what comes back is taken, through the real process."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.seeds.gateway import KEY, Gateway
from tests.seeds.test_examples import MODELS
from tests.world.kling import kling_front
from tests.world.process import BotProcess
from tests.world.proxy import ReverseProxy, behind_a_proxy
from tests.world.telegram import ADA

SELDOM = "min_interval = 300\nmax_interval = 300\ntimeout = 900"
"""By itself the bot would look after five minutes: longer than any test waits."""


@asynccontextmanager
async def with_callbacks(
    gateway: Gateway, directory: Path, polling: str
) -> AsyncIterator[tuple[BotProcess, ReverseProxy]]:
    """The process with a public address, and this gateway as its only provider."""
    world = BotProcess(directory)
    world.to_kling = kling_front(gateway.app)
    async with (
        world.serving(),
        behind_a_proxy(
            world,
            dialect=gateway.dialect,
            key=KEY,
            auth="raw" if gateway.authorization == KEY else "auto",
            models=json.dumps(MODELS[gateway.dialect]),
            polling=polling,
        ) as proxy,
    ):
        yield world, proxy


@pytest.mark.parametrize("dialect", ["prefixed", "generic"])
async def test_a_callback_address_is_written_and_what_comes_there_brings_the_video(tmp_path, dialect):
    gateway = Gateway(dialect, looks_before=0)
    async with with_callbacks(gateway, tmp_path, SELDOM) as (world, proxy):
        await world.telegram.say(ADA, f"/video a fox --model {MODELS[dialect][0]}")
        await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
        (_, body) = gateway.sent[-1]
        options = body["metadata"] if dialect == "generic" else body
        ((ours,),) = world.rows("SELECT external_task_id FROM tasks")
        assert options["external_task_id"] == ours
        told = {
            "task_id": "831922345719271433",
            "task_status": "succeed",
            "task_info": {"external_task_id": ours},
        }
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            assert (await http.post(options["callback_url"], json=told)).status_code == 200
        await world.telegram.wait_video(ADA)
        assert {status for _, status in proxy.answers} == {200}
        assert list(gateway.looks.values()) == [1]
        assert not gateway.refused


@pytest.mark.parametrize("dialect", ["flat"])
async def test_no_callback_address_is_written_where_the_document_has_none(tmp_path, dialect):
    gateway = Gateway(dialect)
    async with with_callbacks(gateway, tmp_path, "min_interval = 0.2\nmax_interval = 0.5") as (world, _):
        await world.telegram.say(ADA, f"/video a fox --model {MODELS[dialect][0]}")
        await world.telegram.wait_video(ADA)
        assert not gateway.refused
        assert not {"callback_url", "external_task_id"} & gateway.sent[-1][1].keys()
