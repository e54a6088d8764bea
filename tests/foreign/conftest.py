"""Where the clients can't be installed, their tests say so and are skipped; in CI they fail.

The stand-in runs as in the demo, but that a task takes no time, and that its video is a canned one.
"""

import os
from dataclasses import dataclass
from functools import partial

import pytest

from bot.demo.kling import KlingStandIn
from bot.demo.serving import serve
from tests.foreign.clients import CannotInstallError, install, running
from tests.world.faulty import faulty
from tests.world.kling import ACCESS, SECRET, canned_video
from tests.world.tls import Authority


@pytest.fixture(scope="session")
def clients():
    try:
        return install()
    except CannotInstallError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the foreign clients can't be installed: {error}", pytrace=False)
        pytest.skip(f"the foreign clients can't be installed here: {error}")


@dataclass
class Opened:
    """The stand-in that is served, and where."""

    kling: KlingStandIn
    address: str


@pytest.fixture
async def opened(tmp_path):
    kling = KlingStandIn(tmp_path / "kling", renderer=canned_video)
    kling.behaviour.render_seconds = 0
    async with serve(kling.app) as address:
        yield Opened(kling, address)


@pytest.fixture
async def npm(clients, opened, tmp_path):
    """Run the npm client for an account; it speaks TLS only, and trusts who vouches for the stand-in."""
    authority = Authority()
    authority.save(tmp_path / "ca.pem")
    async with faulty(opened.address, tls=authority.context()) as proxy:
        trust = {"NODE_EXTRA_CA_CERTS": str(tmp_path / "ca.pem"), "HOME": str(tmp_path)}
        yield partial(_run, clients.node_command(), proxy.address, **trust)


@pytest.fixture
def pypi(clients, opened):
    """Run the PyPI client for an account."""
    return partial(_run, clients.python_command(), opened.address)


def _run(command, address, access=ACCESS, secret=SECRET, **environment):
    return running(command, access, secret, address, **environment)
