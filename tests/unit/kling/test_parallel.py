import pytest

from bot.domain.requests.operations import Pack
from bot.domain.requests.request import Resource
from bot.domain.types import MINUTE, Millis
from bot.kling.parallel import FIRST_TRIAL, LAST_TRIAL, Limit, ParallelLimits

MODEL = Resource(Pack.VIDEO, "kling-v3")
OTHER = Resource(Pack.IMAGE, "kling-v3")
NOW = Millis(1_000_000)


@pytest.fixture
def limits() -> ParallelLimits:
    return ParallelLimits(8)


def after(milliseconds: int) -> Millis:
    return Millis(NOW + milliseconds)


def test_nothing_is_known_at_first(limits):
    assert limits.most(MODEL, NOW) == 8
    limits.accepted(MODEL, 3, NOW)
    assert not limits.knows(MODEL)


def test_a_refusal_limits_this_model_to_what_runs(limits):
    limits.refused(MODEL, 3, NOW)
    assert (limits.most(MODEL, NOW), limits.most(OTHER, NOW)) == (3, 8)


def test_where_none_of_ours_runs_a_refusal_teaches_nothing(limits):
    limits.refused(MODEL, 0, NOW)
    assert not limits.knows(MODEL)


def test_answers_that_overtake_each_other_end_at_the_true_number(limits):
    limits.refused(MODEL, 1, NOW)
    for running in (2, 3, 4):
        limits.accepted(MODEL, running, NOW)
    assert limits.most(MODEL, NOW) == 4


def test_one_more_is_tried_after_a_pause_that_doubles_with_each_refusal_up_to_six_hours(limits):
    now, pauses = NOW, []
    for _ in range(9):
        limits.refused(MODEL, 3, now)
        ((_, limit),) = limits.found()
        pauses.append(limit.until - now)
        assert limits.most(MODEL, Millis(limit.until - 1)) == 3
        assert limits.most(MODEL, limit.until) == 4
        now = limit.until
    assert pauses[:3] == [FIRST_TRIAL, 2 * FIRST_TRIAL, 4 * FIRST_TRIAL]
    assert pauses[-1] == LAST_TRIAL


def test_while_one_more_is_tried_no_other_is(limits):
    limits.refused(MODEL, 3, NOW)
    later = after(FIRST_TRIAL)
    limits.try_more(MODEL, 2, later)
    assert limits.most(MODEL, later) == 4
    limits.try_more(MODEL, 3, later)
    assert limits.most(MODEL, later) == 3
    assert limits.most(MODEL, Millis(later + MINUTE)) == 4


def test_what_is_taken_raises_the_limit_until_it_is_that_of_the_settings(limits):
    limits.refused(MODEL, 6, NOW)
    limits.accepted(MODEL, 7, NOW)
    assert limits.most(MODEL, NOW) == 7
    limits.accepted(MODEL, 8, NOW)
    assert not limits.knows(MODEL)


def test_a_smaller_package_lowers_the_limit(limits):
    limits.refused(MODEL, 5, NOW)
    limits.refused(MODEL, 2, NOW)
    assert limits.most(MODEL, NOW) == 2


def test_what_was_kept_counts_only_below_the_settings(limits):
    limits.restore(MODEL, Limit(3, after(MINUTE)))
    limits.restore(OTHER, Limit(8, after(MINUTE)))
    assert (limits.most(MODEL, NOW), limits.knows(OTHER)) == (3, False)
