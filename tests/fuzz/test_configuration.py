"""Settings of any form: they are read, or every problem is told in a line that names its key and no secret."""

import json
import math
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.settings.config import load
from tests.fuzz.mutations import DEEP, DIGITS, TEXTS, WORDS, broken, changed
from tests.fuzz.target import target

EXAMPLE = Path(__file__).parent.parent.parent / "config.example.toml"
SECRETS = ("123456:the-token-of-the-operator", "access|a-secret-of-the-operator")


def _seed() -> dict[str, Any]:
    seed = tomllib.loads(EXAMPLE.read_text("utf-8"))
    seed["telegram"]["token"] = SECRETS[0]
    for provider in seed["providers"]:
        provider["key"] = SECRETS[1]
    return seed


SEED = _seed()
SMALL = {
    "telegram": SEED["telegram"],
    "providers": SEED["providers"],
    "plans": {"free": {"daily_credits": 5}},
}


def toml(value: Any) -> str:
    """A value in TOML, tables in braces; what TOML has no word for is left out."""
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)} = {toml(part)}" for key, part in value.items() if part is not None]
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(part) for part in value if part is not None) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value in (DEEP, DIGITS):
        return "[" * 5_000 + "]" * 5_000 if value == DEEP else "9" * 5_000
    return json.dumps(value)


def document(value: Any) -> bytes:
    """The settings in TOML."""
    tables = value if isinstance(value, dict) else {"telegram": value}
    lines = [f"{json.dumps(name)} = {toml(part)}" for name, part in tables.items() if part is not None]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def test_the_settings_that_are_changed_are_good(tmp_path):
    for seed in (SEED, SMALL):
        (tmp_path / "config.toml").write_bytes(document(seed))
        assert load(tmp_path / "config.toml", {}).telegram.token.get_secret_value() == SECRETS[0]


NAMES = st.sampled_from(
    [
        "TELEGRAM__TOKEN",
        "PROVIDERS__0__KEY",
        "PROVIDERS__1__NAME",
        "PROVIDERS__²__KEY",
        "PROVIDERS__X",
        "POLLING",
    ]
) | st.text("ABC_0123²", max_size=8)
VALUES = st.one_of(st.sampled_from([*TEXTS, "[" * 5_000, "{}", "[]", '{"a": 1e999}']), WORDS)


GOOD = document(SMALL)


@target(share=0.02, usual=40)
@example(content=GOOD + b"\nx = " + b"[" * 5_000, environ={})
@example(content=GOOD + b"\nx = " + b"9" * 5_000, environ={})
@example(content=GOOD + b'\n"a\\nb" = 5', environ={})
@example(content=GOOD + b"\npolling = {max_interval = " + b"9" * 400 + b"}", environ={})
@example(content=GOOD + b'\nassistant = {key_file = "a\\u0000b"}', environ={})
@example(
    content=GOOD + b'\nweb = {listen = "127.0.0.1:token-of-x", public_url = "https://x:token-of-x"}',
    environ={},
)
@example(content=GOOD, environ={"PROVIDERS__\u00b2__KEY": "x"})
@example(content=GOOD, environ={"POLLING": "[" * 100_000})
@given(
    content=changed([SEED, SMALL]).flatmap(lambda value: broken(document(value))),
    environ=st.dictionaries(NAMES, VALUES, max_size=2),
)
def test_settings_of_any_form_are_read_or_every_problem_is_told(tmp_path, tried, part, content, environ):
    tried()
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    try:
        settings = load(
            path, {f"KLINGBOT_{name}": value for name, value in environ.items() if "\0" not in value}
        )
    except ConfigError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.isprintable(), problem
            assert ":" in problem, problem
            assert not any(secret in problem for secret in (*SECRETS, "secret-of", "token-of")), problem
        return
    assert settings.secrets()
