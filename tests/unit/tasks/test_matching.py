"""Which task of a list is the one whose answer was lost, and when none is."""

import pytest

from bot.domain.tasks.matching import CLOCK_SLACK, MADE_WITHIN, Absence, ListedTask, Submitted, match
from tests.builders import NOW
from tests.operations import a_request_for

REQUEST = a_request_for("text2video", model="kling-4.0", prompt="a fox in <<<image_1>>>")
MINE = Submitted(REQUEST, NOW, "kling-4.0-std")
OTHER = Submitted(a_request_for("text2video", model="kling-4.0", prompt="a hen"), NOW)


def listed(id: str = "t1", at: int = NOW, **told: str) -> ListedTask:
    return ListedTask(id, at, **told)


@pytest.mark.parametrize(
    "row",
    [
        listed(),
        listed(at=NOW - CLOCK_SLACK),
        listed(at=NOW + MADE_WITHIN),
        listed(model="kling-4.0"),
        listed(model="kling-4.0-std", prompt="a fox in @image_1"),
        listed(prompt="a fox in @image_01 @element_1\nAvoid: blur"),
        listed(prompt="a fox…"),
    ],
)
def test_the_only_task_of_the_time_that_nothing_speaks_against_is_taken(row):
    assert match(MINE, [row], {}) == "t1"
    assert match(MINE, [row, listed("known")], {"known": "kling-4.0"}) == "t1"
    assert match(MINE, [row, row], {}) == "t1", "one task on two pages"


@pytest.mark.parametrize(
    "row",
    [
        listed(external_task_id="klingbot-1"),
        listed(external_task_id="another program's"),
        listed(at=NOW - CLOCK_SLACK - 1),
        listed(at=NOW + MADE_WITHIN + 1),
        listed(model="kling-3.0"),
    ],
)
def test_what_cannot_be_it_is_neither_taken_nor_in_the_way(row):
    assert match(MINE, [row], {}) is Absence.UNPROVEN
    assert match(MINE, [row, listed("known")], {"known": "kling-4.0"}) is Absence.ABSENT
    assert match(MINE, [row, listed("t2")], {}) == "t2"


@pytest.mark.parametrize(
    "rows",
    [
        [listed(), listed("t2")],
        [listed(prompt="something else")],
        [listed(at=0)],
    ],
)
def test_what_may_be_it_is_not_taken_and_not_taken_for_proof(rows):
    assert match(MINE, [*rows, listed("known")], {"known": "kling-4.0"}) is Absence.UNCLEAR


def test_of_two_whose_answers_are_lost_neither_takes_what_may_be_the_others():
    assert match(MINE, [listed()], {}, [OTHER]) is Absence.UNCLEAR
    told = listed(prompt="a fox in")
    assert match(MINE, [told], {}, [OTHER]) == "t1"
    assert match(OTHER, [told], {}, [MINE]) is Absence.UNCLEAR


def test_a_list_proves_an_absence_only_where_it_holds_such_tasks():
    assert match(MINE, [], {}) is Absence.UNPROVEN
    assert match(MINE, [listed("known")], {"known": "kling-v3"}) is Absence.UNPROVEN
    assert match(MINE, [listed("known")], {"known": "kling-4.0"}) is Absence.ABSENT
