"""Strangers who take their time at the bot's web server: they hold up nobody, and are sent away."""

import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.faults.test_callbacks import secret_of
from tests.world.process import BotProcess
from tests.world.proxy import behind_a_proxy, bot_address
from tests.world.telegram import ADA

MANY = 100
LONGEST = 60
"""Seconds, on a machine that has much else to do, until somebody who takes longer than ten is sent away."""


async def held(world: BotProcess, beginning: bytes, stack: AsyncExitStack) -> asyncio.StreamReader:
    """A connection on which a request was begun that does not go on."""
    host, _, port = bot_address(world).removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    stack.callback(writer.close)
    writer.write(beginning)
    await writer.drain()
    return reader


async def test_clients_who_never_finish_a_request_hold_up_nobody_and_are_sent_away(world):
    address = f"/callback/stand-in/{secret_of('stand-in')}"
    head = f"POST {address} HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\n"
    async with behind_a_proxy(world), AsyncExitStack() as stack:
        heads = [await held(world, head.encode(), stack) for _ in range(MANY)]
        bodies = [
            await held(world, f"{head}Content-Length: 500\r\n\r\n{{".encode(), stack) for _ in range(MANY)
        ]
        async with httpx.AsyncClient(trust_env=False, timeout=LONGEST) as http:
            assert (await http.get(f"{bot_address(world)}/healthz")).status_code == 200
        await world.telegram.say(ADA, "/video a fox")
        await world.telegram.wait_video(ADA, timeout_seconds=LONGEST)
        async with asyncio.timeout(LONGEST):
            answers = await asyncio.gather(*(reader.read() for reader in heads + bodies))
    assert set(answers[:MANY]) == {b""}
    assert {answer.split(b"\r\n")[0] for answer in answers[MANY:]} == {b"HTTP/1.1 408 Request Timeout"}
