"""One question to an account that nobody uses yet: whether it answers, and what it can be used for."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.clock import Runtime
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.operations import VIDEO_MODEL_OPERATIONS
from bot.kling.pool import open_pool
from bot.kling.provider import Provider
from bot.network import Network


@dataclass(frozen=True, slots=True)
class Trial:
    """What an account answered: words for the operator, and the video models that it can use."""

    words: str
    models: tuple[str, ...]


async def try_account(
    provider: Provider, *, runtime: Runtime, network: Network, mask: Callable[[str], Callable[[bytes], bytes]]
) -> Trial:
    """Ask, without spending anything; the models of the provider are not looked at. `mask` takes a key out of answers.

    Raises:
        ProviderError: it does not answer, or refuses the key.

    """
    rows = catalogs.load(dialect=provider.spoken)
    every = provider.model_copy(update={"models": tuple(row.id for row in rows.known()), "enabled": True})
    masked = mask(provider.key.get_secret_value())
    async with open_pool([every], runtime, network, masked, catalog=lambda _: rows) as pool:
        state = await pool.client(provider.name).probe()
        if state.packs is not None:
            pool.note_packs(provider.name, state.packs)
        usable = (
            each.model
            for each in pool.availabilities(provider.name)
            if each.is_usable and VIDEO_MODEL_OPERATIONS & each.operations
        )
        return Trial(state.words, tuple(dict.fromkeys(usable)))
