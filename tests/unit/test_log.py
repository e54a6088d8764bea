import asyncio
import io
import itertools
import json
import logging
import sys
import threading
import warnings

import pytest
import structlog

from bot import log
from bot.scheduler import Scheduler
from bot.services.ports import Job

TOKEN = "123456:a-token-for-tests"
HALF = "a-token-for-tests"
KEY = "access-half-of-tests|secret-half-of-tests"
SECRETS = (TOKEN, HALF, KEY, *KEY.split("|"), 'a"quote\\of-tests')
SIGNED = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJlLW9mLXRlc3Rz"


@pytest.fixture(params=["console", "json"])
def style(request):
    return request.param


@pytest.fixture
def stream(style, kept_logging):
    opened = io.StringIO()
    log.setup("INFO", style, SECRETS, opened)
    return opened


def assert_clean(text: str) -> None:
    assert log.MASK in text
    for secret in (*SECRETS, SIGNED):
        assert secret not in text
        assert repr(secret)[1:-1] not in text
        assert json.dumps(secret)[1:-1] not in text


def test_a_traceback_that_carries_the_token_in_an_address_comes_out_redacted(stream):
    try:
        raise ConnectionError(f"GET https://api.telegram.org/bot{TOKEN}/getMe failed")  # noqa: TRY301
    except ConnectionError:
        logging.getLogger("some.library").exception("it broke")
    assert "Traceback" in stream.getvalue()
    assert "ConnectionError" in stream.getvalue()
    assert_clean(stream.getvalue())


def test_the_token_of_somebody_else_in_an_address_is_redacted_too(stream):
    logging.getLogger("x").warning(
        "https://api.telegram.org/file/bot%s/photos/1.jpg", "987654:not-a-known-one"
    )
    assert "not-a-known-one" not in stream.getvalue()
    assert "/photos/1.jpg" in stream.getvalue()


@pytest.mark.parametrize("secret", [*SECRETS, SIGNED, KEY.replace("|", "%7C")])
def test_a_secret_in_a_message_an_argument_or_a_value_is_redacted(stream, secret):
    logging.getLogger("x").warning(f"with {secret}")  # noqa: G004  as libraries do
    logging.getLogger("x").warning("with %s", {"key": secret})
    structlog.get_logger("x").warning("with", key=secret, deep={"list": [secret]}, raw=secret.encode())
    structlog.get_logger("x").bind(bound=secret).warning("with %s", secret)
    assert_clean(stream.getvalue())
    assert "secret-half" not in stream.getvalue()


def test_an_authorization_header_is_redacted(stream):
    logging.getLogger("x").warning("sent Authorization: Bearer somebody-elses-key and more")
    assert "somebody-elses-key" not in stream.getvalue()
    assert "and more" in stream.getvalue()


def test_an_exception_that_nobody_caught_is_redacted(stream):
    error = RuntimeError(f"The token {TOKEN} was rejected")
    sys.excepthook(RuntimeError, error, None)
    threading.excepthook(threading.ExceptHookArgs((RuntimeError, error, None, None)))
    assert stream.getvalue().count("was rejected") == 2
    assert_clean(stream.getvalue())


def test_a_warning_of_a_library_is_redacted(stream):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # Inside catch_warnings the capture has to be asked for anew.
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"do not use {TOKEN}", ResourceWarning, stacklevel=1)
    assert "ResourceWarning" in stream.getvalue()
    assert_clean(stream.getvalue())


def test_a_word_that_is_no_secret_stays(stream):
    logging.getLogger("x").warning("task K7Q29F of chat 123456 is in_progress")
    assert "task K7Q29F of chat 123456 is in_progress" in stream.getvalue()


@pytest.mark.parametrize("name", ["httpx", "httpcore", "httpcore.connection", "telegram.ext.Application"])
def test_libraries_that_write_addresses_are_heard_from_warnings_on(stream, name):
    logging.getLogger(name).info("HTTP Request: POST …")
    assert stream.getvalue() == ""
    logging.getLogger(name).warning("slow")
    assert "slow" in stream.getvalue()


async def test_a_job_that_takes_longer_than_its_interval_is_not_reported_and_one_that_fails_is(stream):
    scheduler, looks, looked, over = Scheduler(), itertools.count(1), asyncio.Event(), asyncio.Event()

    async def look() -> None:
        if next(looks) == 20:
            looked.set()

    async def fail() -> None:
        raise RuntimeError("the disk is gone")

    async def long() -> None:
        await over.wait()

    scheduler.start({Job.DELIVER: (0.01, long), Job.RECOVER: (3600, fail), Job.POLL: (0.01, look)})
    try:
        await asyncio.wait_for(looked.wait(), 30)
    finally:
        over.set()
        scheduler.stop()
    assert "a piece of work failed" in stream.getvalue()
    assert "the disk is gone" in stream.getvalue()
    assert "running instances" not in stream.getvalue()
    logging.getLogger("apscheduler.scheduler").error("broken")
    assert "broken" in stream.getvalue()


async def test_a_job_that_is_cut_short_before_it_begins_is_no_failure(stream):
    for steps in range(5):
        scheduler = Scheduler()
        scheduler.start({Job.DELIVER: (3600, asyncio.Event().wait)})
        for _ in range(steps):
            await asyncio.sleep(0)
        scheduler.stop()
        for _ in range(5):
            await asyncio.sleep(0)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("style", ["json"], indirect=True)
def test_every_line_is_json_with_its_ids(stream):
    with structlog.contextvars.bound_contextvars(task="K7Q29F"):
        structlog.get_logger("bot.dispatch").info("submitted", provider="official")
        logging.getLogger("aiohttp.client").warning("slow: %s", "it")
    ours, theirs = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (ours["event"], ours["provider"], ours["task"]) == ("submitted", "official", "K7Q29F")
    assert (ours["level"], ours["logger"]) == ("info", "bot.dispatch")
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["task"], theirs["level"]) == ("slow: it", "K7Q29F", "warning")


@pytest.mark.parametrize("style", ["json"], indirect=True)
def test_what_is_below_the_level_is_not_written(stream):
    structlog.get_logger("bot").debug("nothing")
    logging.getLogger("bot").debug("nothing")
    assert stream.getvalue() == ""


def test_a_secret_of_a_few_letters_masks_nothing(stream):
    log.setup("INFO", "json", ["", "abc"], stream)
    logging.getLogger("x").warning("abcdef")
    assert "abcdef" in stream.getvalue()
