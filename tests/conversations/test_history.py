"""What has been made is found again: history, favourites, links to tasks, and inline mode."""

import pytest

from bot.demo.telegram.acting import Place
from tests.conversations.test_results import labels
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.2
    world.configure(daily=1_000)
    await world.start()
    return world


async def films(bot, *prompts: str) -> None:
    for number, prompt in enumerate(prompts, 1):
        await bot.telegram.say(ADA, f"/video {prompt}")
        await bot.telegram.wait_video(ADA, number)
    await bot.ended(len(prompts))


async def test_a_history_is_paged_searched_and_shown_again_without_an_upload(bot):
    await films(bot, *(f"fox number {number}" for number in range(1, 7)), "a crow & a <b>")
    await bot.telegram.say(ADA, "/history")
    page = await bot.telegram.wait_text(ADA, "My videos")
    assert "1. " in page["text"]
    assert "a crow & a <b> · kling-v2-6 · ready" in page["text"]
    assert labels(page) == [["1", "2", "3"], ["4", "5", "6"], ["Older"]]
    await bot.telegram.press_labelled(ADA, "Older")
    await bot.telegram.wait_text(ADA, "7. ")
    await bot.telegram.press_labelled(ADA, "Newer")
    await bot.telegram.wait_text(ADA, "a crow & a <b>")

    await bot.telegram.say(ADA, "/history FOX 3")
    found = await bot.telegram.wait_text(ADA, "Matches for “FOX 3”")
    assert labels(found) == [["1"]]
    uploads = len([call for call in bot.telegram.calls if call[0] == "sendVideo"])
    await bot.telegram.press_labelled(ADA, "1")
    again = (await bot.telegram.wait_video(ADA, 8))[-1]
    assert "fox number 3" in again["caption"]
    assert labels(again)[0] == ["Again · 15 credits", "Change"]
    sent = [call for method, call in bot.telegram.calls if method == "sendVideo"][uploads]
    assert "video" in sent

    await bot.telegram.say(XIAOLIN, "/history fox")
    await bot.telegram.wait_text(XIAOLIN, "没有找到含有")
    await bot.telegram.say(ADA, "/history", chat=GROUP)
    await bot.telegram.wait_text(GROUP, "yours alone")


async def test_a_task_is_shown_by_its_id_or_a_link_to_its_owner_and_to_admins(bot):
    await bot.telegram.say(ADA, "/video [fail] a fox")
    await bot.telegram.wait_text(ADA, "could not make this video")
    await films(bot, "a crow")
    crow, fox = (name for (name,) in bot.rows("SELECT id FROM tasks ORDER BY sequence DESC"))
    await bot.telegram.say(ADA, f"/start task_{crow}")
    await bot.telegram.wait_video(ADA, 2)
    await bot.telegram.say(BOSS, f"/show {crow[:4].lower()}-{crow[4:].lower()}")
    await bot.telegram.wait_video(BOSS)
    await bot.telegram.say(XIAOLIN, f"/start task_{crow}")
    await bot.telegram.wait_text(XIAOLIN, crow[4:])
    assert not [message for message in bot.telegram.replies(XIAOLIN) if "video" in message]
    before = len(bot.telegram.replies(ADA))
    await bot.telegram.say(ADA, f"/show {fox}")
    await bot.telegram.wait_for(lambda: len(bot.telegram.replies(ADA)) > before)
    # Only who asks is told the provider's own words.
    first, *_, last = [reply["text"] for reply in bot.telegram.replies(ADA) if "could not make" in str(reply)]
    assert "Generation failed" not in first
    assert "Reason given: Generation failed, please try again" in last
    await bot.telegram.say(ADA, "/show")
    await bot.telegram.wait_text(ADA, "Which one?")


async def test_inline_mode_offers_ones_own_videos_and_a_way_to_make_another(bot):
    await films(bot, "a fox in the snow", "a crow")
    query = bot.telegram.acting.ask_inline(ADA, "fox")
    results = await bot.telegram.wait_for(lambda: bot.telegram.state.inline_answers[query])
    assert [(result["type"], result["title"]) for result in results] == [("video", "a fox in the snow")]
    await bot.telegram.acting.choose_inline(ADA, query, results[0]["id"], Place(chat=GROUP))
    shared = bot.telegram.messages(GROUP)[-1]
    assert shared["caption"] == "a fox in the snow"
    said = len(bot.telegram.replies(ADA))
    await bot.telegram.acting.choose_inline(ADA, query, results[0]["id"], Place())
    call = next(call for method, call in bot.telegram.calls if method == "answerInlineQuery")
    assert call["is_personal"] in {True, "true", "True"}
    assert "Make: fox" in str(call["button"])

    others = bot.telegram.acting.ask_inline(XIAOLIN, "fox")
    await bot.telegram.wait_for(lambda: bot.telegram.state.inline_answers[others] is not None)
    assert bot.telegram.state.inline_answers[others] == []

    assert len(bot.telegram.replies(ADA)) == said, "what was shared is nothing to be answered"

    ((token,),) = bot.rows("SELECT token FROM kept_words WHERE user_id = ?", ADA)
    await bot.telegram.say(ADA, f"/start make_{token}")
    await bot.telegram.wait_for(lambda: [text for text in card_buttons(bot) if text.startswith("Generate")])
    assert "fox" in bot.telegram.replies(ADA)[-1]["text"]
    await bot.telegram.say(XIAOLIN, f"/start make_{token}")
    await bot.telegram.wait_text(XIAOLIN, "已不再保存")


def card_buttons(bot) -> list[str]:
    return [text for row in labels(bot.telegram.replies(ADA)[-1]) for text in row]
