import io

import httpx
import pytest
from PIL import Image

from bot.demo.script import sample_picture
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN


async def test_words_become_a_video_in_the_same_chat_and_the_credits_are_charged(bot):
    asked = await bot.telegram.say(ADA, "/video a fox in the snow 10s 9:16")
    (video,) = await bot.telegram.wait_video(ADA)
    assert (video["video"]["width"], video["video"]["height"], video["video"]["duration"]) == (720, 1280, 10)
    assert video["reply_to_message"]["message_id"] == asked["message_id"]
    assert "a fox in the snow" in video["caption"]
    assert video["video"]["thumbnail"]["file_size"] > 0
    await bot.telegram.wait_for(lambda: len(bot.telegram.replies(ADA)) == 1)
    await bot.ended()
    assert bot.balance(ADA) == (-30, 0)
    file = bot.telegram.state.files[video["video"]["file_id"]]
    assert file.path.read_bytes()[4:8] == b"ftyp"


async def test_a_photo_with_a_caption_becomes_a_video(bot):
    await bot.telegram.send_photo(ADA, sample_picture(), "let the boat sail")
    (video,) = await bot.telegram.wait_video(ADA)
    assert (video["video"]["width"], video["video"]["height"]) == (1080, 720)
    sent = next(request for request in bot.kling.requests if request.method == "POST")
    assert sent.path == "/v1/videos/image2video"
    assert "file/bot" not in str(sent.body)


async def test_a_photo_without_words_asks_first_and_a_tap_makes_the_video(bot):
    await bot.telegram.send_photo(ADA, sample_picture())
    await bot.telegram.wait_text(ADA, "What should happen")
    assert bot.balance(ADA) == (0, 0)
    await bot.telegram.press_labelled(ADA, "Generate · 15 credits")
    await bot.telegram.wait_video(ADA)


async def test_words_complete_the_photo_that_waits_for_them(bot):
    await bot.telegram.send_photo(ADA, sample_picture())
    await bot.telegram.wait_text(ADA, "What should happen")
    await bot.telegram.say(ADA, "the boat sails away")
    await bot.telegram.wait_text(ADA, "Ready. Make it?")
    await bot.telegram.press_labelled(ADA, "Generate · 15 credits")
    (video,) = await bot.telegram.wait_video(ADA)
    assert "the boat sails away" in video["caption"]


async def test_a_reply_to_a_photo_with_the_command_animates_it_also_in_a_group(bot):
    topic = bot.telegram.open_topic("Boats")
    photo = await bot.telegram.send_photo(XIAOLIN, sample_picture(), chat=GROUP, thread=topic)
    await bot.telegram.say(
        ADA, "/video@kling_demo_bot the boat sails", chat=GROUP, reply_to=photo["message_id"], thread=topic
    )
    (video,) = await bot.telegram.wait_video(GROUP)
    assert video["message_thread_id"] == topic
    assert bot.balance(XIAOLIN) == (0, 0)


async def test_an_image_sent_as_a_file_works(bot):
    buffer = io.BytesIO()
    Image.new("RGBA", (640, 640), (200, 30, 30, 120)).save(buffer, "PNG")
    await bot.telegram.send_document(ADA, buffer.getvalue(), "picture.png", "image/png", "it spins")
    await bot.telegram.wait_video(ADA)


async def test_a_failed_video_tells_why_and_gives_the_credits_back(bot):
    await bot.telegram.say(ADA, "/video [fail] a fox")
    notice = await bot.telegram.wait_text(ADA, "Your 15 credits are refunded")
    assert "could not make this video" in notice["text"]
    await bot.ended()
    assert bot.balance(ADA) == (0, 0)


async def test_refused_content_is_told_gently_and_costs_nothing(bot):
    await bot.telegram.say(ADA, "/video something forbidden")
    await bot.telegram.wait_text(ADA, "content rules")
    await bot.ended()
    assert bot.balance(ADA) == (0, 0)


async def test_a_chinese_reader_is_answered_in_chinese_and_may_change_it(bot):
    await bot.telegram.say(XIAOLIN, "/start")
    await bot.telegram.wait_text(XIAOLIN, "你好")
    await bot.telegram.say(XIAOLIN, "/language")
    await bot.telegram.wait_text(XIAOLIN, "请选择语言")
    await bot.telegram.press_labelled(XIAOLIN, "English")
    await bot.telegram.wait_text(XIAOLIN, "in English")
    await bot.telegram.say(XIAOLIN, "/tasks")
    await bot.telegram.wait_text(XIAOLIN, "Nothing is running")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/video", "/video a fox in the snow"),
        ("/video a fox --durration 10", "Did you mean --duration?"),
        ("/video a fox --duration 99", "allowed is 1–60"),
        ("/video a fox --duration 7", "5, 10"),
        ("/video a fox --model kling-v9", "Did you mean"),
        ("/video " + "x" * 2501, "this one has 2,501"),
        ("/video a fox --cfg 0.5", "doesn't support --cfg"),
        ("/dance", "I don't know /dance"),
        ("/cancel", "You have nothing in line"),
        ("/cancel ZZZZZZ", "You have no task"),
        ("/grant @ada 5", "Only admins"),
    ],
)
async def test_bad_input_is_answered_with_what_to_do(bot, text, words):
    await bot.telegram.say(ADA, text)
    await bot.telegram.wait_text(ADA, words)
    assert bot.balance(ADA) == (0, 0)
    assert not bot.kling.requests


