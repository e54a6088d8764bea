"""Serve an ASGI app on loopback inside this process, and stop it again."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from bot import serving


@asynccontextmanager
async def serve(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` on 127.0.0.1 (`port` 0: a free one) and yield its address, without a slash at the end.

    Raises:
        OSError: the port is taken.

    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    async with serving.serve(app, listener, grace_seconds=1, lifespan=True) as bound:
        yield f"http://127.0.0.1:{bound}"
