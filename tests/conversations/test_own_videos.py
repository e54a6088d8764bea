"""A person's own video, sent, replied to, linked or in an album, as what Kling works on."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.demo.serving import serve
from bot.demo.telegram.acting import Place
from bot.demo.telegram.wire import Upload
from bot.domain.types import DAY, MINUTE
from tests.world.front import Answer
from tests.world.media import a_clip, a_portrait, a_voice_message
from tests.world.proxy import behind_a_proxy
from tests.world.services import finished
from tests.world.telegram import ADA

MODELS = '["kling-v2-6", "kling-v3", "kling-v3-omni", "kling-video-o1"]'
EDIT, MOTION = "/v1/videos/omni-video", "/v1/videos/motion-control"
FACES, SOUND = "/v1/videos/identify-face", "/v1/audio/video-to-audio"


@pytest.fixture(autouse=True)
def quick(world):
    world.kling.behaviour.render_seconds = 0.3


@pytest.fixture
async def public(world):
    """The bot with a public address."""
    async with behind_a_proxy(world, models=MODELS, daily=2000) as proxy:
        world.proxy = proxy
        yield world


def orders(bot, path: str) -> list[dict]:
    """What was ordered at a place of Kling's."""
    return [
        request.body for request in bot.kling.requests if (request.method, request.path) == ("POST", path)
    ]


def kept(bot) -> list[Path]:
    """The files of people's videos."""
    return sorted((bot.directory / "work" / "videos").glob("*"))


def was_fetched(bot, address: str) -> bool:
    return (urlsplit(address).path, 200) in bot.proxy.answers


async def test_a_video_with_a_command_as_its_caption_is_edited(public):
    await public.telegram.send_film(ADA, a_clip(), caption="/edit make it night")
    await public.telegram.wait_video(ADA)
    (order,) = orders(public, EDIT)
    (sent,) = order["video_list"]
    assert sent["refer_type"] == "base"
    assert sent["keep_original_sound"] == "yes"
    assert sent["video_url"].endswith(".mp4")
    assert was_fetched(public, sent["video_url"])
    # Five seconds at the price of a video that is given.
    assert public.rows("SELECT price FROM tasks") == [(45,)]


@pytest.mark.parametrize("kind", ["video", "animation", "document"])
async def test_whatever_kind_of_message_holds_it(public, kind):
    message = await public.telegram.send_film(ADA, a_clip(), kind)
    await public.telegram.say(ADA, "/edit make it night --drop-sound", reply_to=message["message_id"])
    await public.telegram.wait_video(ADA)
    (order,) = orders(public, EDIT)
    assert order["video_list"][0]["keep_original_sound"] == "no"


async def test_a_mov_is_handed_out_as_one(public):
    upload = Upload("mine.mov", "video/quicktime", len(a_clip(form="mov")), _file(a_clip(form="mov")))
    await public.telegram.acting.send_file(ADA, "document", upload, "/edit make it night", Place(None))
    await public.telegram.wait_video(ADA)
    assert orders(public, EDIT)[0]["video_list"][0]["video_url"].endswith(".mov")


def _file(data: bytes):
    import io

    return io.BytesIO(data)


async def test_an_album_of_a_photo_and_a_video_makes_the_photo_move(public):
    group = public.telegram.state.opaque(7)
    await public.telegram.send_photo(ADA, a_portrait(), "/motion", group=group)
    upload = Upload("mine.mp4", "video/mp4", len(a_clip()), _file(a_clip()))
    await public.telegram.acting.send_file(ADA, "video", upload, "", Place(None), group)
    await public.telegram.wait_video(ADA)
    (order,) = orders(public, MOTION)
    assert order["character_orientation"] == "image"
    assert "keep_original_sound" not in order
    assert was_fetched(public, order["video_url"])


