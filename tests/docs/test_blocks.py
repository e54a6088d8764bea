"""Every command block of the README and the documents runs, page by page, in an empty directory: see `blocks.py`."""

import asyncio
import json
import socket
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from tests.docs.blocks import PREAMBLE, ROOT, Machine, pages
from tests.docs.tools import TOOLS
from tests.world.bot import KEY
from tests.world.process import BotProcess
from tests.world.telegram import BOSS, TOKEN

PAGES = pages()
SECONDS = 240
"""How long the commands of a block may take on a machine that has much else to do."""

WITH_SETTINGS = {
    "docs/deployment.md": "whoever installs the service has answered the questions of `klingbot init` before",
    "docs/monitoring.md": "the reader has a bot that runs",
}
"""Pages whose reader has a config.toml already, and why."""

IN_A_CLONE = {
    "CONTRIBUTING.md": "it is read in a clone",
    "docs/monitoring.md": "it runs Prometheus with files of the repository",
}
"""Pages whose reader is in a clone already, and why."""

BEFORE = {
    "docs/backup.md": 'klingbot migrate; mkdir deploy; cp "$REPOSITORY/deploy/litestream.yml" deploy',
}
"""What happened before the reader came to a page: here the bot has run, and is stopped by now."""

SETTINGS = """
[telegram]
token = "{token}"
admins = [{boss}]

[[providers]]
name = "official"
base_url = "{kling}"
key = "{key}"
dialect = "official"
models = ["kling-v2-6"]
"""


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


async def succeeds(script: str, machine: Machine, environment: dict[str, str], place: str = "") -> None:
    """Run a script in a shell; it ends well."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", PREAMBLE + script, cwd=machine.here, env=environment, stdout=PIPE, stderr=STDOUT
    )
    async with asyncio.timeout(SECONDS):
        said, _ = await process.communicate()
    assert process.returncode == 0, f"{place}\n{script}\n{said.decode(errors='replace')[-4000:]}"


@asynccontextmanager
async def asking_for_a_video(world: BotProcess, seen: Path) -> AsyncIterator[None]:
    """Ask the bot for a video as soon as one runs; it may end when the video is there."""

    async def ask() -> None:
        await world.telegram.say(BOSS, "/video a fox in the snow")
        await world.telegram.wait_video(BOSS, timeout_seconds=SECONDS)
        seen.touch()

    person = asyncio.create_task(ask())
    try:
        yield
    finally:
        person.cancel()
        with suppress(asyncio.CancelledError):
            await person


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="there is no repository here that could be cloned")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
async def test_every_command_block_of_a_page_runs(page, tmp_path):
    (tmp_path / "world").mkdir()
    world, machine = BotProcess(tmp_path / "world"), Machine(tmp_path / "machine", frozenset(TOOLS))
    async with world.serving():
        environment = machine.environment() | {
            "ANSWERS": json.dumps(
                [["token", TOKEN], ["user id", str(BOSS)], ["address", world.kling_url], ["key", KEY]]
            ),
            "KLINGBOT_TELEGRAM__BASE_URL": f"{world.telegram_url}/bot",
            "KLINGBOT_TELEGRAM__BASE_FILE_URL": f"{world.telegram_url}/file/bot",
            "KLINGBOT_DELIVERY__ALLOW_LOOPBACK": "true",
            "KLINGBOT_POLLING__MIN_INTERVAL": "0.2",
            "KLINGBOT_POLLING__MAX_INTERVAL": "0.5",
            "KLINGBOT_MONITORING__LISTEN": f"127.0.0.1:{free_port()}",
        }
        settings = SETTINGS.format(token=TOKEN, boss=BOSS, kling=world.kling_url, key=KEY)
        if page in IN_A_CLONE:
            await succeeds(f"git clone -q {ROOT.as_uri()} klingbot && cd klingbot", machine, environment)
        if page in BEFORE:
            (machine.here / "config.toml").write_text(settings, "utf-8")
        await succeeds(BEFORE.get(page, ""), machine, environment)
        async with asking_for_a_video(world, machine.directory / "seen"):
            for block in PAGES[page]:
                if page in WITH_SETTINGS and not (machine.here / "config.toml").exists():
                    (machine.here / "config.toml").write_text(settings, "utf-8")
                await succeeds(block.text, machine, environment, f"{page}, line {block.line}")
