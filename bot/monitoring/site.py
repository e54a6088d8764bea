"""What the operator's tools ask: whether the process is alive, whether it does its work, and its metrics.

It has an address of its own, which strangers do not reach.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bot.clock import Sleep
from bot.domain.types import SECOND
from bot.metrics import BUILD, COMMIT_GROUP, DATABASE_SECONDS, LOOP_LAG
from bot.monitoring.export import Span, no_span
from bot.monitoring.prometheus import PrometheusMeter
from bot.services.operations.vitals import STORE, Gauges, Sign, Vitals, is_ready
from bot.store import COMMIT

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

SETTING = "monitoring.listen"

LAG_SECONDS = 1.0
"""How often it is looked whether the event loop stalls."""


class Monitoring:
    """What is known of the process, for as long as it runs.

    `span` traces what is timed. `gauges` are read once there is a bot to read them of.
    """

    def __init__(self, vitals: Vitals, span: Span = no_span) -> None:
        self.vitals = vitals
        self.meter = PrometheusMeter(span)
        self.meter.set(BUILD, 1, version=version("klingbot"))
        self.gauges: Gauges | None = None

    def on_store(self, what: str, seconds: float, pieces: int) -> None:
        """Take notice of what the database did; see `bot.store.engine.Observer`."""
        self.meter.observe(DATABASE_SECONDS, seconds, what=what)
        if what == COMMIT:
            self.vitals.note(STORE)
            self.meter.observe(COMMIT_GROUP, pieces)

    async def metrics(self) -> bytes:
        """Every metric, in the format of Prometheus."""
        values = [] if self.gauges is None else await self.gauges.read()
        # What is no longer told, such as a provider that is gone, must not stay.
        for name in {metric.name: metric for metric, _, _ in values}.values():
            self.meter.forget(name)
        for metric, labels, value in values:
            if value is not None:
                self.meter.set(metric, value, **labels)
        return self.meter.text()

    async def watch_loop(
        self, sleep: Sleep = asyncio.sleep, seconds: Callable[[], float] = time.perf_counter
    ) -> None:
        """Measure how late the event loop is, until cancelled: what blocks it makes everybody wait."""
        while True:
            began = seconds()
            await sleep(LAG_SECONDS)
            self.meter.observe(LOOP_LAG, max(0.0, seconds() - began - LAG_SECONDS))

    def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Whether the bot does its work, and a document that says which part does."""
        signs = self.vitals.signs()
        ready = is_ready(signs)
        return ready, {"ready": ready, "parts": {name: _shown(sign) for name, sign in signs.items()}}

    def site(self) -> "Starlette":
        """Everything that is served, as an ASGI app."""
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse, Response
        from starlette.routing import Route

        from bot.web import healthz

        async def readyz(request: "Request") -> "Response":
            del request
            ready, body = self.readiness()
            return JSONResponse(body, 200 if ready else 503)

        async def status(request: "Request") -> "Response":
            del request
            _, body = self.readiness()
            return JSONResponse({**body, "providers": [] if self.gauges is None else self.gauges.providers()})

        async def metrics(request: "Request") -> "Response":
            del request
            return Response(await self.metrics(), headers={"Content-Type": PrometheusMeter.TYPE})

        return Starlette(
            routes=[
                Route("/healthz", healthz),
                Route("/readyz", readyz),
                Route("/status", status),
                Route("/metrics", metrics),
            ]
        )

    @asynccontextmanager
    async def serving(self, listen: str) -> AsyncIterator[str]:
        """Serve at `host:port` and yield the address.

        Raises:
            ConfigError: nothing can listen there.

        """
        from bot.web import serve

        async with serve(self.site(), listen, setting=SETTING, name="monitoring ready") as address:
            watching = asyncio.create_task(self.watch_loop())
            try:
                yield address
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)


def _shown(sign: Sign) -> dict[str, object]:
    return {
        "ok": sign.is_good,
        "age_seconds": None if sign.age is None else round(sign.age / SECOND, 1),
        "limit_seconds": round(sign.limit / SECOND),
        **({} if sign.trouble is None else {"trouble": sign.trouble}),
    }
