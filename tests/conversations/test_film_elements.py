"""Elements that are the person in a video: made of one's own or of one made here, used, limited, and refused in time."""

from functools import cache
from urllib.parse import urlsplit

import pytest

from tests.conversations.test_assets import ELEMENTS, orders
from tests.world.media import a_clip, a_noisy_film, a_portrait
from tests.world.proxy import behind_a_proxy
from tests.world.telegram import ADA, XIAOLIN

MODELS = '["kling-v2-6", "kling-v3-omni", "kling-video-o1"]'
OMNI = "/v1/videos/omni-video"


@cache
def a_person(seconds: int = 3, width: int = 1920, height: int = 1080) -> bytes:
    return a_clip(width, height, seconds)


@pytest.fixture(autouse=True)
def quick(world):
    world.kling.behaviour.render_seconds = 0.3


@pytest.fixture
async def bot(world):
    """The bot without a public address."""
    world.configure(models=MODELS, daily=2000)
    await world.start()
    return world


@pytest.fixture
async def public(world):
    """The bot with a public address."""
    async with behind_a_proxy(world, models=MODELS, daily=2000) as proxy:
        world.proxy = proxy
        yield world


async def made_of_own(bot, name: str, film: bytes) -> None:
    await bot.telegram.send_film(ADA, film, "document", caption=f"/element {name} a tall man")
    await bot.telegram.wait_text(ADA, f"The element {name} is ready")


def elements_asked_for(bot) -> list[tuple]:
    return bot.rows("SELECT 1 FROM tasks WHERE pack = 'library'")


async def test_an_own_video_becomes_an_element_that_is_used_by_its_name(public):
    await made_of_own(public, "Tom", a_person())
    (order,) = orders(public, ELEMENTS)
    (film,) = order["element_video_list"]["refer_videos"]
    assert (order["reference_type"], order["element_name"], order["element_description"]) == (
        "video_refer",
        "Tom",
        "a tall man",
    )
    assert "element_image_list" not in order
    assert (urlsplit(film["video_url"]).path, 200) in public.proxy.answers
    ((remote, of_video),) = public.rows("SELECT remote_id, of_video FROM assets")
    assert of_video == 1
    await public.telegram.say(ADA, "/elements")
    await public.telegram.wait_text(ADA, "of a video")
    await public.telegram.say(ADA, "/video @Tom runs")
    await public.telegram.wait_video(ADA)
    (video,) = orders(public, OMNI)
    assert (video["model_name"], video["element_list"]) == ("kling-v3-omni", [{"element_id": int(remote)}])


async def test_an_element_of_a_reply_to_an_own_video_has_the_voice_that_is_named(public):
    await public.telegram.send_film(ADA, a_noisy_film(64, 48, 6), caption="/voice Ada")
    await public.telegram.wait_text(ADA, "The voice Ada is ready")
    message = await public.telegram.send_film(ADA, a_person(), "document")
    await public.telegram.say(ADA, "/element Eve a woman @Ada", reply_to=message["message_id"])
    await public.telegram.wait_text(ADA, "The element Eve is ready")
    (order,) = orders(public, ELEMENTS)
    ((voice,),) = public.rows("SELECT remote_id FROM assets WHERE kind = 'voice'")
    assert (order["element_description"], order["element_voice_id"]) == ("a woman", voice)


async def test_what_is_asked_for_may_be_a_video(public):
    await public.telegram.say(ADA, "/element Tom")
    await public.telegram.wait_text(ADA, "Or a video of one person")
    await public.telegram.send_film(ADA, a_person(3, 1080, 1920), "document")
    await public.telegram.wait_text(ADA, "The element Tom is ready")
    assert orders(public, ELEMENTS)[0]["reference_type"] == "video_refer"


async def test_a_video_made_here_needs_no_public_address(bot):
    await bot.telegram.say(ADA, "/video a man --mode pro --duration 5")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/element Tom", reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "The element Tom is ready")
    (order,) = orders(bot, ELEMENTS)
    (film,) = order["element_video_list"]["refer_videos"]
    assert film["video_url"].startswith(bot.kling_url)


