"""Every row of the table of faults happens to the real process, and comes to its outcome."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.counts import Counts
from tests.faults.places import PLACES, faulty_world
from tests.faults.table import ELSEWHERE, OUTAGE_ROWS, ROWS, Row, document, note
from tests.world.memory import memory

LONG = bool(os.environ.get("FAULT_LONG"))
MOST_MEMORY = 700_000_000
"""Bytes at the worst moment of a process that many faults meet, a body without an end and a packed one among them."""


MANY = 5
"""So many requests in a row that are not answered, and a provider is left alone."""


def _parts(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while part := list(islice(rows, size)):
        yield part


def batches() -> Iterator[tuple[str, list[Row]]]:
    """What one process meets: so many rows of a place that it does not last long."""
    for place, about in PLACES.items():
        rows = (row for row in ROWS if row.place == place and (row.usual or LONG))
        for part in _parts(rows, 32 if about.at_once > 4 else 2 * about.at_once + 4):
            yield place, part


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("place", "rows"), [pytest.param(*each, id=each[0]) for each in batches()])
async def test_each_fault_comes_to_its_outcome(tmp_path: Path, place: str, rows: list[Row], counts: Counts):
    async with faulty_world(tmp_path) as world:
        found = {}
        for part in _parts(iter(rows), PLACES[place].at_once):
            outcomes = await world.try_out(PLACES[place], [row.fault for row in part])
            found |= dict(zip(part, outcomes, strict=True))
        peak = memory("VmHWM", world.bot.pid)
        submitted = world.bot.kling.submissions
        note(counts, found.items(), submitted)
    wrong = {row.fault: outcome for row, outcome in found.items() if outcome != row.outcome}
    assert not wrong
    assert set(submitted.values()) <= {1}
    assert peak < MOST_MEMORY


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{row.place}, {row.fault}") for row in OUTAGE_ROWS if row.usual or LONG]
)
async def test_while_kling_is_out_of_reach_everybody_waits_and_then_gets_the_video(
    tmp_path: Path, row: Row, counts: Counts
):
    async with faulty_world(tmp_path) as world:
        found = await world.fail(row.place, row.fault, MANY)
        submitted = world.bot.kling.submissions
    note(counts, [(row, one) for one in found], submitted)
    assert set(found) == {row.outcome}
    assert sorted(submitted.values()) == [1] * MANY


def test_the_page_of_faults_is_what_the_table_says():
    assert Path("docs/faults.md").read_text("utf-8") == document()


def test_what_is_shown_elsewhere_is_there():
    assert [each.test for each in ELSEWHERE if not Path(each.test).is_file()] == []
