"""The order of the line: priority, everybody in turn, age."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.tasks.line import TaskGroup, Turns, Waiting
from bot.domain.types import Credits, UserId
from tests.builders import ADA, NOW, XIAOLIN, a_request, a_task_id

BOSS = UserId(1000)
KIND = TaskGroup(a_request(), (), frozenset())


def line_of(*people: tuple[UserId, int]) -> list[Waiting]:
    """Tasks in the order of acceptance: whose they are, and their priority."""
    return [
        Waiting(a_task_id(), 0, number, user, priority, 0, Credits(10), NOW, NOW, KIND)
        for number, (user, priority) in enumerate(people)
    ]


def order(waiting: list[Waiting], running: dict[UserId, int] | None = None) -> list[int]:
    return [task.sequence for task in Turns().in_order(waiting, running or {})]


def test_a_persons_second_goes_after_everybodys_first():
    assert order(line_of((ADA, 0), (ADA, 0), (ADA, 0), (XIAOLIN, 0))) == [0, 3, 1, 2]


def test_whoever_runs_less_goes_first():
    assert order(line_of((ADA, 0), (XIAOLIN, 0), (ADA, 0)), {ADA: 1}) == [1, 0, 2]


def test_a_thousand_tasks_of_one_do_not_delay_anothers_first():
    assert order(line_of(*[(ADA, 0)] * 1000, (XIAOLIN, 0)))[1] == 1000


def test_the_greater_priority_goes_first():
    assert order(line_of((ADA, 0), (XIAOLIN, 1), (XIAOLIN, 1))) == [1, 2, 0]


USERS = st.sampled_from([UserId(number) for number in range(5)])


@given(st.lists(st.tuples(USERS, st.integers(0, 2)), max_size=40), st.dictionaries(USERS, st.integers(0, 3)))
def test_nobody_is_left_out_and_nobody_overtakes_themselves(people, running):
    waiting = line_of(*people)
    placed = Turns().in_order(waiting, running)
    assert sorted(task.sequence for task in placed) == list(range(len(waiting)))
    for earlier, later in pairwise(placed):
        assert earlier.priority >= later.priority
        if earlier.user_id == later.user_id and earlier.priority == later.priority:
            assert earlier.sequence < later.sequence


def sent(turns: Turns, waiting: list[Waiting]) -> list[int]:
    """The order in which tasks are sent where one at a time runs, and each is over before the next."""
    found = []
    while waiting:
        task = turns.in_order(waiting, {})[0]
        turns.take(task, {})
        found.append(task.sequence)
        waiting.remove(task)
    return found


def test_what_is_over_was_a_turn_too():
    assert sent(Turns(), line_of((ADA, 0), (ADA, 0), (ADA, 0), (XIAOLIN, 0), (XIAOLIN, 0), (BOSS, 0))) == [
        0,
        3,
        5,
        1,
        4,
        2,
    ]


def test_whoever_comes_later_has_their_first_turn_before_others_have_their_next():
    turns, adas = Turns(), line_of(*[(ADA, 0)] * 5)
    assert sent(turns, adas[:2]) == [0, 1]
    late = line_of(*[(ADA, 0)] * 5, (XIAOLIN, 0), (XIAOLIN, 0))[5:]
    assert sent(turns, adas[2:] + late) == [5, 2, 6, 3, 4]


def test_a_task_that_comes_back_has_the_turn_that_it_had():
    turns, waiting = Turns(), line_of((ADA, 0), (ADA, 0), (XIAOLIN, 0))
    turns.take(waiting[0], {})
    assert [task.sequence for task in turns.in_order(waiting, {})] == [0, 2, 1]
