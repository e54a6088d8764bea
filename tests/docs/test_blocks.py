"""Every command block of the README and the documents runs, page by page, in an empty directory: see `blocks.py`."""

import asyncio
import json
import socket
from asyncio.subprocess import PIPE, STDOUT
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.docs.blocks import PREAMBLE, ROOT, Machine, pages
from tests.docs.tools import TOOLS
from tests.world.bot import KEY
from tests.world.process import BotProcess
from tests.world.telegram import BOSS, TOKEN

PAGES = pages()
SECONDS = 100

WITH_SETTINGS = {
    "docs/deployment.md": "whoever installs the service has answered the questions of `klingbot init` before",
    "docs/backup.md": "the reader has a bot that runs",
    "docs/monitoring.md": "the reader has a bot that runs",
    "docs/cli.md": "the reader has a bot that runs",
}
"""Pages whose reader has a config.toml already, and why."""

IN_A_CLONE = {
    "CONTRIBUTING.md": "it is read in a clone",
}
"""Pages whose reader is in a clone already, and why."""

WITH_DATABASE = {
    "docs/backup.md": "the bot has run, and is stopped by now",
}
"""Pages whose reader has a database already, and why."""

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


async def run(script: str, machine: Machine, environment: dict[str, str]) -> tuple[int, str]:
    """The exit status of a shell that runs a script, and what it said."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", PREAMBLE + script, cwd=machine.here, env=environment, stdout=PIPE, stderr=STDOUT
    )
    async with asyncio.timeout(SECONDS):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(errors="replace")


async def ask_for_a_video(world: BotProcess, seen: Path) -> None:
    """Ask the bot for a video as soon as one runs; it may end when the video is there."""
    await world.telegram.say(BOSS, "/video a fox in the snow")
    await world.telegram.wait_video(BOSS, timeout_seconds=SECONDS)
    seen.touch()


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
        if page in IN_A_CLONE:
            status, said = await run(
                f"git clone -q {ROOT.as_uri()} klingbot && cd klingbot", machine, environment
            )
            assert status == 0, said
        person = asyncio.create_task(ask_for_a_video(world, machine.directory / "seen"))
        text = SETTINGS.format(token=TOKEN, boss=BOSS, kling=world.kling_url, key=KEY)
        for block in PAGES[page]:
            if page in WITH_SETTINGS and not (machine.here / "config.toml").exists():
                (machine.here / "config.toml").write_text(text, "utf-8")
            if page in WITH_DATABASE and not (machine.here / "data").exists():
                assert (await run("klingbot migrate", machine, environment))[0] == 0
            status, said = await run(block.text, machine, environment)
            assert status == 0, f"{page}, line {block.line}\n{block.text}\n{said[-4000:]}"
        person.cancel()
        with suppress(asyncio.CancelledError):
            await person


def test_each_page_that_is_prepared_for_is_there_or_was_left_out_on_purpose():
    assert set(IN_A_CLONE) | set(WITH_DATABASE) <= set(PAGES)
