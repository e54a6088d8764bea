"""The settings for editors: the commented example, and a JSON schema whose descriptions are its comments."""

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from bot.settings.config import Settings
from bot.settings.places import KeyPath, lines_of, secrets_of

EXAMPLE = "config.example.toml"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def example() -> str:
    """`config.example.toml`, out of the package, or out of the checkout that runs without having been installed."""
    packed = resources.files("bot.settings").joinpath(EXAMPLE)
    file = packed if packed.is_file() else Path(__file__).parent.parent.parent / EXAMPLE
    return file.read_text("utf-8")


def schema() -> dict[str, Any]:
    """A JSON schema of the settings file."""
    made = {"$schema": DIALECT, "title": "Settings of klingbot", **Settings.model_json_schema(by_alias=False)}
    text = example()
    comments = dict(_comments(text))
    for place, comment in comments.items():
        node = _parent(made, place).get("properties", {}).get(place[-1])
        if isinstance(node, dict):
            node["description"] = comment
    for section, key in secrets_of(Settings):
        _allow_file(_table(made, made["properties"][section]), key)
    # What is required may also come from the environment.
    made.pop("required", None)
    return made


def _comments(text: str) -> Iterator[tuple[KeyPath, str]]:
    """What the example says behind each key, and in the lines below that go on with it."""
    lines = text.splitlines()
    for place, number in lines_of(text).items():
        if place[-1].isdigit():
            continue
        parts = re.split(r"\s{2,}# ", lines[number - 1], maxsplit=1)
        if len(parts) == 2 and parts[0].split("=")[0].strip() == place[-1]:
            said = [parts[1]]
            for line in lines[number:]:
                if not re.match(r"\s{8,}# ", line):
                    break
                said.append(line.strip().removeprefix("# "))
            yield place, " ".join(said)


def _table(made: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """The table that a node is, refers to, or is a list or table of."""
    found = dict(node)
    if "items" in node:
        return _table(made, node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        return _table(made, node["additionalProperties"])
    if "$ref" in node:
        definition: dict[str, Any] = made["$defs"][node["$ref"].rpartition("/")[2]]
        return definition
    return found


def _parent(made: Mapping[str, Any], place: KeyPath) -> Mapping[str, Any]:
    """The table that a key stands in; empty where the schema has none."""
    table: Mapping[str, Any] = made
    for part in place[:-1]:
        inner = table.get("properties", {}).get(part)
        if inner is not None:
            table = _table(made, inner)
    return table


def _allow_file(table: dict[str, Any], key: str) -> None:
    """Let a secret be the name of a file as well."""
    table["properties"][f"{key}_file"] = {
        "type": "string",
        "description": f"The file that holds {key}, relative to this one.",
    }
    required = table.get("required", [])
    if key in required:
        table["required"] = [name for name in required if name != key]
        table["anyOf"] = [{"required": [key]}, {"required": [f"{key}_file"]}]
