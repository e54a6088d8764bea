"""Stars, from the invoice to the refund, through the real process: also told twice, and over crashes."""

import pytest

from bot.demo.telegram.faults import ConnectionDropped
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA, BOSS, XIAOLIN

SALES = """
[[packages]]
name = "small"
credits = 100
stars = 150

[payments]
support = "@boss"
"""


@pytest.fixture
async def shop(world: BotInProcess) -> BotInProcess:
    world.configure(daily=0, extra=SALES)
    await world.start()
    return world


async def invoice_for(world: BotInProcess, user: int) -> dict:
    await world.telegram.say(user, "/buy")
    await world.telegram.wait_text(user, "Stars")
    await world.telegram.press_labelled(user, "100")

    def sent() -> dict | None:
        return next((m for m in reversed(world.telegram.replies(user)) if "invoice" in m), None)

    return await world.telegram.wait_for(sent)


MONTHLY = """
[plans.pro]
daily_credits = 900

[[subscriptions]]
name = "pro"
plan = "pro"
credits = 300
stars = 500
"""


def charge_of(world: BotInProcess) -> str:
    return next(p.charge_id for p in world.telegram.state.payments.values() if p.charge_id)


def answer_to(world: BotInProcess, query: str) -> dict | None:
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
    query = telegram.stars.pay(ADA, ADA, invoice["message_id"])
    await telegram.wait_for(lambda: answer_to(shop, query))
    await shop.restart()
    await shop.wait_for(lambda: shop.balance(ADA) == (100, 0))

    # The same payment in another update, and in one that the bot dies over.
    paid = next(m for m in telegram.state.messages[ADA].values() if "successful_payment" in m.body)
    for _ in range(2):
        known = len(shop.events("stars were paid"))
        telegram.state.updates.add("message", telegram.state.bot_json(paid))
        await shop.wait_for(lambda known=known: len(shop.events("stars were paid")) > known)
    await shop.restart()
    await telegram.say(ADA, "/paysupport")
    await telegram.wait_text(ADA, "@boss")
    assert shop.balance(ADA) == (100, 0)
    assert shop.rows("SELECT count(*), sum(credits) FROM payments") == [(1, 100)]
    assert sum(bool(event["new"]) for event in shop.events("stars were paid")) == 1
    await telegram.wait_text(ADA, "100 credits added")


async def test_an_invoice_of_somebody_else_cannot_be_paid(shop):
    invoice = await invoice_for(shop, ADA)
    query = shop.telegram.stars.pay(XIAOLIN, ADA, invoice["message_id"])
    answer = await shop.telegram.wait_for(lambda: answer_to(shop, query))
    assert str(answer["ok"]).lower() == "false"
    assert "别人的账单" in answer["error_message"]
    assert shop.rows("SELECT count(*) FROM payments") == [(0,)]


async def test_an_admin_gives_stars_back_with_the_credits_and_nobody_else_does(shop):
    telegram = shop.telegram
    invoice = await invoice_for(shop, ADA)
    telegram.stars.pay(ADA, ADA, invoice["message_id"])
    await telegram.wait_text(ADA, "100 credits added")
    charge = charge_of(shop)
    await telegram.say(ADA, f"/refund {charge}")
    await telegram.wait_text(ADA, "Only admins")

    # Telegram gives them back, but its answer is lost, and no report comes: asking once more settles it.
    telegram.stars.reports_refunds = False
    telegram.refuse_next("refundStarPayment", ConnectionDropped(), done_first=True)
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "did not answer")
    assert shop.balance(ADA) == (0, 0)
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "refunded 150 ⭐")
    await telegram.wait_text(ADA, "Your 150 ⭐ were refunded")
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "already refunded")
    assert shop.balance(ADA) == (0, 0)
    assert shop.rows("SELECT state, taken FROM payments") == [("refunded", 100)]
    assert shop.rows("SELECT actor_id, action, subject FROM audit") == [(BOSS, "refund", str(ADA))]


