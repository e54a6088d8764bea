import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.types import format_task_id, new_task_id, read_task_id

IDS = st.integers().map(lambda seed: new_task_id(random.Random(seed)))


@given(IDS)
def test_an_id_is_read_as_it_is_shown(task_id):
    assert read_task_id(format_task_id(task_id)) == task_id


@given(IDS, st.randoms(use_true_random=False))
def test_an_id_is_read_however_people_type_it(task_id, rng):
    typed = "".join(rng.choice((letter, letter.lower())) for letter in task_id)
    typed = "".join(
        {"0": rng.choice("0oO"), "1": rng.choice("1iIlL")}.get(letter, letter) for letter in typed
    )
    assert read_task_id(f" {typed} ") == task_id


def test_an_id_is_shown_in_two_parts():
    assert format_task_id(read_task_id("k7q29f")) == "K7Q2-9F"


@pytest.mark.parametrize("text", ["", "K7Q2", "K7Q2-9F1", "K7Q2-9U", "K7Q2 9F", "狐狸狐狸狐狸", "K7Q29\n"])
def test_what_is_no_id_is_none(text):
    assert read_task_id(text) is None


@given(st.text())
def test_any_text_is_read_or_is_none(text):
    found = read_task_id(text)
    assert found is None or read_task_id(found) == found


def test_ids_are_drawn_from_the_whole_space():
    rng = random.Random(1)
    drawn = {new_task_id(rng) for _ in range(1000)}
    assert len(drawn) == 1000
    assert len(set().union(*drawn)) == 32
