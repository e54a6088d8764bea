"""`klingbot check`: each thing that the bot depends on, tried once, without spending anything."""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.cli.availability import describe
from bot.cli.proxies import check_proxies
from bot.clock import Runtime, Sleep
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.operations import VIDEO_MODEL_OPERATIONS
from bot.domain.tasks.learned import Learned
from bot.domain.tasks.resource_packs import ResourcePack
from bot.domain.types import ProviderName
from bot.errors import ConfigError, LoggedOut, StoreError
from bot.kling.client import KlingClient
from bot.kling.errors import ProviderError, Throttled
from bot.kling.pool import ProviderPool, open_pool
from bot.kling.provider import Provider
from bot.masking import Mask
from bot.network import Network, why_unreachable
from bot.settings.config import Settings
from bot.store import Store

TIMEOUT_SECONDS = 15.0
ASKED_AT_MOST, APART_SECONDS = 3, 1.1
"""How often an account is asked that answers one question a second, and how far apart."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report; a `warning` says what to do, and fails nothing. `model` is the video model that it offers."""

    subject: str
    ok: bool
    text: str
    warning: bool = False
    model: str = ""

    @property
    def mark(self) -> str:
        """How the line begins."""
        return "warn" if self.warning else "ok  " if self.ok else "FAIL"


async def check(settings: Settings, sleep: Sleep = asyncio.sleep) -> list[Result]:
    """Try the store, the Telegram token and every provider's key, and tell what each account can use."""
    network = Network(proxies=settings.network.proxies)
    stored, learned = await _store(settings)
    proxies = [
        Result("proxy", not each.problem, str(each)) async for each in check_proxies(settings, network)
    ]
    results = [stored, *proxies, *await _telegram(settings, network), _callbacks(settings)]
    if not any(provider.enabled for provider in settings.providers):
        results.append(Result("providers", False, "none of them is enabled"))
    mask, rows = Mask(settings.told_secrets()).answer, _catalogs(settings)
    async with open_pool(settings.providers, Runtime(), network, mask, catalog=rows.__getitem__) as pool:
        for client in pool.clients():
            pool.restore(client.name, learned.get(client.name, ()))
            results.extend(await _provider(pool, client, sleep))
    return results


async def check_key(
    provider: Provider, sleep: Sleep = asyncio.sleep, network: Network | None = None
) -> list[Result]:
    """Whether a provider's key is accepted, and what its account can use of everything that the catalog has for it.

    Where it is not, what the dialect has follows all the same, unverified.
    """
    rows = catalogs.load(dialect=provider.spoken)
    every = provider.model_copy(update={"models": tuple(row.id for row in rows.known())})
    mask = Mask([provider.key.get_secret_value()]).answer
    async with open_pool([every], Runtime(), network or Network(), mask, catalog=lambda _: rows) as pool:
        client = pool.client(provider.name)
        told = await _provider(pool, client, sleep)
        return told if told[0].ok else [told[0], *_availabilities(pool, client)]


async def _provider(pool: ProviderPool, client: KlingClient, sleep: Sleep) -> list[Result]:
    """Whether the key is accepted, and what the account can use of what the settings offer."""
    subject = f"provider {client.name}"
    told = await _told(client, sleep)
    if told.packs is not None:
        pool.note_packs(client.name, told.packs)
    answers = Result(subject, told.error is None, told.words)
    # Of a key that is refused nothing can be used, whatever the settings offer.
    found = [each for each in _availabilities(pool, client) if answers.ok or each.warning]
    return [answers, *found]


def _availabilities(pool: ProviderPool, client: KlingClient) -> Iterator[Result]:
    """What an account can use, and what it cannot."""
    for each in pool.availabilities(client.name):
        is_model = each.is_usable and bool(VIDEO_MODEL_OPERATIONS & each.operations)
        text = describe(each, client.dialect.name)
        model = each.model if is_model else ""
        yield Result(f"provider {client.name}", True, text, not each.is_usable, model)


@dataclass(frozen=True, slots=True)
class _Told:
    """What an account told, or why it did not."""

    words: str
    packs: tuple[ResourcePack, ...] | None = None
    error: ProviderError | None = None


async def _told(client: KlingClient, sleep: Sleep) -> _Told:
    """Ask an account, and once more after a moment where somebody has just asked it: it answers one question a second."""
    for asked in range(1, ASKED_AT_MOST + 1):
        try:
            state = await client.probe()
        except Throttled:
            if asked < ASKED_AT_MOST:
                await sleep(APART_SECONDS)
        except ProviderError as error:
            return _Told(f"{type(error).__name__}: {error}", error=error)
        else:
            return _Told(state.words, state.packs)
    return _Told("the key was not refused; the account is asked too often to tell of its packs now")


def _catalogs(settings: Settings) -> Mapping[ProviderName, Catalog]:
    """What the models of each provider can do, by the settings."""
    ours = settings.catalog.model_dump()
    return {
        each.name: catalogs.load(ours, each.catalog.model_dump(), dialect=each.spoken)
        for each in settings.providers
    }


async def _store(settings: Settings) -> tuple[Result, Mapping[ProviderName, Sequence[Learned]]]:
    """Whether the store is sound, and what it holds of what the providers' answers taught."""
    try:
        store = await Store.open(settings.store.url)
    except (OSError, sqlite3.Error, StoreError, ConfigError) as error:
        return Result("store", False, str(error)), {}
    try:
        answer = await store.check()
        learned = {
            each.name: await store.providers.list_learned(each.name, each.fingerprint)
            for each in (settings.providers if answer == "ok" else ())
        }
    finally:
        await store.close()
    return Result("store", answer == "ok", settings.store.url if answer == "ok" else answer), learned


def _callbacks(settings: Settings) -> Result:
    web = settings.web
    if not web.public_url:
        return Result("callbacks", True, "off (web.public_url is empty); tasks are asked about")
    return Result("callbacks", True, f"on, at {web.public_url}/callback/…, served on {web.listen}")


async def _telegram(settings: Settings, network: Network) -> list[Result]:
    """Whether the token is taken, and what keeps updates from being fetched."""
    webhook: dict[str, Any] = {}
    try:
        async with network.client(
            timeout=TIMEOUT_SECONDS, proxies=network.proxies_for(settings.telegram.proxy)
        ) as http:
            me = await _ask(http, settings, "getMe")
            # Not every server that is compatible has it.
            with suppress(httpx.HTTPError, ValueError):
                webhook = await _ask(http, settings, "getWebhookInfo") if me.get("ok") else {}
    except (httpx.HTTPError, ValueError) as error:
        # The text of the error may hold the address, and so the token.
        words = f"not reached: {why_unreachable(error) or type(error).__name__}"
        return [Result("telegram", False, words)]
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