async def bought(shop: BotInProcess, user: int) -> str:
    """Buy the small package; the charge."""
    invoice = await invoice_for(shop, user)
    shop.telegram.stars.pay(user, user, invoice["message_id"])
    await shop.wait_for(lambda: shop.balance(user) == (100, 0))
    return charge_of(shop)


def told(shop: BotInProcess, user: int, words: str) -> int:
    return len(shop.written(user, words))


async def test_stars_that_telegram_refunds_take_what_is_left_and_it_is_told_once(shop):
    telegram = shop.telegram
    charge = await bought(shop, ADA)
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_video(ADA)
    await telegram.say(BOSS, f"/grant {ADA} 50")
    await shop.wait_for(lambda: shop.balance(ADA) == (135, 0))

    message = telegram.stars.refund_elsewhere(ADA, charge)
    assert message["from"]["is_bot"]
    await telegram.wait_text(ADA, "took back 85 credits")
    said = await telegram.wait_text(BOSS, "Telegram refunded 150 ⭐ to Ada")
    assert "15 credits had been spent" in said["text"]
    assert charge in said["text"]
    # What came from elsewhere stays.
    assert shop.balance(ADA) == (50, 0)

    # The same in another update, also after a restart, and asked for by an admin.
    telegram.state.updates.add("message", message)
    await shop.settle()
    await shop.restart()
    telegram.state.updates.add("message", message)
    await shop.settle()
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "already refunded")
    assert shop.balance(ADA) == (50, 0)
    assert shop.rows("SELECT state, taken FROM payments") == [("refunded", 85)]
    assert shop.rows("SELECT actor_id, subject FROM audit WHERE action = 'refund'") == [(None, str(ADA))]
    assert (told(shop, ADA, "took back"), told(shop, BOSS, "Telegram refunded")) == (1, 1)


async def test_a_refund_of_the_bot_is_not_told_again_by_telegrams_report(shop):
    telegram = shop.telegram
    charge = await bought(shop, ADA)
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "refunded 150 ⭐")
    await telegram.wait_text(ADA, "Your 150 ⭐ were refunded")
    await shop.wait_for(lambda: shop.events("stars were refunded"))
    assert [event["new"] for event in shop.events("stars were refunded")] == [False]
    assert (told(shop, ADA, "took back"), told(shop, BOSS, "Telegram refunded")) == (1, 0)
    assert shop.rows("SELECT actor_id, subject FROM audit") == [(BOSS, str(ADA))]


async def test_the_report_ends_a_refund_whose_answer_was_lost(shop):
    telegram = shop.telegram
    charge = await bought(shop, ADA)
    telegram.refuse_next("refundStarPayment", ConnectionDropped(), done_first=True)
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "did not answer")
    await telegram.wait_text(ADA, "Your 150 ⭐ were refunded")
    assert shop.rows("SELECT state, taken, refunds FROM payments") == [("refunded", 100, 1)]
    assert shop.rows("SELECT actor_id, subject FROM audit") == [(BOSS, str(ADA))]
    assert shop.balance(ADA) == (0, 0)
    assert told(shop, BOSS, "Telegram refunded") == 0


async def test_a_refund_of_a_payment_that_is_not_known_is_reported_once_and_credits_nothing_later(shop):
    telegram = shop.telegram
    invoice = await invoice_for(shop, ADA)
    await shop.stop()
    query = telegram.stars.pay(ADA, ADA, invoice["message_id"])
    telegram.state.updates.waiting.clear()
    payment = telegram.state.payments[query]
    telegram.stars._pay(payment)
    (paid,) = telegram.state.updates.waiting
    telegram.state.updates.waiting.clear()
    message = telegram.stars.refund_elsewhere(ADA, payment.charge_id)
    await shop.start()
    await telegram.wait_text(BOSS, "a payment that is not known here")
    for body in (message, paid["message"], message):
        telegram.state.updates.add("message", body)
        await shop.settle()
    await shop.restart()
    telegram.state.updates.add("message", message)
    await shop.settle()
    assert told(shop, BOSS, "Telegram refunded") == 1
    assert (told(shop, ADA, "Thank you"), shop.balance(ADA)) == (0, (0, 0))
    assert shop.rows("SELECT state, credits FROM payments") == [("refunded", 0)]


