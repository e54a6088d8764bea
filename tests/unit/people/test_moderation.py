"""Forbidden words are found however they are written, and harmless words are not taken for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people.moderation import Filter, folded

FILTER = Filter(
    words={"en": ["grumble", "cat soup"], "zh_Hans": ["禁词"], "ru": ["нельзя"]},
    patterns={"en": [r"\bbuy\s+\d+ followers\b"]},
)


@pytest.mark.parametrize(
    "text",
    [
        "a grumble in the wood",
        "GRUMBLE!",
        "ｇｒｕｍｂｌｅ",
        "gru\u200bmb\u00adle",
        "g r u m b l e",
        "g.r.u.m.b.l.e",
        "a ｇ r u m b l e in the wood",
        "g_r_u_m_b_l_e",
        "grumblé",
        "gru\u043cbl\u0435",  # Cyrillic
        "grumb1e grumbl3",
        "cat   soup",
        "cat-soup",
        "这是 禁 词 吗",
        "禁\u200b词",
        "НЕЛЬЗЯ",
        "please Buy 500 followers now",
    ],
)
def test_a_forbidden_word_is_found_however_it_is_written(text):
    assert FILTER.find(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "grumbles and grumbling",
        "a cat eats soup",
        "the soup cat",
        "I am a b c",
        "",
        "词禁",
        "buy followers",
        "льзя",
    ],
)
def test_other_words_pass(text):
    assert FILTER.find(text) is None


def test_the_rule_that_is_broken_is_named():
    assert FILTER.find("Grumble") == "en:grumble"
    assert FILTER.find("禁词") == "zh_Hans:禁词"
    assert FILTER.find("buy 3 followers") == r"en:/\bbuy\s+\d+ followers\b/"


def test_without_rules_everything_passes():
    assert Filter({}, {}).find("grumble") is None


@given(st.text(max_size=80))
def test_folding_twice_is_folding_once_and_any_text_can_be_looked_at(text):
    assert folded(folded(text)) == folded(text)
    FILTER.find(text)


@given(st.text(alphabet="\u200b\u200d\u2060\u00ad\u0301", max_size=4), st.integers(1, 6))
def test_invisible_signs_hide_nothing(signs, place):
    assert FILTER.find(f"a {'grumble'[:place]}{signs}{'grumble'[place:]} here") == "en:grumble"
