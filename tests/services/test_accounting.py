"""Kling's accounting and the bot's own books come out equal: through the real client, against the stand-in's ledger."""

from typing import Any

import httpx
import pytest

from bot.domain.operations.charges import Book, Charge
from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, Millis, ProviderName, format_task_id
from bot.services.operations.accounting import AHEAD, FRESH, PAUSE, REFUSED
from bot.services.ports import Job
from tests.world.bot import BotInProcess, open_bot
from tests.world.telegram import ADA, BOSS

KEY = "demo-api-key"
NAME = ProviderName("stand-in")


@pytest.fixture
async def bot(tmp_path):
    async with open_bot(tmp_path, BotInProcess) as opened:
        opened.kling.behaviour.render_seconds = 1
        opened.configure(key=KEY, daily=5_000, models='["kling-v1-6", "kling-v2-6"]')
        await opened.start()
        yield opened


async def make(bot: BotInProcess, words: str = "a fox", *, ends: str = "") -> None:
    """A task of Ada's, to its end: a video, or words that the bot says of it."""
    before = len([message for message in bot.telegram.replies(ADA) if "video" in message])
    await bot.telegram.say(ADA, f"/video {words}")
    if ends:
        await bot.telegram.wait_text(ADA, ends)
    else:
        await bot.telegram.wait_video(ADA, before + 1)


async def read(bot: BotInProcess) -> None:
    """Let the reading that is going on end, and the accounting be read once more from its beginning."""
    for _ in range(2):
        bot.clock.advance(PAUSE)
        for _ in range(5):
            await bot.app.tick(Job.ACCOUNTING)
            bot.clock.advance(5 * SECOND)


async def spend_elsewhere(bot: BotInProcess, **body) -> str:
    """A video that another program makes with the same key; Kling's id of it."""
    wish = {"model_name": "kling-v2-6", "prompt": "a hen", "mode": "pro", **body}
    async with httpx.AsyncClient(base_url=bot.kling_url, trust_env=False) as http:
        answer = await http.post(
            "/v1/videos/text2video", json=wish, headers={"Authorization": f"Bearer {KEY}"}
        )
    bot.clock.advance(10 * SECOND)
    await bot.kling.rendered()
    return answer.json()["data"]["task_id"]


def ledger(bot: BotInProcess) -> list[tuple[str, float]]:
    """What the stand-in's own books say: the task and what was taken."""
    return sorted((row.task_id, row.amount) for row in bot.kling.book(KEY).rows)


def asked(bot: BotInProcess) -> list[dict[str, Any]]:
    """What the bot has asked for of the accounting."""
    return [record.body for record in bot.kling.money_requests if record.method == "POST"]


def kept(bot: BotInProcess) -> list[tuple[str, float]]:
    return sorted(bot.rows("SELECT remote_id, amount FROM charges"))


async def test_every_unit_that_kling_charged_is_matched_to_a_task(bot):
    for words in ("a fox", "a hen --mode pro", "an owl --duration 10"):
        await make(bot, f"{words} --model kling-v2-6")
    await read(bot)
    assert len(kept(bot)) == 3
    assert kept(bot) == ledger(bot)
    assert not bot.rows("SELECT 1 FROM charges WHERE task_id IS NULL")
    matched = bot.rows(
        "SELECT 1 FROM charges JOIN tasks ON tasks.id = task_id AND provider_task_id = remote_id"
    )
    assert len(matched) == 3
    report = await bot.app.services.costs.report(30)
    (found,) = report.sums
    assert found.amount == pytest.approx(sum(amount for _, amount in ledger(bot)))
    assert (found.provider, found.product, found.number, found.unmatched) == (NAME, "video", 3, 0)
    assert (report.unmatched, report.failed, report.drifts) == ((), (), ())
    assert report.read_until[0].moment <= bot.clock.now()


async def test_rows_are_counted_once_however_often_they_are_read(bot):
    await make(bot)
    for _ in range(3):
        await read(bot)
    await make(bot, "a hen")
    await bot.restart()
    await read(bot)
    assert len(kept(bot)) == 2
    assert kept(bot) == ledger(bot)


