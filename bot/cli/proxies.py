"""Whether each proxy of the settings can be used: something is asked through every one of them, once."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from bot.network import Network, why_unreachable
from bot.proxies import Proxy
from bot.settings.config import Settings

TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ProxyState:
    """A proxy, what goes through it, and why nothing does; `problem` is empty where it works."""

    proxy: Proxy
    users: tuple[str, ...]
    problem: str

    def __str__(self) -> str:
        users = ", ".join(self.users)
        return f"{self.proxy}, for {users}: {self.problem}" if self.problem else f"{self.proxy}, for {users}"


async def check_proxies(settings: Settings, network: Network) -> AsyncIterator[ProxyState]:
    """Ask the first server of each proxy's users through it. What that answers is none of the proxy's business."""
    used: dict[Proxy, dict[str, str]] = {}
    for user, setting, url in _users(settings):
        parts = urlsplit(url)
        proxy = network.proxies_for(setting).find(parts.scheme, parts.hostname or "", parts.port)
        if proxy is not None:
            used.setdefault(proxy, {})[user] = f"{parts.scheme}://{parts.netloc}/"
    for proxy, users in used.items():
        yield ProxyState(proxy, tuple(users), await _problem(proxy, next(iter(users.values())), network))


def _users(settings: Settings) -> Iterator[tuple[str, SecretStr, str]]:
    """Who goes through a proxy, what the settings say of it, and where to."""
    yield "telegram", settings.telegram.proxy, settings.telegram.base_url
    for provider in settings.providers:
        if provider.enabled:
            yield f"provider {provider.name}", provider.proxy, provider.base_url
            if settings.delivery.proxy.get_secret_value():
                yield "results", settings.delivery.proxy, provider.base_url
    if settings.assistant.base_url:
        yield "the assistant", settings.assistant.proxy, settings.assistant.base_url
    if settings.moderation.hook_url:
        yield "moderation", settings.moderation.hook_proxy, settings.moderation.hook_url


async def _problem(proxy: Proxy, url: str, network: Network) -> str:
    """Why nothing goes through; empty where something does."""
    try:
        async with network.client(timeout=TIMEOUT_SECONDS, proxies=proxy.for_all) as http:
            await http.head(url)
    except httpx.ProxyError as error:
        return why_unreachable(error)
    except httpx.HTTPError:
        # It was reached, or its server is not what it should be: the lines of the servers say so.
        return ""
    return ""
