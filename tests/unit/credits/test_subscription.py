"""Who may pay for which month, and how long a subscription counts."""

from dataclasses import replace

import pytest

from bot.domain.credits.shop import (
    CURRENCY,
    OFFER_HOLDS,
    PERIOD,
    MonthlyPlan,
    Subscription,
    check_subscribing,
)
from bot.domain.types import Credits, Millis
from bot.errors import UserError
from tests.builders import ADA, NOW, XIAOLIN

OFFERED = Subscription("a-token", ADA, MonthlyPlan("pro", "pro", Credits(300), stars=500), NOW)
PAID = replace(OFFERED, charge_id="stx-1", paid_until=Millis(NOW + PERIOD), renews=True)
OTHER = replace(PAID, token="another")


def test_the_first_month_can_be_paid_while_the_offer_holds_and_the_next_whenever_it_comes():
    check_subscribing(OFFERED, None, ADA, CURRENCY, 500, Millis(NOW + OFFER_HOLDS))
    check_subscribing(PAID, PAID, ADA, CURRENCY, 500, Millis(NOW + PERIOD))


@pytest.mark.parametrize(
    ("current", "user", "currency", "stars", "after", "key"),
    [
        (None, XIAOLIN, CURRENCY, 500, 0, "error.buy.not_yours"),
        (None, ADA, "USD", 500, 0, "error.buy.old"),
        (None, ADA, CURRENCY, 499, 0, "error.buy.old"),
        (None, ADA, CURRENCY, 500, OFFER_HOLDS + 1, "error.buy.old"),
        (OTHER, ADA, CURRENCY, 500, 0, "error.buy.subscribed"),
    ],
)
def test_what_was_not_offered_cannot_be_subscribed_to(current, user, currency, stars, after, key):
    with pytest.raises(UserError) as raised:
        check_subscribing(OFFERED, current, user, currency, stars, Millis(NOW + after))
    assert raised.value.key == key