async def test_what_another_program_spent_is_told_as_unmatched(bot):
    await make(bot)
    other = await spend_elsewhere(bot)
    await read(bot)
    assert kept(bot) == ledger(bot)
    report = await bot.app.services.costs.report(30)
    assert [(charge.remote_id, charge.amount) for charge in report.unmatched] == [(other, 2.5)]
    await bot.telegram.say(BOSS, "/costs")
    told = await bot.telegram.wait_text(BOSS, "Without a task")
    assert other in told["text"]
    assert "4 video units; 1 of 2 charges matched" in told["text"]


async def told(bot: BotInProcess) -> list[str]:
    """What the admin was told of charges, after each accounting was read and looked at."""
    await bot.app.tick(Job.ROUNDS)
    return [str(reply["text"]) for reply in bot.telegram.replies(BOSS) if "charges" in str(reply.get("text"))]


async def test_the_admins_are_told_once_of_new_charges_without_a_task_and_a_button_shows_them(bot):
    await make(bot, "an owl --model kling-v2-6")
    await spend_elsewhere(bot)
    await read(bot)
    # It may still be for a task whose answer is looked for.
    assert await told(bot) == []
    bot.clock.advance(HOUR)
    await read(bot)
    for _ in range(2):
        assert await told(bot) == [
            "New charges by stand-in without a task here: 1. Someone else may use the key."
        ]
        await bot.restart()
        bot.clock.advance(2 * DAY)
        await read(bot)
    await bot.telegram.press_labelled(BOSS, "Show charges")
    await bot.telegram.wait_text(BOSS, "Without a task")


async def test_the_admins_are_told_once_of_each_price_that_differs(bot):
    await make(bot, "a fox --model kling-v1-6")
    await read(bot)
    for _ in range(2):
        assert await told(bot) == [
            "stand-in charges 3 credits for kling-v1-6 (std); the catalog says 4. The settings to paste are below."
        ]
        await make(bot, "a hen --model kling-v1-6")
        await read(bot)
    await bot.telegram.press_labelled(BOSS, "Show charges")
    await bot.telegram.wait_text(BOSS, "rate = { std = 3, pro = 7 }")


async def test_finding_faces_and_making_speech_is_matched_to_the_task_that_needed_it(bot):
    await bot.telegram.say(ADA, "/video a fox")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(
        ADA, "/lipsync Hello there, how are you doing today?", reply_to=video["message_id"]
    )
    await bot.telegram.wait_video(ADA, 2)
    await read(bot)
    functions = {function for (function,) in bot.rows("SELECT function FROM charges")}
    assert {"Face Recognition", "Text to Speech"} <= functions
    assert not bot.rows("SELECT 1 FROM charges WHERE task_id IS NULL")
    of_one = "SELECT count(DISTINCT task_id) FROM charges WHERE function != 'Text to Video'"
    assert bot.rows(of_one) == [(1,)]


async def test_whoever_asks_has_it_read_until_now(bot):
    await read(bot)
    other = await spend_elsewhere(bot)
    costs, woken = bot.app.services.costs, bot.app.scheduler.woken
    bot.clock.advance(FRESH)
    woken.clear()
    await costs.refresh()
    assert Job.ACCOUNTING in woken
    for _ in range(2):
        await bot.app.tick(Job.ACCOUNTING)
        bot.clock.advance(2 * SECOND)
    assert other in {charge.remote_id for charge in (await costs.report(30)).unmatched}
    woken.clear()
    await costs.refresh()
    assert woken == set(), "it was read just now"


async def test_a_charge_whose_answer_was_lost_is_matched_once_its_task_is_known(bot):
    await make(bot)
    (task_id,) = bot.rows("SELECT provider_task_id FROM tasks")[0]
    await bot.app.store.engine.write(lambda tx: tx.run("UPDATE tasks SET provider_task_id = NULL"))
    await read(bot)
    report = await bot.app.services.costs.report(30)
    assert [charge.remote_id for charge in report.unmatched] == [task_id]
    await bot.app.store.engine.write(lambda tx: tx.run("UPDATE tasks SET provider_task_id = :id", id=task_id))
    await read(bot)
    assert not (await bot.app.services.costs.report(30)).unmatched


