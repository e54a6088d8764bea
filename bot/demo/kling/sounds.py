"""Reads the bodies of sounds, and of the elements and voices that an account makes for itself."""

from bot.demo.kling.advanced import one_film
from bot.demo.kling.fields import Fields
from bot.demo.kling.orders import MEGABYTE, Film, Order, Picture, Recording
from bot.demo.kling.refusals import invalid
from bot.demo.kling.videos import correlation, done

PROMPT_LIMIT = 200
TAGS = tuple(f"o_{number}" for number in range(101, 109))


def text_to_audio(body: Fields) -> Order:
    """Words to a sound."""
    prompt = body.text("prompt", longest=PROMPT_LIMIT)
    if not prompt.strip():
        raise invalid("prompt must not be empty")
    return Order(
        operation="audio/text-to-audio",
        model="kling-audio",
        prompt=prompt,
        seconds=body.number("duration", 3, 10),
        product="audio",
        **correlation(body, watermark=False),
        **done(body),
    )


def video_to_audio(body: Fields) -> Order:
    """A sound for a video."""
    prompts = [body.text(name, "", longest=PROMPT_LIMIT) for name in ("sound_effect_prompt", "bgm_prompt")]
    body.flag("asmr_mode")
    return Order(
        operation="audio/video-to-audio",
        model="kling-audio",
        prompt=" ".join(filter(None, prompts)),
        sound=True,
        film=one_film(body, (3, 20), (1, 10_000)),
        length="film",
        product="audio",
        **correlation(body, watermark=False),
        **done(body),
    )


def element(body: Fields) -> Order:
    """Something that later prompts can refer to."""
    name = body.text("element_name", longest=20)
    description = body.text("element_description", longest=100)
    kind = body.choice("reference_type", ("video_refer", "image_refer"))
    pictures = _element_pictures(body) if kind == "image_refer" else ()
    film = _element_film(body) if kind == "video_refer" else None
    tags = []
    for tag in body.inners("tag_list", 1, len(TAGS)):
        tags.append({"id": tag.choice("tag_id", TAGS)})
        tag.done()
    voice = body.identifier("element_voice_id")
    return Order(
        operation="general/advanced-custom-elements",
        model="kling-element",
        pictures=pictures,
        film=film,
        voices=() if voice is None else (voice,),
        product="element",
        definition={
            "element_name": name,
            "element_description": description,
            "reference_type": kind,
            "tag_list": tags,
        },
        **correlation(body, watermark=False),
        **done(body),
    )


def _element_pictures(body: Fields) -> tuple[Picture, ...]:
    images = body.inner("element_image_list")
    if images is None:
        raise invalid("element_image_list is required")
    pictures = [Picture("element_image_list.frontal_image", images.text("frontal_image"))]
    for number, item in enumerate(images.inners("refer_images", 1, 3)):
        pictures.append(
            Picture(f"element_image_list.refer_images[{number}].image_url", item.text("image_url"))
        )
        item.done()
    images.done()
    if len(pictures) == 1:
        raise invalid("element_image_list.refer_images is required")
    return tuple(pictures)


def _element_film(body: Fields) -> Film:
    videos = body.inner("element_video_list")
    if videos is None:
        raise invalid("element_video_list is required")
    items = videos.inners("refer_videos", 1, 1)
    if not items:
        raise invalid("element_video_list.refer_videos is required")
    name = "element_video_list.refer_videos[0].video_url"
    film = Film(name, items[0].text("video_url"), False, (3, 8), (720, 4096), 200 * MEGABYTE)
    items[0].done()
    videos.done()
    return film


def voice(body: Fields) -> Order:
    """A voice that later words can be spoken with."""
    name = body.text("voice_name", longest=20)
    if body.has("voice_url") is body.has("video_id"):
        raise invalid("exactly one of voice_url and video_id is required")
    film = recording = None
    if body.has("video_id"):
        film = Film("video_id", body.text("video_id"), True, (5, 30))
    else:
        recording = Recording("voice_url", body.text("voice_url"), False, (5, 30), 100 * MEGABYTE)
    return Order(
        operation="general/custom-voices",
        model="kling-voice",
        prompt=name,
        film=film,
        recording=recording,
        product="voice",
        definition={"voice_name": name},
        **correlation(body, watermark=False),
        **done(body),
    )
