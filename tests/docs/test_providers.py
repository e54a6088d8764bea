"""Each configuration of docs/providers.md works as it stands: a video comes of it, through the stand-in of its dialect."""

import re
import tomllib
from pathlib import Path

import pytest

from bot.kling import dialects
from bot.settings.config import load
from tests.world.telegram import ADA, TOKEN

PAGE = (Path(__file__).parent.parent.parent / "docs" / "providers.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
KEYS = {
    "official": "demo-access|demo-secret-that-signs-for-nothing",
    "unified": "demo-api-key",
    "generic": "sk-demo-generic",
    "prefixed": "sk-demo-prefixed",
    "omnimaas": "sk-demo-omnimaas",
    "flat": "sk-demo-flat",
}
"""The stand-in's keys, by dialect."""

AROUND = """
[store]
url = "sqlite:///{directory}/klingbot.db"

[storage]
directory = "{directory}/work"

[polling]
min_interval = 0.2
max_interval = 0.5

[delivery]
allow_loopback = true

[access]
mode = "public"

[limits]
confirm_credits = 0
confirm_percent = 0

[monitoring]
listen = "127.0.0.1:0"
"""
"""What a test adds: where files go, and the patience of a test."""


def titles() -> list[str]:
    names = [tomllib.loads(each)["providers"] for each in EXAMPLES]
    return [f"{number}-{each[0]['name']}" for number, each in enumerate(names)]


def test_every_dialect_has_an_example(tmp_path):
    spoken = set()
    for example in EXAMPLES:
        path = tmp_path / "config.toml"
        path.write_text(example, "utf-8")
        spoken |= {provider.spoken for provider in load(path, {}).providers}
    assert spoken == set(dialects.DIALECTS)


@pytest.mark.parametrize("example", EXAMPLES, ids=titles())
async def test_an_example_leads_to_a_video(world, example):
    path = world.config
    path.write_text(example, "utf-8")
    providers = load(path, {}).providers
    text = example.replace("123456789:from-BotFather", TOKEN)
    for provider in providers:
        given = provider.key.get_secret_value()
        key = "sk-demo-aliases" if provider.name == "by-function" else KEYS[provider.spoken]
        if provider.spoken == "official" and "|" not in given:
            key = "demo-api-key"
        # At the stand-in's address nothing can be told by the host.
        host = re.match(r"https://[^/]+", provider.base_url)
        assert host
        text = text.replace(f'"{given}"', f'"{key}"').replace(host[0], world.kling_url)
        said = f'name = "{provider.name}"'
        if "dialect" not in provider.model_fields_set:
            text = text.replace(said, f'{said}\ndialect = "{provider.spoken}"')
    telegram = (
        f'[telegram]\nbase_url = "{world.telegram_url}/bot"\nbase_file_url = "{world.telegram_url}/file/bot"'
    )
    text = text.replace("[telegram]", telegram)
    path.write_text(text + AROUND.format(directory=world.directory), "utf-8")
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    await world.telegram.say(ADA, "/video a fox in the snow")
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert world.rows("SELECT state, provider FROM tasks") == [("succeeded", providers[0].name)]