async def test_a_longer_movement_faces_as_in_the_video(public):
    message = await public.telegram.send_film(ADA, a_clip(720, 720, 12))
    for caption in ("/motion --orientation image", "/motion --mute"):
        await public.telegram.send_photo(ADA, a_portrait(), caption, reply_to=message["message_id"])
    await public.telegram.wait_text(ADA, "3 to 10 seconds")
    await public.telegram.wait_video(ADA)
    (order,) = orders(public, MOTION)
    assert (order["character_orientation"], order["keep_original_sound"]) == ("video", "no")


async def test_a_face_in_it_speaks(public):
    message = await public.telegram.send_film(ADA, a_clip())
    words = "/lipsync Hello there, how are you doing today?"
    await public.telegram.say(ADA, words, reply_to=message["message_id"])
    await public.telegram.wait_video(ADA)
    (asked,) = orders(public, FACES)
    assert set(asked) == {"video_url"}
    assert was_fetched(public, asked["video_url"])
    await public.telegram.send_voice(ADA, a_voice_message(3), reply_to=message["message_id"])
    await public.telegram.wait_video(ADA, 2)
    assert "sound_file" in orders(public, "/v1/videos/advanced-lip-sync")[-1]["face_choose"][0]


async def test_of_several_faces_in_it_one_is_chosen(public):
    public.kling.behaviour.faces = 2
    words = "/lipsync Hello there, how are you doing today?"
    await public.telegram.send_film(ADA, a_clip(), caption=words)
    await public.telegram.wait_text(ADA, "Which face")
    (asked,) = orders(public, FACES)
    assert was_fetched(public, asked["video_url"])
    assert public.rows("SELECT 1 FROM tasks") == []
    await public.telegram.press_labelled(ADA, "2")
    await public.telegram.wait_text(ADA, "face 2")
    await public.telegram.press_labelled(ADA, "Generate")
    await public.telegram.wait_video(ADA)
    assert orders(public, "/v1/videos/advanced-lip-sync")[-1]["face_choose"][0]["face_id"] == "1"
    assert len(orders(public, FACES)) == 1


async def test_the_address_for_a_look_is_good_for_minutes_only(public):
    public.kling.behaviour.faces = 2
    await public.telegram.send_film(ADA, a_clip(), caption="/lipsync Hello there, how are you doing today?")
    await public.telegram.wait_text(ADA, "Which face")
    address = orders(public, FACES)[0]["video_url"]
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(address)).content == a_clip()
        assert (await http.get(address.replace("/0/", "/1/"))).status_code == 404
        public.clock.advance(11 * MINUTE)
        assert (await http.get(address)).status_code == 404
    assert address not in repr(public.output)


async def test_it_gets_a_sound(public):
    message = await public.telegram.send_film(ADA, a_clip())
    await public.telegram.say(ADA, "/sound wind in the trees", reply_to=message["message_id"])
    await public.wait_for(lambda: orders(public, SOUND))
    (order,) = orders(public, SOUND)
    assert set(order) == {"video_url", "sound_effect_prompt", "callback_url", "external_task_id"}
    await public.ended()


async def test_the_newer_standard_gets_it_too(world):
    async with behind_a_proxy(
        world, models=MODELS, daily=2000, dialect="unified", key="demo-api-key"
    ) as proxy:
        world.proxy = proxy
        await world.telegram.send_film(ADA, a_clip(), caption="/edit make it night --mute")
        await world.telegram.wait_video(ADA)
        (order,) = orders(world, "/omni-video/kling-3.0-omni")
        (base,) = [part for part in order["contents"] if part["type"] == "base_video"]
        assert was_fetched(world, base["url"])
        assert order["settings"]["audio"] == "off"


async def test_a_gateway_that_repeats_our_own_address_has_made_nothing_yet(public):
    def repeated(change: Callable[[str], str]) -> Answer:
        async def repeat(request: Request) -> Response:
            address = change(orders(public, EDIT)[0]["video_list"][0]["video_url"])
            return finished(request.url.path.rpartition("/")[2], address)

        return repeat

    public.to_kling.answer(
        "query",
        repeated(lambda address: address),
        repeated(lambda address: f"{address}?from=gateway".replace("http://", "HTTP://")),
    )
    await public.telegram.send_film(ADA, a_clip(), caption="/edit make it night")
    await public.telegram.wait_video(ADA)
    await public.ended()
    ((result,),) = public.rows("SELECT url FROM outbox")
    assert "/video/" not in result
    assert len(public.to_kling.of("query")) > 2


