"""Another implementation of Standard Webhooks believes the stand-in's callbacks, and the bot believes its signatures."""

import asyncio
import json
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bot.demo.kling.accounts import WEBHOOK_SECRET
from bot.demo.serving import serve
from bot.domain.types import Millis
from bot.kling.callback import is_signed

pytestmark = pytest.mark.timeout(600)
OTHER_SECRET = "whsec_YW5vdGhlciBzZWNyZXQgb2YgY2FsbGJhY2tz"


@pytest.fixture(scope="module")
def library(clients):
    path = clients.directory / "python" / "standardwebhooks" / "webhooks.py"
    spec = spec_from_file_location("standardwebhooks_webhooks", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_it_believes_every_callback_and_only_with_the_right_secret(library, opened):
    told = asyncio.Queue()

    async def hear(request):
        await told.put((await request.body(), dict(request.headers)))
        return Response()

    async with (
        serve(Starlette(routes=[Route("/told", hear, methods=["POST"])])) as listener,
        httpx.AsyncClient(base_url=opened.address, trust_env=False) as http,
    ):
        wish = {"prompt": "a fox", "options": {"callback_url": f"{listener}/told"}}
        headers = {"Authorization": "Bearer demo-api-key"}
        answer = await http.post("/text-to-video/kling-3.0-turbo", json=wish, headers=headers)
        assert answer.status_code == 200
        for status in ("submitted", "processing", "succeeded"):
            body, headers = await told.get()
            assert library.Webhook(WEBHOOK_SECRET).verify(body, headers)["status"] == status
            with pytest.raises(library.WebhookVerificationError):
                library.Webhook(OTHER_SECRET).verify(body, headers)
            with pytest.raises(library.WebhookVerificationError):
                library.Webhook(WEBHOOK_SECRET).verify(body + b" ", headers)


def test_the_bot_believes_what_it_signs(library):
    body = json.dumps({"id": "1", "status": "succeeded"})
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    signed = library.Webhook(WEBHOOK_SECRET).sign("message-1", at, body)
    headers = {
        "webhook-id": "message-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signed,
    }
    now = Millis(int(at.timestamp() * 1000))
    assert is_signed(WEBHOOK_SECRET, headers, body.encode(), now)
    assert not is_signed(OTHER_SECRET, headers, body.encode(), now)
    assert not is_signed(WEBHOOK_SECRET, headers, body.encode() + b" ", now)
