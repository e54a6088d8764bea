"""Videos are streamed from the provider to disk to Telegram, never whole in memory."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from bot.demo.serving import serve

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")

ROOT = Path(__file__).parent.parent.parent
AT_ONCE = 16
MEGABYTE = 1_000_000
SENT_AT = 1_767_225_600


async def video(request: Request) -> StreamingResponse:
    """As many megabytes as the path says."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"\x00\x00\x00\x20ftypisom".ljust(MEGABYTE, b"\x00")
        for _ in range(request.path_params["megabytes"] - 1):
            yield bytes(MEGABYTE)

    return StreamingResponse(parts(), media_type="video/mp4")


async def bot_api(request: Request) -> JSONResponse:
    """Takes every upload, keeps nothing."""
    async for _ in request.stream():
        pass
    me = {"id": 123456, "is_bot": True, "first_name": "bench", "username": "bench_bot"}
    message = {"message_id": 1, "date": SENT_AT, "chat": {"id": 1001, "type": "private", "first_name": "Ada"}}
    result = me if request.path_params["method"] == "getMe" else message
    return JSONResponse({"ok": True, "result": result})


async def test_memory_of_deliveries(tmp_path, tell):
    app = Starlette(
        routes=[
            Route("/{megabytes:int}", video),
            Route("/bot{token}/{method}", bot_api, methods=["GET", "POST"]),
        ]
    )
    async with serve(app) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.delivering", url, url, str(tmp_path), str(AT_ONCE)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    told = json.loads(output)
    assert told["sent"] == AT_ONCE * 45 * MEGABYTE
    tell(
        f"memory: {told['grown'] / told['sent']:.1%} of what is delivered at once"
        f" ({told['grown'] / MEGABYTE:.0f} of {told['sent'] / MEGABYTE:.0f} MB; n={AT_ONCE} videos, peak resident size)"
    )
