"""What the admins are told by itself: once an hour with a count, and yesterday once a day."""

import pytest

from bot.clock import ManualClock
from bot.domain.credits.quota import Plan
from bot.domain.tasks.lifecycle import ProviderFailed, transition
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.units import DAY, HOUR, MINUTE, Millis, UserId
from bot.services.operations.alerts import Alerts, Rounds
from bot.services.people.accounts import Accounts
from bot.services.ports import ChatGone
from bot.settings import sections
from bot.store import Store
from tests.builders import NOW, stored
from tests.services.old.world import Chat

BOSS, XIAOLIN = UserId(1000), UserId(1002)


class Desk:
    """The rounds over a real store, with a disk as full as the test says."""

    def __init__(self, store: Store, clock: ManualClock, summary_hour: int | None = None) -> None:
        self.chat, self.clock, self.store, self.free = Chat(), clock, store, 0.5
        accounts = Accounts(
            store=store,
            clock=clock,
            plans={"free": Plan(name="free")},
            quota=sections.Quota(default_plan="free"),
            owners=frozenset({BOSS, XIAOLIN}),
        )
        self.accounts = accounts
        self.alerts = Alerts(notices=self.chat, accounts=accounts, store=store, clock=clock)
        self.rounds = Rounds(
            store=store,
            accounts=accounts,
            alerts=self.alerts,
            clock=clock,
            settings=sections.Alerts(
                failure_tasks=4, summary=summary_hour is not None, summary_hour=summary_hour or 0
            ),
            free_share=lambda: self.free,
        )

    @property
    def told(self) -> list[str]:
        return [key for key, _ in self.alerts_of(BOSS)]

    def alerts_of(self, admin: UserId) -> list[tuple[str, dict[str, object]]]:
        return [(key, params) for told, _, key, params in self.chat.alerted if told == admin]


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(str(tmp_path / "klingbot.db"))
    yield opened
    await opened.close()


async def test_the_same_alert_comes_once_an_hour_and_says_how_often_it_came_again(store, clock):
    desk = Desk(store, clock)
    for _ in range(3):
        await desk.alerts.alert_operators("alert.provider.balance", provider="a", detail="empty")
    await desk.alerts.alert_operators("alert.provider.balance", provider="b", detail="empty")
    assert [params["provider"] for _, params in desk.alerts_of(BOSS)] == ["a", "b"]
    clock.advance(HOUR)
    await desk.rounds.tick()
    assert desk.alerts_of(BOSS)[2:] == [
        ("alert.provider.balance", {"provider": "a", "detail": "empty", "repeated": 2})
    ]
    clock.advance(HOUR)
    await desk.rounds.tick()
    await desk.alerts.alert_operators("alert.provider.balance", provider="a", detail="empty")
    assert len(desk.alerts_of(BOSS)) == 4


async def test_a_restart_tells_nothing_twice_and_forgets_no_count(store, clock):
    await Desk(store, clock).alerts.alert_operators("alert.provider.balance", provider="a", detail="empty")
    again = Desk(store, clock)
    await again.alerts.restore()
    await again.alerts.alert_operators("alert.provider.balance", provider="a", detail="still empty")
    assert again.told == []
    clock.advance(HOUR)
    third = Desk(store, clock)
    await third.alerts.restore()
    await third.rounds.tick()
    assert third.alerts_of(BOSS) == [
        ("alert.provider.balance", {"provider": "a", "detail": "still empty", "repeated": 1})
    ]


async def test_many_failures_are_told_but_not_refused_content_and_not_few(store, clock):
    desk = Desk(store, clock)
    for kind in (FailureKind.PROVIDER, FailureKind.CONTENT) * 3:
        running = await stored(store, TaskState.IN_PROGRESS)
        await store.tasks.apply(transition(running, ProviderFailed(kind), NOW), NOW)
    await desk.rounds.tick()
    assert desk.told == []
    await stored(store, TaskState.SUCCEEDED)
    await desk.rounds.tick()
    assert desk.alerts_of(BOSS) == [("alert.failures", {"failed": 3, "ended": 4})]


async def test_a_slow_queue_and_a_full_disk_are_told(store, clock):
    desk = Desk(store, clock)
    task = await stored(store, TaskState.QUEUED, created_at=Millis(NOW - 16 * MINUTE))
    desk.free = 0.04
    await desk.rounds.tick()
    await desk.rounds.tick()
    assert desk.alerts_of(BOSS) == [
        ("alert.queue", {"minutes": 16, "id": task.id}),
        ("alert.disk", {"percent": 4.0}),
    ]


async def test_yesterday_is_summed_up_once_at_its_hour_also_after_a_restart(store, clock):
    yesterday = Millis(NOW - DAY)
    await stored(store, TaskState.SUCCEEDED, created_at=yesterday, real_cost="1.50")
    hour = (NOW // HOUR) % 24
    await Desk(store, clock, hour + 1).rounds.tick()
    desk = Desk(store, clock, hour)
    await desk.rounds.tick()
    await desk.rounds.tick()
    ((key, params),) = desk.alerts_of(BOSS)
    assert key == "alert.summary"
    assert (params["asked"], params["succeeded"], params["people"]) == (1, 1, 1)
    again = Desk(store, clock, hour)
    await again.rounds.tick()
    assert again.told == []


async def test_every_admin_is_told_in_their_language_though_one_has_blocked_the_bot(store, clock):
    desk = Desk(store, clock)
    await desk.accounts.see(XIAOLIN, "小林", "xiaolin", "zh-hans")
    desk.chat.trouble["alert"] = [ChatGone("bot was blocked by the user")]
    for provider in ("a", "b"):
        await desk.alerts.alert_operators("alert.provider.balance", provider=provider, detail="empty")
    assert [(admin, language) for admin, language, _, _ in desk.chat.alerted] == [
        (XIAOLIN, "zh_Hans"),
        (BOSS, "en"),
        (XIAOLIN, "zh_Hans"),
    ]
