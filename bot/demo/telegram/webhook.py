"""Delivers updates to the bot's webhook in order, each again and again until the bot has answered 2xx."""

import asyncio

import httpx

from bot.demo.telegram.state import TelegramState

_PAUSE_SECONDS = 1.0
_TIMEOUT_SECONDS = 30.0


class WebhookSender:
    """Runs from the first webhook until `close`; without an address it waits."""

    def __init__(self, state: TelegramState) -> None:
        self._state = state
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to deliver; a second call changes nothing."""
        if self._running is None:
            self._running = asyncio.create_task(self._deliver())

    async def close(self) -> None:
        """End the deliveries."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def _deliver(self) -> None:
        updates = self._state.updates
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            while True:
                if not self._state.webhook or not updates.waiting:
                    await updates.changed()
                elif await self._taken(client, updates.waiting[0]):
                    update_id = updates.waiting[0]["update_id"]
                    updates.handed_out.append(update_id)
                    updates.confirm(update_id + 1)
                else:
                    await asyncio.sleep(_PAUSE_SECONDS)

    async def _taken(self, client: httpx.AsyncClient, update: dict[str, object]) -> bool:
        webhook = self._state.webhook
        headers = {}
        if webhook["secret_token"]:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook["secret_token"]
        try:
            response = await client.post(webhook["url"], json=update, headers=headers)
        except httpx.HTTPError as error:
            problem = type(error).__name__
        else:
            if response.is_success:
                return True
            problem = f"Wrong response from the webhook: {response.status_code} {response.reason_phrase}"
        webhook |= {"last_error_date": int(self._state.now()), "last_error_message": problem}
        return False
