"""Settings that the documents show can be copied as they stand."""

import re
from pathlib import Path

import pytest

from bot.settings.config import load

ROOT = Path(__file__).parent.parent.parent
REQUIRED = """
[telegram]
token = "123456:a-token-for-tests"

[[providers]]
name = "official"
base_url = "https://api-singapore.klingai.com"
key = "access_key|secret_key"
models = ["kling-v2-6"]
"""


def shown(kind: str) -> list[tuple[str, str]]:
    """The blocks of a kind in the README and the documents, with their places; generated pages have none of use."""
    found = []
    for page in sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")]):
        if page.name != "configuration.md":
            text = page.read_text("utf-8")
            for block in re.finditer(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
                line = text[: block.start()].count("\n") + 1
                found.append((f"{page.relative_to(ROOT)}:{line}", block[1]))
    return found


@pytest.mark.parametrize("block", [pytest.param(text, id=place) for place, text in shown("toml")])
def test_settings_that_are_shown_can_be_used_with_what_is_required(block, tmp_path):
    path = tmp_path / "config.toml"
    missing = [part for part in REQUIRED.split("\n\n") if part.split("]")[0].strip("\n[") not in block]
    path.write_text("\n".join([block, *missing]), "utf-8")
    assert load(path, {}).providers


@pytest.mark.parametrize("block", [pytest.param(text, id=place) for place, text in shown("ini")])
def test_variables_that_are_shown_are_settings_and_enough(block):
    variables = dict(line.split("=", 1) for line in block.splitlines() if line.startswith("KLINGBOT_"))
    assert load(None, variables).providers
