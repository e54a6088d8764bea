"""`klingbot check`: each thing that the bot depends on, tried once, without spending anything."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.clock import Runtime
from bot.domain.requests import catalog as catalogs
from bot.domain.requests import retirement
from bot.domain.requests.catalog import Catalog
from bot.domain.tasks.learned import Learned, Lesson
from bot.domain.types import ProviderName
from bot.errors import LoggedOut, StoreError
from bot.kling.client import KlingClient
from bot.kling.errors import ProviderError
from bot.kling.pool import open_pool
from bot.masking import Mask
from bot.network import Network, why_insecure
from bot.settings.config import Settings
from bot.store import Store

TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report; a `warning` says what to do, and fails nothing."""

    subject: str
    ok: bool
    text: str
    warning: bool = False

    @property
    def mark(self) -> str:
        """How the line begins."""
        return "warn" if self.warning else "ok  " if self.ok else "FAIL"


async def check(settings: Settings) -> list[Result]:
    """Try the store, the Telegram token and every provider's key."""
    network = Network()
    stored, learned = await _store(settings)
    results = [stored, *await _telegram(settings, network), _callbacks(settings)]
    if not any(provider.enabled for provider in settings.providers):
        results.append(Result("providers", False, "none of them is enabled"))
    mask, rows = Mask(settings.secrets()).answer, _catalogs(settings)
    async with open_pool(settings.providers, Runtime(), network, mask, catalog=rows.__getitem__) as pool:
        for client in pool.clients():
            subject = f"provider {client.name}"
            try:
                results.append(Result(subject, True, await client.probe()))
            except ProviderError as error:
                results.append(Result(subject, False, f"{type(error).__name__}: {error}"))
            warnings = (*_models(client), *_refused(learned.get(client.name, ())))
            results.extend(Result(subject, True, text, warning=True) for text in warnings)
    return results


def _catalogs(settings: Settings) -> Mapping[ProviderName, Catalog]:
    """What the models of each provider can do, by the settings."""
    ours = settings.catalog.model_dump()
    return {
        each.name: catalogs.load(ours, each.catalog.model_dump(), dialect=each.spoken)
        for each in settings.providers
    }


def _models(client: KlingClient) -> Iterator[str]:
    """What to do about models of the settings that are not offered, or that nobody knows."""
    offered, row_of = client.models, client.catalog.model
    known = {row.id for row in client.catalog.known()}
    for model in client.retired():
        others = [other for other in retirement.replacements(row_of, model) if other in offered]
        instead = f"in its place: {', '.join(others)}" if others else "add another to models"
        yield f"{model} was ended by Kling on {row_of(model).retired}; {instead}"
    for model in client.unnamed():
        yield f"{model} cannot be asked for in the dialect {client.dialect.name}; take it out of models"
    for model in client.config.models:
        if model not in known:
            near = "".join(f"; did you mean {name}?" for name in get_close_matches(model, known, 1))
            yield f"{model} is not in the catalog, so careful limits and a guessed price hold{near}"


def _refused(learned: Iterable[Learned]) -> Iterator[str]:
    """What to do about models that the account's answers showed to be out of reach."""
    for row in learned:
        if row.lesson is Lesson.NOT_ENABLED:
            yield f"{row.model} was refused as not enabled for this key; enable it, or take it out of models"
        elif row.lesson is Lesson.MISSING:
            yield f"{row.model} was refused as not existing there; take it out of models"


async def _store(settings: Settings) -> tuple[Result, Mapping[ProviderName, Sequence[Learned]]]:
    """Whether the store is sound, and what it holds of what the providers' answers taught."""
    try:
        store = await Store.open(settings.store.url)
    except (OSError, sqlite3.Error, StoreError) as error:
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
