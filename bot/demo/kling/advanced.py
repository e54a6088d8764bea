"""Reads the bodies of the other videos: omni, motion control, extension, effects, avatars and lips."""

from typing import Any

from bot.demo.kling.effects import DUAL, SINGLE
from bot.demo.kling.fields import Fields
from bot.demo.kling.models import OMNI, Wish, check
from bot.demo.kling.orders import MEGABYTE, Face, Film, Order, Picture, Recording
from bot.demo.kling.refusals import invalid
from bot.demo.kling.videos import (
    PROMPT_LIMIT,
    correlation,
    done,
    element_ids,
    needed_prompt,
    negative,
    shots,
    sound_on,
)

RATIOS = ("16:9", "9:16", "1:1")
FIRST_AND_LAST = ("first_frame", "end_frame")
EXTENDABLE = ("kling-v1", "kling-v1-5", "kling-v1-6")


def omni_video(body: Fields) -> Order:
    """Pictures, elements and a video, put together by words."""
    model = body.choice("model_name", ("kling-video-o1", "kling-v3-omni"), "kling-video-o1")
    mode = body.choice("mode", ("std", "pro", "4k"), "pro")
    seconds = body.seconds("duration")
    parts = shots(body, seconds)
    prompt = body.text("prompt", "", longest=PROMPT_LIMIT) if parts.spelt_out else needed_prompt(body)
    pictures, kinds = _omni_pictures(body)
    elements = element_ids(body, 7)
    film, edited = _omni_film(body, model)
    sound = sound_on(body)
    _check_omni(pictures, kinds, elements, film, edited=edited)
    if film is not None and sound:
        raise invalid("sound must be off with a video")
    framed = "first_frame" in kinds
    if not framed and film is None and not body.has("aspect_ratio"):
        raise invalid("aspect_ratio is required without a first frame or a video")
    lone = len(pictures) == len(kinds) and not elements and film is None
    if model == "kling-video-o1" and lone and seconds not in {5, 10}:
        raise invalid("kling-video-o1 makes 5 or 10 seconds of words or a first frame alone")
    if model == "kling-video-o1" and len(kinds) == 2 and (len(pictures) > 2 or elements):
        raise invalid("kling-video-o1 takes nothing else beside first_frame and end_frame")
    if model == "kling-video-o1" and parts.wanted:
        raise invalid("model kling-video-o1 does not support multi_shot")
    wish = Wish(model, OMNI, mode, seconds, sound=sound, shots=parts.wanted)
    check(wish)
    return Order(
        operation=OMNI,
        model=model,
        prompt=parts.prompt or prompt,
        mode=mode,
        seconds=seconds,
        ratio=body.choice("aspect_ratio", RATIOS, "16:9"),
        sound=sound,
        pictures=pictures,
        film=film,
        elements=elements,
        length="film" if edited else "own",
        **correlation(body),
        **done(body),
    )


def _omni_pictures(body: Fields) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The pictures, frames at their places in time, and the kinds of those that are frames."""
    frames: dict[str, Picture] = {}
    others = []
    for number, item in enumerate(body.inners("image_list", 1, 7)):
        picture = Picture(f"image_list[{number}].image_url", item.text("image_url"))
        if item.has("type"):
            kind = item.choice("type", FIRST_AND_LAST)
            if kind in frames:
                raise invalid(f"there may be one {kind}")
            frames[kind] = picture
        else:
            others.append(picture)
        item.done()
    if "end_frame" in frames and "first_frame" not in frames:
        raise invalid("end_frame needs first_frame")
    ordered = [frames[kind] for kind in FIRST_AND_LAST if kind in frames]
    return (*ordered[:1], *others, *ordered[1:]), tuple(frames)


def _omni_film(body: Fields, model: str) -> tuple[Film | None, bool]:
    """The video that is referred to, and whether it is to be edited."""
    for item in body.inners("video_list", 1, 1):
        most = 15 if model == "kling-v3-omni" else 10
        film = Film(
            "video_list[0].video_url", item.text("video_url"), False, (3, most), (720, 2160), 200 * MEGABYTE
        )
        kind = item.choice("refer_type", ("base", "feature"), "base")
        item.choice("keep_original_sound", ("yes", "no"), "no")
        item.done()
        return film, kind == "base"
    return None, False


def _check_omni(
    pictures: tuple[Picture, ...],
    kinds: tuple[str, ...],
    elements: tuple[str, ...],
    film: Film | None,
    *,
    edited: bool,
) -> None:
    most = 7 if film is None else 4
    if len(pictures) + len(elements) > most:
        raise invalid(f"there may be {most} pictures and elements together")
    if edited and kinds:
        raise invalid("a video that is edited takes no first_frame or end_frame")
    if kinds and len(elements) > 3:
        raise invalid("with frames there may be 3 elements")


def motion_control(body: Fields) -> Order:
    """The movements of a video for the person of a picture."""
    orientation = body.choice("character_orientation", ("image", "video"))
    longest = 10 if orientation == "image" else 30
    film = Film("video_url", body.text("video_url"), False, (3, longest), (340, 3850))
    body.choice("keep_original_sound", ("yes", "no"), "yes")
    model = body.choice("model_name", ("kling-v2-6", "kling-v3"), "kling-v2-6")
    elements = element_ids(body, 1)
    if elements and model != "kling-v3":
        raise invalid(f"model {model} does not support element_list")
    return Order(
        operation="motion-control",
        model=model,
        prompt=body.text("prompt", "", longest=PROMPT_LIMIT),
        mode=body.choice("mode", ("std", "pro"), "std"),
        pictures=(Picture("image_url", body.text("image_url")),),
        film=film,
        elements=elements,
        length="film",
        **correlation(body),
        **done(body),
    )


def video_extend(body: Fields) -> Order:
    """Five more seconds of a video."""
    operations = ("text2video", "image2video", "video-extend")
    film = Film("video_id", body.text("video_id"), True, (1, 180), models=EXTENDABLE, operations=operations)
    negative(body)
    if body.has("cfg_scale"):
        body.number("cfg_scale", 0, 1)
    return Order(
        operation="video-extend",
        model="kling-v1-6",
        prompt=body.text("prompt", "", longest=PROMPT_LIMIT),
        film=film,
        length="extended",
        callback_url=body.address("callback_url"),
        **done(body),
    )


def effects(body: Fields) -> Order:
    """A ready-made scene with one photo, or with two."""
    scene = body.text("effect_scene")
    dual = scene in DUAL
    if not dual and scene not in SINGLE:
        raise invalid(f"effect_scene {scene} does not exist")
    given = body.inner("input")
    if given is None:
        raise invalid("input is required")
    pictures = (
        tuple(Picture(f"input.images[{n}]", value) for n, value in enumerate(given.texts("images", 2, 2)))
        if dual
        else (Picture("input.image", given.text("image")),)
    )
    if not pictures:
        raise invalid("input.images is required")
    extras = _older_effect(given)
    given.done()
    return Order(
        operation="effects",
        prompt=scene.replace("_", " "),
        pictures=pictures,
        **extras,
        **correlation(body, watermark=False),
        **done(body),
    )


def _older_effect(given: Fields) -> dict[str, Any]:
    """The older form of an effect's input also names model, mode and duration."""
    seconds = given.seconds("duration")
    if seconds not in {5, 10}:
        raise invalid("input.duration must be 5 or 10")
    return {
        "model": given.choice("model_name", ("kling-v1", "kling-v1-5", "kling-v1-6"), "kling-v1-6"),
        "mode": given.choice("mode", ("std", "pro"), "std"),
        "seconds": seconds,
    }


