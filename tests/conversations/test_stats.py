"""Charts in the chat: for those who run the bot, and one's own."""

import csv
import io

from PIL import Image

from tests.world.telegram import ADA, BOSS


async def test_an_operator_sees_everybodys_charts_and_a_person_their_own(world):
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    telegram = world.telegram
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_video(ADA)
    await world.ended()
    await telegram.say(ADA, "/stats")
    await telegram.wait_text(ADA, "Only admins")
    await telegram.say(ADA, "/usage")
    await telegram.wait_text(ADA, "The last 30 days: 1 of 1 requests")
    await telegram.say(BOSS, "/usage 8")
    await telegram.wait_text(BOSS, "7, 30, 90")
    await telegram.say(BOSS, "/stats 7")
    shown = await telegram.wait_text(BOSS, "The last 7 days: 1 of 1 requests")
    image = telegram.state.files[shown["photo"][-1]["file_id"]].path.read_bytes()
    assert Image.open(io.BytesIO(image)).width == 1280
    await telegram.press_labelled(BOSS, "Table (CSV)")
    sent = await telegram.wait_for(lambda: [m for m in telegram.replies(BOSS) if "document" in m])
    table = telegram.state.files[sent[0]["document"]["file_id"]].path.read_text("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["user"], row["model"], row["credits"], row["state"]) == (
        "1001",
        "kling-v2-6",
        "15",
        "succeeded",
    )


async def test_an_operator_sees_what_comes_in_beside_what_it_costs(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(extra='[payments]\nstar_value = 0.013\ncurrency = "EUR"')
    await world.start()
    telegram = world.telegram
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_video(ADA)
    await world.ended()
    await telegram.say(BOSS, "/admin")
    await telegram.wait_text(BOSS, "Your role: Owner")
    await telegram.press_labelled(BOSS, "Business")
    shown = (await telegram.wait_text(BOSS, "Business in the last 30 days"))["text"]
    assert "15 charged" in shown
    assert "Kling units: 1.5 · videos and images: 1" in shown
    assert "Revenue: 0 EUR" in shown
    # Nobody said what a unit costs.
    assert "Margin" not in shown
    await telegram.press_labelled(BOSS, "By user")
    await telegram.wait_text(BOSS, "@ada: 0 ⭐ · 15 credits charged · 1.5 units")
    await telegram.press_labelled(BOSS, "7 days")
    await telegram.wait_text(BOSS, "Business in the last 7 days")
    await telegram.press_labelled(BOSS, "By model")
    await telegram.wait_text(BOSS, "kling-v2-6: 15 credits charged · 1.5 units")
    await telegram.press_labelled(BOSS, "Table (CSV)")
    sent = await telegram.wait_for(lambda: [m for m in telegram.replies(BOSS) if "document" in m])
    table = telegram.state.files[sent[0]["document"]["file_id"]].path.read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["by"], row["name"], row["credits_charged"], row["cost"]) for row in rows] == [
        ("model", "kling-v2-6", "15", ""),
        ("total", "", "15", ""),
    ]
