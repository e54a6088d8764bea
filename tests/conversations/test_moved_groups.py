"""A group becomes a supergroup: Telegram tells so twice, in either order, or only refuses the old id."""

import pytest

from tests.world.telegram import ADA, BOSS, XIAOLIN

TOLD = {"old first": ("old", "new"), "new first": ("new", "old"), "old only": ("old",), "new only": ("new",)}
MOVED = {"migrate_to_chat_id", "migrate_from_chat_id"}
BY_ERROR = {"by the error alone": ()}


def drift(world) -> tuple[int, int]:
    """What the ledger still holds, and how much of its sum the parts and the allowances leave unexplained."""
    ((held, amount, allowance),) = world.rows("SELECT sum(held), sum(amount), sum(allowance) FROM ledger")
    ((parts,),) = world.rows("SELECT coalesce(sum(amount), 0) FROM ledger_parts")
    return held, amount - allowance - parts


async def opened(world, *, access: bool = False, **settings):
    """The bot with a basic group, which the settings may name."""
    group = world.telegram.acting.open_group(BOSS, "Film club")
    if access:
        settings["extra"] = f'[access]\nmode = "allow-list"\ngroups = [{group.id}]'
    world.configure(**settings)
    await world.start()
    return group.id


@pytest.mark.parametrize("told", [*TOLD.values(), *BY_ERROR.values()], ids=[*TOLD, *BY_ERROR])
async def test_what_renders_while_a_group_moves_is_shown_and_sent_in_the_new_chat(world, told):
    world.kling.behaviour.render_seconds = 60
    group = await opened(world, timeout=600)
    await world.telegram.say(ADA, "/video a fox", chat=group)
    await world.telegram.say(XIAOLIN, "/video 一只狐狸", chat=group)
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    new = world.telegram.acting.upgrade(BOSS, group, told=told).id
    # Other messages of the new chat have the ids that the old chat's had.
    others = [await world.telegram.say(ADA, f"talk {number}", chat=new) for number in range(12)]
    videos = await world.telegram.wait_video(new, 2, 240)
    await world.ended(2)
    await world.settle()
    assert len(videos) == 2
    assert [reply for reply in world.telegram.replies(new) if "video" not in reply] == []
    assert [message for message in world.telegram.messages(new) if message in others] == others
    assert world.rows("SELECT DISTINCT chat_id, state FROM tasks") == [(new, "succeeded")]
    assert (drift(world), world.balance(ADA)) == ((0, 0), (-15, 0))


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
async def test_the_status_stands_in_the_new_chat_at_once(world, told):
    world.kling.behaviour.throttle = True
    group = await opened(world)
    await world.telegram.say(ADA, "/video a fox", chat=group)
    await world.telegram.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE status_message_id > 0"))
    new = world.telegram.acting.upgrade(BOSS, group, told=told).id
    await world.settle()
    await world.settle()
    assert len([reply for reply in world.telegram.replies(new) if "a fox" in reply["text"]]) == 1
    await world.telegram.press_labelled(ADA, "Cancel", chat=new)
    await world.telegram.wait_text(new, "Your 15 credits are refunded")
    assert drift(world) == (0, 0)


@pytest.mark.parametrize("told", [*TOLD.values(), *BY_ERROR.values()], ids=[*TOLD, *BY_ERROR])
async def test_credits_budget_and_the_place_on_the_list_stay_the_groups(world, told):
    group = await opened(world, access=True, groups='daily_credits = 40\npool = "only"')
    await world.telegram.say(BOSS, "/grant 40", chat=group)
    await world.settle()
    await world.telegram.say(ADA, "/video a fox", chat=group)
    await world.telegram.wait_video(group)
    await world.ended()
    new = world.telegram.acting.upgrade(BOSS, group, told=told).id
    if not told:
        # An answer to what was still waiting in the old chat teaches it.
        old = world.telegram.state.chats[group]
        message = world.telegram.state.add_message(old, world.telegram.state.users[ADA], {"text": "/quota"})
        world.telegram.state.updates.add("message", world.telegram.state.bot_json(message))
    await world.settle()
    await world.telegram.say(ADA, "/quota", chat=new)
    await world.telegram.wait_text(new, "This group today: 15 of 40 credits used")
    await world.telegram.say(XIAOLIN, "/video 一只狐狸", chat=new)
    await world.telegram.wait_video(new)
    await world.ended(2)
    await world.telegram.say(ADA, "/video a hare", chat=new)
    await world.settle()
    assert world.rows("SELECT count(*) FROM tasks") == [(2,)]
    assert (world.balance(group), world.balance(new), drift(world)) == ((10, 0), (0, 0), (0, 0))
    # Who is let in nowhere else is let in there only.
    await world.telegram.say(ADA, "/video a fox")
    await world.settle()
    assert world.rows("SELECT count(*) FROM tasks") == [(2,)]


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
async def test_an_open_card_comes_along_and_its_owner_is_told(world, told):
    group = await opened(world)
    await world.telegram.say(ADA, "/new a fox in the snow", chat=group)
    await world.telegram.wait_text(group, "a fox in the snow")
    new = world.telegram.acting.upgrade(BOSS, group, told=told).id
    await world.settle()
    assert len(world.written(new, "Your draft is still open")) == 1
    await world.telegram.press_labelled(XIAOLIN, "Bring it back", chat=new)
    await world.settle()
    assert world.written(new, "a fox in the snow") == []
    await world.telegram.press_labelled(ADA, "Bring it back", chat=new)
    await world.telegram.wait_text(new, "a fox in the snow")
    await world.telegram.press_labelled(ADA, "Generate", chat=new)
    await world.telegram.wait_video(new)
    assert world.written(new, "Your draft is still open") == []


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
async def test_a_replay_after_a_restart_changes_nothing(world, told):
    world.kling.behaviour.throttle = True
    group = await opened(world, groups='pool = "first"')
    await world.telegram.say(BOSS, "/grant 40", chat=group)
    await world.telegram.say(ADA, "/video a fox", chat=group)
    await world.settle()
    new = world.telegram.acting.upgrade(BOSS, group, told=told).id
    news = [
        message for chat in (group, new) for message in world.telegram.messages(chat) if MOVED & {*message}
    ]
    assert len(news) == 2
    await world.settle()
    before = world.rows("SELECT chat_id, state, status_message_id FROM tasks")
    await world.stop()
    # Telegram tells again what was not confirmed before the process ended.
    for message in news:
        world.telegram.state.updates.add("message", message)
    await world.start()
    await world.settle()
    assert world.rows("SELECT chat_id, state, status_message_id FROM tasks") == before
    assert world.rows("SELECT sum(amount), sum(held) FROM ledger WHERE user_id = ?", group) == [(25, 15)]


@pytest.mark.parametrize("told", [("old", "new"), ("new", "old")], ids=["old first", "new first"])
async def test_an_order_that_waited_in_the_old_chat_is_made_in_the_new_one(world, told):
    group = await opened(world)
    await world.telegram.say(ADA, "/quota", chat=group)
    await world.settle()
    await world.telegram.say(ADA, "/video a fox", chat=group)
    new = world.telegram.acting.upgrade(BOSS, group, told=told).id
    await world.telegram.wait_video(new)
    await world.ended()
    assert world.rows("SELECT chat_id, state FROM tasks") == [(new, "succeeded")]
    assert drift(world) == (0, 0)
