"""The image of deploy/Dockerfile, run as deploy/compose.yaml has it, until a video is delivered: `make test-image`."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.docs import terminal
from tests.image.root import Image, build, reason_against
from tests.world.bot import KEY
from tests.world.process import BotProcess
from tests.world.telegram import ADA, BOSS, TOKEN

ROOT = Path(__file__).parent.parent.parent
TERMINAL = Path(terminal.__file__)
MEGABYTES = 320
"""What the image may have, unpacked: 294 when this was written, 168 of them for the bot and what it needs of PyPI."""

pytestmark = [
    pytest.mark.skipif(reason_against() is not None, reason=str(reason_against())),
    pytest.mark.timeout(600),
]


class Contained:
    """A program in a container, with the part of its process that tests need: signals go to what is process 1 there."""

    def __init__(self, outer: Process) -> None:
        self._outer = outer
        assert outer.stdout is not None
        self.stdout = outer.stdout
        self.communicate, self.wait = outer.communicate, outer.wait

    @property
    def returncode(self) -> int | None:
        return self._outer.returncode

    @property
    def pid(self) -> int:
        outer = self._outer.pid
        return int(Path(f"/proc/{outer}/task/{outer}/children").read_text("ascii").split()[0])

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)


class Container(BotProcess):
    """The bot in a container of the image, between both stand-ins."""

    def __init__(self, directory: Path, image: Image) -> None:
        super().__init__(directory)
        self.image = image
        self.data = image.volume_at(directory / "volume")
        self.database = self.data / "data" / "klingbot.db"
        # The network is that of this machine, where the usual port may be in use.
        self.environment = {"KLINGBOT_MONITORING__LISTEN": f"127.0.0.1:{free_port()}"}

    async def health(self) -> tuple[int, str]:
        """What the image's HEALTHCHECK finds, as an engine asks for it: the exit status, and what is said."""
        process = await self._contain(self.image.healthcheck)
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def _launch(self, name: str, *arguments: str) -> Any:
        command = self.image.command if name == "run" else (name, *arguments)
        return await self._contain((*self.image.entrypoint, *command))

    async def _contain(self, command: Sequence[str]) -> Contained:
        program = self.image.program(command, self.environment, self.data)
        return Contained(await asyncio.create_subprocess_exec(*program, stdout=PIPE, stderr=STDOUT))


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    directory = tmp_path_factory.mktemp("image")
    return build(ROOT / "deploy" / "Dockerfile", ROOT, directory)


@pytest.fixture
async def container(image, tmp_path) -> AsyncIterator[Container]:
    world = Container(tmp_path, image)
    async with world.serving():
        try:
            yield world
        finally:
            await world.stop()
    assert "Traceback" not in "\n".join(world.output)


def from_environment(world: Container) -> dict[str, str]:
    """All settings as variables, as a file .env has them."""
    return {
        "KLINGBOT_TELEGRAM__TOKEN": TOKEN,
        "KLINGBOT_TELEGRAM__BASE_URL": f"{world.telegram_url}/bot",
        "KLINGBOT_TELEGRAM__BASE_FILE_URL": f"{world.telegram_url}/file/bot",
        "KLINGBOT_TELEGRAM__ADMINS": f"[{BOSS}]",
        "KLINGBOT_ACCESS__MODE": "public",
        "KLINGBOT_PROVIDERS__0__NAME": "stand-in",
        "KLINGBOT_PROVIDERS__0__BASE_URL": world.kling_url,
        "KLINGBOT_PROVIDERS__0__DIALECT": "official",
        "KLINGBOT_PROVIDERS__0__KEY": KEY,
        "KLINGBOT_PROVIDERS__0__MODELS": '["kling-v2-6"]',
        "KLINGBOT_POLLING__MIN_INTERVAL": "0.2",
        "KLINGBOT_POLLING__MAX_INTERVAL": "0.5",
        "KLINGBOT_DELIVERY__ALLOW_LOOPBACK": "true",
        "KLINGBOT_LOGGING__FORMAT": "json",
    }