def avatar(body: Fields) -> Order:
    """A portrait that speaks."""
    return Order(
        operation="avatar/image2video",
        model="kling-avatar",
        prompt=body.text("prompt", "", longest=PROMPT_LIMIT),
        mode=body.choice("mode", ("std", "pro"), "std"),
        sound=True,
        pictures=(Picture("image", body.text("image")),),
        recording=_recording(body, (2, 300)),
        length="recording",
        **correlation(body),
        **done(body),
    )


def _recording(body: Fields, seconds: tuple[float, float]) -> Recording:
    if body.has("audio_id") is body.has("sound_file"):
        raise invalid("exactly one of audio_id and sound_file is required")
    name = "audio_id" if body.has("audio_id") else "sound_file"
    return Recording(name, body.text(name), name == "audio_id", seconds)


def advanced_lip_sync(body: Fields) -> Order:
    """Lips of a face found before, moved to a sound."""
    chosen = body.inners("face_choose", 1, 1)
    if not chosen:
        raise invalid("face_choose is required")
    (item,) = chosen
    day = 24 * 3600 * 1000
    face = Face(
        session=body.text("session_id"),
        face=item.text("face_id"),
        sound_starts=item.whole("sound_start_time", 0, day),
        sound_ends=item.whole("sound_end_time", 0, day),
        inserted_at=item.whole("sound_insert_time", 0, day),
    )
    item.number("sound_volume", 0, 2, 1.0)
    item.number("original_audio_volume", 0, 2, 1.0)
    recording = _recording(item, (2, 60))
    item.done()
    return Order(
        operation="advanced-lip-sync",
        model="kling-lip-sync",
        sound=True,
        face=face,
        recording=recording,
        length="film",
        **correlation(body),
        **done(body),
    )


def lip_sync(body: Fields) -> Order:
    """The older way: lips of a video, moved to words or to a sound."""
    given = body.inner("input")
    if given is None:
        raise invalid("input is required")
    film = one_film(given, (2, 60), (512, 2160))
    words, recording = "", None
    voices: tuple[str, ...] = ()
    if given.choice("mode", ("text2video", "audio2video")) == "text2video":
        words = given.text("text", longest=120)
        if not words.strip():
            raise invalid("input.text must not be empty")
        voices = (given.text("voice_id"),)
        given.choice("voice_language", ("zh", "en"), "zh")
        given.number("voice_speed", 0.8, 2, 1.0)
    else:
        name = "audio_file" if given.choice("audio_type", ("file", "url")) == "file" else "audio_url"
        recording = Recording(f"input.{name}", given.text(name), False, (2, 60))
    given.done()
    return Order(
        operation="lip-sync",
        model="kling-lip-sync",
        prompt=words,
        sound=True,
        film=film,
        recording=recording,
        voices=voices,
        length="film",
        **correlation(body, watermark=False),
        **done(body),
    )


def one_film(
    body: Fields, seconds: tuple[float, float], side: tuple[int, int], heaviest: int = 100 * MEGABYTE
) -> Film:
    """The video of `video_id` or `video_url`: exactly one of them."""
    if body.has("video_id") is body.has("video_url"):
        raise invalid("exactly one of video_id and video_url is required")
    name = "video_id" if body.has("video_id") else "video_url"
    return Film(name, body.text(name), name == "video_id", seconds, side, heaviest)
