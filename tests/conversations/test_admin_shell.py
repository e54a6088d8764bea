"""`klingbot admin` from a shell while the bot runs: it opens the same database by itself."""

import csv
import io

import pytest

from bot.clock import SystemClock
from tests.world.telegram import ADA, BOSS, XIAOLIN


@pytest.fixture
async def bot(world, kept_logging):
    # The shell looks at the machine's clock.
    world.clock.advance(SystemClock().now() - world.clock.now())
    world.configure(extra="[plans.pro]\ndaily_credits = 900")
    await world.start()
    return world


async def run(bot, *arguments: str) -> list[list[str]]:
    """What a command of the shell prints: its rows, each of its columns."""
    code, said = await bot.command("admin", *arguments)
    assert code == 0, said
    return [line.split("\t") for line in said.splitlines()]


async def refused(bot, *arguments: str) -> str:
    code, said = await bot.command("admin", *arguments)
    assert code == 1, said
    assert said.count("\n") == 1
    return said


async def meet(bot, *people: int) -> None:
    for person in people:
        await bot.telegram.say(person, "/start")
        await bot.telegram.wait_for(lambda person=person: bot.telegram.replies(person))


async def ask_until(bot, person: int, text: str, words: str) -> None:
    """Say something once the bot has taken up what a shell changed."""
    await bot.settle()
    await bot.telegram.say(person, text)
    await bot.telegram.wait_text(person, words)


def things(rows: list[list[str]]) -> dict[str, list[str]]:
    """The rows of a command whose first column names the thing."""
    return {row[0]: row[1:] for row in rows}


async def test_the_shell_tells_what_came_in_beside_what_it_cost(bot):
    await meet(bot, ADA)
    await run(bot, "grant", "@ada", "50")
    *days, total = await run(bot, "revenue", "--days", "2")
    assert [row[0] for row in days] == ["day", "day"]
    assert (total[:2], total[8], total[-1]) == (["total", "-"], "50", "USD")
    code, said = await bot.command("admin", "revenue", "--by", "user", "--csv")
    rows = list(csv.DictReader(io.StringIO(said)))
    assert (code, [(row["by"], row["name"], row["credits_granted"]) for row in rows]) == (
        0,
        [("user", "1001", "50"), ("total", "", "50")],
    )


async def test_the_shell_looks_after_people_and_the_log_says_so(bot):
    telegram = bot.telegram
    await meet(bot, ADA)
    assert await run(bot, "users", "ADA") == [["1001", "@ada", "free", "200", "Ada"]]
    assert await run(bot, "grant", "@ada", "50", "--note", "a prize", "--id", "p1") == [
        ["1001", "250 can be spent"]
    ]
    assert await run(bot, "grant", "@ada", "50", "--id", "p1") == [
        ["1001", "250 can be spent (was booked before)"]
    ]
    assert "50 granted credits are left" in await refused(bot, "grant", "@ada", "--", "-80")
    assert (await run(bot, "plan", "@ada", "pro", "--until", "30d"))[0][:2] == ["1001", "pro"]
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "950 credits")
    assert await run(bot, "ban", "@ada", "too", "loud") == [["1001", "banned"]]
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_text(ADA, "too loud")
    rows = await run(bot, "user", "@ada")
    card = things(rows)
    assert (card["id"], card["name"], card["available"]) == (["1001"], ["Ada"], ["950"])
    assert (card["plan"][0], card["ban"], card["role"]) == ("pro", ["too loud"], ["-"])
    assert [row[2:] for row in rows if row[0] == "ledger"] == [["grant", "50", "0", "-", "a prize"]]
    assert await run(bot, "unban", "1001") == [["1001", "not banned"]]
    assert "error.admin.no_user" in await refused(bot, "ban", "@nobody", "why")
    log = await run(bot, "audit", "@ada")
    assert [row[1:] for row in log] == [
        ["shell", "unban", "1001", "too loud", ""],
        ["shell", "ban", "1001", "", "too loud"],
        ["shell", "plan", "1001", "free", "pro (30d)"],
        ["shell", "grant", "1001", "0", "50 (+50)"],
    ]
    assert (
        bot.rows("SELECT actor_id FROM ledger") == bot.rows("SELECT actor_id FROM audit LIMIT 1") == [(None,)]
    )


async def test_the_running_bot_takes_up_what_the_shell_changed_at_the_door(bot):
    telegram = bot.telegram
    await meet(bot, ADA, BOSS)
    assert await run(bot, "maintenance") == [["off"]]
    assert await run(bot, "maintenance", "on") == [["on"]]
    await ask_until(bot, ADA, "/save", "back soon")
    await run(bot, "maintenance", "off")
    assert await run(bot, "access", "request") == [["request"]]
    await ask_until(bot, ADA, "/quota", "I have asked its admins")
    assert await run(bot, "waiting") == [["1001", "@ada", "Ada"]]
    assert await run(bot, "admit", "@ada", "--plan", "pro") == [["1001", "allowed", "pro"]]
    assert await run(bot, "admit", "@ada") == [["1001", "allowed (was before)", "pro"]]
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "Balance: 900 credits")
    (code,) = await run(bot, "invite", "--uses", "1", "--plan", "pro", "--id", "monday")
    assert await run(bot, "invite", "--uses", "1", "--plan", "pro", "--id", "monday") == [code]
    await telegram.say(XIAOLIN, f"/start invite_{code[0]}")
    await telegram.wait_text(XIAOLIN, "900")
    assert [row[:3] for row in await run(bot, "invites")] == [[code[0], "1", "1"]]
    assert await run(bot, "revoke", code[0]) == [[code[0], "ended"]]
    assert "error.invite.ended" in await refused(bot, "revoke", code[0])
    assert await run(bot, "deny", "@xiaolin") == [["1002", "denied"]]
    await telegram.say(XIAOLIN, "/quota")
    await telegram.wait_text(XIAOLIN, "没有批准")
    assert await run(bot, "role", "@xiaolin", "support") == [["1002", "support"]]
    assert [row[0] for row in await run(bot, "staff")] == [str(BOSS), str(XIAOLIN)]
    await telegram.say(XIAOLIN, "/admin")
    await telegram.wait_for(lambda: "inline_keyboard" in str(telegram.replies(XIAOLIN)[-1]))
    assert await run(bot, "role", "@xiaolin", "none") == [["1002", "none"]]
    assert "error.access.outranked" in await refused(bot, "role", "@boss", "none")
    assert {row[1] for row in await run(bot, "audit") if row[2] != "redeem"} == {"shell"}


