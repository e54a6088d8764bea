"""The business view against a small story, whose sums are worked out by hand."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.domain.credits.shop import PERIOD, MonthlyPlan, Payment, Subscription
from bot.domain.operations.business import Grouping, Span, Worth, put_together, spans
from bot.domain.operations.charges import Book, Charge
from bot.domain.operations.records import days_before, start_of
from bot.domain.tasks.lifecycle import Accepted, Claimed, Finished
from bot.domain.tasks.task import Task
from bot.domain.types import DAY, HOUR, AccountId, Credits, Millis, ProviderName, UserId
from bot.services.operations.reports import BUSINESS_COLUMNS, business_cells
from bot.store import Store
from tests.builders import ADA, ADAS_ACCOUNT, GENEROUS, NOW, XIAOLIN, a_grant, a_request, a_task, a_video
from tests.store.steps import TODAY, step
from tests.stored import book

UTC = ZoneInfo("UTC")
DAYS = (date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3))
FIRST, SECOND_DAY, THIRD = (Millis(NOW + number * DAY + HOUR) for number in range(3))
XIAOLINS = AccountId.of_person(XIAOLIN)
BOSS = UserId(1000)
WORTH = Worth("USD", 0.01, {"official": 0.1, "gateway": 0.2})


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(f"sqlite:///{tmp_path}/bot.db")
    yield opened
    await opened.close()


async def video(
    store: Store,
    user: UserId,
    model: str,
    provider: str,
    price: int,
    told: str | None,
    at: Millis,
    charge: tuple[str, str, float] | None = None,
) -> Task:
    """A video that was made, with what its provider told (units) and what its account was charged, if it says."""
    name = ProviderName(provider)
    task = a_task(price=Credits(price), user_id=user, request=a_request(model=model))
    await store.tasks.accept(task, (), GENEROUS, TODAY)
    way = (Claimed(name, at, at), Accepted(f"kling-{task.id}", at), Finished((a_video(),), told))
    task = await step(store, task, *way, now=at)
    if charge is not None:
        product, currency, amount = charge
        row = Charge(
            charge_key=f"charge-{task.id}",
            provider=name,
            remote_id=f"kling-{task.id}",
            book=Book.MONEY if currency else Book.UNITS,
            product=product,
            function="video",
            model=model,
            resolution="",
            seconds=5,
            amount=amount,
            currency=currency,
            charged_at=at,
        )
        await store.charges.save(name, {}, [row], NOW)
    return task


async def a_story(store: Store) -> None:
    """Ada buys and is refunded, Xiaolin subscribes and renews; three videos, the last of which is refunded."""
    monthly = MonthlyPlan("pro", "pro", Credits(200), stars=300)
    await store.payments.save_payment(Payment("ada-1", ADAS_ACCOUNT, Credits(100), 150, FIRST))
    await store.payments.save_subscription(Subscription("month", XIAOLIN, monthly, FIRST))
    for number, at in enumerate((FIRST, THIRD)):
        month = Payment(f"xiaolin-{number}", XIAOLINS, Credits(200), 300, at, subscription="month")
        await store.payments.save_payment(replace(month, paid_until=Millis(at + PERIOD)))
    await book(store, a_grant(40, at=FIRST, counted_at=FIRST))
    await video(store, ADA, "kling-v2-6", "official", 30, "3.1", FIRST, ("video", "", 3.0))
    await video(store, XIAOLIN, "kling-v1-6", "gateway", 20, None, SECOND_DAY)
    await store.payments.begin_refund("ada-1", BOSS, SECOND_DAY)
    await store.payments.end_refund("ada-1", BOSS, SECOND_DAY, done=True)
    last = await video(store, ADA, "kling-v2-6", "gateway", 25, "2.4", THIRD, ("", "USD", 0.5))
    await store.credits.refund(last.id, None, "admin", THIRD, actor=BOSS)


@pytest.fixture
async def told(store) -> Callable[..., Awaitable[dict[str, dict[str, str]]]]:
    """The rows of the table after the story, by name; the total has none."""
    await a_story(store)

    async def tell(by: Grouping, worth: Worth = WORTH) -> dict[str, dict[str, str]]:
        sums = await store.business.list_sums(by, spans(DAYS, UTC))
        rows = [
            dict(zip(BUSINESS_COLUMNS, row, strict=True))
            for row in business_cells(put_together(sums, by, DAYS, worth))
        ]
        return {
            row.pop("name"): {key: value for key, value in row.items() if value not in {"0", ""}}
            for row in rows
        }

    return tell


USD = {"currency": "USD"}


async def test_each_day_has_its_stars_credits_units_and_margin(told):
    assert await told(Grouping.DAY) == {
        "2026-01-01": USD
        | {"by": "day", "stars_packages": "150", "stars_subscriptions": "300", "stars_net": "450"}
        | {"credits_sold": "300", "credits_granted": "40", "credits_charged": "30", "tasks": "1"}
        | {"units": "3.1", "charged_units": "3", "revenue": "4.5", "cost": "0.3", "margin": "4.2"},
        "2026-01-02": USD
        | {"by": "day", "stars_refunded": "150", "stars_net": "-150", "credits_taken_back": "100"}
        | {"credits_charged": "20", "tasks": "1", "units": "2", "units_estimated": "2"}
        | {"revenue": "-1.5", "cost": "0.4", "margin": "-1.9"},
        "2026-01-03": USD
        | {"by": "day", "stars_subscriptions": "300", "stars_net": "300", "credits_sold": "200"}
        | {"credits_charged": "25", "credits_refunded": "25", "tasks": "1", "units": "2.4"}
        | {"charged_money": "0.5 USD", "revenue": "3", "cost": "0.5", "margin": "2.5"},
        "": USD
        | {"by": "total", "stars_packages": "150", "stars_subscriptions": "600", "stars_refunded": "150"}
        | {"stars_net": "600", "credits_sold": "500", "credits_taken_back": "100", "credits_granted": "40"}
        | {"credits_charged": "75", "credits_refunded": "25", "tasks": "3"}
        | {"units": "7.5", "units_estimated": "2", "charged_units": "3", "charged_money": "0.5 USD"}
        | {"revenue": "6", "cost": "1.2", "margin": "4.8"},
    }


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (
            Grouping.PROVIDER,
            {"official": ("", "30", "3.1", "", "0.3"), "gateway": ("", "45", "4.4", "25", "0.9")},
        ),
        (
            Grouping.MODEL,
            {"kling-v2-6": ("", "55", "5.5", "25", "0.8"), "kling-v1-6": ("", "20", "2", "", "0.4")},
        ),
        (Grouping.USER, {"1001": ("", "55", "5.5", "25", "0.8"), "1002": ("600", "20", "2", "", "0.4")}),
    ],
)
async def test_sums_by_provider_model_and_user(told, by, expected):
    rows = await told(by)
    shown = ("stars_net", "credits_charged", "units", "credits_refunded", "cost")
    assert {name: tuple(row.get(key, "") for key in shown) for name, row in rows.items() if name} == expected
    # The total is the last row, and the same whatever it is grouped by.
    assert (rows[""]["by"], rows[""]["stars_net"], rows[""]["margin"]) == ("total", "600", "4.8")


@pytest.mark.parametrize(
    ("worth", "known"),
    [
        (Worth("USD"), set()),
        (Worth("USD", 0.01), {"revenue"}),
        # Of one provider nobody knows what a unit costs; then in another currency than that of a charge.
        (Worth("USD", 0.01, {"official": 0.1}), {"revenue"}),
        (Worth("CNY", 0.01, {"official": 0.1, "gateway": 0.2}), {"revenue"}),
    ],
)
async def test_what_nobody_knows_the_price_of_has_no_cost_and_no_margin(told, worth, known):
    total = (await told(Grouping.DAY, worth))[""]
    assert {key for key in ("revenue", "cost", "margin") if key in total} == known


def test_a_day_ends_as_the_clocks_say_also_when_they_change():
    zone = ZoneInfo("Europe/Berlin")
    days = (date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30))
    change = Millis(int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp() * 1000))
    start, end = start_of(days[0], zone), start_of(date(2026, 3, 31), zone)
    assert spans(days, zone) == [Span(start, change, HOUR), Span(change, end, 2 * HOUR)]
    assert end - start == 3 * DAY - HOUR


async def test_a_payment_belongs_to_the_day_of_the_bots_clocks(store):
    zone = ZoneInfo("Asia/Shanghai")
    days = days_before(Millis(NOW + 12 * HOUR), 2, zone)
    for number, moment in enumerate((NOW - 8 * HOUR - 1, NOW - 8 * HOUR, NOW + 15 * HOUR)):
        paid = Payment(f"c-{number}", ADAS_ACCOUNT, Credits(1), 10**number, Millis(moment))
        await store.payments.save_payment(paid)
    sums = await store.business.list_sums(Grouping.DAY, spans(days, zone))
    report = put_together(sums, Grouping.DAY, days, Worth("USD"))
    assert [(line.name, line.stars_net) for line in report.lines] == [
        ("2025-12-31", 1),
        ("2026-01-01", 110),
    ]