async def test_a_month_that_telegram_refunds_ends_the_plan_and_its_renewal(club):
    telegram = club.telegram
    charge = await subscribe(club, ADA)
    telegram.stars.refund_elsewhere(ADA, charge)
    await telegram.wait_text(BOSS, "Telegram refunded 500 ⭐")
    await telegram.wait_for(lambda: not telegram.stars.subscription(ADA, charge).renews)
    assert club.balance(ADA) == (0, 0)
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "free")
    assert club.rows("SELECT renews FROM subscriptions") == [(0,)]


async def test_a_refund_of_somebody_forgotten_is_told_to_admins_alone(shop):
    telegram = shop.telegram
    charge = await bought(shop, ADA)
    await telegram.say(ADA, "/forget")
    await telegram.wait_for(lambda: "Delete everything" in str(telegram.replies(ADA)[-1].get("reply_markup")))
    await telegram.press_labelled(ADA, "Delete everything")
    await shop.wait_for(lambda: shop.rows("SELECT count(*) FROM users WHERE id = ?", ADA) == [(0,)])
    telegram.stars.refund_elsewhere(ADA, charge)
    await telegram.wait_text(BOSS, "Telegram refunded 150 ⭐")
    assert told(shop, ADA, "took back") == 0
    assert shop.rows("SELECT sum(amount) FROM ledger") == [(0,)]


async def test_without_packages_nothing_is_sold_and_the_terms_are_told_all_the_same(world):
    await world.start()
    await world.telegram.say(ADA, "/buy")
    await world.telegram.wait_text(ADA, "Nothing is sold here")
    await world.telegram.say(XIAOLIN, "/terms")
    await world.telegram.wait_text(XIAOLIN, "销售条款")
    await world.telegram.say(ADA, "/help")
    said = await world.telegram.wait_text(ADA, "/quota")
    assert "/buy" not in said["text"]


@pytest.fixture
async def club(world: BotInProcess) -> BotInProcess:
    world.configure(daily=0, extra=MONTHLY)
    await world.start()
    return world


def link_in(world: BotInProcess, user: int) -> str | None:
    for message in reversed(world.telegram.replies(user)):
        for row in message.get("reply_markup", {}).get("inline_keyboard", []):
            for button in row:
                if button.get("url", "").startswith("https://t.me/$"):
                    return button["url"]
    return None


async def invoice_link(world: BotInProcess, user: int) -> str:
    """What a person gets who wants to subscribe: a link to the invoice, another one each time."""
    before = link_in(world, user)
    await world.telegram.say(user, "/buy")
    await world.telegram.wait_text(user, "Stars")
    await world.telegram.press_labelled(user, "Plan pro")
    return await world.telegram.wait_for(lambda: (link := link_in(world, user)) != before and link)


async def subscribe(world: BotInProcess, user: int) -> str:
    """Subscribe as a person does; the charge of the first payment."""
    world.telegram.stars.pay_link(user, await invoice_link(world, user))
    await world.telegram.wait_text(user, "The plan pro is yours until")
    return charge_of(world)


async def test_a_subscription_brings_its_plan_and_credits_each_month_once_also_over_crashes(club):
    telegram = club.telegram
    charge = await subscribe(club, ADA)
    assert club.balance(ADA) == (300, 0)
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "1,200 credits")

    # The next month is told while the bot is down, and twice.
    await club.stop()
    telegram.stars.renew(ADA, charge)
    paid = [m for m in telegram.state.messages[ADA].values() if "successful_payment" in m.body]
    telegram.state.updates.add("message", telegram.state.bot_json(paid[-1]))
    await club.start()
    await club.wait_for(lambda: len(club.events("stars were paid")) == 3)
    assert club.rows("SELECT count(*), count(subscription) FROM payments") == [(2, 2)]
    assert club.balance(ADA) == (600, 0)
    ((first, until, renews),) = club.rows("SELECT charge_id, paid_until, renews FROM subscriptions")
    assert (first, until, renews) == (
        charge,
        paid[-1].body["successful_payment"]["subscription_expiration_date"] * 1000,
        1,
    )


