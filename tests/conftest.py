"""What holds for all tests, and what several kinds of them use."""

import logging
import sys
import threading

import pytest
import pytest_asyncio
import structlog
from hypothesis import settings
from PIL import Image

from bot import log
from bot.services.ports import ResultFile
from tests.builders import NOW
from tests.clock import ManualClock
from tests.unit.handlers.messaging import VIDEO
from tests.world.kling import open_kling
from tests.world.telegram import open_telegram

# How long an example takes says how busy the machine is, not whether the program is right.
settings.register_profile("klingbot", deadline=None)
settings.load_profile("klingbot")


@pytest.fixture
def kept_logging():
    """Logging may be set up as the program does it; afterwards it is as it was before."""
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in log.QUIET}
    handlers, level, hooks = list(root.handlers), root.level, (sys.excepthook, threading.excepthook)
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    sys.excepthook, threading.excepthook = hooks
    structlog.reset_defaults()


@pytest.fixture
async def caller(tmp_path):
    """A stand-in for Kling of the test's own."""
    async with open_kling(tmp_path) as caller:
        yield caller


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory):
    """One stand-in for Kling for all rows of the tables of a module, which do not disturb each other."""
    async with open_kling(tmp_path_factory.mktemp("kling")) as caller:
        yield caller


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
async def telegram(tmp_path, clock):
    """A connection to the stand-in for Telegram."""
    async with open_telegram(tmp_path / "telegram", clock) as opened:
        yield opened


@pytest.fixture
def delivery_chat(telegram):
    return telegram.side.delivery


@pytest.fixture
def notices(telegram):
    return telegram.side.notices


@pytest.fixture
def file(tmp_path):
    """A video as it is when it was fetched."""
    path = tmp_path / "video.mp4"
    path.write_bytes(VIDEO)
    cover = tmp_path / "video.jpg"
    Image.new("RGB", (320, 180)).save(cover, "JPEG")
    return ResultFile(path, 1280, 720, 5_040, len(VIDEO), cover)
