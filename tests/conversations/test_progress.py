"""Progress: what is usual is learned, the status moves on by itself, and results arrive as people like."""

import sqlite3
from contextlib import closing

from bot.demo.script import sample_picture
from tests.world.telegram import ADA


def edits(world) -> list[str]:
    """What the status messages were changed to, one after the other."""
    return [str(call["text"]) for name, call in world.telegram.calls if name == "editMessageText"]


async def test_a_bar_moves_on_with_what_was_learned_and_only_where_something_changes(world):
    world.kling.behaviour.render_seconds = 0.2
    await world.start()
    for number in range(3):
        await world.telegram.say(ADA, f"/video fox number {number}")
        await world.telegram.wait_video(ADA, number + 1)
    await world.ended(3)
    seen = len(edits(world))
    world.kling.behaviour.render_seconds = 8
    await world.telegram.say(ADA, "/video a slow fox")
    bar = await world.telegram.wait_text(ADA, "▓")
    assert "%" in bar["text"]
    assert "Usually" in bar["text"]
    await world.telegram.wait_text(ADA, "this one takes longer")
    await world.telegram.wait_video(ADA, 4)
    changes = edits(world)[seen:]
    assert len(changes) == len(set(changes))
    actions = [call["action"] for name, call in world.telegram.calls if name == "sendChatAction"]
    assert set(actions) == {"upload_video"}
    assert len(actions) >= 4
    sent = [call for name, call in world.telegram.calls if name in {"sendMessage", "sendVideo"}]
    silent = [str(call.get("disable_notification")).lower() == "true" for call in sent]
    # A status message makes no sound, and its video does.
    assert silent == [True, False] * 4


async def test_whoever_wants_it_so_gets_videos_silently_and_covered(world):
    world.kling.behaviour.render_seconds = 0.2
    await world.start()
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(ADA, "You can spend")
    with closing(sqlite3.connect(world.database)) as db, db:
        db.execute("UPDATE users SET preferences = ?", ('{"silent": true, "spoiler": true}',))
    await world.telegram.send_photo(ADA, sample_picture(), "let the boat sail")
    (video,) = await world.telegram.wait_video(ADA)
    assert video["has_media_spoiler"]
    (call,) = [call for name, call in world.telegram.calls if name == "sendVideo"]
    assert str(call["disable_notification"]).lower() == "true"
