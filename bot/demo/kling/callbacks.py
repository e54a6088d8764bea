"""Tells a callback address of each change of a task: once each, best effort, signed where there is a secret."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx

Sleep = Callable[[float], Awaitable[None]]
PATIENCE = 5.0
"""Seconds to wait for whoever is told."""


def signature(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """A Standard Webhooks signature. `secret` is `whsec_` and Base64, `timestamp` in seconds."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class CallbackSender:
    """Carries callbacks in the background, so that nobody waits for who does not answer."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Awaitable[None]) -> None:
        """Run work to its end in the background."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def send(self, address: str, message: dict[str, Any], secret: str, identifier: str) -> None:
        """POST one message; whatever comes of it."""
        body = json.dumps(message, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        if secret:
            timestamp = int(self._now())
            headers |= {
                "webhook-id": identifier,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature(secret, identifier, timestamp, body),
            }
        with suppress(httpx.HTTPError, httpx.InvalidURL):
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
                await client.post(address, content=body, headers=headers)

    async def close(self) -> None:
        """End what runs."""
        running = list(self._running)
        for work in running:
            work.cancel()
        await asyncio.gather(*running, return_exceptions=True)
