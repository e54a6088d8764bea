"""Scripted conversations: what they print, and how they end."""

import io

import pytest

from bot.demo.script import run_script
from tests.world.media import film, image
from tests.world.telegram import ADA, XIAOLIN


async def run(demo, *lines: str, seconds: float = 10) -> tuple[int, str]:
    out = io.StringIO()
    return await run_script(lines, demo.telegram, out, seconds), out.getvalue()


async def test_a_conversation_is_printed_with_its_photos_videos_and_buttons(demo):
    keys = '{"inline_keyboard": [[{"text": "Again", "callback_data": "a"}]]}'
    await demo.bot.send_video(ADA, film(), caption="a fox", api_kwargs={"reply_markup": keys})
    status, printed = await run(
        demo, "# a comment", "ada photo sample: let it sail", "ada: a fox", "press Again", "wait video", ""
    )
    assert status == 0
    assert "bot: [video 64×48, 1 s," in printed
    assert "a fox [Again]" in printed
    assert "Ada: [photo 960×640] let it sail\nAda: a fox\n" in printed
    assert [bool(update.callback_query) for update in await demo.updates()] == [False, False, True]


async def test_everybody_has_a_name_and_a_file_may_be_sent_without_words(demo, tmp_path):
    (tmp_path / "mine.jpg").write_bytes(image())
    status, _ = await run(demo, f"xiaolin photo {tmp_path / 'mine.jpg'}", "admin: hello", "xiaolin: 你好")
    assert status == 0
    assert len(demo.telegram.messages(XIAOLIN)) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ada dances", "this line cannot be read"),
        ("ada photo nowhere.jpg", "nowhere.jpg"),
        ("wait text never", "it did not come in time"),
    ],
)
async def test_a_script_ends_at_the_line_that_fails(demo, line, words):
    status, printed = await run(demo, "ada: hello", line, "ada: not said", seconds=0.05)
    assert status == 1
    assert f"line 2: {line}\n  failed: " in printed
    assert words in printed
    assert len(demo.telegram.messages(ADA)) == 1