async def test_failed_tasks_that_were_charged_are_listed(bot):
    bot.kling.behaviour.charge_failures = True
    await make(bot, "a fox [fail]", ends="are refunded")
    await read(bot)
    (failed,) = (await bot.app.services.costs.report(30)).failed
    assert (failed.state, failed.amount) == (TaskState.FAILED, 1.5)
    await bot.telegram.say(BOSS, "/costs")
    told = await bot.telegram.wait_text(BOSS, "Failed, but charged")
    assert format_task_id(failed.id) in told["text"]


async def test_prices_that_differ_are_told_with_the_settings_that_make_them_right(bot, tmp_path):
    """The stand-in takes 0.3 units a second for kling-v1-6, the catalog says 0.4."""
    await make(bot, "a fox --model kling-v1-6")
    await make(bot, "a hen --model kling-v1-6 --duration 10")
    await make(bot, "an owl --model kling-v2-6")
    await read(bot)
    report = await bot.app.services.costs.report(30)
    (drift,) = report.drifts
    assert (drift.model, drift.variant, drift.listed, drift.charged, drift.tasks) == (
        *("kling-v1-6", "std", 4, 3, 2),
    )
    assert report.settings == "[catalog.models.kling-v1-6]\nrate = { std = 3, pro = 7 }"
    await bot.telegram.say(BOSS, "/costs")
    assert report.settings in (await bot.telegram.wait_text(BOSS, "Prices that differ"))["text"]
    status, printed = await bot.command("admin", "costs", "--days", "366")
    assert status == 0
    assert "drift\tstand-in\ttext2video\tkling-v1-6\tstd\t4\t3\t2" in printed.splitlines()
    assert "settings\trate = { std = 3, pro = 7 }" in printed.splitlines()
    assert any(line.startswith("sum\tstand-in\tvideo\t6\t3\t0") for line in printed.splitlines())
    # With what was suggested everything agrees.
    bot.configure(key=KEY, models='["kling-v1-6", "kling-v2-6"]', extra=f"{report.settings}\n")
    await bot.restart()
    assert not (await bot.app.services.costs.report(30)).drifts


def fill(bot: BotInProcess, number: int) -> None:
    """So many deductions of other programs in the books at Kling."""
    book, at = bot.kling.book(KEY), bot.clock.now()
    for each in range(number):
        book.take("video", 0.5, f"other-{each}", (at, at), product_function="Text to Video", model_name="m")


async def test_a_reading_that_is_cut_short_goes_on_where_it_was(bot):
    fill(bot, 1_234)
    bot.clock.advance(PAUSE)
    await bot.app.tick(Job.ACCOUNTING)
    assert len(kept(bot)) == 500
    await bot.restart()
    bot.clock.advance(5 * SECOND)
    await bot.app.tick(Job.ACCOUNTING)
    assert len(kept(bot)) == 1_000
    assert len(asked(bot)) == 2
    assert "cursor" in asked(bot)[1]
    for _ in range(3):
        bot.clock.advance(5 * SECOND)
        await bot.app.tick(Job.ACCOUNTING)
    assert kept(bot) == ledger(bot)
    assert len(asked(bot)) == 4
    assert (await bot.app.services.costs.report(30)).read_until


async def test_one_question_a_second_is_asked_and_a_refusal_for_haste_is_waited_out(bot):
    bot.clock.advance(PAUSE)
    for _ in range(5):
        await bot.app.tick(Job.ACCOUNTING)
    assert len(asked(bot)) == 1
    bot.clock.advance(5 * SECOND)
    # Somebody else has just asked with the same key.
    bot.kling.book(KEY).asked_at = bot.seconds()
    await bot.app.tick(Job.ACCOUNTING)
    bot.clock.advance(MINUTE)
    await bot.app.tick(Job.ACCOUNTING)
    assert [record.path for record in bot.kling.money_requests] == [
        "/account/billing/package",
        "/account/billing/balance",
        "/account/billing/balance",
    ]
    assert (await bot.app.services.costs.report(30)).read_until


