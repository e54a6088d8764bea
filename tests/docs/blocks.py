"""The command blocks of the documents, and the machine that their readers have: an empty directory, and tools.

A page is read from its top: its blocks run one after the other, as in one shell. What a command does to the machine is done
below a directory of the test (`/etc`, `/opt` and `/var` are there); what it asks of the network, stand-ins answer.

Commands run as they are written, but for those that `tests/docs/tools.py` stands in for; it says why and what it checks.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
URL = "https://github.com/klingbot/klingbot"

PREAMBLE = """
set -euo pipefail
cd() { case "$1" in /*) builtin cd "$MACHINE$1" ;; *) builtin cd "$@" ;; esac; }
if [ -e "$MACHINE/exports" ]; then . "$MACHINE/exports"; fi
trap 'pwd > "$MACHINE/left-in"; export -p > "$MACHINE/exports"' EXIT
"""
"""A block ends with its first failure, and directories of the system are those of the machine.

It begins where the last one ended, with the variables that were exported there.
"""


@dataclass(frozen=True)
class Block:
    """A block of commands, and where it is."""

    page: str
    line: int
    text: str


def blocks(page: Path) -> list[Block]:
    """The command blocks of a page."""
    text = page.read_text("utf-8")
    return [
        Block(str(page.relative_to(ROOT)), text[: found.start()].count("\n") + 1, found[1])
        for found in re.finditer(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    ]


def pages() -> dict[str, list[Block]]:
    """The pages with command blocks."""
    paths = sorted([*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
    return {str(path.relative_to(ROOT)): found for path in paths if (found := blocks(path))}


class Machine:
    """A reader's machine below a directory; `tools` are stood in for."""

    def __init__(self, directory: Path, tools: frozenset[str]) -> None:
        self.directory = directory
        self.bin = directory / "bin"
        self.home = directory / "home"
        for each in (self.bin, self.home, directory / "etc/systemd/system", directory / "opt"):
            each.mkdir(parents=True)
        for name in tools:
            self._install(name)
        (directory / "left-in").write_text(f"{self.home}\n", "utf-8")

    @property
    def here(self) -> Path:
        """Where the last block ended."""
        return Path((self.directory / "left-in").read_text("utf-8").strip())

    def environment(self) -> dict[str, str]:
        """What a shell has; the project's address leads to this checkout."""
        return {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "MACHINE": str(self.directory),
            "PYTHONPATH": str(ROOT),
            "TOOLS_PYTHON": sys.executable,
            "REPOSITORY": str(ROOT),
            "TOOLS": str(ROOT / "tests" / "docs" / "tools.py"),
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": f"url.file://{ROOT}.insteadOf",
            "GIT_CONFIG_VALUE_0": URL,
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            "LANG": os.environ.get("LANG", "C.UTF-8"),
        }

    def _install(self, name: str) -> None:
        path = self.bin / name
        path.write_text('#!/bin/sh\nexec "$TOOLS_PYTHON" "$TOOLS" "$0" "$@"\n', "utf-8")
        path.chmod(0o755)
