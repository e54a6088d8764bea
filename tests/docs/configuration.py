"""The page of all settings, from their types and the comments of the example: `python -m tests.docs.configuration`."""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from bot.settings.config import Settings
from bot.settings.places import secrets_of
from bot.settings.schema import example, schema

INTRODUCTION = """\
# Configuration

`klingbot init` writes a `config.toml` with what is required. Copy more of it from here, or from the example that
`klingbot example` prints. `klingbot check` names every mistake with its line. This page is made by
`python -m tests.docs.configuration`.

## Where settings come from

Later ones go over earlier ones:

1. the defaults below
2. `config.toml` in the working directory, or the file that `--config` or the variable `KLINGBOT_CONFIG` names
3. variables: `KLINGBOT_POLLING__TIMEOUT=600`, `KLINGBOT_PROVIDERS__0__KEY=…`; lists and tables are JSON
4. what admins set in `/admin`, or with `klingbot admin settings`

Without a file, variables alone are enough. Each secret can also be the name of a file, relative to `config.toml`:
{secrets}. Variables that Kubernetes sets for a service called `klingbot` are ignored.

For completion and checks in your editor, write the schema beside the settings and name it in their first line,
`#:schema ./config.schema.json`:

```sh
klingbot schema > config.schema.json
```
"""

CODE = re.compile(
    r"(\{ .*? \}(?: \})*|\{\"\w+\": .*?\}|/\w[\w/.]*|\[\[?[\w.*-]+\]?\]|https?://[^\s\"]+|\"[^\"]*\"|\b[a-z]+_[a-z_]+\b|\w+\.\w+_\w+)"
)
"""What is code in a comment: tables, paths, sections, addresses, texts and names of settings."""

LISTS = {"providers", "packages", "subscriptions", "ideas"}


def document() -> str:
    """The whole page."""
    made, text = schema(), example()
    files = sorted({f"`{key}_file`" for _, key in secrets_of(Settings)})
    parts = [INTRODUCTION.format(secrets=", ".join(files))]
    for name, node in made["properties"].items():
        header = f"[[{name}]]" if name in LISTS else f"[{name}.NAME]" if name == "plans" else f"[{name}]"
        said = _comment_above(text, name)
        table = _table_of(made, node)
        rows = "\n".join(_rows(made, table))
        parts.append(
            f"## {name}\n\n```toml\n{header}\n```\n\n"
            + (f"{said}\n\n" if said else "")
            + "| key | value | default | effect |\n| --- | --- | --- | --- |\n"
            + rows
            + "\n"
        )
    return "\n".join(parts)


def _rows(made: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[str]:
    secrets = {key for _, key in secrets_of(Settings)}
    for key, node in table["properties"].items():
        if key.removesuffix("_file") in secrets and key.endswith("_file"):
            continue
        said = str(node.get("description", ""))
        required = re.match(r"required(;|$)", said) is not None
        said = re.sub(r"^required(; )?", "", said)
        said = re.sub(r"(; |^)default: [^;]+", "", said)
        # The values that are allowed have a column of their own.
        said = re.sub(r"^\S+ \| (?:\S+ \| )*\w+\b(?::\d)?(?!:)[;,:]?\s*", "", said)
        default = "**required**" if required else _default(node, table, key)
        yield f"| `{key}` | {_value(made, node)} | {default} | {_cell(said)} |"


def _value(made: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    """What is allowed."""
    if "$ref" in node:
        node = made["$defs"][node["$ref"].rpartition("/")[2]]
    if "anyOf" in node:
        return _value(made, next(each for each in node["anyOf"] if each.get("type") != "null"))
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return " ".join(f"`{each}`" if each else '`""`' for each in node["enum"])
    if node.get("format") == "password":
        return "secret"
    match node.get("type"):
        case "boolean":
            return "`true` `false`"
        case "integer" | "number":
            return _range(node)
        case "array":
            return "list"
        case "object":
            return "table"
    return "text"


def _range(node: Mapping[str, Any]) -> str:
    kind = "whole number" if node["type"] == "integer" else "number"
    low, high = node.get("minimum", node.get("exclusiveMinimum")), node.get("maximum")
    if low is None and high is None:
        return kind
    above = "more than " if "exclusiveMinimum" in node else ""
    return f"{above}{_number(low)}–{_number(high)}" if high is not None else f"{kind} from {_number(low)}"


def _number(value: float) -> str:
    return f"{value:,.15g}".replace(",", "\u202f")


def _default(node: Mapping[str, Any], table: Mapping[str, Any], key: str) -> str:
    if key not in table["properties"] or "default" not in node:
        return ""
    value = node["default"]
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, dict):
        return ""
    shown = str(value).lower() if isinstance(value, bool) else value
    if isinstance(value, list):
        shown = " ".join(map(str, value))
    return f"`{shown}`"


def _cell(text: str) -> str:
    """A comment as a cell of a table: what looks like a setting is code."""
    return CODE.sub(r"`\1`", text).replace("|", "\\|")


def _table_of(made: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            return _table_of(made, node[key])
    return made["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def _comment_above(text: str, name: str) -> str:
    """The lines of comment above a section, and behind its name."""
    lines = text.splitlines()
    found = re.compile(rf"\[+{name}(\.\w+)?\]+(?:\s+# (.*))?$")
    number = next(index for index, line in enumerate(lines) if found.match(line))
    said = []
    while lines[number - 1 - len(said)].startswith("# "):
        said.insert(0, lines[number - 1 - len(said)].removeprefix("# "))
    said = [line for line in said if not re.match(r"\[|\w+ = ", line)]
    behind = found.match(lines[number])
    assert behind
    if behind[2]:
        said.append(f"{behind[2][:1].upper()}{behind[2][1:]}.")
    return _cell(" ".join(said)).replace("\\|", "|")


if __name__ == "__main__":
    sys.stdout.write(document())
