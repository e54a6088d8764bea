import logging
import sys
import threading

import pytest
import structlog

from bot import log


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