async def test_the_environment_alone_leads_to_a_video(container):
    container.environment |= from_environment(container)
    code, said = await container.health()
    assert (code, "does not answer" in said) == (1, True), said
    await container.start()
    code, said = await container.health()
    assert code == 0, said
    await container.telegram.say(ADA, "/video a fox in the snow")
    await container.telegram.wait_video(ADA, timeout_seconds=60)
    status = Path(f"/proc/{container.pid}/status").read_text("ascii")
    assert re.search(r"^Uid:\s+10001\s+10001\s+10001\s+10001$", status, re.MULTILINE)
    assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert await container.stop() == 0


def megabytes(root: Path) -> int:
    return int(subprocess.run(["du", "-sxm", root], capture_output=True, check=True).stdout.split()[0])


def test_the_image_is_small_and_has_no_tools_of_the_build(image):
    assert megabytes(image.root) <= MEGABYTES
    for name in ("pip", "gcc", "strip"):
        assert not list(image.root.glob(f"*/bin/{name}")), name
    writable = [
        path
        for path in (image.root / "venv").rglob("*")
        if not path.is_symlink() and path.stat().st_mode & stat.S_IWOTH
    ]
    assert writable == []


async def test_init_writes_the_settings_into_the_volume_and_they_lead_to_a_video(container):
    everything = from_environment(container)
    asked_for = ("KLINGBOT_TELEGRAM__TOKEN", "KLINGBOT_TELEGRAM__ADMINS", "KLINGBOT_PROVIDERS__0")
    container.environment |= {
        name: value for name, value in everything.items() if not name.startswith(asked_for)
    }
    answers = [["token", TOKEN], ["user id", BOSS], ["address", container.kling_url], ["key", KEY]]
    program = container.image.program(
        (*container.image.entrypoint, "init"), container.environment, container.data
    )
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, str(TERMINAL), *program),
        env=os.environ | {"ANSWERS": json.dumps([[words, str(answer)] for words, answer in answers])},
        stdout=PIPE,
        stderr=STDOUT,
    )
    said, _ = await asked.communicate()
    assert asked.returncode == 0, said.decode()
    found = (container.data / "config.toml").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (container.image.uid(), 0o600)
    await container.start()
    await container.telegram.say(BOSS, "/video a fox in the snow")
    await container.telegram.wait_video(BOSS, timeout_seconds=60)
    code, listed = await container.command("admin", "users")
    assert (code, str(BOSS) in listed) == (0, True), listed


async def test_a_container_without_settings_says_how_to_get_them(container):
    code, said = await container.command("check")
    assert (code, "`klingbot init` writes one" in said) == (2, True), said


def output_of(image: Image, volume: Path, *program: str) -> str:
    """What a program prints in a container."""
    done = subprocess.run(
        image.program(program, {}, image.volume_at(volume)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_taken_out_is_not_missed(image, tmp_path):
    said = output_of(
        image,
        tmp_path / "volume",
        "python",
        "-c",
        "import datetime, sqlite_utils\n"
        "from bot.i18n import NAMES, for_language\n"
        "from bot.media import charts\n"
        "print(*[for_language(each).date(datetime.date(2027, 1, 2)) for each in sorted(NAMES)])\n"
        "print(charts.has_all_letters())\n"
        "import av, pillow_heif\n"
        "pillow_heif.register_heif_opener()\n"
        "print(*[av.codec.Codec(name, 'w').name for name in ('libx264', 'aac', 'mjpeg')])",
    )
    assert said == "Jan 2 1月2日\nTrue\nlibx264 aac mjpeg\n"


def test_the_root_cannot_be_written_to(image, tmp_path):
    tried = "touch /venv/x; touch /etc/x; touch /data/x /tmp/x && ls /data"
    assert output_of(image, tmp_path / "volume", "sh", "-c", tried) == "x\n"
