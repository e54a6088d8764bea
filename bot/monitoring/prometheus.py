"""Keeps the metrics for Prometheus, which asks for them: what is counted here, and what is read when it asks."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from bot.metrics import METRICS, Kind, Metric
from bot.monitoring.export import Span, no_span

_KINDS: Mapping[Kind, type[Any]] = {
    Kind.COUNTER: Counter,
    Kind.GAUGE: Gauge,
    Kind.HISTOGRAM: Histogram,
}


class PrometheusMeter:
    """See `bot.metrics.Meter`. `span` traces what is timed; `seconds` tells seconds since any moment."""

    TYPE = CONTENT_TYPE_LATEST
    """The media type of what `text` returns."""

    def __init__(self, span: Span = no_span, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._span = span
        self._seconds = seconds
        self._registry = CollectorRegistry()
        self._made = {metric.name: self._make(metric) for metric in METRICS}
        ProcessCollector(registry=self._registry)

    def _make(self, metric: Metric) -> Any:
        more = {"buckets": metric.buckets} if metric.buckets else {}
        return _KINDS[metric.kind](
            metric.name, f"{metric.help}.", tuple(metric.labels), registry=self._registry, **more
        )

    def count(self, metric: Metric, amount: float = 1, /, **labels: str) -> None:
        """Add to a counter."""
        # What a provider tells may be anything; a counter goes up only.
        if amount > 0:
            self._of(metric, labels).inc(amount)

    def observe(self, metric: Metric, value: float, /, **labels: str) -> None:
        """Add a value to a histogram."""
        self._of(metric, labels).observe(value)

    @contextmanager
    def timed(self, metric: Metric, /, **labels: str) -> Iterator[None]:
        """Add to a histogram how many seconds a block takes, however it ends."""
        began = self._seconds()
        try:
            with self._span(metric, labels):
                yield
        finally:
            self.observe(metric, self._seconds() - began, **labels)

    def set(self, metric: Metric, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        self._of(metric, labels).set(value)

    def forget(self, metric: Metric) -> None:
        """Tell nothing of a gauge that could not be read."""
        if metric.labels:
            self._made[metric.name].clear()
        else:
            self._made[metric.name].set(float("nan"))

    def text(self) -> bytes:
        """Everything in the format of Prometheus."""
        return generate_latest(self._registry)

    def _of(self, metric: Metric, labels: Mapping[str, str]) -> Any:
        made = self._made[metric.name]
        return made.labels(**labels) if metric.labels else made
