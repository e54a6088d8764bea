import random
from collections.abc import AsyncIterator, Callable

import pytest

from bot.clock import Runtime
from bot.domain.requests.request import Operation
from bot.services.container import Administration, administration
from bot.settings.config import load
from bot.store import Store
from tests.builders import ADA, NOW, XIAOLIN
from tests.world.services import ServiceWorld, open_services


@pytest.fixture
async def bare(tmp_path) -> AsyncIterator[ServiceWorld]:
    """The bot, not yet started: a test opens it with settings of its own."""
    async with open_services(tmp_path) as opened:
        yield opened


@pytest.fixture
async def world(bare) -> ServiceWorld:
    """The bot with one provider."""
    await bare.open()
    return bare


@pytest.fixture
async def two(bare) -> ServiceWorld:
    """The bot with two providers: the stand-in is asked first, then the second."""
    await bare.open(second=True)
    return bare


OFFICE = """
[telegram]
token = "123456:a-token-of-tests"
admins = [1000]

[[providers]]
name = "stand-in"
base_url = "http://127.0.0.1:1"
key = "demo"
models = ["kling-v2-6", "kling-v2-1"]
{provider}

[quota]
default_plan = "{plan}"
timezone = "{zone}"

[plans.free]
daily_credits = 100
monthly_credits = 300
max_running = 3

[plans.none]
max_running = 3

[plans.pro]
{pro}
{extra}
"""


class Offered:
    """What a bot of two models offers."""

    def models(self) -> tuple[str, ...]:
        return ("kling-v2-6", "kling-v2-1")

    def operations(self) -> frozenset[Operation]:
        return frozenset({Operation.TEXT_TO_VIDEO, Operation.LIP_SYNC, Operation.IMAGE})


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[Store]:
    opened = await Store.open(str(tmp_path / "klingbot.db"))
    for user_id, name in ((1000, "boss"), (ADA, "ada"), (XIAOLIN, "xiaolin")):
        await opened.people.save_user(user_id, name.title(), name, "en", NOW)
    yield opened
    await opened.close()


@pytest.fixture
def office_of(store, clock, tmp_path) -> Callable[..., Administration]:
    """What admins work with as one of several processes has it, wired as a shell does it."""

    def build(
        *,
        plan: str = "free",
        zone: str = "UTC",
        provider: str = "",
        pro: str = "daily_credits = 900\nmax_running = 5",
        extra: str = "",
    ) -> Administration:
        path = tmp_path / "office.toml"
        path.write_text(OFFICE.format(plan=plan, zone=zone, provider=provider, pro=pro, extra=extra), "utf-8")
        runtime = Runtime(clock, random.Random(1))
        return administration(
            load(path, {}), store=store, offer=Offered(), runtime=runtime, wake=lambda _: None
        )

    return build
