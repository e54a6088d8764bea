"""The bodies of the other videos: omni, motion control, extension, effects, avatars and lips."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from bot.demo.kling import fields
from bot.demo.kling.body import Body, Element, MarkedBody, NamedBody, TaskBody
from bot.demo.kling.effects import DUAL, SINGLE
from bot.demo.kling.models import check
from bot.demo.kling.orders import MEGABYTE, Characters, Face, Film, Order, Picture, Recording
from bot.demo.kling.refusals import forbid
from bot.demo.kling.videos import Mode, Ratio, ShotsBody

O1, V3 = "kling-video-o1", "kling-v3-omni"
EXTENDABLE = ("kling-v1", "kling-v1-5", "kling-v1-6")
Quality = Literal["std", "pro"]
YesOrNo = Literal["yes", "no"]
Milliseconds = Annotated[int, fields.between(0, 24 * 3600 * 1000)]
Volume = Annotated[float, fields.between(0, 2)]


class _OmniImage(Body):
    image_url: str
    type: Annotated[str, fields.one_of("first_frame", "end_frame")] = ""


class _OmniFilm(Body):
    video_url: str
    refer_type: Literal["base", "feature"] = "base"
    keep_original_sound: YesOrNo = "no"


class OmniVideo(ShotsBody):
    """Pictures, elements and a video, put together by words."""

    model_name: Literal["kling-video-o1", "kling-v3-omni"] = "kling-video-o1"
    mode: Mode = "pro"
    aspect_ratio: Ratio = "16:9"
    image_list: Annotated[tuple[_OmniImage, ...], fields.entries(1, 7)] = ()
    element_list: Annotated[tuple[Element, ...], fields.entries(1, 7)] = ()
    video_list: Annotated[tuple[_OmniFilm, ...], fields.entries(1, 1)] = ()
    sound: fields.Switch = False

    def _checked(self, order: Order) -> Order:
        order = replace(order, prompt=self.words(), pictures=self._in_time())
        kinds = {item.type for item in self.image_list} - {""}
        edited = any(item.refer_type == "base" for item in self.video_list)
        filmed = bool(self.video_list)
        together, most = len(order.pictures) + len(order.elements), 4 if filmed else 7
        forbid(together > most, f"there may be {most} pictures and elements together")
        characters = Characters.of_omni(len(order.pictures), filmed=filmed, o1=order.model == O1)
        order = replace(order, characters=characters)
        forbid(edited and bool(kinds), "a video that is edited takes no first_frame or end_frame")
        forbid(bool(kinds) and len(order.elements) > 3, "with frames there may be 3 elements")
        forbid(filmed and order.sound, "sound must be off with a video")
        custom = self.multi_shot and self.shot_type == "customize"
        forbid(filmed and custom, "shot_type must be intelligence with a video")
        free = not filmed and not kinds and not self.sent("aspect_ratio")
        forbid(free, "aspect_ratio is required without a first frame or a video")
        if order.model == O1:
            lone = together == len(kinds) < 2 and not filmed
            short = lone and order.seconds not in {5, 10}
            forbid(short, f"{O1} makes 5 or 10 seconds of words or a first frame alone")
            crowded = len(kinds) == 2 and together > 2
            forbid(crowded, f"{O1} takes nothing else beside first_frame and end_frame")
        check(order, shots=self.multi_shot)
        return replace(order, film=self._film(), length="film" if edited else "own")

    def _in_time(self) -> tuple[Picture, ...]:
        """The pictures, frames at their places in time."""
        pictures = list(zip(self.image_list, self.listed("image_list", "image_url"), strict=True))
        first, other, last = (
            tuple(picture for item, picture in pictures if item.type == kind)
            for kind in ("first_frame", "", "end_frame")
        )
        for kind, frames in (("first_frame", first), ("end_frame", last)):
            forbid(len(frames) > 1, f"there may be one {kind}")
        forbid(bool(last) and not first, "end_frame needs first_frame")
        return first + other + last

    def _film(self) -> Film | None:
        for item in self.video_list:
            return omni_film("video_list[0].video_url", item.video_url, o1=self.model_name == O1)
        return None


def omni_film(name: str, address: str, *, o1: bool) -> Film:
    """A video that an omni model refers to or edits, as the pages of the models bound it."""
    film = Film(name, address, False, (3, 10.5 if o1 else 15.5), (700, 2160 if o1 else 4553))
    film = replace(film, heaviest=200 * MEGABYTE, rate=(23.9, 60.5))
    return film if o1 else replace(film, ratio=(0.4, 2), area=8_294_400)


class MotionControl(MarkedBody):
    """The movements of a video for the person of a picture."""

    character_orientation: Literal["image", "video"]
    video_url: str
    keep_original_sound: YesOrNo = "yes"
    model_name: Literal["kling-v2-6", "kling-v3"] = "kling-v2-6"
    element_list: Annotated[tuple[Element, ...], fields.entries(1, 1)] = ()
    prompt: fields.Prompt = ""
    mode: Quality = "std"
    image_url: str

    def _checked(self, order: Order) -> Order:
        strange = bool(order.elements) and order.model != "kling-v3"
        forbid(strange, f"model {order.model} does not support element_list")
        longest = 10 if self.character_orientation == "image" else 30
        film = Film("video_url", self.video_url, False, (3, longest), (340, 3850))
        return replace(order, pictures=self.pictures("image_url"), film=film, length="film")


class VideoExtend(TaskBody):
    """Five more seconds of a video."""

    callback_url: fields.Address = None
    video_id: str
    prompt: fields.Prompt = ""
    negative_prompt: fields.Prompt = ""
    cfg_scale: fields.Share = 0.5

    def _checked(self, order: Order) -> Order:
        makers = ("text2video", "image2video", "video-extend")
        film = Film("video_id", self.video_id, True, (1, 180), models=EXTENDABLE, operations=makers)
        return replace(order, model="kling-v1-6", film=film, length="extended")


class _EffectInput(Body):
    image: str = ""
    images: Annotated[tuple[str, ...], fields.entries(2, 2)] = ()
    duration: fields.Seconds = 5
    model_name: Literal["kling-v1", "kling-v1-5", "kling-v1-6"] = "kling-v1-6"
    mode: Quality = "std"


class Effect(NamedBody):
    """A ready-made scene with one photo, or with two."""

    effect_scene: str
    input: _EffectInput

    def _checked(self, order: Order) -> Order:
        scene, dual, given = self.effect_scene, self.effect_scene in DUAL, self.input
        forbid(not dual and scene not in SINGLE, f"effect_scene {scene} does not exist")
        wanted, other = ("images", "image") if dual else ("image", "images")
        given.need(wanted, where="input.")
        given.lack(other, where="input.")
        forbid(given.duration not in {5, 10}, "input.duration must be 5 or 10")
        names = [f"input.images[{number}]" for number in range(2)] if dual else ["input.image"]
        return replace(
            order,
            model=given.model_name,
            mode=given.mode,
            seconds=given.duration,
            prompt=scene.replace("_", " "),
            pictures=tuple(map(Picture, names, given.images if dual else (given.image,))),
        )


class Sounding(Body):
    """What has a sound: spoken before, or a file."""

    audio_id: str = ""
    sound_file: str = ""

    def recording(self, longest: float) -> Recording:
        """The sound, of two to `longest` seconds."""
        name = self.either("audio_id", "sound_file")
        return Recording(name, getattr(self, name), name == "audio_id", (2, longest))


class Avatar(MarkedBody, Sounding):
    """A portrait that speaks."""

    image: str
    prompt: fields.Prompt = ""
    mode: Quality = "std"

    def _checked(self, order: Order) -> Order:
        pictures, recording = self.pictures("image"), self.recording(300)
        order = replace(order, model="kling-avatar", sound=True, pictures=pictures)
        return replace(order, recording=recording, length="recording")


class _FaceChoice(Sounding):
    face_id: str
    sound_start_time: Milliseconds
    sound_end_time: Milliseconds
    sound_insert_time: Milliseconds
    sound_volume: Volume = 1.0
    original_audio_volume: Volume = 1.0


class AdvancedLipSync(MarkedBody):
    """Lips of a face found before, moved to a sound."""

    session_id: str
    face_choose: Annotated[tuple[_FaceChoice, ...], fields.entries(1, 1)]

    def _checked(self, order: Order) -> Order:
        (item,) = self.face_choose
        times = (item.sound_start_time, item.sound_end_time, item.sound_insert_time)
        face = Face(self.session_id, item.face_id, *times)
        order = replace(order, model="kling-lip-sync", sound=True, length="film")
        return replace(order, face=face, recording=item.recording(60))


class OneFilm(Body):
    """What has a video: made here, or at an address."""

    video_id: str = ""
    video_url: str = ""

    def film(self, seconds: tuple[float, float], side: tuple[int, int]) -> Film:
        """The video, whose seconds and pixels a side must be within the bounds."""
        name = self.either("video_id", "video_url")
        return Film(name, getattr(self, name), name == "video_id", seconds, side)


class _LipInput(OneFilm):
    mode: Literal["text2video", "audio2video"]
    text: Annotated[str, Field(max_length=120), fields.Filled] = ""
    voice_id: str = ""
    voice_language: Literal["zh", "en"] = "zh"
    voice_speed: Annotated[float, fields.between(0.8, 2)] = 1.0
    audio_type: Literal["file", "url"] = "file"
    audio_file: str = ""
    audio_url: str = ""


class LipSync(NamedBody):
    """The older way: lips of a video, moved to words or to a sound."""

    input: _LipInput

    def _checked(self, order: Order) -> Order:
        given = self.input
        film = given.film((2, 60), (512, 2160))
        order = replace(order, model="kling-lip-sync", sound=True, film=film, length="film")
        if given.mode == "text2video":
            given.need("text", "voice_id", where="input.")
            given.lack("audio_type", "audio_file", "audio_url", where="input.")
            return replace(order, prompt=given.text, voices=(given.voice_id,))
        given.need("audio_type", where="input.")
        wanted = f"audio_{given.audio_type}"
        (other,) = {"audio_file", "audio_url"} - {wanted}
        given.need(wanted, where="input.")
        given.lack(other, "text", "voice_id", "voice_language", "voice_speed", where="input.")
        recording = Recording(f"input.{wanted}", getattr(given, wanted), False, (2, 60))
        return replace(order, recording=recording)

    def _read(self, order: Order) -> None:
        """Its text is spoken, and names nothing."""
