"""Where settings come from: a TOML file, the environment over it, and secrets out of files.

    config.toml < KLINGBOT_SECTION__KEY < KLINGBOT_SECTION__KEY_FILE

The place of every value is kept, so that a mistake can be told with it; a value never is.

pydantic-settings has sources for all three, but merges them before anybody can note where a value is from, knows no
number of a list in the name of a variable (KLINGBOT_PROVIDERS__0__KEY), and reads secrets from a directory of files
with fixed names, where ours are named beside their keys. Nothing of it would be left but the base class.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from bot.proxies import DIRECT, of_environment
from bot.settings.places import KeyPath, lines_of

PREFIX = "KLINGBOT_"

OTHERS = {"KLINGBOT_CONFIG"}
"""Variables that are read elsewhere: the name of the settings file."""

_NUMBER = re.compile("[0-9]{1,3}")
_KUBERNETES = re.compile(
    r"KLINGBOT_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


@dataclass(slots=True)
class Gathered:
    """Values as they were found, and where; `problems` are those of finding them."""

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def origin(self, place: KeyPath) -> str:
        """The place as ` (config.toml, line 3)`, or nothing where there is no value."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.origins:
                return f" ({self.origins[place[:length]]})"
        return ""

    def value(self, place: KeyPath) -> Any:
        """What was found at a place; None where nothing was."""
        found: Any = self.data
        for part in place:
            if isinstance(found, dict):
                found = found.get(part)
            elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                return None
        return found


def gather(
    path: Path | None, environ: Mapping[str, str], secrets: Iterable[tuple[str, str]] = ()
) -> Gathered:
    """Read everything; each of the `secrets`, a section and a key, may also be given as `<key>_file`.

    Raises:
        ConfigError: there is no such file, or it is not TOML; nothing else can be said then.

    """
    gathered = Gathered()
    if path is not None:
        text = _read(path)
        gathered.data = _parse(path, text)
        gathered.origins[()] = str(path)
        gathered.origins |= {place: f"{path}, line {line}" for place, line in lines_of(text).items()}
    for variable in sorted(variables(environ)):
        _overlay(gathered, variable, environ[variable])
    _take_proxies(gathered, environ)
    _read_secret_files(gathered, path.parent if path is not None else Path.cwd(), secrets)
    return gathered


def dotted(place: KeyPath) -> str:
    """Write a place as people do: `providers[0].base_url`."""
    text = ""
    for part in place:
        text += f"[{part}]" if part.isdigit() else f".{part}" if text else part
    return in_one_line(text)


def in_one_line(text: str) -> str:
    """A key or the name of a file as it is, or quoted where it holds line breaks and the like."""
    return text if text.isprintable() else repr(text)


def variables(environ: Mapping[str, str]) -> list[str]:
    """The variables that are settings: ours, without those that Kubernetes sets for a service called klingbot."""
    ours = [name for name in environ if name.upper().startswith(PREFIX) and name.upper() not in OTHERS]
    return [name for name in ours if name not in of_kubernetes(environ)]


def of_kubernetes(environ: Mapping[str, str]) -> list[str]:
    """The variables that Kubernetes sets in every container for a service called klingbot; they are no settings."""
    return sorted(name for name in environ if _KUBERNETES.fullmatch(name))


def _read(path: Path) -> str:
    try:
        # Some editors begin a file with a byte order mark.
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file; `klingbot init` writes one"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: cannot be read: it is not UTF-8 text"]) from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from None
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or tables in tables without end.
        raise ConfigError([f"{path}: cannot be read: {type(error).__name__}"]) from None


def _overlay(gathered: Gathered, variable: str, text: str) -> None:
    """Put KLINGBOT_SECTION__KEY over the file; lists and tables are JSON, providers are counted from 0."""
    place = tuple(part.lower() for part in variable[len(PREFIX) :].split("__"))
    value: Any = text
    if text[:1] in {"[", "{"}:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            gathered.problems.append(f"{dotted(place)} (environment variable {variable}): must be JSON")
            return
    target: Any = gathered.data
    for depth, part in enumerate(place[:-1]):
        target = _step(target, part, following=place[depth + 1])
    if not isinstance(target, dict):
        gathered.problems.append(f"environment variable {variable}: names no key of the settings")
        return
    target[place[-1]] = value
    gathered.origins[place] = f"environment variable {variable}"


def _step(target: Any, part: str, *, following: str) -> Any:
    """Go one step down, making room where nothing is yet; None where there is no way."""
    if isinstance(target, dict):
        return target.setdefault(part, [] if following.isdigit() else {})
    if isinstance(target, list) and _NUMBER.fullmatch(part) and int(part) <= len(target):
        if int(part) == len(target):
            target.append({})
        return target[int(part)]
    return None


def _take_proxies(gathered: Gathered, environ: Mapping[str, str]) -> None:
    """Take the proxies that the environment names for all programs, unless the settings name one for everything."""
    network = gathered.data.setdefault("network", {})
    if not isinstance(network, dict) or {"proxy", "proxy_file", "http_proxy", "http_proxy_file"} & set(
        network
    ):
        return
    for key, (value, variable) in of_environment(environ).items():
        if key not in network:
            network[key] = value.split(",") if key == "no_proxy" else value
            gathered.origins["network", key] = f"environment variable {variable}"


def _read_secret_files(gathered: Gathered, base: Path, secrets: Iterable[tuple[str, str]]) -> None:
    """Replace `token_file`, `key_file` and the like by what the files hold."""
    for section, key in secrets:
        tables = gathered.data.get(section)
        places: list[tuple[KeyPath, Any]] = [((section,), tables)]
        if isinstance(tables, list):
            places = [((section, str(index)), table) for index, table in enumerate(tables)]
        for place, table in places:
            if isinstance(table, dict) and f"{key}_file" in table:
                _read_secret_file(gathered, (*place, key), table, base)


def _read_secret_file(gathered: Gathered, place: KeyPath, table: dict[str, Any], base: Path) -> None:
    key = place[-1]
    named = (*place[:-1], f"{key}_file")
    file = base / str(table.pop(f"{key}_file"))
    try:
        table[key] = file.read_text("utf-8").strip()
        gathered.origins[place] = f"secret file {file}"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        gathered.problems.append(
            f"{dotted(named)}{gathered.origin(named)}: {in_one_line(str(file))} cannot be read: {reason}"
        )
        # One problem is enough for one key.
        table[key] = {"token": "0:unreadable"}.get(key, DIRECT if key.endswith("proxy") else "unreadable")
