"""Which task of a list is the one whose answer was lost, and when none is."""

import pytest

from bot.domain.tasks.matching import CLOCK_SLACK, MADE_WITHIN, Absence, ListedTask, Submitted, match
from bot.domain.types import SECOND, Millis
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


def lost(prompt: str = "a hen", *, sent: int = 0, after: int = 1, owner: int = 1) -> Submitted:
    """One that was sent so many seconds after `NOW`, and lost its answer so many seconds later."""
    at = Millis(NOW + sent * SECOND)
    request = a_request_for("text2video", model="kling-4.0", prompt=prompt)
    return Submitted(request, at, owner=owner, lost_at=Millis(at + after * SECOND))


def test_a_task_is_that_ones_which_was_on_its_way_when_it_was_made():
    first, second = lost("a hen"), lost("a fox", sent=60)
    rows = [listed("t1"), listed("t2", at=NOW + 60 * SECOND)]
    assert match(first, rows, {}, [second]) == "t1"
    assert match(second, rows, {}, [first]) == "t2"
    # The first never arrived: what was made a minute later is not its own, and not in the other's way.
    assert match(first, rows[1:], {}, [second]) is Absence.UNCLEAR
    assert match(second, rows[1:], {}, [first]) == "t2"


@pytest.mark.parametrize(
    "others",
    [
        [lost("a fox", sent=2)],
        [lost("a fox", after=60)],
        [Submitted(lost("a fox").request, NOW)],
    ],
    ids=["both on their way", "it waited long for an answer", "nobody knows when its answer was lost"],
)
def test_of_two_that_were_on_their_way_neither_takes_a_task(others):
    row = listed(at=NOW + 5 * SECOND)
    assert match(lost(), [row], {}, others) is Absence.UNCLEAR
    assert match(others[0], [row], {}, [lost()]) is Absence.UNCLEAR


def test_of_twins_each_takes_one_as_long_as_there_are_no_more_than_them():
    rows = [listed("t2", at=NOW + 1), listed("t1")]
    assert match(lost(), rows, {}, [lost(sent=1)]) == "t1"
    assert match(lost(sent=1), rows, {"t1": "kling-4.0"}, []) == "t2"
    assert match(lost(), rows[:1], {}, [lost(sent=1)]) == "t2", "one of them never arrived"
    assert match(lost(), rows, {}, [lost(owner=2)]) is Absence.UNCLEAR
    assert match(lost(), [*rows, listed("t3")], {}, [lost()]) is Absence.UNCLEAR
