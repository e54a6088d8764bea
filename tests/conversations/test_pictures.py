"""Pictures in every form: links, albums of any size, forwarded photos and stickers, through the real process."""

import io

import pillow_heif
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.demo.script import sample_picture
from bot.demo.serving import serve
from bot.services.requests.attachments import MOST_LINKS
from tests.world.media import plain_images
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN

pillow_heif.register_heif_opener()


def a_site() -> Starlette:
    """A web site with a picture, a page, and a way inwards."""

    async def boat(request: object) -> Response:
        return Response(sample_picture(), media_type="image/jpeg")

    def in_form(kind: str) -> Response:
        buffer = io.BytesIO()
        with Image.open(io.BytesIO(sample_picture())) as image:
            image.save(buffer, kind)
        return Response(buffer.getvalue(), media_type=f"image/{kind.lower()}")

    async def gif(request: object) -> Response:
        return in_form("GIF")

    async def heic(request: object) -> Response:
        return in_form("HEIF")

    async def page(request: object) -> Response:
        return PlainTextResponse("<html>a page about boats</html>")

    async def inwards(request: object) -> Response:
        return RedirectResponse("http://10.0.0.1/secret.jpg")

    images = [Route("/boat.jpg", boat), Route("/boat.gif", gif), Route("/boat.heic", heic)]
    return Starlette(routes=[*images, Route("/page", page), Route("/inwards", inwards)])


async def test_a_link_to_a_picture_is_fetched_by_the_bot_and_never_handed_on(world):
    world.kling.behaviour.render_seconds = 0.3
    world.images_on_loopback = True
    await world.start()
    async with serve(a_site()) as site:
        await world.telegram.say(ADA, f"/video {site}/boat.jpg the boat sails away")
        (video,) = await world.telegram.wait_video(ADA)
        assert (video["video"]["width"], video["video"]["height"]) == (1080, 720)
        assert site not in video["caption"]
        await world.telegram.say(ADA, f"{site}/boat.jpg")
        await world.telegram.wait_text(ADA, "What should happen")
        for path in ("page", "inwards", "gone.jpg"):
            await world.telegram.say(BOSS, f"/video {site}/{path} it moves")
        await world.telegram.wait_for(lambda: len(world.telegram.replies(BOSS)) >= 3)
        said = [message["text"] for message in world.telegram.replies(BOSS)]
        await world.telegram.say(XIAOLIN, f"/video {site}/page 动起来")
        await world.telegram.wait_text(XIAOLIN, "无法从")
    assert ["leads straight to a JPEG, PNG, WebP, GIF or HEIC" in text for text in said] == [
        True,
        True,
        False,
    ]
    assert "doesn't hand out this photo right now" in said[2]
    assert all(site not in str(request.body) for request in world.kling.requests)
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]


@pytest.mark.parametrize("name", ["boat.gif", "boat.heic"])
async def test_a_link_may_lead_to_a_picture_of_any_form_that_a_photo_may_have(world, name):
    world.kling.behaviour.render_seconds = 0.3
    world.images_on_loopback = True
    await world.start()
    async with serve(a_site()) as site:
        await world.telegram.say(ADA, f"/video {site}/{name} the boat sails away")
        (video,) = await world.telegram.wait_video(ADA)
    assert (video["video"]["width"], video["video"]["height"]) == (1080, 720)


async def test_a_link_never_leads_to_the_machine_that_results_may_come_from(world):
    """`delivery.allow_loopback` is about results: anybody may write a link."""
    await world.start()
    asked: list[str] = []

    async def secret(request: Request) -> Response:
        asked.append(request.url.path)
        return Response(sample_picture(), media_type="image/jpeg")

    async with serve(Starlette(routes=[Route("/secret.jpg", secret)])) as site:
        await world.telegram.say(ADA, f"/video {site}/secret.jpg it moves")
        await world.telegram.wait_text(ADA, "leads straight to a JPEG")
    assert asked == []
    assert world.rows("SELECT count(*) FROM tasks") == [(0,)]


