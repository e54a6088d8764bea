import logging
import sys
import threading

import pytest
import pytest_asyncio
import structlog

from bot import log
from tests.unit.demo_kling import open_kling


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
