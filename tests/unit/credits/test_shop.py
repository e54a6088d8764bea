"""Who may pay which invoice."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from bot.domain.credits.shop import CURRENCY, OFFER_HOLDS, MonthlyPlan, Offer, Package, check_payment
from bot.domain.types import Credits, Millis
from bot.errors import UserError
from tests.builders import ADA, NOW, XIAOLIN

OFFER = Offer("a-token", ADA, Package("small", Credits(100), 150), NOW)


def test_what_was_offered_can_be_paid_while_the_offer_holds():
    for now in (NOW, Millis(NOW + OFFER_HOLDS)):
        check_payment(OFFER, ADA, CURRENCY, 150, now)


@pytest.mark.parametrize(
    ("offer", "user", "currency", "stars", "after", "key"),
    [
        (None, ADA, CURRENCY, 150, 0, "error.buy.old"),
        (OFFER, ADA, CURRENCY, 150, OFFER_HOLDS + 1, "error.buy.old"),
        (OFFER, ADA, CURRENCY, 1, 0, "error.buy.old"),
        (OFFER, ADA, "USD", 150, 0, "error.buy.old"),
        (OFFER, XIAOLIN, CURRENCY, 150, 0, "error.buy.not_yours"),
    ],
)
def test_what_was_not_offered_cannot_be_paid(offer, user, currency, stars, after, key):
    with pytest.raises(UserError) as raised:
        check_payment(offer, user, currency, stars, Millis(NOW + after))
    assert raised.value.key == key


def test_the_example_of_the_settings_shows_every_key_of_what_is_sold():
    example = tomllib.loads((Path(__file__).parents[3] / "config.example.toml").read_text("utf-8"))
    for table, kind in (("packages", Package), ("subscriptions", MonthlyPlan)):
        assert example[table][0].keys() == {field.name for field in fields(kind)}
