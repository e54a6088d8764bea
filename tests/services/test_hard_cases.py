"""What went wrong once, or could: each of these was seen to fail before it was mended."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from bot.clock import ManualClock
from bot.demo.serving import serve
from bot.domain.credits.quota import Plan
from bot.domain.tasks.lifecycle import Finished, transition
from bot.domain.tasks.schedule import DELIVERY_LEASE
from bot.domain.tasks.task import LedgerKind, TaskState
from bot.domain.units import DAY, MINUTE, SECOND, Credits, Millis, UserId
from bot.errors import UserError
from bot.kling import dialects
from bot.kling import provider as account
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.download import DownloadGone
from bot.kling.pool import Pool
from bot.services.inbox import Intake
from bot.services.people.accounts import Accounts
from bot.services.ports import ChatBusy, RawUpdate
from bot.services.tasks.deliver import Deliver
from bot.services.tasks.workers import WorkerPool
from bot.settings import sections
from bot.store import Store
from bot.store.inbox import Inbox
from tests.builders import ADA, NOW, a_request, a_video, an_update, stored
from tests.services.test_poll import a_running_task
from tests.services.world import Provider, absent, accepted, open_world, refusal, running

ADMIN = UserId(1)


async def test_a_provider_that_does_not_know_a_task_once_is_asked_again(world, provider):
    task = await a_running_task(world)
    provider.to_questions += [running(), running(), absent()]
    for _ in range(3):
        await world.look()
        world.clock.advance(15 * SECOND)
    assert (await world.now(task)).state is TaskState.IN_PROGRESS


async def test_operators_hear_of_a_bad_key_also_where_a_look_meets_it_first(world, provider):
    await a_running_task(world)
    provider.to_questions.append(refusal(401, 1002, "no"))
    await world.look()
    assert [key for key, _ in world.chat.alerts] == ["alert.provider.unauthorized"]


async def test_what_waited_beyond_its_deadline_is_not_sent_any_more(world, provider):
    await stored(world.store)
    world.clock.advance(DAY)
    await world.send()
    assert provider.submissions == []


async def test_those_who_wait_for_a_full_provider_do_not_keep_others_from_a_free_one(tmp_path):
    full, free = Provider(), Provider()
    async with (
        open_world(tmp_path, full, max_concurrent=1) as world,
        httpx.AsyncClient(trust_env=False) as http,
        serve(free.app) as url,
    ):
        config = account.Provider(name="free", base_url=url, key="sk", models=("kling-v1",), rate=1000.0)
        other = KlingClient(config, dialects.get("official"), Signer("bearer", "sk"), http, world.clock)
        world.monitor.pool = Pool([*world.pool.clients(), other], world.clock)
        for number in range(60):
            await stored(world.store, user_id=UserId(2000 + number))
        await stored(world.store, user_id=UserId(9), request=a_request(model="kling-v1"))
        for _ in range(3):
            await world.send()
        assert len(free.submissions) == 1


async def test_a_store_that_stumbles_once_does_not_silence_a_chat(tmp_path):
    class Stumbling(Inbox):
        stumbled = False

        async def mark_processed(self, update_id: int, now: Millis) -> None:
            if not self.stumbled:
                self.stumbled = True
                raise OSError("the disk is full")
            await super().mark_processed(update_id, now)

    seen: list[int] = []

    class Processor:
        async def process(self, update: RawUpdate) -> None:
            seen.append(update.update_id)

    store = await Store.open(str(tmp_path / "klingbot.db"))
    store = replace(store, inbox=Stumbling(store.engine))
    intake = Intake(store=store, source=None, processor=Processor(), clock=ManualClock(NOW))
    for update_id in (1, 2):
        await intake.take_in([RawUpdate(update_id, 5, {}, None)])
        await intake.drain()
    assert seen == [1, 2]
    assert [row.update_id for row in await store.inbox.list_unprocessed()] == [1]
    await store.close()


async def test_after_a_week_of_silence_no_update_is_thrown_away_by_an_offset(world):
    asked: list[int | None] = []

    class Source:
        async def fetch(self, offset: int | None, _: int) -> list[RawUpdate]:
            asked.append(offset)
            return []

    intake = Intake(store=world.store, source=Source(), processor=None, clock=world.clock)
    await intake.fetch()
    await world.store.inbox.receive([an_update(900, received_at=world.clock.now())])
    await intake.fetch()
    world.clock.advance(7 * DAY)
    await intake.fetch()
    await world.store.inbox.receive([an_update(5, received_at=world.clock.now())])
    await intake.fetch()
    assert asked == [None, 901, None, 6]


async def test_what_was_being_sent_when_the_process_died_is_sent_at_once_after_the_start(world, tmp_path):
    await stored(world.store, TaskState.SUCCEEDED)
    await world.store.outbox.claim(NOW, DELIVERY_LEASE, 1)
    recover = world.recover(tmp_path, Millis(DAY))
    await recover.at_start()
    assert await world.store.outbox.claim(world.clock.now(), DELIVERY_LEASE, 1)


@pytest.fixture
def accounts(world):
    return Accounts(
        store=world.store,
        clock=world.clock,
        plans={"f": Plan(name="f")},
        quota=sections.Quota(default_plan="f"),
        owners=frozenset({ADMIN}),
    )


async def test_taking_credits_back_works_once_however_often_its_update_comes(accounts):
    await accounts.see(ADA, "Ada", "ada", "en")
    await accounts.grant(ADMIN, "@ada", 50, 7)
    for _ in range(2):
        await accounts.grant(ADMIN, "@ada", -50, 8)
    assert (await accounts.balance(ADA)).granted == 0


async def test_takings_at_the_same_time_never_take_more_than_there_is(accounts):
    await accounts.see(ADA, "Ada", "ada", "en")
    await accounts.grant(ADMIN, "@ada", 50, 7)
    ends = await asyncio.gather(
        *(accounts.grant(ADMIN, "@ada", -50, 8 + number) for number in range(3)), return_exceptions=True
    )
    assert sum(isinstance(end, UserError) for end in ends) == 2
    assert (await accounts.balance(ADA)).granted == 0


async def test_a_claim_that_waits_for_its_turn_is_never_sent_after_its_lease(tmp_path):
    provider, slow = Provider(), asyncio.Event()
    async with open_world(tmp_path, provider, dialect="generic", max_concurrent=50) as world:
        world.work._slots = asyncio.Semaphore(1)

        async def hanging(_: object) -> object:
            await slow.wait()
            return accepted("x")

        provider.to_submissions.append(hanging)
        for _ in range(2):
            await stored(world.store)
        await world.dispatch.tick()
        world.clock.advance(181 * SECOND)
        sending, world.dispatch._work = world.dispatch._work, WorkerPool(4)
        for _ in range(2):
            await world.dispatch.settle()
            await world.dispatch._work.drain()
        slow.set()
        await sending.drain()
        assert len(provider.submissions) == 1


async def test_a_provider_that_was_down_for_a_moment_is_asked_again(tmp_path):
    first, second = Provider(), Provider()
    async with (
        open_world(tmp_path, first) as world,
        httpx.AsyncClient(trust_env=False) as http,
        serve(second.app) as url,
    ):
        config = account.Provider(
            name="second", base_url=url, key="sk", models=("kling-v2-6",), rate=1000.0, priority=0
        )
        other = KlingClient(config, dialects.get("official"), Signer("bearer", "sk"), http, world.clock)
        world.monitor.pool = Pool([*world.pool.clients(), other], world.clock)
        first.to_submissions.append(refusal(503, 5001, "down"))
        second.to_submissions += [refusal(503, 5001, "down")] * 5
        task = await stored(world.store)
        for _ in range(4):
            await world.send()
            world.clock.advance(10 * SECOND)
        assert (await world.now(task)).state is TaskState.IN_PROGRESS


def a_delivery_that_finds_nothing(world, directory) -> Deliver:
    async def fetch(_: str, __: object, ___: object) -> None:
        raise DownloadGone("it is gone")

    return world.deliver(fetch, directory, 10)


async def test_a_refund_is_told_also_where_the_chat_was_busy_at_first(world, tmp_path):
    deliver = a_delivery_that_finds_nothing(world, tmp_path)
    world.chat.trouble["tell"] = [ChatBusy(Millis(SECOND))]
    await stored(world.store, TaskState.SUCCEEDED)
    for _ in range(2):
        await deliver.tick()
        await world.work.drain()
        world.clock.advance(20 * MINUTE)
    assert [key for _, key, _ in world.chat.told] == ["notice.delivery.refunded"]


async def test_of_several_results_only_those_that_are_lost_are_paid_back(world, tmp_path):
    task = await stored(world.store, TaskState.IN_PROGRESS, request=a_request(count=3), price=Credits(10))
    await world.store.tasks.apply(transition(task, Finished((a_video(0), a_video(1), a_video(2))), NOW), NOW)
    row = (await world.store.outbox.claim(NOW, DELIVERY_LEASE, 9))[1]
    await a_delivery_that_finds_nothing(world, tmp_path)._deliver(row)
    refunds = [row for row in await world.store.credits.list_ledger(ADA) if row.kind is LedgerKind.REFUND]
    assert [refund.amount for refund in refunds] == [3]
