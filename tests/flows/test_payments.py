"""Stars, from the invoice to the refund, through the real process: also told twice, and over crashes."""

import pytest

from bot.demo.telegram.faults import ConnectionDropped
from tests.flows.world import World

ADA, XIAOLIN, BOSS = 1001, 1002, 1000
SALES = """
[[packages]]
name = "small"
credits = 100
stars = 150

[payments]
support = "@boss"
"""


@pytest.fixture
async def shop(world: World) -> World:
    world.write_config(daily=0, extra=SALES)
    await world.start()
    return world


async def invoice_for(world: World, user: int) -> dict:
    await world.telegram.say(user, "/buy")
    await world.telegram.wait_text(user, "Stars")
    await world.telegram.press_labelled(user, "100")

    def sent() -> dict | None:
        return next((m for m in reversed(world.telegram.replies(user)) if "invoice" in m), None)

    return await world.telegram.wait_for(sent)


def charge_of(world: World) -> str:
    return next(p.charge_id for p in world.telegram.state.payments.values() if p.charge_id)


def answer_to(world: World, query: str) -> dict | None:
    return next(
        (
            c
            for m, c in world.telegram.calls
            if m == "answerPreCheckoutQuery" and c["pre_checkout_query_id"] == query
        ),
        None,
    )


async def test_what_is_paid_is_credited_once_also_over_crashes_and_when_it_is_told_again(shop):
    telegram = shop.telegram
    invoice = await invoice_for(shop, ADA)
    query = telegram.acting.pay(ADA, ADA, invoice["message_id"])
    await telegram.wait_for(lambda: answer_to(shop, query))
    await shop.kill()
    await shop.start()
    await shop.wait_for(lambda: shop.balance(ADA) == (100, 0))

    # The same payment in another update, and in one that the bot dies over.
    paid = next(m for m in telegram.state.messages[ADA].values() if "successful_payment" in m.body)
    for _ in range(2):
        known = len(shop.events("stars were paid"))
        telegram.state.updates.add("message", telegram.state.bot_json(paid))
        await shop.wait_for(lambda known=known: len(shop.events("stars were paid")) > known)
    await shop.kill()
    await shop.start()
    await telegram.say(ADA, "/paysupport")
    await telegram.wait_text(ADA, "@boss")
    assert shop.balance(ADA) == (100, 0)
    assert shop.rows("SELECT count(*), sum(credits) FROM payments") == [(1, 100)]
    assert sum(bool(event["new"]) for event in shop.events("stars were paid")) == 1
    await telegram.wait_text(ADA, "100 credits are yours")


async def test_an_invoice_of_somebody_else_cannot_be_paid(shop):
    invoice = await invoice_for(shop, ADA)
    query = shop.telegram.acting.pay(XIAOLIN, ADA, invoice["message_id"])
    answer = await shop.telegram.wait_for(lambda: answer_to(shop, query))
    assert str(answer["ok"]).lower() == "false"
    assert "别人的账单" in answer["error_message"]
    assert shop.rows("SELECT count(*) FROM payments") == [(0,)]


async def test_an_admin_gives_stars_back_with_the_credits_and_nobody_else_does(shop):
    telegram = shop.telegram
    invoice = await invoice_for(shop, ADA)
    telegram.acting.pay(ADA, ADA, invoice["message_id"])
    await telegram.wait_text(ADA, "100 credits are yours")
    charge = charge_of(shop)
    await telegram.say(ADA, f"/refund {charge}")
    await telegram.wait_text(ADA, "Only admins")

    # Telegram gives them back, but its answer is lost: asking once more settles it.
    telegram.refuse_next("refundStarPayment", ConnectionDropped(), done_first=True)
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "did not answer")
    assert shop.balance(ADA) == (0, 0)
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "150 ⭐ are given back")
    await telegram.wait_text(ADA, "Your 150 ⭐ were given back")
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "given back already")
    assert shop.balance(ADA) == (0, 0)
    assert shop.rows("SELECT state, taken FROM payments") == [("refunded", 100)]
    assert shop.rows("SELECT actor_id, action, subject FROM audit") == [(BOSS, "refund", str(ADA))]


async def test_without_packages_nothing_is_sold_and_the_terms_are_told_all_the_same(world):
    await world.start()
    await world.telegram.say(ADA, "/buy")
    await world.telegram.wait_text(ADA, "Nothing is sold here")
    await world.telegram.say(XIAOLIN, "/terms")
    await world.telegram.wait_text(XIAOLIN, "销售条款")
    await world.telegram.say(ADA, "/help")
    said = await world.telegram.wait_text(ADA, "/quota")
    assert "/buy" not in said["text"]
