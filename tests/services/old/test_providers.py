"""How admins see the providers, and what they pause stays paused."""

import asyncio

import pytest
from starlette.responses import Response

from bot.domain.tasks.lifecycle import Accepted, Claimed, Event, Finished, transition
from bot.domain.units import MINUTE, SECOND, Millis, ProviderName, UserId, short_hash
from bot.errors import UserError
from bot.kling import outcomes
from bot.kling.pool import Pool
from bot.services.operations.providers import AccountAnswer, Providers, Trouble
from bot.store import Store
from tests.builders import LEASE, NOW, a_video, stored
from tests.services.old.world import refusal, says

BOSS = UserId(1000)
A, B = ProviderName("a"), ProviderName("b")


def account(left: float) -> Response:
    pack = {"resource_pack_name": "Pack", "status": "online", "remaining_quantity": left}
    return says({"code": 0, "resource_pack_subscribe_infos": [pack]})


def providers_of(world, **settings) -> Providers:
    return Providers(store=world.store, pool=world.pool, clock=world.clock, **settings)


async def begun(store: Store, *ends: Event, seconds: int = 0) -> None:
    """A task at the first provider, and how it ended after so many seconds."""
    task = await stored(store)
    for event in (Claimed(A, LEASE), Accepted("kling-1", LEASE)):
        task = await store.tasks.apply(transition(task, event, NOW), NOW)
    for event in ends:
        later = Millis(NOW + seconds * SECOND)
        task = await store.tasks.apply(transition(task, event, later), later)


# -- what an admin sees ------------------------------------------------------------------------------


async def test_every_provider_is_reported_with_what_its_account_says(two, provider, other):
    provider.to_questions.append(account(91.5))
    other.to_questions.append(refusal(401, 1002))
    reports = await providers_of(two).reports()
    assert [(report.name, report.dialect, report.max_concurrent) for report in reports] == [
        ("a", "official", 5),
        ("b", "official", 5),
    ]
    assert [report.account for report in reports] == [
        AccountAnswer("Pack: 91.5 left"),
        AccountAnswer("1002", Trouble.KEY),
    ]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (refusal(429, 1102), Trouble.BALANCE),
        (refusal(429, 1302), Trouble.BUSY),
        (refusal(503, 5001), Trouble.UNREACHABLE),
    ],
)
async def test_an_account_that_is_not_told_says_why(world, provider, answer, trouble):
    provider.to_questions.append(answer)
    (report,) = await providers_of(world).reports()
    assert report.account.trouble is trouble


async def test_all_providers_are_asked_at_the_same_time(two, provider, other):
    meeting = asyncio.Barrier(2)

    async def answers(_):
        await meeting.wait()
        return account(1)

    provider.to_questions.append(answers)
    other.to_questions.append(answers)
    reports = await providers_of(two).reports()
    assert [report.account for report in reports] == [AccountAnswer("Pack: 1 left")] * 2


async def test_a_provider_that_does_not_answer_does_not_hold_up_the_others(two, provider, other):
    over = asyncio.Event()

    async def never(_):
        await over.wait()
        return account(1)

    provider.to_questions.append(never)
    other.to_questions.append(account(3))
    reports = await providers_of(two, answer_seconds=0.5).reports()
    over.set()
    assert [report.account for report in reports] == [
        AccountAnswer("", Trouble.SLOW),
        AccountAnswer("Pack: 3 left"),
    ]


async def test_the_load_the_last_hour_and_the_usual_time_are_those_of_the_provider(two):
    for seconds in (60, 90, 70):
        await begun(two.store, Finished((a_video(),)), seconds=seconds)
    await begun(two.store)
    for outcome in (None, outcomes.Rejected("no"), None, outcomes.Unavailable("not reached")):
        two.pool.note(A, outcome)
    one, another = await providers_of(two).reports()
    assert (one.running, one.median, one.answered, one.failed) == (1, 70 * SECOND, 3, 1)
    assert (another.running, another.median, another.answered, another.failed) == (0, None, 0, 0)


async def test_a_provider_that_a_fault_has_closed_says_until_when_and_why(two):
    two.pool.note(A, outcomes.OutOfBalance("nothing left", code="1102"))
    closed, is_open = await providers_of(two).reports()
    assert closed.closed_until == two.clock.now() + 10 * MINUTE
    assert closed.closed_for is Trouble.BALANCE
    assert (is_open.closed_until, is_open.closed_for) == (None, None)
    two.clock.advance(10 * MINUTE)
    report = await providers_of(two).report(A, ask=False)
    assert (report.closed_until, report.closed_for) == (None, None)


async def test_one_provider_is_asked_again_alone_and_the_last_answer_is_kept(two, provider, other):
    provider.to_questions += [account(9), account(8)]
    providers = providers_of(two)
    await providers.reports()
    assert (await providers.report(A, ask=True)).account == AccountAnswer("Pack: 8 left")
    assert (await providers.report(A, ask=False)).account == AccountAnswer("Pack: 8 left")
    assert (len(provider.questions), len(other.questions)) == (2, 1)


# -- pause and resume --------------------------------------------------------------------------------


async def test_a_paused_provider_stays_paused_after_a_restart_until_it_is_resumed(two):
    def after_a_restart() -> Providers:
        return Providers(store=two.store, pool=Pool(two.pool.clients(), two.clock), clock=two.clock)

    await providers_of(two).pause(A, BOSS)
    restarted = after_a_restart()
    await restarted.restore()
    assert [(await restarted.report(name, ask=False)).paused for name in (A, B)] == [True, False]

    await restarted.resume(A, BOSS)
    restarted = after_a_restart()
    await restarted.restore()
    assert not (await restarted.report(A, ask=False)).paused


async def test_nothing_new_goes_to_a_paused_provider(two, provider, other):
    await providers_of(two).pause(A, BOSS)
    await stored(two.store)
    await two.send()
    assert (len(provider.submissions), len(other.submissions)) == (0, 1)


async def test_resuming_opens_what_a_fault_had_closed(two):
    two.pool.note(A, outcomes.Unauthorized("the key is refused", code="1002"))
    providers = providers_of(two)
    await providers.resume(A, BOSS)
    assert (await providers.report(A, ask=False)).closed_until is None


async def test_a_button_names_a_provider_of_any_length_and_a_stale_one_is_refused(two):
    providers = providers_of(two)
    assert providers.named(short_hash(B)) == B
    assert len(short_hash(ProviderName("x" * 40))) == 8
    with pytest.raises(UserError) as caught:
        providers.named(short_hash(ProviderName("gone")))
    assert caught.value.key == "error.button.stale"