@pytest.mark.parametrize("typed", ["--mode std --duration 5", "--mode pro --duration 10"])
async def test_a_video_made_here_that_kling_would_refuse_is_refused_before(bot, typed):
    await bot.telegram.say(ADA, f"/video a man {typed}")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/element Tom", reply_to=video["message_id"])
    await bot.telegram.wait_text(ADA, "for 3 to 8 seconds, as MP4 or MOV in 1080p")
    assert elements_asked_for(bot) == []


@pytest.mark.parametrize(
    "film",
    [(5, 1280, 720), (2, 1920, 1080), (10, 1920, 1080), (3, 1080, 1080), (3, 1440, 1080)],
    ids=["720p", "short", "long", "square", "4:3"],
)
async def test_an_own_video_that_kling_would_refuse_is_refused_before(public, film):
    await public.telegram.send_film(ADA, a_person(*film), "document", caption="/element Tom")
    await public.telegram.wait_text(ADA, "for 3 to 8 seconds, as MP4 or MOV in 1080p")
    assert elements_asked_for(public) == []
    assert orders(public, ELEMENTS) == []


async def test_without_a_public_address_an_own_video_is_not_even_fetched(bot):
    await bot.telegram.send_film(ADA, a_person(), caption="/element Tom")
    await bot.telegram.wait_text(ADA, "it has no public address. Reply to a video made here")
    assert elements_asked_for(bot) == []
    assert bot.rows("SELECT 1 FROM videos") == []


async def test_photos_and_a_video_are_too_much(public):
    message = await public.telegram.send_film(ADA, a_person())
    await public.telegram.send_photo(ADA, a_portrait(), "/element Tom", reply_to=message["message_id"])
    await public.telegram.wait_text(ADA, "either photos or one video")
    assert elements_asked_for(public) == []


async def test_where_no_model_takes_such_elements_photos_are_suggested(world):
    async with behind_a_proxy(world, models='["kling-video-o1"]', daily=2000):
        await world.telegram.send_film(ADA, a_person(), "document", caption="/element Tom")
        await world.telegram.wait_text(ADA, "No model of this bot supports elements from a video")
        assert elements_asked_for(world) == []


async def test_models_take_as_few_as_kling_says_also_after_a_restart(public):
    await made_of_own(public, "Tom", a_person())
    await made_of_own(public, "Tim", a_person(4))
    await public.restart()
    message = await public.telegram.send_film(ADA, a_clip())
    await public.telegram.say(ADA, "/edit @Tom meets @Tim", reply_to=message["message_id"])
    await public.telegram.wait_text(ADA, "elements from a video")
    await public.telegram.say(ADA, "/image @Tom reads --model v3-omni")
    await public.telegram.wait_text(ADA, "v3-omni doesn't support elements from a video")
    await public.telegram.say(ADA, "/video @Tom runs --model kling-video-o1")
    await public.telegram.wait_text(ADA, "video-o1 doesn't support elements from a video")
    assert orders(public, OMNI) == []
    await public.telegram.say(ADA, "/edit @Tom waves", reply_to=message["message_id"])
    await public.telegram.wait_video(ADA)
    assert len(orders(public, OMNI)[0]["element_list"]) == 1


async def test_in_chinese(bot):
    await bot.telegram.send_film(XIAOLIN, a_person(), caption="/element 小林")
    await bot.telegram.wait_text(XIAOLIN, "没有公网地址")
    await bot.telegram.say(XIAOLIN, "/video 一个人 --mode std")
    (video,) = await bot.telegram.wait_video(XIAOLIN)
    await bot.telegram.say(XIAOLIN, "/element 小林", reply_to=video["message_id"])
    await bot.telegram.wait_text(XIAOLIN, "时长 3 到 8 秒")
