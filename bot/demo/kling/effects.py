"""The names of effects, from `effects.toml`: those with two photos, and those with one."""

import tomllib
from pathlib import Path

_NAMES = tomllib.loads((Path(__file__).parent / "effects.toml").read_text("utf-8"))
DUAL = frozenset(_NAMES["dual"])
SINGLE = frozenset(_NAMES["single"])
