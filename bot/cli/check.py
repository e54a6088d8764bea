"""`klingbot check`: each thing that the bot depends on, tried once, without spending anything."""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.clock import Runtime
from bot.errors import LoggedOut, StoreError
from bot.kling.errors import ProviderError
from bot.kling.pool import open_pool
from bot.masking import Mask
from bot.network import Network, why_insecure
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
    results = [await _store(settings), *await _telegram(settings, network), _callbacks(settings)]
    if not any(provider.enabled for provider in settings.providers):
        results.append(Result("providers", False, "none of them is enabled"))
    async with open_pool(settings.providers, Runtime(), network, Mask(settings.secrets()).answer) as pool:
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


async def _telegram(settings: Settings, network: Network) -> list[Result]:
    """Whether the token is taken, and what keeps updates from being fetched."""
    webhook: dict[str, Any] = {}
    try:
        async with network.client(timeout=TIMEOUT_SECONDS) as http:
            me = await _ask(http, settings, "getMe")
            # Not every server that is compatible has it.
            with suppress(httpx.HTTPError, ValueError):
                webhook = await _ask(http, settings, "getWebhookInfo") if me.get("ok") else {}
    except (httpx.HTTPError, ValueError) as error:
        # The text of the error may hold the address, and so the token.
        words = why_insecure(error) or f"not reached ({type(error).__name__})"
        return [Result("telegram", False, str(words))]
    if "ok" not in me:
        return [
            Result("telegram", False, "something answers at telegram.base_url, but not as a Bot API does")
        ]
    if not me["ok"]:
        reason = me.get("description", "no reason given")
        refused = str(LoggedOut()) if reason == LoggedOut.ANSWER else f"the token was refused: {reason}"
        return [Result("telegram", False, refused)]
    return [Result("telegram", True, f"@{me['result'].get('username', '?')}"), *_webhook(webhook)]


async def _ask(http: httpx.AsyncClient, settings: Settings, method: str) -> dict[str, Any]:
    """Call a method of the Bot API; its answer, empty where it is not one of a Bot API."""
    telegram = settings.telegram
    answer = (await http.get(f"{telegram.base_url}{telegram.token.get_secret_value()}/{method}")).json()
    return answer if isinstance(answer, dict) else {}


def _webhook(answer: dict[str, Any]) -> list[Result]:
    """The line about a webhook, where one is set."""
    result = answer.get("result")
    url = result.get("url") if isinstance(result, dict) else None
    if not url:
        return []
    host = urlsplit(str(url)).hostname or "?"
    text = f"one is set, to {host}, and takes all updates; `klingbot run` removes it and fetches them itself"
    return [Result("webhook", True, text)]
