"""What the operator's tools ask: whether the process is alive, and whether it does its work.

It has an address of its own, which strangers do not reach.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.domain.types import SECOND
from bot.services.operations.vitals import STORE, UPDATES, Sign, Vitals
from bot.store import COMMIT

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

SETTING = "monitoring.listen"


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What is known of the process, for as long as it runs."""

    vitals: Vitals

    def on_store(self, what: str, seconds: float, pieces: int) -> None:
        """Take notice of what the database did; see `bot.store.Observer`."""
        del seconds, pieces
        if what == COMMIT:
            self.vitals.note(STORE)

    def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Whether updates come, the database is written and every job does its work; and a document that says which.

        A bot that is still starting has done nothing yet.
        """
        signs = self.vitals.signs()
        is_ready = {UPDATES, STORE} <= signs.keys() and all(sign.is_good for sign in signs.values())
        return is_ready, {"ready": is_ready, "parts": {name: _shown(sign) for name, sign in signs.items()}}

    def site(self) -> "Starlette":
        """Everything that is served, as an ASGI app."""
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        from bot.web import healthz

        async def readyz(request: "Request") -> "Response":
            del request
            is_ready, body = self.readiness()
            return JSONResponse(body, 200 if is_ready else 503)

        return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz)])

    @asynccontextmanager
    async def serving(self, listen: str) -> AsyncIterator[str]:
        """Serve at `host:port` and yield the address.

        Raises:
            ConfigError: nothing can listen there.

        """
        from bot.web import serve

        async with serve(self.site(), listen, setting=SETTING, name="monitoring ready") as address:
            yield address


def _shown(sign: Sign) -> dict[str, object]:
    return {
        "ok": sign.is_good,
        "age_seconds": None if sign.age is None else round(sign.age / SECOND, 1),
        "limit_seconds": round(sign.limit / SECOND),
        **({} if sign.trouble is None else {"trouble": sign.trouble}),
    }
