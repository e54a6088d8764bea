"""Everything that Kling can do, asked for from the chat: the real bot, the official dialect, both stand-ins."""

import pytest

from bot.demo.script import sample_picture
from tests.world.media import a_portrait, a_voice_message
from tests.world.telegram import ADA

MODELS = '["kling-v1-6", "kling-v2-6", "kling-v3-omni", "kling-v1"]'


@pytest.fixture
async def bot(world):
    world.configure(models=MODELS, daily=2000)
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    return world


def asked(bot) -> tuple[str, dict]:
    """The path and body of the newest submission."""
    made = [request for request in bot.kling.requests if request.method == "POST"]
    return made[-1].path, made[-1].body


async def a_video(bot, words: str = "/video a fox") -> dict:
    await bot.telegram.say(ADA, words)
    (video,) = await bot.telegram.wait_video(ADA)
    return video


async def asked_about_two_photos(bot, words: str, choice: str) -> tuple[str, dict]:
    """Send two photos, choose what they are for, and have it made; what Kling was asked for."""
    await bot.telegram.send_album(ADA, [sample_picture(), a_portrait()], words)
    await bot.telegram.wait_text(ADA, "Two photos")
    await bot.telegram.press_labelled(ADA, choice)
    await bot.telegram.wait_text(ADA, "Ready")
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA)
    return asked(bot)


async def test_two_photos_ask_once_and_become_a_film_from_the_first_to_the_second(bot):
    path, body = await asked_about_two_photos(bot, "day becomes night --pro", "First → last")
    assert path == "/v1/videos/image2video"
    assert {"image", "image_tail"} <= set(body)


async def test_two_photos_may_both_appear(bot):
    path, body = await asked_about_two_photos(bot, "they meet", "Combine both")
    assert path == "/v1/videos/multi-image2video"
    assert len(body["image_list"]) == 2


async def test_three_photos_are_references_at_once(bot):
    images = [sample_picture(), a_portrait(), sample_picture()]
    await bot.telegram.send_album(ADA, images, "/video they meet")
    await bot.telegram.wait_video(ADA)
    path, body = asked(bot)
    assert path == "/v1/videos/multi-image2video"
    assert len(body["image_list"]) == 3


async def test_camera_and_several_shots_reach_kling(bot):
    await bot.telegram.say(ADA, "/video a fox --model kling-v1 --camera zoom-in")
    await bot.telegram.wait_video(ADA)
    assert asked(bot)[1]["camera_control"]["config"]["zoom"] == -5
    await bot.telegram.say(ADA, '/video a fox --model kling-v3-omni --shots "2s it wakes | 3s it runs"')
    await bot.telegram.wait_video(ADA, 2)
    path, body = asked(bot)
    assert path == "/v1/videos/omni-video"
    assert [shot["duration"] for shot in body["multi_prompt"]] == ["2", "3"]


async def test_a_camera_move_that_the_model_has_no_field_for_is_said_in_the_prompt_and_on_the_card(bot):
    for number, (words, prompt) in enumerate(
        (
            ("a fox --camera zoom-in", "a fox. The camera zooms in."),
            ("雪中的狐狸 --camera zoom:9", "雪中的狐狸。镜头快速拉远。"),
        ),
        1,
    ):
        await bot.telegram.say(ADA, f"/video {words}")
        await bot.telegram.wait_video(ADA, number)
        _, body = asked(bot)
        assert (body["prompt"], "camera_control" in body) == (prompt, False)
    await bot.telegram.say(ADA, "/new")
    await bot.telegram.say(ADA, "a fox at the sea --camera look-up")
    card = await bot.telegram.wait_text(ADA, "Camera: in words")
    assert "The camera tilts up." in card["text"]
    assert "a fox at the sea\n" in card["text"]


async def test_a_finished_video_is_extended_by_a_reply(bot):
    video = await a_video(bot)
    await bot.telegram.say(ADA, "/extend it runs on", reply_to=video["message_id"])
    await bot.telegram.wait_video(ADA, 2)
    path, body = asked(bot)
    assert path == "/v1/videos/video-extend"
    assert body["prompt"] == "it runs on"


async def test_a_finished_video_is_changed_by_words(bot):
    video = await a_video(bot)
    await bot.telegram.say(ADA, "/edit make it night", reply_to=video["message_id"])
    await bot.telegram.wait_video(ADA, 2)
    path, body = asked(bot)
    assert path == "/v1/videos/omni-video"
    assert body["video_list"][0]["refer_type"] == "base"


