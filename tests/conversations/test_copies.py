"""A copy of the database is put back: what was open in it was done since, and is neither paid nor done again."""

import json
import shutil
import sqlite3
from contextlib import closing

from bot.domain.types import Millis
from bot.store import Store
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA

SETTLED = "this is a copy of the store; what was open in it is asked for, or refunded"


async def copy(bot: BotInProcess) -> str:
    path = bot.directory / "copy.db"
    status, said = await bot.command("backup", str(path))
    assert status == 0, said
    return str(path)


async def put_back(bot: BotInProcess, path: str) -> str:
    await bot.stop()
    status, said = await bot.command("restore", path)
    assert status == 0, said
    await bot.start()
    return said


async def take_in(bot: BotInProcess) -> None:
    """Take updates in and act on them, and send nothing to Kling."""
    assert bot.app is not None
    await bot.app.inbox.fetch(0)
    await bot.app.inbox.drain()


def states(bot: BotInProcess) -> list[tuple[str, str | None]]:
    return bot.rows("SELECT state, failure FROM tasks ORDER BY sequence")


async def test_a_task_that_waited_in_a_copy_is_found_at_kling_and_not_sent_again(bot):
    await bot.telegram.say(ADA, "/video a fox")
    await take_in(bot)
    path = await copy(bot)
    assert states(bot) == [("queued", None)]
    await bot.telegram.wait_video(ADA)
    await put_back(bot, path)
    await bot.ended()
    assert states(bot) == [("succeeded", None)]
    assert set(bot.kling.submissions.values()) == {1}
    assert len(bot.kling.tasks) == 1
    assert bot.balance(ADA) == (-15, 0)


async def test_a_task_that_was_never_sent_is_sent_once_it_is_proven_absent(bot):
    await bot.telegram.say(ADA, "/video a fox")
    await take_in(bot)
    path = await copy(bot)
    await put_back(bot, path)
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    assert len(bot.kling.tasks) == 1
    assert bot.balance(ADA) == (-15, 0)


async def test_where_nobody_can_be_asked_a_task_that_waited_is_refunded(world):
    world.configure(dialect="generic", key="sk-demo-generic")
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await take_in(world)
    path = await copy(world)
    await world.telegram.wait_video(ADA)
    await put_back(world, path)
    await world.ended()
    assert states(world) == [("failed", "unknown_outcome")]
    await world.telegram.wait_text(ADA, "Your 15 credits are refunded")
    assert len(world.kling.tasks) == 1
    assert world.balance(ADA) == (0, 0)


async def test_a_task_that_was_under_way_is_delivered_and_charged_once(bot):
    await bot.telegram.say(ADA, "/video a fox")
    await bot.wait_for(lambda: states(bot) == [("in_progress", None)])
    path = await copy(bot)
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    await put_back(bot, path)
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    assert len(bot.kling.tasks) == 1
    assert bot.balance(ADA) == (-15, 0)
    bot.clock.advance(1_000)
    await bot.telegram.say(ADA, "/video a bear")
    await bot.ended(2)
    assert bot.balance(ADA) == (-30, 0)


async def test_a_request_that_the_copy_had_not_read_is_asked_about_before_it_costs_anything(bot):
    """Telegram hands it out once more where a process ends before it confirmed what it had read."""
    path = await copy(bot)
    await bot.telegram.say(ADA, "/video a fox")
    assert bot.app is not None
    await bot.app.inbox.fetch(0)
    ((update,),) = bot.rows("SELECT payload FROM inbox")
    await bot.telegram.wait_video(ADA)
    bot.clock.advance(5_000)
    await put_back(bot, path)
    await bot.app.process(json.loads(update))
    await bot.telegram.wait_text(ADA, "Still wanted?")
    assert states(bot) == []
    await bot.telegram.say(ADA, "/quota")
    await bot.telegram.wait_text(ADA, "200 credits")
    assert len(bot.kling.tasks) == 1


def change(path: str, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement, values)


async def test_presses_that_the_copy_had_not_acted_on_are_left_alone_and_messages_are_not(bot):
    path = await copy(bot)
    for number, update in enumerate(({"callback_query": {"id": "1"}}, {"poll": '"callback_query":'}), 900):
        statement = "INSERT INTO inbox (update_id, payload, received_at, attempts) VALUES (?, ?, 1, 0)"
        change(path, statement, number, json.dumps({"update_id": number, **update}))
    await bot.stop()
    assert (await bot.command("restore", path))[0] == 0
    store = await Store.open(f"sqlite:///{bot.database}")
    try:
        assert await store.operations.is_unsettled_copy()
        assert await store.operations.settle_copy(Millis(5)) == 1
        assert [row.update_id for row in await store.inbox.list_unprocessed()] == [901]
        assert not await store.operations.is_unsettled_copy()
    finally:
        await store.close()


async def test_a_broadcast_that_was_being_sent_is_stopped(bot):
    assert (await bot.command("admin", "broadcast", "News"))[0] == 0
    path = await copy(bot)
    change(path, "UPDATE broadcasts SET state = 'sending'")
    await put_back(bot, path)
    assert bot.rows("SELECT state FROM broadcasts") == [("stopped",)]


async def test_nothing_of_a_copy_is_settled_twice(bot):
    await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_video(ADA)
    await put_back(bot, await copy(bot))
    assert len(bot.events(SETTLED)) == 1
    await bot.restart()
    assert len(bot.events(SETTLED)) == 1


async def test_a_copy_that_is_put_in_place_by_hand_counts_as_one_all_the_same(world):
    world.configure(dialect="generic", key="sk-demo-generic")
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await take_in(world)
    path = await copy(world)
    await world.telegram.wait_video(ADA)
    await world.stop()
    for suffix in ("", "-wal", "-shm"):
        world.database.with_name(f"klingbot.db{suffix}").unlink(missing_ok=True)
    shutil.copy(path, world.database)
    await world.start()
    await world.ended()
    assert states(world) == [("failed", "unknown_outcome")]
    assert len(world.kling.tasks) == 1


async def test_a_press_that_waited_at_telegram_is_left_alone_and_a_later_one_is_not(bot):
    """It may have been acted on by the process that is no more, which did not live to confirm it."""
    await bot.telegram.say(ADA, "a fox in the snow")
    await bot.telegram.wait_text(ADA, "a fox in the snow")
    path = await copy(bot)
    await bot.stop()
    await bot.telegram.press_labelled(ADA, "Generate")
    await put_back(bot, path)
    await bot.settle()
    assert states(bot) == []
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA)
    assert len(bot.kling.tasks) == 1
