"""Logging: structured lines on one stream, with every secret taken out at the last moment.

The redaction works on the finished text of a record, so that it also covers tracebacks, libraries
and whatever a message was put together from.
"""

import logging
import re
import sys
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TextIO

import structlog

from bot.masking import MASK, Mask

_PATTERNS = (
    # A Bot API address holds the token.
    re.compile(r"(?<=/bot)\d+:[A-Za-z0-9_-]+"),
    # A signed token is good for half an hour.
    re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
    re.compile(r"(?i)(?<=authorization: )\S+(?: \S+)?"),
)

QUIET = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    # It warns each second that a job still runs, which is as it should be: see `bot.scheduler`.
    "apscheduler": logging.ERROR,
    # Jobs tell themselves what goes wrong in them; it tells of those that are cut short before they begin.
    "apscheduler.executors": logging.CRITICAL,
    "uvicorn": logging.WARNING,
    "telegram": logging.WARNING,
    "aiohttp": logging.WARNING,
    "hpack": logging.WARNING,
    "PIL": logging.WARNING,
    "asyncio": logging.WARNING,
}
"""Libraries, and the level from which they are heard. httpx would write each address, with the token in it."""


class RedactingFormatter(logging.Formatter):
    """Formats with another formatter and masks every secret in what comes out."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner = inner
        self._mask = Mask(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Format and redact."""
        text = self._mask(self._inner.format(record))
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        return text


def setup(level: str, style: str, secrets: Iterable[str], stream: TextIO) -> None:
    """Send everything that is logged in this process to `stream`; `style` is `console` or `json`.

    Warnings of Python and exceptions that nobody caught go the same way: the interpreter would print
    them with every secret in them.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    as_json = style == "json"
    renderer: list[structlog.typing.Processor] = (
        [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(formatter, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(__name__).critical("ended by an error", exc_info=(kind, error, trace))


def _uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        _uncaught(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