async def test_a_finished_video_speaks_a_text_and_a_voice_message(bot):
    video = await a_video(bot)
    await bot.telegram.say(
        ADA, "/lipsync Hello there, how are you doing today? --voice Melody", reply_to=video["message_id"]
    )
    await bot.telegram.wait_video(ADA, 2)
    path, body = asked(bot)
    assert path == "/v1/videos/advanced-lip-sync"
    assert "audio_id" in body["face_choose"][0]
    await bot.telegram.send_voice(ADA, a_voice_message(), reply_to=video["message_id"])
    await bot.telegram.wait_video(ADA, 3)
    assert "sound_file" in asked(bot)[1]["face_choose"][0]


def looks_for_faces(bot) -> int:
    return len([request for request in bot.kling.requests if request.path == "/v1/videos/identify-face"])


async def test_of_several_faces_the_person_chooses_the_one_that_speaks(bot):
    bot.kling.behaviour.faces = 3
    video = await a_video(bot)
    words = "/lipsync Hello there, how are you doing today? --volume 1.5 --original 0 --at 1"
    await bot.telegram.say(ADA, words, reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "Which face")
    assert [m for m in bot.telegram.replies(ADA) if "photo" in m]
    await bot.telegram.press_labelled(ADA, "2")
    await bot.telegram.wait_text(ADA, "face 2")
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA, 2)
    (chosen,) = asked(bot)[1]["face_choose"]
    told = ("face_id", "sound_volume", "original_audio_volume", "sound_insert_time")
    assert [chosen[name] for name in told] == ["1", 1.5, 0, 1000]
    # What was found before it was asked for is not found, and paid for, again.
    assert looks_for_faces(bot) == 1


async def test_a_face_that_is_named_is_not_asked_for(bot):
    bot.kling.behaviour.faces = 2
    video = await a_video(bot)
    words = "/lipsync Hello there, how are you doing today? --speaker"
    await bot.telegram.say(ADA, f"{words} 3", reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "found 2 faces")
    await bot.telegram.say(ADA, f"{words} 2", reply_to=video["message_id"])
    await bot.telegram.wait_video(ADA, 2)
    assert asked(bot)[1]["face_choose"][0]["face_id"] == "1"


async def test_the_faces_are_found_as_the_video_is_made_where_they_cannot_be_told_before(bot):
    video = await a_video(bot)
    bot.kling.behaviour.refuse.append(5001)
    await bot.telegram.say(
        ADA, "/lipsync Hello there, how are you doing today?", reply_to=video["message_id"]
    )
    await bot.telegram.wait_video(ADA, 2)
    assert looks_for_faces(bot) == 2


async def test_a_video_without_a_face_is_refused_before_it_costs_anything(bot):
    video = await a_video(bot)
    before = bot.balance(ADA)
    bot.kling.behaviour.faces = 0
    await bot.telegram.say(
        ADA, "/lipsync Hello there, how are you doing today?", reply_to=video["message_id"]
    )
    await bot.telegram.wait_text(ADA, "found no face")
    assert bot.balance(ADA) == before


async def test_a_photo_speaks_and_moves_as_it_is_told(bot):
    words = "/avatar Hello there, how are you doing today? --moves she nods, smiling"
    await bot.telegram.send_photo(ADA, a_portrait(), words)
    await bot.telegram.wait_video(ADA)
    path, body = asked(bot)
    assert (path, body["prompt"]) == ("/v1/videos/avatar/image2video", "she nods, smiling")
    voice = await bot.telegram.send_voice(ADA, a_voice_message())
    await bot.telegram.send_photo(ADA, a_portrait(), "/avatar she waves", reply_to=voice["message_id"])
    await bot.telegram.wait_video(ADA, 2)
    body = asked(bot)[1]
    assert "sound_file" in body
    assert body["prompt"] == "she waves"


async def test_a_photo_moves_as_a_video_does(bot):
    video = await a_video(bot, "/video a dancer --model kling-v2-6")
    photo = await bot.telegram.send_photo(ADA, a_portrait(), "/motion", reply_to=video["message_id"])
    assert photo
    await bot.telegram.wait_video(ADA, 2)
    path, body = asked(bot)
    assert path == "/v1/videos/motion-control"
    assert body["character_orientation"] == "image"