@pytest.mark.parametrize(("said", "audio"), [("", "original"), (" --mute", None)])
async def test_kling_4_keeps_its_sound_or_makes_a_new_one(world, said, audio):
    async with behind_a_proxy(
        world, models='["kling-4.0"]', daily=2000, dialect="unified", key="demo-api-key"
    ) as proxy:
        world.proxy = proxy
        await world.telegram.send_film(ADA, a_clip(), caption=f"/edit make it night{said}")
        await world.telegram.wait_video(ADA)
        (order,) = orders(world, "/omni-video/kling-4.0")
        (base,) = [part for part in order["contents"] if part["type"] == "base_video"]
        assert was_fetched(world, base["url"])
        assert order["settings"].get("audio") == audio


@pytest.mark.parametrize("orientation", ["image", "video"])
@pytest.mark.parametrize("dialect", ["official", "unified"])
async def test_a_movement_faces_either_way_with_either_sound_in_both_standards(world, dialect, orientation):
    key = {"key": "demo-api-key"} if dialect == "unified" else {}
    async with behind_a_proxy(world, models=MODELS, daily=2000, dialect=dialect, **key) as proxy:
        world.proxy = proxy
        message = await world.telegram.send_film(ADA, a_clip())
        for number, sound in enumerate(("", " --mute"), 1):
            caption = f"/motion --orientation {orientation}{sound}"
            await world.telegram.send_photo(ADA, a_portrait(), caption, reply_to=message["message_id"])
            await world.telegram.wait_video(ADA, number)
        path = MOTION if dialect == "official" else "/motion-control/kling-2.6"
        for order, sound in zip(orders(world, path), (None, False), strict=True):
            settings = order.get("settings", order)
            assert settings["character_orientation"] == orientation
            told = (settings.get("audio"), order.get("keep_original_sound"))
            assert told == (
                (None, None) if sound is None else ("off", None) if dialect == "unified" else (None, "no")
            )


# -- limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clip", "command", "words"),
    [
        ((1280, 720, 2), "/edit make it night", "3 to 15 seconds"),
        ((640, 360, 5), "/edit make it night", "700 to 4,553 pixels"),
        ((1280, 720, 5, 12), "/edit make it night", "24 to 60 frames"),
        ((1600, 720, 5), "/edit make it night", "0.4 to 2 times"),
        ((640, 360, 5), "/edit make it night --model kling-video-o1", "700 to 2,160 pixels"),
        ((640, 360, 5), "/lipsync Hello there, how are you doing?", "512 to 2,160 pixels"),
        ((1280, 720, 2), "/sound wind", "3 to 20 seconds"),
    ],
)
async def test_what_kling_would_refuse_is_refused_before_it_costs_anything(public, clip, command, words):
    await public.telegram.send_film(ADA, a_clip(*clip), caption=command)
    await public.telegram.wait_text(ADA, words)
    assert public.rows("SELECT 1 FROM tasks") == []
    assert public.balance(ADA) == (0, 0)


async def test_a_file_that_only_pretends_to_be_a_video_is_refused(public):
    hostile = a_clip()[:2_000] + b"\xff" * 6_000
    for data in (hostile, b"\x00\x00\x00\x18ftypisom" + b"\x00" * 500):
        upload = Upload("mine.mp4", "video/mp4", len(data), _file(data))
        await public.telegram.acting.send_file(ADA, "document", upload, "/edit make it night", Place(None))
    await public.wait_written(ADA, "I can't read this video", 2)
    assert kept(public) == []
    assert list((public.directory / "work").glob("video-*")) == []


