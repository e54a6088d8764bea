"""`klingbot check`: each thing that the bot depends on, tried once, without spending anything."""

import sqlite3
from dataclasses import dataclass

import httpx

from bot.clock import SystemClock
from bot.errors import StoreError
from bot.kling.outcomes import ProviderError
from bot.kling.pool import open_pool
from bot.masking import Mask
from bot.network import Network
from bot.settings.config import Settings
from bot.store import Store

TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report."""

    subject: str
    ok: bool
    text: str


async def check(settings: Settings) -> list[Result]:
    """Try the store, the Telegram token and every provider's key."""
    network = Network()
    results = [await _store(settings), await _telegram(settings, network), _callbacks(settings)]
    if not any(provider.enabled for provider in settings.providers):
        results.append(Result("providers", False, "none of them is enabled"))
    async with open_pool(settings.providers, SystemClock(), network, Mask(settings.secrets()).answer) as pool:
        for client in pool.clients():
            subject = f"provider {client.name}"
            try:
                results.append(Result(subject, True, await client.probe()))
            except ProviderError as error:
                results.append(Result(subject, False, f"{type(error).__name__}: {error}"))
    return results


async def _store(settings: Settings) -> Result:
    try:
        store = await Store.open(settings.store.url)
    except (OSError, sqlite3.Error, StoreError) as error:
        return Result("store", False, str(error))
    try:
        answer = await store.check()
    finally:
        await store.close()
    return Result("store", answer == "ok", settings.store.url if answer == "ok" else answer)


def _callbacks(settings: Settings) -> Result:
    web = settings.web
    if not web.public_url:
        return Result("callbacks", True, "off (web.public_url is empty); tasks are asked about")
    return Result("callbacks", True, f"on, at {web.public_url}/callback/…, served on {web.listen}")


async def _telegram(settings: Settings, network: Network) -> Result:
    address = f"{settings.telegram.base_url}{settings.telegram.token.get_secret_value()}/getMe"
    try:
        async with network.client(timeout=TIMEOUT_SECONDS) as http:
            answer = (await http.get(address)).json()
    except (httpx.HTTPError, ValueError) as error:
        # The text of the error may hold the address, and so the token.
        return Result("telegram", False, f"not reached ({type(error).__name__})")
    if not isinstance(answer, dict) or "ok" not in answer:
        return Result("telegram", False, "something answers at telegram.base_url, but not as a Bot API does")
    if not answer["ok"]:
        return Result(
            "telegram", False, f"the token was refused: {answer.get('description', 'no reason given')}"
        )
    return Result("telegram", True, f"@{answer['result'].get('username', '?')}")
