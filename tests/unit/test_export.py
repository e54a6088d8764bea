"""What is sent to Sentry and to a collector of traces, as a server of theirs receives it: nobody's words, no secret."""

import asyncio
import gzip
import io
import json
import logging
import subprocess
import sys
from contextlib import asynccontextmanager, suppress

import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import log
from bot.demo.serving import serve
from bot.errors import ConfigError
from bot.metrics import DATABASE_SECONDS, PROVIDER_SECONDS, WORK_SECONDS
from bot.monitoring.export import reporting, tracing
from bot.monitoring.prometheus import PrometheusMeter
from bot.monitoring.site import Monitoring
from bot.proxies import Proxies
from bot.services.operations.vitals import Vitals
from bot.settings.config import load
from tests.unit.test_web import BASE
from tests.world.bot import BotInProcess, open_bot
from tests.world.telegram import ADA

TOKEN = "123456:a-token-of-the-tests"
PROMPT = "a fox in the snow"


class Sink:
    """Whoever receives what is exported."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        self.bodies.append(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        return Response()

    @property
    def events(self) -> list[dict[str, object]]:
        """The events of Sentry: in an envelope each item has a line before it."""
        lines = [json.loads(line) for body in self.bodies for line in body.splitlines() if line]
        return [line for line in lines if "event_id" in line and "level" in line]


@asynccontextmanager
async def a_sink():
    sink = Sink()
    async with serve(sink.app) as address:
        yield sink, address


def work_that_fails(prompt: str) -> None:
    """Fails as code does that quotes what it was given."""
    words = {"prompt": prompt, "token": TOKEN}
    try:
        words[prompt]
    except KeyError as error:
        raise ValueError(f"{prompt} with {TOKEN}") from error


def report(dsn: str) -> None:
    """Log errors in every way that there is."""
    stream = io.StringIO()
    with reporting(dsn, Proxies()) as begin:
        # Twice, as where the settings are read again.
        for secrets in ([], [TOKEN]):
            log.setup("INFO", "json", secrets, stream)
            begin(secrets)
        try:
            work_that_fails(PROMPT)
        except ValueError as error:
            structlog.get_logger("bot.work").exception("a piece of work failed", prompt=PROMPT, token=TOKEN)
            structlog.get_logger("bot.work").error("operators are told", exc_info=error, detail=PROMPT)
            logging.getLogger("uvicorn.error").exception("Exception for %s", PROMPT)
            formatted = f"it failed for {PROMPT} {TOKEN}"
            logging.getLogger("another").exception(formatted)
        structlog.get_logger("bot.work").error(f"with {TOKEN} in it")
        structlog.get_logger("bot.work").warning("a mere warning")
    assert PROMPT in stream.getvalue()


async def test_sentry_hears_what_failed_and_where_and_nothing_of_people_or_secrets(kept_logging):
    async with a_sink() as (sink, address):
        dsn = address.replace("http://", "http://0123456789abcdef@") + "/7"
        await asyncio.to_thread(report, dsn)
    assert [(event["logger"], event["logentry"]["message"]) for event in sink.events] == [
        ("bot.work", "a piece of work failed"),
        ("bot.work", "operators are told"),
        ("uvicorn.error", "Exception for %s"),
        ("another", "another"),
        ("bot.work", "with *** in it"),
    ]
    for event in sink.events[:4]:
        cause, failure = event["exception"]["values"]
        assert (cause["type"], failure["type"], failure["value"]) == ("KeyError", "ValueError", "")
        frame = failure["stacktrace"]["frames"][-1]
        assert (frame["function"], frame["filename"]) == ("work_that_fails", "test_export.py")
    sent = b"".join(sink.bodies).decode()
    for secret in (PROMPT, "fox", TOKEN, "a-token-of-the-tests", "vars", 'server_name":"v'):
        assert secret not in sent, secret


async def test_a_sentry_that_does_not_answer_holds_nobody_up(kept_logging):
    async with a_sink() as (_, address):
        pass
    await asyncio.to_thread(report, address.replace("http://", "http://0123456789abcdef@") + "/7")


def spans(sink: Sink) -> list[tuple[str, str, dict[str, str], str]]:
    """Every span: its name, its parent's name, its attributes, and how its status is described."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = [
        span
        for body in sink.bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    names = {span.span_id: span.name for span in found}
    return [
        (
            span.name,
            names.get(span.parent_span_id, ""),
            {each.key: each.value.string_value for each in span.attributes},
            span.status.message,
        )
        for span in found
    ]


