"""How admins see the providers, and what they pause stays paused."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.tasks.lifecycle import Accepted, Claimed, Event, Finished, transition
from bot.domain.types import HOUR, MINUTE, SECOND, Millis, ProviderName, short_hash
from bot.errors import UserError
from bot.services.operations.providers import AccountAnswer, Trouble
from bot.services.ports import Job
from tests.builders import LEASE, NOW, a_video, stored
from tests.world.services import A, B, ServiceWorld, refusal, says
from tests.world.telegram import BOSS


def account(left: float) -> Response:
    pack = {"resource_pack_name": "Pack", "status": "online", "remaining_quantity": left}
    return says({"code": 0, "resource_pack_subscribe_infos": [pack]})


async def begun(world: ServiceWorld, *ends: Event, seconds: int = 0) -> None:
    """A task at the first provider, and how it ended after so many seconds."""
    task = await stored(world.store)
    for event in (Claimed(A, LEASE, HOUR), Accepted("kling-1", LEASE)):
        task = await world.store.tasks.apply(transition(task, event, NOW), NOW)
    for event in ends:
        later = Millis(NOW + seconds * SECOND)
        task = await world.store.tasks.apply(transition(task, event, later), later)


# -- what an admin sees ------------------------------------------------------------------------------


async def test_every_provider_is_reported_with_what_its_account_says(two):
    two.to_kling.answer("query", account(91.5))
    two.to_second.answer("query", refusal(401, 1002))
    reports = await two.services.providers.reports()
    assert [(report.name, report.dialect, report.max_concurrent) for report in reports] == [
        (A, "official", 5),
        (B, "official", 5),
    ]
    assert [report.account for report in reports] == [
        AccountAnswer("Pack: 91.5 left"),
        AccountAnswer("1002", Trouble.KEY),
    ]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (refusal(429, 1101), Trouble.BALANCE),
        (refusal(429, 1102), Trouble.EMPTY),
        (refusal(429, 1304), Trouble.ADDRESS),
        (refusal(429, 1302), Trouble.BUSY),
        (refusal(503, 5001), Trouble.UNREACHABLE),
    ],
)
async def test_an_account_that_is_not_told_says_why(world, answer, trouble):
    world.to_kling.answer("query", answer)
    (report,) = await world.services.providers.reports()
    assert report.account.trouble is trouble


async def test_all_providers_are_asked_at_the_same_time(two):
    meeting = asyncio.Barrier(2)

    async def answers(_: Request) -> Response:
        await meeting.wait()
        return account(1)

    for front in (two.to_kling, two.to_second):
        front.answer("query", answers)
    reports = await two.services.providers.reports()
    assert [report.account for report in reports] == [AccountAnswer("Pack: 1 left")] * 2


async def test_the_load_the_last_hour_and_the_usual_time_are_those_of_the_provider(two):
    for seconds in (60, 90, 70):
        await begun(two, Finished((a_video(),)), seconds=seconds)
    await begun(two)
    two.to_kling.answer("submit", refusal(400, 1201), refusal(503, 5001))
    for _ in range(2):
        await stored(two.store)
    await two.run(Job.DISPATCH)
    one = await two.services.providers.report(A, ask=False)
    another = await two.services.providers.report(B, ask=False)
    assert (one.running, one.median, one.answered, one.failed) == (1, 70 * SECOND, 1, 1)
    assert (another.running, another.median, another.answered, another.failed) == (0, None, 0, 0)


async def test_a_provider_that_a_fault_has_closed_says_until_when_and_why_and_resuming_opens_it(world):
    world.to_kling.always("submit", refusal(429, 1101, "nothing left"))
    providers = world.services.providers

    async def closed() -> tuple[Millis | None, Trouble | None]:
        report = await providers.report(A, ask=False)
        return report.open_until, report.closed_for

    await stored(world.store)
    await world.run(Job.DISPATCH)
    assert await closed() == (NOW + 10 * MINUTE, Trouble.BALANCE)
    world.clock.advance(10 * MINUTE)
    assert await closed() == (None, None)
    await stored(world.store)
    await world.run(Job.DISPATCH)
    assert (await closed())[0]
    await providers.resume(A, BOSS, "update:resume")
    assert await closed() == (None, None)


async def test_one_provider_is_asked_again_alone_and_the_last_answer_is_kept(two):
    two.to_kling.answer("query", account(9), account(8))
    providers = two.services.providers
    await providers.reports()
    # An account answers one question a second: what it said a moment ago is not asked for again.
    assert (await providers.report(A, ask=True)).account == AccountAnswer("Pack: 9 left")
    two.clock.advance(2 * SECOND)
    for ask in (True, False):
        assert (await providers.report(A, ask=ask)).account == AccountAnswer("Pack: 8 left")
    assert (len(two.to_kling.of("query")), len(two.to_second.of("query"))) == (2, 1)


# -- pause and resume --------------------------------------------------------------------------------


async def test_a_paused_provider_gets_nothing_and_stays_paused_after_a_restart_until_it_is_resumed(two):
    await two.services.providers.pause(A, BOSS, "update:pause")
    await two.restart()
    paused = [(await two.services.providers.report(name, ask=False)).paused for name in (A, B)]
    assert paused == [True, False]
    await stored(two.store)
    await two.run(Job.DISPATCH)
    assert (len(two.to_kling.of("submit")), len(two.to_second.of("submit"))) == (0, 1)
    await two.services.providers.resume(A, BOSS, "update:resume")
    await two.restart()
    assert not (await two.services.providers.report(A, ask=False)).paused


async def test_a_button_names_a_provider_of_any_length_and_a_stale_one_is_refused(two):
    assert two.services.providers.find(short_hash(B)) == B
    assert len(short_hash(ProviderName("x" * 40))) == 8
    with pytest.raises(UserError) as caught:
        two.services.providers.find(short_hash(ProviderName("gone")))
    assert caught.value.key == "error.button.stale"