async def test_a_cursor_that_kling_forgot_begins_the_reading_anew(bot):
    fill(bot, 600)
    bot.clock.advance(PAUSE)
    await bot.app.tick(Job.ACCOUNTING)
    reading = await bot.app.store.charges.get_reading(NAME)
    await bot.app.store.charges.save(NAME, {**reading, "cursor": "forgotten"}, (), Millis(0))
    await read(bot)
    assert kept(bot) == ledger(bot)


async def test_only_what_was_made_lately_is_read_again(bot):
    await read(bot)
    bot.clock.advance(10 * DAY)
    await bot.app.tick(Job.ACCOUNTING)
    first, last = asked(bot)[0], asked(bot)[-1]
    assert first["end_time"] - first["start_time"] == 30 * DAY + AHEAD
    assert 12 * DAY < last["end_time"] - last["start_time"] < 12 * DAY + 2 * HOUR


async def test_who_has_no_accounting_is_asked_for_none(bot):
    for dialect, key in (("generic", "sk-demo-generic"), ("prefixed", "sk-demo-prefixed")):
        bot.configure(dialect=dialect, key=key)
        await bot.restart()
        await read(bot)
    assert not asked(bot)
    await bot.telegram.say(BOSS, "/costs")
    await bot.telegram.wait_text(BOSS, "No provider shows its accounting")


async def test_who_does_not_show_it_is_left_alone_for_hours_without_a_word(bot):
    bot.configure(key="demo-access|demo-secret-that-signs-for-nothing")
    await bot.restart()
    for _ in range(3):
        await read(bot)
    assert len(asked(bot)) == 1
    bot.clock.advance(REFUSED)
    await bot.app.tick(Job.ACCOUNTING)
    assert len(asked(bot)) == 2
    assert not bot.events("operators are told")
    assert (await bot.app.services.providers.reports())[0].open_until is None


async def test_without_an_accounting_the_answers_about_tasks_tell_of_prices(bot):
    bot.configure(key="demo-access|demo-secret-that-signs-for-nothing", models='["kling-v1-6"]')
    await bot.restart()
    await make(bot, "a fox")
    (drift,) = (await bot.app.services.costs.report(30)).drifts
    assert (drift.model, drift.listed, drift.charged) == ("kling-v1-6", 4, 3)


async def test_what_a_picture_costs_is_counted_in_units_of_video(bot):
    await bot.telegram.say(ADA, "/image a fox")
    await bot.telegram.wait_for(lambda: [each for each in bot.telegram.replies(ADA) if "photo" in each])
    assert bot.rows("SELECT real_cost FROM tasks") == [("0.2",)]
    await read(bot)
    (found,) = (await bot.app.services.costs.report(30)).sums
    assert (found.product, found.amount, found.unmatched) == ("image", 8, 0)


async def test_one_account_under_two_names_is_counted_once(bot):
    second = f'[[providers]]\nname = "second"\ndialect = "unified"\nbase_url = "{bot.kling_url}"\nkey = "{KEY}"\nmodels = ["kling-v2-6"]\n'
    bot.configure(key=KEY, models='["kling-v2-6"]', provider=f"\n{second}")
    await bot.restart()
    await spend_elsewhere(bot)
    await read(bot)
    assert kept(bot) == ledger(bot)
    charge = (await bot.app.services.costs.report(30)).unmatched[0]
    again = Charge(
        **{name: getattr(charge, name) for name in Charge.__slots__} | {"provider": ProviderName("second")}
    )
    assert await bot.app.store.charges.save(ProviderName("second"), {}, (again,), Millis(0)) == 0
    assert charge.book is Book.UNITS
