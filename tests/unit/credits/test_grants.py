"""What admins type after /grant."""

import pytest

from bot.domain.credits.quota import GrantOrder, read_grant
from bot.errors import UserError


@pytest.mark.parametrize(
    ("text", "in_group", "order"),
    [
        ("@ada 50", False, GrantOrder("@ada", 50)),
        ("@ada -5 by mistake", False, GrantOrder("@ada", -5, None, "by mistake")),
        ("1001 50 until 2027-01-01 a gift", False, GrantOrder("1001", 50, "2027-01-01", "a gift")),
        ("50 for the club", True, GrantOrder(None, 50, None, "for the club")),
        ("50 until 30d", True, GrantOrder(None, 50, "30d")),
        ("1001 50", True, GrantOrder("1001", 50)),
        ("-100200300 50", False, GrantOrder("-100200300", 50)),
    ],
)
def test_a_grant_is_read(text, in_group, order):
    assert read_grant(text.split(), in_group=in_group) == order


@pytest.mark.parametrize(
    "text", ["", "50", "@ada", "@ada many", "@ada 50 until", "@ada -5 until 30d", "@ada 1e3"]
)
def test_what_is_no_grant_is_refused_with_how_to_write_it(text):
    with pytest.raises(UserError) as raised:
        read_grant(text.split(), in_group=False)
    assert raised.value.key == "error.admin.grant_usage"


def test_the_id_of_a_chat_is_told_from_a_person():
    assert GrantOrder("-100200300", 5).chat_id == -100200300
    assert (GrantOrder("@ada", 5).chat_id, GrantOrder("1001", 5).chat_id) == (None, None)
