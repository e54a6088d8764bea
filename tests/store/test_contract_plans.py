"""What every engine promises of plans and of the order in the queue."""

from bot.domain.credits.quota import Plan, allowance_left
from bot.domain.units import DAY, Credits, Millis
from tests.builders import ADA, GENEROUS, NOW, XIAOLIN, a_task, a_window
from tests.store.steps import TODAY, after


async def test_a_plan_is_kept_with_its_end(store):
    await store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    await store.people.set_plan(ADA, "pro", after(DAY))
    user = await store.people.get(ADA)
    assert (user.plan, user.plan_until) == ("pro", after(DAY))


async def test_priority_is_worth_places_in_the_queue_and_keeps_nobody_out(store):
    first = [await store.tasks.accept(a_task(), (), GENEROUS, TODAY) for _ in range(2)]
    paid = [
        await store.tasks.accept(a_task(user_id=XIAOLIN, priority=1), (), GENEROUS, TODAY) for _ in range(4)
    ]
    order = [task.id for task in await store.tasks.list_due_queued(NOW, 10)]
    assert order == [paid[0].id, first[0].id, paid[1].id, first[1].id, paid[2].id, paid[3].id]


async def test_what_was_spent_the_day_before_is_known_of_those_who_were_there(store):
    plan = Plan("carrying", daily_credits=10, carry_over=True)
    await store.people.save_user(ADA, "Ada", "ada", "en", NOW)
    await store.tasks.accept(a_task(price=Credits(4)), (), GENEROUS, TODAY)
    today, tomorrow = (
        await store.credits.get_usage(ADA, TODAY),
        await store.credits.get_usage(ADA, a_window(Millis(NOW + DAY))),
    )
    assert (today.spent_day_before, tomorrow.spent_day_before) == (None, 4)
    assert allowance_left(plan, tomorrow) == 16
