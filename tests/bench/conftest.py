"""Benchmarks print ratios measured side by side in one run, and assert nothing of the clock on the wall."""

from collections.abc import Callable

import pytest

LINES = pytest.StashKey[list[str]]()


@pytest.fixture
def tell(request) -> Callable[[str], None]:
    """Adds a line to what is printed at the end."""
    return request.config.stash.setdefault(LINES, []).append


def pytest_terminal_summary(terminalreporter) -> None:
    lines = terminalreporter.config.stash.get(LINES, [])
    if lines:
        terminalreporter.section("benchmarks")
    for line in lines:
        terminalreporter.line(line)
