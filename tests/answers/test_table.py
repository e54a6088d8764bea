"""Every row of the table of answers happens to the bot, and comes to its outcome."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.answers.rows import Row
from tests.answers.table import ROWS, document
from tests.answers.trial import try_out
from tests.world.bot import BotInProcess, open_bot


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BotInProcess]:
    async with open_bot(tmp_path, BotInProcess) as opened:
        yield opened


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{row.moment}: {row.said}") for _, rows in ROWS for row in rows]
)
async def test_each_answer_comes_to_its_outcome(world: BotInProcess, row: Row):
    assert await try_out(world, row) == row.outcome
    if row.also is not None:
        assert row.also(world)


def test_no_row_is_there_twice():
    names = [(row.moment, row.said) for _, rows in ROWS for row in rows]
    assert len(names) == len(set(names))


def test_the_page_of_answers_is_what_the_table_says():
    assert Path("docs/answers.md").read_text("utf-8") == document()
