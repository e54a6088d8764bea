"""What systemd is told of the process (sd_notify(3)): that it is ready, alive, and ending. Elsewhere nothing is told."""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from bot.clock import Sleep


class Supervisor:
    """Sends datagrams to the socket at `address`; without one, nothing. `watchdog_seconds`: how long it may be silent."""

    def __init__(self, address: str = "", watchdog_seconds: float | None = None) -> None:
        # systemd writes an abstract socket with an @ where the system has a zero byte.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_seconds = watchdog_seconds

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """The supervisor that the environment names; a watchdog set for another process is none of ours."""
        microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
        is_ours = microseconds.isdigit() and int(microseconds) > 0 and pid in {"", str(os.getpid())}
        return cls(environ.get("NOTIFY_SOCKET", ""), int(microseconds) / 1_000_000 if is_ours else None)

    def tell(self, *states: str) -> None:
        """Tell states such as `READY=1`. A supervisor that does not listen is no reason to end."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.sendto("\n".join(states).encode(), self._address)

    async def show_alive(self, sleep: Sleep = asyncio.sleep) -> None:
        """Tell that the process is alive, twice in the time that it may be silent, until cancelled.

        It runs where everything else runs: whatever blocks the rest blocks it too.
        """
        while self._watchdog_seconds is not None:
            self.tell("WATCHDOG=1")
            await sleep(self._watchdog_seconds / 2)