async def test_what_telegram_does_not_hand_out_is_told_of_with_a_way(public):
    message = await public.telegram.send_film(ADA, a_clip())
    public.telegram.state.message(ADA, message["message_id"]).body["video"]["file_size"] = 20_000_001
    await public.telegram.say(ADA, "/edit make it night", reply_to=message["message_id"])
    await public.telegram.wait_text(ADA, "at most 20 MB. Send a smaller video, or an https link")


async def test_without_a_public_address_it_is_said_what_is_possible(world):
    world.configure(models=MODELS)
    await world.start()
    await world.telegram.send_film(ADA, a_clip(), caption="/edit make it night")
    await world.telegram.wait_text(ADA, "it has no public address")
    assert kept(world) == []
    await world.telegram.say(ADA, "/video a fox")
    (video,) = await world.telegram.wait_video(ADA)
    await world.telegram.say(ADA, "/edit make it night", reply_to=video["message_id"])
    await world.telegram.wait_video(ADA, 2)


# -- links ---------------------------------------------------------------------------------------------


async def test_a_linked_video_is_fetched_here_and_handed_on_from_here(world):
    async def film(request) -> Response:
        return Response(a_clip(), media_type="video/mp4")

    app = Starlette(routes=[Route("/{name:path}", film)])
    world.images_on_loopback = True
    async with serve(app) as host, behind_a_proxy(world, models=MODELS, daily=2000) as proxy:
        world.proxy = proxy
        await world.telegram.say(ADA, f"/edit make it night {host}/mine?token=1")
        await world.telegram.wait_video(ADA)
        (order,) = orders(world, EDIT)
        assert order["prompt"].startswith("make it night <<<")
        address = order["video_list"][0]["video_url"]
        assert host not in json.dumps(order)
        assert was_fetched(world, address)
        await world.telegram.send_photo(ADA, a_portrait(), f"/motion {host}/dance.mp4")
        await world.telegram.wait_video(ADA, 2)
        assert len(orders(world, MOTION)) == 1


async def test_a_link_to_the_own_network_is_refused(public):
    await public.telegram.say(ADA, "/edit make it night http://127.0.0.1/mine.mp4")
    await public.telegram.wait_text(ADA, "I can't take a video from 127.0.0.1")
    await public.telegram.say(ADA, "/edit make it night https://a.example/1.mp4 https://a.example/2.mp4")
    await public.telegram.wait_text(ADA, "one video at a time")


# -- keeping -------------------------------------------------------------------------------------------


async def test_the_address_is_good_only_while_the_video_is_worked_on(public):
    public.kling.behaviour.render_seconds = 30
    await public.telegram.send_film(ADA, a_clip(), caption="/edit make it night")
    await public.wait_for(lambda: orders(public, EDIT))
    address = orders(public, EDIT)[0]["video_list"][0]["video_url"]
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(address)).content == a_clip()
        assert (await http.get(address.replace("/0/", "/1/"))).status_code == 404
        await public.telegram.wait_video(ADA)
        assert (await http.get(address)).status_code == 404
    assert address not in repr(public.output)


async def test_it_is_there_after_a_restart_and_gone_when_nothing_needs_it(public):
    await public.telegram.send_film(ADA, a_clip(), caption="/edit make it night")
    await public.telegram.wait_video(ADA)
    (file,) = kept(public)
    stray = file.with_name("0" * 64 + ".mp4")
    stray.write_bytes(b"left by a crash")
    await public.restart()
    assert kept(public) == [file]
    public.clock.advance(400 * DAY)
    await public.settle()
    await public.wait_for(lambda: kept(public) == [])
    assert public.rows("SELECT 1 FROM videos") == []


async def test_whoever_is_forgotten_leaves_no_video_behind(public):
    await public.telegram.send_film(ADA, a_clip(), caption="/edit make it night")
    await public.telegram.wait_video(ADA)
    await public.telegram.say(ADA, "/forget")
    await public.telegram.wait_text(ADA, "elements, voices")
    await public.telegram.press_labelled(ADA, "Delete everything")
    await public.telegram.wait_text(ADA, "Your data is deleted")
    assert kept(public) == []
