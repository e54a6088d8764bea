import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.tasks.schedule import (
    BACKOFF_CAP,
    backoff,
    first_look,
    learned_median,
    next_poll_at,
)
from bot.domain.types import DAY, MINUTE, SECOND, Millis
from bot.settings.sections import Polling
from tests.builders import NOW

POLICY = Polling().policy
RANDOMS = st.integers().map(random.Random)
LENGTHS = st.integers(0, DAY).map(Millis)


@pytest.mark.parametrize(
    ("durations", "expected"),
    [([], None), ([60_000, 70_000], None), ([90, 60, 70], 70), ([60, 70, 80, 1_000_000], 75)],
)
def test_a_median_is_learned_from_three_on_and_bears_an_outlier(durations, expected):
    assert learned_median(durations) == expected


@pytest.mark.parametrize(
    ("expected", "wait"), [(None, 5 * SECOND), (100 * SECOND, 70 * SECOND), (1 * SECOND, 5 * SECOND)]
)
def test_the_first_look_comes_before_the_likely_end(expected, wait):
    assert first_look(NOW, expected, POLICY) == NOW + wait


@given(LENGTHS, st.none() | LENGTHS, RANDOMS)
def test_looks_keep_to_the_operators_interval(age, expected, rng):
    wait = next_poll_at(Millis(NOW + age), NOW, expected, POLICY, rng) - (NOW + age)
    assert 0.9 * POLICY.min_interval - 1 <= wait <= 1.1 * POLICY.max_interval


def test_looks_grow_further_apart_with_the_age():
    ages = [0, 70 * SECOND, 10 * MINUTE]
    waits = [next_poll_at(Millis(NOW + age), NOW, None, POLICY, random.Random(1)) - NOW - age for age in ages]
    assert waits[0] < waits[1] < waits[2]


def test_a_clock_that_was_set_back_brings_no_look_into_the_past():
    assert next_poll_at(Millis(NOW - DAY), NOW, None, POLICY, random.Random(1)) > NOW - DAY


@given(st.integers(1, 10_000), RANDOMS)
def test_retries_wait_longer_each_time_up_to_a_minute(attempt, rng):
    wait = backoff(NOW, attempt, rng) - NOW
    step = min(SECOND * 2 ** (min(attempt, 20) - 1), BACKOFF_CAP)
    assert step <= wait <= 1.3 * step


@given(st.integers(1, 20), LENGTHS, RANDOMS)
def test_the_servers_word_goes_before_our_own(attempt, retry_after, rng):
    assert backoff(NOW, attempt, rng, retry_after) == NOW + max(retry_after, SECOND)


def test_retries_at_the_same_moment_do_not_stay_together():
    rng = random.Random(1)
    assert len({backoff(NOW, 5, rng) for _ in range(100)}) > 50
