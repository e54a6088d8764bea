"""What the providers' accounts say of their keys, and what they can use."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from bot.cli.availability import describe
from bot.cli.checks.findings import Finding, Level, Subject
from bot.clock import Runtime, Sleep
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.operations import VIDEO_MODEL_OPERATIONS
from bot.domain.tasks.availability import State
from bot.domain.tasks.resource_packs import ResourcePack
from bot.domain.types import ProviderName
from bot.kling.client import KlingClient
from bot.kling.errors import ProviderError, Throttled
from bot.kling.pool import ProviderPool, open_pool
from bot.kling.provider import Provider
from bot.masking import Mask
from bot.network import Network
from bot.settings.config import Settings

ASKED_AT_MOST, APART_SECONDS = 3, 1.1
"""How often an account is asked that answers one question a second, and how far apart."""

NEVER_OFFERED = frozenset({State.UNNAMED, State.RETIRED})
"""Why a model is none that could be chosen."""


async def providers(subject: Subject) -> list[Finding]:
    """Whether each key is accepted, and what its account can use."""
    settings = subject.settings
    mask, rows = Mask(settings.told_secrets()).answer, _catalogs(settings)
    async with open_pool(
        settings.providers, subject.runtime, subject.network, mask, catalog=rows.__getitem__
    ) as pool:
        clients = list(pool.clients())
        for client in clients:
            pool.restore(client.name, subject.learned.get(client.name, ()))
        told = await asyncio.gather(*(_provider(pool, client, subject.sleep) for client in clients))
    found = [finding for findings in told for finding in findings]
    off = [f"provider {each.name}" for each in settings.providers if not each.enabled]
    if not clients:
        return [Finding("providers", "none of them is enabled; set enabled = true for one", Level.FAIL)]
    return [*found, *(Finding(name, "is not enabled, and not asked") for name in off)]


async def check_key(
    provider: Provider, runtime: Runtime, network: Network, sleep: Sleep = asyncio.sleep
) -> list[Finding]:
    """Whether a provider's key is accepted, and what its account can use of everything that the catalog has for it.

    Where it is not, what the dialect has follows all the same, unverified.
    """
    rows = catalogs.load(dialect=provider.spoken)
    every = provider.model_copy(update={"models": tuple(row.id for row in rows.known())})
    mask = Mask([provider.key.get_secret_value()]).answer
    async with open_pool([every], runtime, network, mask, catalog=lambda _: rows) as pool:
        client = pool.client(provider.name)
        told = await _provider(pool, client, sleep, NEVER_OFFERED)
        accepted = told[0].level is not Level.FAIL
        return told if accepted else [told[0], *_availabilities(pool, client, NEVER_OFFERED)]


async def _provider(
    pool: ProviderPool, client: KlingClient, sleep: Sleep, without: Collection[State] = ()
) -> list[Finding]:
    """Whether the key is accepted, and what the account can use of what the settings offer."""
    told = await _told(client, sleep)
    if told.packs is not None:
        pool.note_packs(client.name, told.packs)
    answers = Finding(f"provider {client.name}", told.words, told.level)
    # Of a key that is refused nothing can be used, whatever the settings offer.
    usable = answers.level is not Level.FAIL
    found = [each for each in _availabilities(pool, client, without) if usable or each.level is Level.WARN]
    return [answers, *found]


def _availabilities(pool: ProviderPool, client: KlingClient, without: Collection[State]) -> Iterator[Finding]:
    """What an account can use, and what it cannot, but for some reasons."""
    for each in pool.availabilities(client.name):
        if each.state in without:
            continue
        is_model = each.is_usable and bool(VIDEO_MODEL_OPERATIONS & each.operations)
        text = describe(each, client.dialect.name)
        model = each.model if is_model else ""
        level = Level.OK if each.is_usable else Level.WARN
        yield Finding(f"provider {client.name}", text, level, model)


@dataclass(frozen=True, slots=True)
class _Told:
    """What an account told, or why it did not."""

    words: str
    level: Level = Level.OK
    packs: tuple[ResourcePack, ...] | None = None


async def _told(client: KlingClient, sleep: Sleep) -> _Told:
    """Ask an account, and again after a moment where it was just asked: it answers one question a second."""
    for asked in range(1, ASKED_AT_MOST + 1):
        try:
            state = await client.probe()
        except Throttled:
            if asked < ASKED_AT_MOST:
                await sleep(APART_SECONDS)
        except ProviderError as error:
            return _Told(f"{type(error).__name__}: {error}", Level.FAIL)
        else:
            return _Told(state.words, packs=state.packs)
    return _Told("busy: the key was not refused, but the account is asked too often; try again", Level.WARN)


def _catalogs(settings: Settings) -> Mapping[ProviderName, Catalog]:
    """What the models of each provider can do, by the settings."""
    ours = settings.catalog.model_dump()
    return {
        each.name: catalogs.load(ours, each.catalog.model_dump(), dialect=each.spoken)
        for each in settings.providers
    }
