"""Errors for Sentry, and traces for OpenTelemetry: what leaves this machine, where the settings say so.

Both are extras, and loaded only where they are used. Of an error goes what kind it is and where it happened: no message,
no value of a variable, no line of the log, as these may quote people. Everything passes the mask of secrets besides.
"""

import logging
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

from bot.errors import ConfigError
from bot.masking import Mask
from bot.metrics import PROVIDER_SECONDS, WORK_SECONDS, Metric
from bot.proxies import Proxies

NAME = f"klingbot@{version('klingbot')}"
FLUSH_SECONDS = 2.0
"""How long the end of the process waits until the last errors and traces are sent."""

Span = Callable[[Metric, Mapping[str, str]], AbstractContextManager[None]]
"""Shows, in a trace, the block in which something is measured."""

TRACED = {WORK_SECONDS.name, PROVIDER_SECONDS.name}


def no_span(metric: Metric, labels: Mapping[str, str]) -> AbstractContextManager[None]:
    """Trace nothing."""
    del metric, labels
    return nullcontext()


@contextmanager
def reporting(dsn: str, proxies: Proxies) -> Iterator[Callable[[Iterable[str]], None]]:
    """Yield what begins to send the errors of the log to Sentry, in the block; without a `dsn` none are.

    It is given the secrets to mask, and called anew whenever the log was set up anew.

    Raises:
        ConfigError: the extra is not installed.

    """
    if not dsn:
        yield lambda _: None
        return
    try:
        import sentry_sdk
        from sentry_sdk.transport import HttpTransport
    except ImportError:
        _refuse("sentry_dsn", "sentry")
    proxy = _proxy(proxies, dsn)
    client = sentry_sdk.Client(
        dsn,
        transport=HttpTransport,
        release=NAME,
        server_name="",
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_client_reports=False,
        max_breadcrumbs=0,
        shutdown_timeout=FLUSH_SECONDS,
        # The SDK would ask the environment, which the settings have asked already.
        http_proxy=proxy,
        https_proxy=proxy,
    )
    handler = _Errors(client.capture_event)

    def begin(secrets: Iterable[str]) -> None:
        handler.mask = Mask(secrets)
        logging.getLogger().addHandler(handler)

    try:
        yield begin
    finally:
        logging.getLogger().removeHandler(handler)
        client.close(FLUSH_SECONDS)


class _Errors(logging.Handler):
    """Hands every error of the log on, as far as it tells of nobody."""

    def __init__(self, send: Callable[[Any], object]) -> None:
        super().__init__(logging.ERROR)
        self._send = send
        self.mask = Mask()

    def emit(self, record: logging.LogRecord) -> None:
        # What tells of this very sending would go round in a circle.
        if not record.name.startswith(("sentry_sdk", "urllib3")):
            try:
                self._send(_masked(self._event(record), self.mask))
            except Exception:  # noqa: BLE001  as handlers of the log do
                self.handleError(record)

    def _event(self, record: logging.LogRecord) -> dict[str, Any]:
        event: dict[str, Any] = {
            "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
            "logger": record.name,
            "platform": "python",
            "release": NAME,
            "logentry": {"message": _words(record)},
            "contexts": {"runtime": {"name": "CPython", "version": platform.python_version()}},
        }
        if (error := _error_of(record)) is not None:
            event["exception"] = {"values": _chain(error)}
        return event


def _error_of(record: logging.LogRecord) -> BaseException | None:
    """The error that a line of the log is about; structlog keeps it beside the event."""
    info = record.exc_info or (record.msg.get("exc_info") if isinstance(record.msg, dict) else None)
    if info is True:
        return sys.exc_info()[1]
    error: object = info[1] if isinstance(info, tuple) else info
    return error if isinstance(error, BaseException) else None


def _words(record: logging.LogRecord) -> str:
    """What was logged, as it stands in the code: structlog keeps the event apart, others their template."""
    message = record.msg.get("event", "") if isinstance(record.msg, dict) else record.msg
    # Of other libraries only what has gaps is surely a template and holds no value.
    return str(message) if isinstance(record.msg, dict) or record.args else record.name


def _chain(error: BaseException) -> list[dict[str, Any]]:
    """An error and its causes, the first cause first, as Sentry wants them: kinds and places."""
    found: list[dict[str, Any]] = []
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        kind = type(cause)
        found.append(
            {
                "type": kind.__name__,
                "module": kind.__module__,
                "value": "",
                "stacktrace": {"frames": _frames(cause)},
            }
        )
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return found[::-1]


def _frames(error: BaseException) -> list[dict[str, Any]]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__", "")
        frames.append(
            {
                "module": module,
                "function": code.co_name,
                "filename": code.co_filename.rpartition("/")[2],
                "lineno": trace.tb_lineno,
                "in_app": module.partition(".")[0] in {"bot", "handlers"},
            }
        )
        trace = trace.tb_next
    return frames


def _masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(each, mask) for key, each in value.items()}
    return [_masked(each, mask) for each in value] if isinstance(value, list) else value


@contextmanager
def tracing(endpoint: str, proxies: Proxies) -> Iterator[Span]:
    """Yield what traces submissions, looks and deliveries, with the calls in them; without an `endpoint` nothing.

    `endpoint` is a collector's address for OTLP over HTTP.

    Raises:
        ConfigError: the extra is not installed.

    """
    if not endpoint:
        yield no_span
        return
    try:
        import requests
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _refuse("otel_endpoint", "otel")
    session = requests.Session()
    session.trust_env = False
    if proxy := _proxy(proxies, endpoint):
        session.proxies = {"http": proxy, "https": proxy}
    url = endpoint if urlsplit(endpoint).path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=url, timeout=FLUSH_SECONDS, session=session)
    names = {"service.name": "klingbot", "service.version": version("klingbot")}
    provider = TracerProvider(resource=Resource.create(names), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("klingbot")

    @contextmanager
    def span(metric: Metric, labels: Mapping[str, str]) -> Iterator[None]:
        if metric.name not in TRACED:
            yield
            return
        name = labels.get("work") or f"{labels['provider']} {labels['call']}"
        with tracer.start_as_current_span(
            name, attributes=dict(labels), record_exception=False, set_status_on_exception=False
        ) as opened:
            try:
                yield
            except Exception as error:
                # The kind says enough: the message may quote a person.
                opened.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
                raise

    try:
        yield span
    finally:
        provider.force_flush(round(FLUSH_SECONDS * 1000))
        provider.shutdown()


def _proxy(proxies: Proxies, url: str) -> str:
    """The address of the proxy that leads to a server; empty: none does."""
    parts = urlsplit(url)
    found = proxies.find(parts.scheme, parts.hostname or "", parts.port)
    if found is None:
        return ""
    login = f"{quote(found.user, safe='')}:{quote(found.password, safe='')}@" if found.user else ""
    host = f"[{found.host}]" if ":" in found.host else found.host
    return f"{found.scheme}://{login}{host}:{found.port}"


def _refuse(key: str, extra: str) -> NoReturn:
    raise ConfigError([f"monitoring.{key}: needs more packages: pip install 'klingbot[{extra}]'"]) from None
