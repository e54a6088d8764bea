"""Updates that no bot should ever get: each is set aside, told to the admins, and keeps nobody else waiting."""

import json
import random

import pytest
from starlette.responses import Response

from tests.world.bot import BotInProcess
from tests.world.telegram import ADA

BOSS = 1000
PERSON = {"id": ADA, "is_bot": False, "first_name": "Ada"}
MESSAGE = {"message_id": 7, "date": 1_767_225_600, "chat": {"id": ADA, "type": "private"}, "from": PERSON}
HUGE = 2**63
WRITTEN = json.dumps({"update_id": 1, "message": MESSAGE | {"text": "/help"}})


def a_message(**changes: object) -> str:
    return json.dumps({"update_id": 1, "message": MESSAGE | {"text": "/help"} | changes})


def without(name: str) -> str:
    return json.dumps(
        {"update_id": 1, "message": {key: value for key, value in MESSAGE.items() if key != name}}
    )


MALFORMED = {
    "a lone surrogate": a_message(text="\ud800"),
    "a lone surrogate in a name": a_message(**{"from": PERSON | {"first_name": "\udfff"}}),
    "no date": without("date"),
    "a date in words": a_message(date="today"),
    "no chat": without("chat"),
    "a chat without a type": a_message(chat={"id": ADA}),
    "an entity without a type": a_message(entities=[{"offset": 0, "length": 5}]),
    "a text that is a number": a_message(text=5),
    "a chat with a huge id": a_message(chat={"id": HUGE, "type": "private"}),
    "a person with a huge id": a_message(**{"from": PERSON | {"id": HUGE}}),
    "a person without an id": a_message(**{"from": {"is_bot": False, "first_name": "Ada"}}),
    "a huge number of the update": WRITTEN.replace('"update_id": 1', f'"update_id": {HUGE}'),
    "no number of the update": WRITTEN.replace('"update_id": 1, ', ""),
    "a number of 5,000 digits": WRITTEN.replace("1767225600", "9" * 5_000),
    "10,000 levels": WRITTEN.replace('"/help"', "[" * 10_000 + "]" * 10_000),
    "a list": "[1, 2]",
    "nothing": "null",
    "a press without an id": json.dumps({"update_id": 1, "callback_query": {"from": PERSON}}),
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_update_blocks_no_other(world, malformed):
    await world.start()
    bad = world.telegram.state.updates.next_id
    world.telegram.state.updates.next_id += 1
    first = malformed.replace('"update_id": 1,', f'"update_id": {bad},')
    good = {"update_id": bad + 1, "message": MESSAGE | {"text": "/language"}}
    world.telegram.state.updates.next_id += 1
    batch = f'{{"ok": true, "result": [{first}, {json.dumps(good)}]}}'
    world.to_telegram.answer("getUpdates", Response(batch, media_type="application/json"))
    await world.settle()
    await world.settle()
    assert world.telegram.replies(ADA), "the next update was not answered"
    assert world.to_telegram.of("getUpdates")[-1]["offset"] == bad + 2
    ((held,),) = world.rows("SELECT count(*) FROM quarantine")
    assert held == 1
    assert len(world.written(BOSS, "set aside, 1 so far")) == 1
    assert world.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(0,)]
    await world.restart()
    await world.telegram.say(ADA, "/quota")
    await world.settle()
    assert len(world.written(BOSS, "set aside")) == 1


def broken_at_random(rng: random.Random, value: object) -> object:
    """A copy in which some things are missing, of another kind, or more than anybody can keep."""
    if rng.random() < 0.03:
        return rng.choice([None, True, -1, HUGE, -HUGE, 10**30, 1.5, "", "\ud800", "😀" * 5, [], {}, [[]]])
    if isinstance(value, dict):
        return {
            name: broken_at_random(rng, part)
            for name, part in value.items()
            if name == "update_id" or rng.random() > 0.03
        }
    return [broken_at_random(rng, part) for part in value] if isinstance(value, list) else value


async def test_of_hundreds_of_broken_updates_none_keeps_another_from_being_answered(tmp_path):
    rng = random.Random(7)
    entity = {"type": "bot_command", "offset": 0, "length": 9}
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 9, "height": 9}]
    written = {**MESSAGE, "text": "/language", "entities": [entity], "reply_to_message": MESSAGE}
    whole = [
        {"message": written},
        {"edited_message": written},
        {"message": {**MESSAGE, "photo": photo, "caption": "a fox", "media_group_id": "7"}},
        {
            "callback_query": {
                "id": "1",
                "from": PERSON,
                "message": written,
                "data": "x",
                "chat_instance": "1",
            }
        },
        {"inline_query": {"id": "1", "from": PERSON, "query": "fox", "offset": ""}},
        {"my_chat_member": {**MESSAGE, "old_chat_member": {"user": PERSON}, "new_chat_member": {}}},
    ]
    world = BotInProcess(tmp_path)
    async with world.serving():
        await world.start()
        queue = world.telegram.state.updates
        for number in range(150):
            update = broken_at_random(rng, {"update_id": queue.next_id} | rng.choice(whole))
            good = MESSAGE | {"from": PERSON | {"id": BOSS}, "chat": {"id": BOSS, "type": "private"}}
            good |= {"text": f"/language {number}"}
            batch = [update, {"update_id": queue.next_id + 1, "message": good}]
            answer = Response(json.dumps({"ok": True, "result": batch}), media_type="application/json")
            world.to_telegram.answer("getUpdates", answer)
            queue.next_id += 2
            await world.app.inbox.fetch(0)
            await world.app.inbox.drain()
            said = [reply for reply in world.telegram.replies(BOSS) if "set aside" not in reply["text"]]
            assert len(said) == number + 1, update
        assert world.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(0,)]
        await world.stop()