@pytest.mark.parametrize(
    ("models", "number", "words"),
    [
        ('["kling-v2-6", "kling-v1-6", "kling-v3-omni"]', 6, None),
        ('["kling-v2-6", "kling-v1-6"]', 6, "Up to 4 photos – you sent 6"),
        ('["kling-v2-6", "kling-v3-omni"]', 9, "Up to 7 photos – you sent 9"),
    ],
)
async def test_an_album_goes_to_the_model_that_takes_so_many_photos_or_is_refused_clearly(
    world, models, number, words
):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(models=models)
    await world.start()
    await world.telegram.send_album(ADA, plain_images(number), "they all dance")
    if words is not None:
        await world.telegram.wait_text(ADA, words)
        assert world.rows("SELECT count(*) FROM tasks") == [(0,)]
        return
    await world.telegram.wait_video(ADA)
    ((request,),) = world.rows("SELECT json_array_length(request, '$.references') FROM tasks")
    assert request == number


async def test_the_words_of_a_forwarded_photo_are_offered_and_cost_nothing_by_themselves(world):
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    posted = await world.telegram.send_photo(
        BOSS, sample_picture(), "Sail with us! --pro 50 % off at https://example.com/sale", chat=GROUP
    )
    await world.telegram.forward(ADA, posted)
    await world.telegram.wait_text(ADA, "This was forwarded. Make it?")
    assert world.rows("SELECT count(*) FROM tasks") == [(0,)]
    await world.telegram.say(ADA, "the boat sails away")
    await world.telegram.wait_text(ADA, "Ready. Make it?")
    await world.telegram.press_labelled(ADA, "Generate · 15 credits")
    (video,) = await world.telegram.wait_video(ADA)
    assert "the boat sails away" in video["caption"]
    assert "sale" not in str([request.body for request in world.kling.requests])


async def test_an_image_of_too_many_pixels_is_refused_in_one_sentence_and_the_bot_goes_on(bot):
    buffer = io.BytesIO()
    Image.new("RGB", (8000, 8000)).save(buffer, "PNG")
    await bot.telegram.send_document(ADA, buffer.getvalue(), "huge.png", "image/png", "it moves")
    await bot.telegram.wait_text(ADA, "up to 21 megapixels as a file. Send it as a photo instead.")
    await bot.telegram.send_photo(ADA, sample_picture(), "the boat sails away")
    await bot.telegram.wait_for(lambda: bot.rows("SELECT count(*) FROM tasks") == [(1,)])
    assert list(bot.directory.glob("image-*")) == []


async def test_images_have_a_rate_of_their_own(world):
    world.configure()
    text = world.config.read_text("utf-8")
    world.config.write_text(text.replace("[limits]\n", "[limits]\nimages_per_minute = 3\n"), "utf-8")
    await world.start()
    for image in plain_images(4):
        await world.telegram.send_photo(ADA, image, "it moves")
    await world.telegram.wait_text(ADA, "You're sending images too fast. Try again in 60 s.")


async def test_a_message_with_too_many_links_is_refused_before_any_is_fetched(bot):
    links = " ".join(f"https://example.com/{number}.jpg" for number in range(MOST_LINKS + 1))
    await bot.telegram.say(ADA, f"/video {links} they dance")
    await bot.telegram.wait_text(ADA, str(MOST_LINKS))
    assert bot.rows("SELECT count(*) FROM tasks") == [(0,)]


async def test_a_model_that_stands_in_is_told_before_anything_is_paid(world):
    world.configure(models='["kling-v2-6", "kling-v1-6", "kling-v3-omni"]')
    world.kling.behaviour.throttle = True
    await world.start()
    await world.telegram.send_album(ADA, plain_images(3), "/video they all dance")
    status = await world.telegram.wait_text(ADA, "in line")
    told = "kling-v2-6 doesn't take these photos as references, so this uses kling-v1-6."
    assert told in status["text"]
    # Whoever asks later is told the same.
    await world.restart()
    await world.telegram.say(ADA, "/tasks")
    assert world.rows("SELECT left_model, left_why FROM tasks") == [("kling-v2-6", "references")]
    world.kling.behaviour.throttle = False
    (video,) = await world.telegram.wait_video(ADA)
    assert "so this uses" not in video["caption"]
    # Nothing stands in for a model that was named.
    world.kling.behaviour.throttle = True
    await world.telegram.send_album(ADA, plain_images(3), "/video they all sing --model kling-v1-6")
    status = await world.telegram.wait_text(ADA, "they all sing")
    assert "so this uses" not in status["text"]
