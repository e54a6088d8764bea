"""What the admins are told by itself: once an hour with a count, and yesterday once a day."""

from types import SimpleNamespace

import pytest

from bot.domain.tasks.lifecycle import ProviderFailed, transition
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import DAY, HOUR, MINUTE, Millis
from bot.services.ports import Job
from tests.builders import NOW, stored
from tests.world.services import ServiceWorld, refusal
from tests.world.telegram import BOSS, XIAOLIN, complaint

QUIET = "[alerts]\nsummary = false\nfailure_tasks = 4\n"
EMPTY = refusal(429, 1101, "Account in arrears")


@pytest.fixture
async def world(bare) -> ServiceWorld:
    await bare.open(extra=QUIET)
    return bare


def told(world: ServiceWorld, admin: int = BOSS) -> list[str]:
    return [call["text"] for call in world.to_telegram.of("sendMessage") if call["chat_id"] == admin]


def balance(world: ServiceWorld) -> list[str]:
    """The alerts of empty accounts."""
    return [alert for alert in world.alerts if alert == "alert.provider.balance"]


async def test_the_same_alert_comes_once_an_hour_and_says_how_often_it_came_again(two):
    for front in (two.to_kling, two.to_second):
        front.always("submit", EMPTY)
    await stored(two.store)
    for _ in range(2):
        await two.run(Job.DISPATCH)
    assert balance(two) == ["alert.provider.balance"] * 2
    for provider in ("stand-in", "second"):
        assert sum(f"<b>{provider}</b>" in text for text in told(two)) == 1
    for _ in range(2):
        await two.services.providers.resume("stand-in", BOSS, "update:resume")
        await stored(two.store)
        await two.run(Job.DISPATCH)
    assert len(balance(two)) == 2
    # A restart tells nothing twice and forgets no count.
    await two.restart()
    await two.run(Job.ROUNDS, HOUR)
    assert len(balance(two)) == 3
    assert any("2" in text for text in told(two)[2:])
    await two.run(Job.ROUNDS, HOUR)
    assert len(balance(two)) == 3


async def test_many_failures_are_told_but_not_refused_content_and_not_few(world):
    for kind in (FailureKind.PROVIDER, FailureKind.CONTENT) * 3:
        running = await stored(world.store, TaskState.IN_PROGRESS)
        await world.store.tasks.apply(transition(running, ProviderFailed(kind), NOW), NOW)
    await world.run(Job.ROUNDS)
    assert world.alerts == []
    await stored(world.store, TaskState.SUCCEEDED)
    await world.run(Job.ROUNDS)
    (record,) = world.events("operators are told")
    assert (record["alert"], record["about_failed"], record["about_ended"]) == ("alert.failures", 3, 4)


async def test_a_slow_queue_and_a_full_disk_are_told_once(world, monkeypatch):
    monkeypatch.setattr("bot.background.shutil.disk_usage", lambda _: SimpleNamespace(total=100, free=4))
    task = await stored(world.store, TaskState.QUEUED, created_at=Millis(NOW - 16 * MINUTE))
    for _ in range(2):
        await world.run(Job.ROUNDS)
    queue, disk = world.events("operators are told")
    assert (queue["alert"], queue["about_minutes"], queue["about_id"]) == ("alert.queue", 16, task.id)
    assert (disk["alert"], disk["about_percent"]) == ("alert.disk", 4.0)


async def test_yesterday_is_summed_up_once_at_its_hour_also_after_a_restart(bare):
    hour = (NOW // HOUR) % 24
    await bare.open(extra=f"[alerts]\nsummary_hour = {hour + 1}\n")
    await stored(bare.store, TaskState.SUCCEEDED, created_at=Millis(NOW - DAY), real_cost="1.50")
    await bare.run(Job.ROUNDS)
    assert bare.alerts == []
    for _ in range(2):
        await bare.run(Job.ROUNDS, HOUR)
        await bare.restart()
    (record,) = bare.events("operators are told")
    assert record["alert"] == "alert.summary"
    assert (record["about_asked"], record["about_succeeded"], record["about_people"]) == (1, 1, 1)
    assert record["about_differing"] == "official 1/1 (-30 %)"


async def test_every_admin_is_told_in_their_language_though_one_has_blocked_the_bot(bare):
    bare.configure(extra=QUIET)
    settings = bare.config.read_text("utf-8").replace("admins = [1000]", "admins = [1000, 1002]")
    bare.config.write_text(settings, "utf-8")
    await bare.start()
    await bare.services.accounts.touch_user(XIAOLIN, "小林", "xiaolin", "zh-hans")
    bare.to_telegram.answer("sendMessage", complaint(403, "Forbidden: bot was blocked by the user"))
    await stored(bare.store, TaskState.QUEUED, created_at=Millis(NOW - 16 * MINUTE))
    await bare.run(Job.ROUNDS)
    assert len(told(bare, BOSS)) == 1
    (chinese,) = told(bare, XIAOLIN)
    assert "分钟" in chinese
