"""How many cases each target tries, and the count of them at the end.

`make test` tries a few, the same each time. `FUZZ_CASES=1000000` says how many all targets together try, other
ones each time.
"""

import os
from collections import Counter

import pytest

KEY = "cases tried"


@pytest.fixture
def tried(request):
    """Counts the cases of a target: a test adds to it what it has tried."""
    count: Counter[str] = Counter()
    name = request.node.originalname.removeprefix("test_").replace("_", " ")
    totals = [name, 0]
    # The list goes into the report as it is when the test ends.
    request.node.user_properties.append((KEY, totals))

    def add(number: int = 1) -> None:
        count[name] += number
        totals[1] = count[name]

    return add


def pytest_terminal_summary(terminalreporter):
    """Print how many cases were tried of each target, where somebody asked for a number."""
    if "FUZZ_CASES" not in os.environ:
        return
    totals: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for key, value in getattr(report, "user_properties", ()):
                    if key == KEY:
                        totals[value[0]] += value[1]
    terminalreporter.section("cases tried")
    for name, number in totals.items():
        terminalreporter.write_line(f"{number:>9,}  {name}")
    terminalreporter.write_line(f"{totals.total():>9,}  together")
