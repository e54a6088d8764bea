from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict

import pytest

from tests.faults.counts import Counts
from tests.world.process import BotProcess, open_process


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[BotProcess]:
    async with open_process(tmp_path) as opened:
        yield opened


@pytest.fixture
def counts(record_property) -> Iterator[Counts]:
    """What this test counts; it is added to that of the others, also where they run in other processes."""
    counted = Counts()
    yield counted
    record_property("counts", asdict(counted))


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the sum of all counts."""
    total, found = Counts(), False
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "counts" and getattr(report, "when", "") == "teardown":
                    total.add(Counts(**value))
                    found = True
    if found:
        terminalreporter.write_line(f"faults: {total}")