async def test_tasks_are_looked_at_ended_and_given_back_and_failures_counted(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/video [fail] a fox")
    await telegram.wait_text(ADA, "credits are refunded")
    await telegram.say(ADA, "/video an owl")
    await telegram.wait_video(ADA)
    bot.kling.behaviour.render_seconds = 30
    await telegram.say(ADA, "/video a\tbear")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))

    ((running, state, user, provider, age),) = await run(bot, "tasks")
    assert (state, user, provider) == ("in_progress", str(ADA), "stand-in")
    assert int(age) < 60
    card = things(await run(bot, "task", running.lower()))
    assert (card["prompt"], card["credits"], card["finished_at"]) == (["a bear"], ["15"], ["-"])
    assert ["task", running, "in_progress", "stand-in"] in [row[:4] for row in await run(bot, "user", "@ada")]
    assert await run(bot, "cancel", running) == [[running, "expired"]]
    await telegram.wait_text(ADA, "longer than we wait")
    assert "error.task.ended" in await refused(bot, "cancel", running)

    failures = await run(bot, "failures")
    assert failures[:2] == [["ended", "3"], ["failed", "2"]]
    assert sorted(row[2] for row in failures if row[0] == "kind") == ["deadline", "provider"]
    assert running in [row[1] for row in failures if row[0] == "task"]

    await bot.ended(3)
    assert bot.balance(ADA) == (-15, 0)
    ((made,),) = bot.rows("SELECT id FROM tasks WHERE state = 'succeeded'")
    assert await run(bot, "refund", made) == [[f"{made[:4]}-{made[4:]}", str(ADA), "15"]]
    assert "error.admin.refunded" in await refused(bot, "refund", made)
    assert "error.admin.nothing_to_refund" in await refused(bot, "refund", running)
    assert bot.balance(ADA) == (0, 0)
    assert [row[1:3] for row in await run(bot, "audit")] == [["shell", "refund"], ["shell", "cancel"]]

    code, table = await bot.command("admin", "stats", "--days", "7")
    assert code == 0
    figures = list(csv.DictReader(io.StringIO(table)))
    assert sorted(row["state"] for row in figures) == ["expired", "failed", "succeeded"]


async def test_plans_and_prices_of_the_shell_hold_for_the_running_bot(bot):
    telegram = bot.telegram
    await meet(bot, ADA)
    for field, value, shown in (
        ("daily_credits", "70", "70"),
        ("models", "kling-v2-6", "kling-v2-6"),
        ("carry_over", "ON", "on"),
    ):
        (changed,) = await run(bot, "settings", "set", f"plans.gold.{field}", value)
        assert (changed[:2], changed[3]) == ([f"plans.gold.{field}", shown], "overridden")
    assert ["plans.gold.daily_credits", "70", "-", "overridden"] in await run(
        bot, "settings", "list", "plans"
    )
    assert await run(bot, "plan", "@ada", "gold") == [["1001", "gold", "-"]]
    await ask_until(bot, ADA, "/quota", "Balance: 70 credits")

    price = "prices.models.kling-v2-6.rate.std"
    assert [price, "3", "3", "settings"] in await run(bot, "settings", "list")
    changed = [price, "0.5", "3", "overridden"]
    assert await run(bot, "settings", "set", price, "0.5") == [changed]
    assert await run(bot, "settings", "get", price) == [changed]
    assert "from 0 to 100000" in await refused(bot, "settings", "set", price, "free")
    assert "no setting prices.models.kling " in await refused(bot, "settings", "get", "prices.models.kling")
    await ask_until(bot, ADA, "/prices", "5 s 3 · 10 s 5")
    await telegram.say(ADA, "/video a fox --model kling-v2-6")
    await telegram.wait_video(ADA)
    assert bot.rows("SELECT price FROM tasks") == [(3,)]
    assert await run(bot, "settings", "reset", "prices.models.kling-v2-6") == [
        ["prices.models.kling-v2-6", "settings"]
    ]

    assert await run(bot, "settings", "reset", "plans.gold") == [["plans.gold", "settings"]]
    await ask_until(bot, ADA, "/quota", "Balance: 197 credits")
    assert [row[1:3] for row in await run(bot, "audit")] == [
        *(["shell", "setting"] for _ in range(3)),
        ["shell", "plan"],
        *(["shell", "setting"] for _ in range(3)),
    ]
