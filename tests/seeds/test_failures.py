"""Every error that the documents list, in the shape of each gateway, comes to what they advise, through the real process.

Settings that are not accepted are told and refunded; a bad key and a missing permission go to the next provider, or are
refunded; what came too often is sent again; after an error of the server nothing is sent twice.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.demo.serving import serve
from tests.seeds.fields import FLAT_MODELS, GATEWAY_MODELS, OMNIMAAS_MODELS
from tests.seeds.gateway import KEY, Gateway
from tests.seeds.test_examples import before
from tests.world.process import BotProcess
from tests.world.telegram import ADA

SAID: Mapping[int, tuple[str, int]] = {
    400: ("请求参数错误", 1201),
    401: ("认证失败，Token 无效", 1002),
    403: ("权限不足", 1103),
    429: ("请求频率超限", 1302),
    500: ("服务器内部错误", 5000),
}
"""What the documents say of each status, and Kling's code for it."""

SHAPES: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "flat": lambda status: {"code": status, "message": SAID[status][0]},
    "prefixed": lambda status: {"code": SAID[status][1], "message": SAID[status][0], "request_id": "r-1"},
    "generic": lambda status: {"error": {"code": status, "message": SAID[status][0]}},
    "omnimaas": lambda status: {
        "error": {"message": SAID[status][0], "type": "invalid_request_error", "code": str(status)}
    },
}
MODELS: Mapping[str, Sequence[str]] = {
    "flat": FLAT_MODELS,
    "prefixed": GATEWAY_MODELS,
    "generic": GATEWAY_MODELS,
    "omnimaas": OMNIMAAS_MODELS,
}
NO_OTHER = ("could not be started", "Kling doesn't let this bot's account")
"""What is told where no provider can take a request: by a status alone, or by a code of Kling's."""

OTHER = """
[[providers]]
name = "{name}"
dialect = "{dialect}"
base_url = "{url}"
key = "{key}"
auth = "{auth}"
models = {models}
priority = {priority}
rate = 1000
"""


async def ask(world: BotProcess, model: str) -> int:
    """Ask for a video; the balance before."""
    ((balance, _),) = [world.balance(ADA)]
    await world.telegram.say(ADA, f"/video a fox --model {model}")
    return balance


async def released(world: BotProcess, balance: int, tasks: int) -> None:
    """Wait until so many tasks are settled; the last one cost nothing."""
    await world.wait_for(lambda: len(ended(world)) == tasks, 120)
    assert world.balance(ADA) == (balance, 0)


def ended(world: BotProcess) -> list[Any]:
    return world.rows("SELECT id FROM tasks WHERE state IN ('succeeded', 'failed', 'expired')")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("dialect", sorted(SHAPES))
async def test_each_documented_error_comes_to_what_is_advised(tmp_path, dialect):
    first_model, other_model, third_model = MODELS[dialect][:3]
    gateways = {name: Gateway(dialect) for name in ("bad-key", "spare", "forbidden")}
    main = Gateway(dialect)
    shaped = SHAPES[dialect]
    async with AsyncExitStack() as stack:
        others = ""
        sold = {"bad-key": (other_model, 9), "spare": (other_model, 1), "forbidden": (third_model, 1)}
        for name, gateway in gateways.items():
            model, priority = sold[name]
            others += OTHER.format(
                name=name,
                dialect=dialect,
                url=await stack.enter_async_context(serve(gateway.app)),
                key=KEY,
                auth="raw" if gateway.authorization == KEY else "auto",
                models=json.dumps([model]),
                priority=priority,
            )
        world = await stack.enter_async_context(before(main, tmp_path, [first_model], provider=others))

        # 400: told, and refunded.
        main.faults.append((400, shaped(400)))
        balance = await ask(world, first_model)
        await world.telegram.wait_text(ADA, "didn't accept these settings", 40)
        await released(world, balance, 1)
        assert main.faulty == ["POST 400"]

        # 429: sent again, and looked for again.
        main.faults.append((429, shaped(429)))
        main.look_faults.extend([(429, shaped(429)), (500, shaped(500))])
        await ask(world, first_model)
        await world.telegram.wait_video(ADA, 1, 90)
        assert main.faulty[1:] == ["POST 429", "GET 429", "GET 500"]
        assert len(main.sent) == 1

        # 401: the next provider takes it, and the admins are told.
        gateways["bad-key"].faults.append((401, shaped(401)))
        await ask(world, other_model)
        await world.telegram.wait_video(ADA, 2, 60)
        assert gateways["bad-key"].faulty == ["POST 401"]
        assert len(gateways["spare"].sent) == 1
        assert told(world) == ["alert.provider.unauthorized"]

        # 403: where there is no other, it is told and refunded.
        gateways["forbidden"].faults.append((403, shaped(403)))
        balance = await ask(world, third_model)
        await world.telegram.wait_for(
            lambda: any(words in str(world.telegram.replies(ADA)) for words in NO_OTHER), 60
        )
        await released(world, balance, 4)
        assert not gateways["forbidden"].sent

        # 500: the task may exist, so nothing is sent again; it is looked for, then refunded.
        main.faults.append((500, shaped(500)))
        balance = await ask(world, first_model)
        await released(world, balance, 5)
        assert main.faulty.count("POST 500") == 1
        assert len(main.sent) == 1
        assert not any(gateway.refused for gateway in (main, *gateways.values()))


def told(world: BotProcess) -> list[str]:
    """What the admins were told of providers so far, by the keys of the texts."""
    return [event["alert"] for event in world.events("operators are told")]