def trace(endpoint: str) -> None:
    """Measure what is traced and what is not, one of it failing."""
    with tracing(endpoint, Proxies()) as span:
        meter = PrometheusMeter(span)
        with (
            suppress(ValueError),
            meter.timed(WORK_SECONDS, work="submit"),
            meter.timed(PROVIDER_SECONDS, provider="official", call="submit"),
        ):
            work_that_fails(PROMPT)
        with meter.timed(DATABASE_SECONDS, what="read"):
            pass


@pytest.mark.parametrize("path", ["", "/v1/traces"])
async def test_a_collector_hears_how_long_calls_took_and_what_kind_of_error_ended_them(path):
    async with a_sink() as (sink, address):
        await asyncio.to_thread(trace, address + path)
    assert sorted(spans(sink)) == [
        ("official submit", "submit", {"provider": "official", "call": "submit"}, "ValueError"),
        ("submit", "", {"work": "submit"}, "ValueError"),
    ]
    assert b"fox" not in b"".join(sink.bodies)


async def test_a_video_is_traced_from_its_submission_to_the_chat(tmp_path):
    async with a_sink() as (sink, address), open_bot(tmp_path, BotInProcess) as world:
        traced = tracing(address, Proxies())
        world.given["monitoring"] = Monitoring(Vitals(world.clock.now), traced.__enter__())
        await world.start()
        await world.telegram.say(ADA, f"/video {PROMPT}")
        await world.telegram.wait_video(ADA)
        await world.ended()
        # The end waits for the collector, which answers in this loop.
        await asyncio.to_thread(traced.__exit__, None, None, None)
    found = spans(sink)
    assert {
        ("submit", ""),
        ("stand-in submit", "submit"),
        ("poll", ""),
        ("stand-in poll", "poll"),
        ("deliver", ""),
    } <= {(name, parent) for name, parent, _, _ in found}
    assert b"fox" not in b"".join(sink.bodies)


@pytest.mark.parametrize(
    ("settings", "package", "line"),
    [
        ({"SENTRY_DSN": "https://key@sentry.example.org/1"}, "sentry_sdk", "sentry_dsn"),
        ({"OTEL_ENDPOINT": "http://127.0.0.1:4318"}, "opentelemetry", "otel_endpoint"),
    ],
)
def test_an_extra_that_is_not_installed_is_one_line_with_what_to_install(tmp_path, settings, package, line):
    program = f"import sys; sys.modules['{package}'] = None; from bot.__main__ import main; main(['run'])"
    variables = {f"KLINGBOT_MONITORING__{key}": value for key, value in settings.items()}
    variables |= {"KLINGBOT_STORE__URL": f"sqlite:///{tmp_path}/bot.db", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=BASE | variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    extra = {"sentry_dsn": "sentry", "otel_endpoint": "otel"}[line]
    assert done.returncode == 2, done.stderr
    assert f"monitoring.{line}: needs more packages: pip install 'klingbot[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SENTRY_DSN", "https://sentry.example.org/1"),
        ("SENTRY_DSN", "https://word@errors.example.net"),
        ("SENTRY_DSN", "http://key@sentry.example.org/1"),
        ("SENTRY_DSN", "nonsense"),
        ("OTEL_ENDPOINT", "collector:4318"),
        ("OTEL_ENDPOINT", "http://traces.example.org"),
    ],
)
def test_an_address_that_cannot_be_one_is_a_mistake_in_the_settings_and_is_not_quoted(key, value):
    with pytest.raises(ConfigError) as caught:
        load(None, BASE | {f"KLINGBOT_MONITORING__{key}": value})
    (problem,) = caught.value.problems
    assert problem.startswith(f"monitoring.{key.lower()} ")
    assert value not in problem


def test_the_dsn_is_a_secret_that_may_be_a_file(tmp_path):
    (tmp_path / "dsn").write_text("https://0123456789abcdef@sentry.example.org/1\n", "utf-8")
    settings = load(None, BASE | {"KLINGBOT_MONITORING__SENTRY_DSN_FILE": str(tmp_path / "dsn")})
    assert "0123456789abcdef" in settings.secrets()
    assert "0123456789abcdef" not in repr(settings)
