"""What the settings say is on offer is what the pool of their providers offers."""

import pytest

from bot.clock import Runtime
from bot.kling.pool import ConfiguredOffer, open_pool
from bot.network import Network
from bot.settings.config import load

HEAD = '[telegram]\ntoken = "123456:a-token-for-tests"\nadmins = [42]\n'


def a_provider(name: str, models: str, rest: str = "") -> str:
    return f"""
[[providers]]
name = "{name}"
base_url = "https://{name}.example"
key = "sk-of-tests"
models = {models}
{rest}
"""


@pytest.mark.parametrize(
    "providers",
    [
        a_provider("one", '["kling-v2-6", "kling-v2-1"]'),
        a_provider("one", '["kling-v2-6"]') + a_provider("two", '["kling-v3", "kling-v2-6"]', "priority = 9"),
        a_provider("one", '["kling-v2-6"]', 'dialect = "official"\noperations = ["text2video", "lip-sync"]'),
        a_provider("one", '["kling-v2-6"]', 'dialect = "prefixed"\npaths = { image = "/v1/pictures" }'),
        a_provider("one", '["kling-v2-6"]', "enabled = false") + a_provider("two", '["kling-v3"]'),
        a_provider("one", '["kling-v2-6"]', "enabled = false"),
    ],
)
async def test_the_settings_and_the_pool_tell_the_same_offer(tmp_path, providers):
    path = tmp_path / "config.toml"
    path.write_text(HEAD + providers)
    settings = load(path, {})
    offer = ConfiguredOffer(settings.providers)
    async with open_pool(settings.providers, Runtime(), Network()) as pool:
        assert (offer.models(), offer.operations()) == (pool.models(), pool.operations())
