"""The part of a Dockerfile's language that deploy/Dockerfile is written in."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
KNOWN = frozenset(
    {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL"}
    | {"ENTRYPOINT", "CMD", "HEALTHCHECK"}
)


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name, its flags (`--from=build`), and the rest as written."""

    name: str
    text: str
    flags: dict[str, str] = field(default_factory=dict)

    def words(self) -> list[str]:
        """The rest as a list, whether it is written as JSON or with spaces."""
        return list(json.loads(self.text)) if self.text.startswith("[") else shlex.split(self.text)


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next; `base` is an image or an earlier stage."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]


def parse(text: str) -> list[Stage]:
    """Read a Dockerfile.

    Raises:
        ValueError: it has an instruction that is not known here.

    """
    stages: list[tuple[str, str, list[Instruction]]] = []
    for each in _instructions(text):
        if each.name == "FROM":
            base, *alias = each.text.split()
            stages.append((alias[1] if alias else str(len(stages)), base, []))
        else:
            stages[-1][2].append(each)
    return [Stage(name, base, tuple(found)) for name, base, found in stages]


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for logical in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        name, _, rest = logical.strip().partition(" ")
        if name not in KNOWN:
            raise ValueError(f"{name} is not known here")
        flags = {}
        while found := FLAG.match(rest):
            flags[found[1]] = found[2]
            rest = rest[found.end() :]
        yield Instruction(name, rest.strip(), flags)


def is_sent(ignore: str, path: str) -> bool:
    """Whether a .dockerignore lets a path into the build; the last pattern that fits decides."""
    sent = True
    for line in ignore.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted = pattern.startswith("!")
        pattern = pattern.lstrip("!").rstrip("/")
        parts = Path(path).parts
        starts = ["/".join(parts[: length + 1]) for length in range(len(parts))]
        ends = parts if pattern.startswith("**/") else starts
        if any(fnmatchcase(each, pattern.removeprefix("**/")) for each in ends):
            sent = wanted
    return sent