async def test_effects_take_one_photo_or_two(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/effect swing swing")
    await bot.telegram.wait_video(ADA)
    assert asked(bot)[1]["effect_scene"] == "swing_swing"
    await bot.telegram.send_album(ADA, [a_portrait(), a_portrait()], "/effect hug pro")
    await bot.telegram.wait_video(ADA, 2)
    assert len(asked(bot)[1]["input"]["images"]) == 2
    await bot.telegram.send_photo(ADA, a_portrait(), "/effect 科目三")
    await bot.telegram.wait_video(ADA, 3)
    assert asked(bot)[1]["effect_scene"] == "subject_3_dance"


async def test_clothes_are_tried_on_as_a_picture_and_as_a_video(bot):
    await bot.telegram.send_album(ADA, [a_portrait(), sample_picture()], "/tryon")
    await bot.telegram.wait_for(lambda: [m for m in bot.telegram.replies(ADA) if "photo" in m])
    assert asked(bot)[0] == "/v1/images/kolors-virtual-try-on"
    await bot.telegram.send_photo(ADA, a_portrait(), "/tryon a red dress")
    await bot.telegram.wait_video(ADA)
    assert asked(bot)[0] == "/v1/videos/image2video"


async def test_several_pictures_come_as_an_album_and_one_of_them_is_animated(bot):
    await bot.telegram.say(ADA, "/image a fox in the snow 1:1 --n 3")
    await bot.telegram.wait_text(ADA, "These are the results")
    photos = [m for m in bot.telegram.replies(ADA) if "photo" in m]
    assert len(photos) == 3
    assert len({m["media_group_id"] for m in photos}) == 1
    assert bot.balance(ADA) == (-3, 0)
    await bot.telegram.press_labelled(ADA, "Animate 2")
    await bot.telegram.wait_text(ADA, "What should happen")
    await bot.telegram.say(ADA, "it jumps")
    await bot.telegram.wait_text(ADA, "Ready. Make it?")
    await bot.telegram.press_labelled(ADA, "Generate")
    await bot.telegram.wait_video(ADA)
    assert asked(bot)[0] == "/v1/videos/image2video"


async def test_a_photo_gets_more_around_it(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/expand 1:1")
    await bot.telegram.wait_for(lambda: [m for m in bot.telegram.replies(ADA) if "photo" in m])
    path, body = asked(bot)
    assert path == "/v1/images/editing/expand"
    assert body["left_expansion_ratio"] == pytest.approx(1 / 6, abs=0.01)


async def test_a_sound_is_made_from_words_and_for_a_video(bot):
    await bot.telegram.say(ADA, "/sound rain on a roof")
    await bot.telegram.wait_for(lambda: [m for m in bot.telegram.replies(ADA) if "audio" in m])
    assert (asked(bot)[0], asked(bot)[1]["duration"]) == ("/v1/audio/text-to-audio", 5)
    video = await a_video(bot)
    await bot.telegram.say(ADA, "/sound steps in the snow", reply_to=video["message_id"])
    await bot.telegram.wait_for(lambda: len([m for m in bot.telegram.replies(ADA) if "audio" in m]) == 2)
    assert asked(bot)[0] == "/v1/audio/video-to-audio"
    words = "/sound steps --music slow jazz, a piano --asmr"
    await bot.telegram.say(ADA, words, reply_to=video["message_id"])
    await bot.telegram.wait_for(lambda: len([m for m in bot.telegram.replies(ADA) if "audio" in m]) == 3)
    body = asked(bot)[1]
    told = ("sound_effect_prompt", "bgm_prompt", "asmr_mode")
    assert [body[name] for name in told] == ["steps", "slow jazz, a piano", True]


async def test_a_sound_lasts_tenths_of_a_second_too_and_a_video_does_not(bot):
    await bot.telegram.say(ADA, "/sound rain on a roof 5.5s")
    await bot.telegram.wait_for(lambda: [m for m in bot.telegram.replies(ADA) if "audio" in m])
    (sound,) = [m for m in bot.telegram.replies(ADA) if "audio" in m]
    assert asked(bot)[1]["duration"] == 5.5
    assert "5.5 s" in sound["caption"]
    for words, why in (
        ("/sound rain 2.9s", "3–10"),
        ("/sound rain 10.1s", "3–10"),
        ("/video a fox 5.5s", "5, 10"),
    ):
        await bot.telegram.say(ADA, words)
        await bot.telegram.wait_text(ADA, why)
    assert len([request for request in bot.kling.requests if request.method == "POST"]) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/extend it runs", "no finished video"),
        ("/lipsync", "what should be said"),
        ("/effect", "Name an effect"),
        ("/effect hug pro", "with one photo"),
        ("/effect some thing new", "no effect"),
        ("/tryon", "one photo"),
        ("/expand", "one photo"),
        ("/avatar Hi", "one photo"),
        ("/lipsync Hi", "too short"),
        ("/image", "Describe your image"),
        ("/sound rain --music jazz", "Use it with /sound"),
        ("/video a fox --volume 2", "Use it with /lipsync"),
        (f"/sound {'rain ' * 60}", "200"),
        ("/sound", "describe what should happen"),
        ("/video a fox --camera zoom-in --model kling-v1 --duration 10", "doesn't support camera movement"),
    ],
)
async def test_what_is_missing_is_said(bot, text, words):
    await bot.telegram.say(ADA, text)
    await bot.telegram.wait_text(ADA, words)
    assert bot.kling.requests == [request for request in bot.kling.requests if request.method == "GET"]
