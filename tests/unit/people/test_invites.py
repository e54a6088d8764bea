"""Codes of invitations: short, and nobody else's text is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people.access import invite_code, read_invite_code
from bot.domain.types import UserId


@given(st.integers(min_value=1, max_value=2**52))
def test_a_code_leads_back_to_who_invited_and_fits_into_a_link(number):
    code = invite_code(UserId(number))
    assert read_invite_code(code) == number
    assert read_invite_code(code.upper()) == number
    assert len(f"ref_{code}") <= 64
    assert code.isascii()
    assert code.isalnum()


@pytest.mark.parametrize("text", ["", "-1", "z" * 13, "٣", "a b", "../etc"])
def test_what_is_no_code_is_nobody(text):
    assert read_invite_code(text) is None
