"""What systemd is told, by a real socket; `tests/faults/test_stopping.py` has the real process."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.supervisor import Supervisor


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Callable[[str], socket.socket]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.settimeout(10)

        def bind(address: str) -> socket.socket:
            opened.bind(address)
            return opened

        yield bind


@pytest.mark.parametrize(("bound", "named"), [("klingbot-{pid}", "@klingbot-{pid}"), ("", "")])
def test_states_go_to_the_socket_that_the_environment_names(listening, tmp_path, bound, named):
    path = str(tmp_path / "notify")
    heard = listening("\0" + bound.format(pid=os.getpid()) if bound else path)
    Supervisor.of({"NOTIFY_SOCKET": named.format(pid=os.getpid()) or path}).tell("READY=1", "STATUS=well")
    assert heard.recv(100) == b"READY=1\nSTATUS=well"


def test_without_a_supervisor_or_with_one_that_does_not_listen_nothing_happens(tmp_path):
    Supervisor.of({}).tell("READY=1")
    Supervisor.of({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell("READY=1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "pauses"),
    [
        ({"WATCHDOG_USEC": "3000000"}, [1.5]),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "{pid}"}, [1.5]),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, []),
        ({"WATCHDOG_USEC": "soon"}, []),
        ({"WATCHDOG_USEC": "0"}, []),
        ({}, []),
    ],
)
async def test_a_watchdog_hears_twice_in_its_time_that_the_process_is_alive(
    listening, tmp_path, environ, pauses
):
    heard = listening(str(tmp_path / "notify"))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise asyncio.CancelledError

    named = {key: value.format(pid=os.getpid()) for key, value in environ.items()}
    supervisor = Supervisor.of({**named, "NOTIFY_SOCKET": str(tmp_path / "notify")})
    if pauses:
        with pytest.raises(asyncio.CancelledError):
            await supervisor.show_alive(sleep)
        assert heard.recv(100) == b"WATCHDOG=1"
    else:
        await supervisor.show_alive(sleep)
    assert slept == pauses