@pytest.mark.parametrize(("size", "words"), [((200, 200), "200 × 200"), ((1200, 300), "too narrow")])
async def test_a_picture_that_kling_does_not_take_is_refused_in_a_sentence(bot, size, words):
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "JPEG")
    await bot.telegram.send_photo(ADA, buffer.getvalue(), "move")
    await bot.telegram.wait_text(ADA, words)
    assert bot.balance(ADA) == (0, 0)


async def test_an_admin_grants_credits_and_sees_a_persons_card(bot):
    await bot.telegram.say(ADA, "/start")
    await bot.telegram.wait_text(ADA, "You have 200 credits")
    await bot.telegram.say(BOSS, "/grant @ada 50 for the film")
    await bot.telegram.wait_text(BOSS, "50 credits granted to Ada")
    await bot.telegram.say(BOSS, "/user 1001")
    card = await bot.telegram.wait_text(BOSS, "for the film")
    assert "@ada" in card["text"]
    await bot.telegram.say(ADA, "/quota")
    await bot.telegram.wait_text(ADA, "Balance: 250 credits")


async def test_nobody_spends_more_than_they_have(world):
    world.configure(daily=20)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    await world.telegram.say(ADA, "/video another fox")
    refusal = await world.telegram.wait_text(ADA, "you have 5")
    assert "Refills" in refusal["text"]


async def test_a_queued_task_is_cancelled_with_its_credits(world):
    world.kling.behaviour.throttle = True
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_for(lambda: any(r.method == "POST" for r in world.kling.requests))
    await world.wait_for(
        lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'queued' AND status_message_id IS NOT NULL")
    )
    await world.telegram.say(ADA, "/cancel")
    await world.telegram.wait_text(ADA, "Cancelled. Your 15 credits are refunded")
    await world.ended()
    assert world.balance(ADA) == (0, 0)


async def test_an_old_command_is_asked_about_before_it_costs_anything(bot):
    await bot.telegram.say(ADA, "/video a fox", date=int(bot.telegram.state.now()) - 2 * 3600)
    await bot.telegram.wait_text(ADA, "Still wanted?")
    assert bot.balance(ADA) == (0, 0)
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA)


async def test_a_forged_button_does_nothing(bot):
    await bot.telegram.say(ADA, "/start")
    message = await bot.telegram.wait_text(ADA, "Hello Ada")
    query = await bot.telegram.press(ADA, ADA, message["message_id"], "1:again:ABCDEF:forged")
    answer = await bot.telegram.wait_answer(query)
    assert "out of date" in answer["text"]


async def test_again_makes_the_same_video_as_a_new_task(bot):
    await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_video(ADA)
    await bot.telegram.press_labelled(ADA, "Again")
    await bot.telegram.wait_video(ADA, 2)
    await bot.ended(2)
    assert bot.balance(ADA) == (-30, 0)


@pytest.mark.parametrize(
    ("dialect", "key", "auth"),
    [
        ("generic", "sk-demo-generic", "raw"),
        ("generic", "sk-demo-generic", "bearer"),
        ("auto", "sk-demo-newapi", "auto"),
        ("auto", "demo-access|demo-secret-that-signs-for-nothing", "auto"),
        ("official", "demo-api-key", "auto"),
        ("unified", "demo-api-key", "auto"),
        ("prefixed", "sk-demo-prefixed", "auto"),
        ("prefixed", "sk-demo-newapi", "auto"),
        ("prefixed", "sk-demo-crazyrouter", "auto"),
        ("omnimaas", "sk-demo-omnimaas", "auto"),
        ("flat", "sk-demo-flat", "auto"),
    ],
)
async def test_every_key_works_by_pasting_it(world, dialect, key, auth):
    world.configure(dialect=dialect, key=key, auth=auth)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.send_photo(XIAOLIN, sample_picture(), "the boat sails")
    await world.telegram.wait_video(ADA)
    await world.telegram.wait_video(XIAOLIN)


async def test_the_menu_is_set_for_each_language_and_scope(bot):
    async with httpx.AsyncClient() as http:
        menus = {
            (user, chat): [
                command["command"]
                for command in (
                    await http.get(f"{bot.telegram_url}/demo/api/menu?user={user}&chat={chat}")
                ).json()
            ]
            for user, chat in ((ADA, ADA), (BOSS, BOSS), (ADA, GROUP))
        }
    assert "video" in menus[ADA, ADA]
    assert "grant" not in menus[ADA, ADA]
    assert "grant" in menus[BOSS, BOSS]
    assert menus[ADA, GROUP] == ["video", "tasks", "cancel", "quota"]