async def test_a_person_ends_the_renewal_and_may_go_on_after_all(club):
    telegram = club.telegram
    charge = await subscribe(club, ADA)
    await telegram.say(ADA, "/buy")
    await telegram.wait_text(ADA, "It renews on")
    await telegram.press_labelled(ADA, "End the subscription")
    await telegram.wait_text(ADA, "does not renew")
    with pytest.raises(ValueError, match="does not renew"):
        telegram.stars.renew(ADA, charge)
    with pytest.raises(ValueError, match="does not let"):
        telegram.stars.switch(ADA, charge, "active")
    await telegram.press_labelled(ADA, "Resume renewal")
    await telegram.wait_text(ADA, "unless you switch it on again")
    telegram.stars.switch(ADA, charge, "active")
    await club.wait_for(lambda: club.rows("SELECT renews FROM subscriptions") == [(1,)])
    telegram.stars.switch(ADA, charge, "failed")
    await telegram.wait_text(ADA, "could not be renewed for 500 ⭐")
    assert club.rows("SELECT renews FROM subscriptions") == [(0,)]


async def test_nobody_subscribes_twice_or_to_what_admins_gave_them_already(club):
    telegram = club.telegram
    early = await invoice_link(club, ADA)
    await subscribe(club, ADA)
    query = telegram.stars.pay_link(ADA, early)
    answer = await telegram.wait_for(lambda: answer_to(club, query))
    assert "already" in answer["error_message"]
    stranger = telegram.stars.pay_link(XIAOLIN, early)
    answer = await telegram.wait_for(lambda: answer_to(club, stranger))
    assert "别人的账单" in answer["error_message"]

    await telegram.say(XIAOLIN, "/buy")
    await telegram.wait_text(XIAOLIN, "Stars")
    await telegram.say(BOSS, f"/plan {XIAOLIN} pro")
    await telegram.wait_text(XIAOLIN, "pro")
    query = await telegram.press_labelled(XIAOLIN, "套餐 pro")
    assert "管理员已为你设置套餐" in (await telegram.wait_answer(query))["text"]


async def test_a_refunded_month_ends_the_plan_and_its_renewal(club):
    telegram = club.telegram
    charge = await subscribe(club, ADA)
    await telegram.say(BOSS, f"/refund {charge}")
    await telegram.wait_text(BOSS, "refunded 500 ⭐")
    await telegram.wait_for(lambda: not telegram.stars.subscription(ADA, charge).renews)
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "free")
    assert club.balance(ADA) == (0, 0)
    await telegram.say(ADA, "/buy")
    await telegram.wait_for(lambda: "Plan pro" in str(telegram.replies(ADA)[-1].get("reply_markup")))


async def test_whoever_is_forgotten_pays_no_longer_and_is_kept_where_telegram_does_not_answer(club):
    telegram = club.telegram
    charge = await subscribe(club, ADA)
    telegram.refuse_next("editUserStarSubscription", ConnectionDropped())
    await telegram.say(ADA, "/forget")
    await telegram.wait_for(lambda: "Delete everything" in str(telegram.replies(ADA)[-1].get("reply_markup")))
    query = await telegram.press_labelled(ADA, "Delete everything")
    assert "Telegram did not answer" in (await telegram.wait_answer(query))["text"]
    assert club.rows("SELECT count(*) FROM subscriptions") == [(1,)]
    await telegram.press_labelled(ADA, "Delete everything")
    await club.wait_for(lambda: club.rows("SELECT count(*) FROM subscriptions") == [(0,)])
    assert not telegram.stars.subscription(ADA, charge).renews
