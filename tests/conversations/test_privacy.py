"""What is kept of a person, as a file, and how nothing of it is left."""

import json

from bot.demo.script import sample_picture
from tests.world.telegram import ADA, GROUP

SECRET = "a lighthouse that nobody must hear of"


async def test_a_person_takes_their_data_away_and_is_forgotten(world):
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    await world.telegram.say(ADA, f"/video {SECRET}")
    await world.telegram.wait_video(ADA)
    await world.telegram.send_photo(ADA, sample_picture())
    await world.telegram.wait_text(ADA, "What should happen")

    await world.telegram.say(ADA, "/privacy")
    privacy = await world.telegram.wait_text(ADA, "Who gets it")
    assert "30 days" in privacy["text"]
    await world.telegram.say(ADA, "/export", chat=GROUP)
    await world.telegram.wait_text(GROUP, "private chat")
    await world.telegram.press_labelled(ADA, "Export my data")
    file = await world.telegram.wait_for(
        lambda: next((one for one in world.telegram.replies(ADA) if "document" in one), None)
    )
    content = world.telegram.state.files[file["document"]["file_id"]].path.read_bytes()
    data = json.loads(content)
    assert data["profile"][0]["name"] == "Ada"
    assert [task["request"]["prompt"] for task in data["tasks"]] == [SECRET]
    assert data["tasks"][0]["created_at"].startswith("20")

    world.kling.behaviour.render_seconds = 3
    await world.telegram.say(ADA, f"/video {SECRET} once more")
    await world.telegram.wait_text(ADA, "Kling is working on it")
    await world.telegram.say(ADA, "/forget")
    await world.telegram.wait_text(ADA, "This cannot be undone")
    await world.telegram.press_labelled(ADA, "Delete everything")
    await world.telegram.wait_text(ADA, "Your data is deleted")
    # The second video was under way: it ends, and nobody gets it.
    await world.wait_for(lambda: world.rows("SELECT count(*) FROM tasks WHERE state = 'succeeded'") == [(2,)])
    await world.stop()
    left = b"".join(file.read_bytes() for file in world.directory.glob("klingbot.db*"))
    for secret in (SECRET, '"Ada"', '"ada"'):
        assert secret.encode() not in left
    assert world.rows("SELECT count(*) FROM attachments") == [(0,)]
    assert world.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert world.rows("SELECT sum(amount), sum(held) FROM ledger WHERE user_id < 0") == [(-30, 0)]
    assert sum("video" in message for message in world.telegram.replies(ADA)) == 1

    # Whoever comes back is a stranger who has spent what they had spent.
    await world.start()
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(ADA, "Balance: 170 credits")
