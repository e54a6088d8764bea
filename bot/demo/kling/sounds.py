"""The bodies of sounds, and of the elements and voices that an account makes for itself."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.demo.kling import fields
from bot.demo.kling.advanced import OneFilm
from bot.demo.kling.body import Body, NamedBody
from bot.demo.kling.orders import MEGABYTE, Film, Order, Recording
from bot.demo.kling.refusals import forbid

Short = Annotated[str, Field(max_length=200)]
Name = Annotated[str, Field(max_length=20)]


class TextToAudio(NamedBody):
    """Words to a sound."""

    prompt: Annotated[Short, fields.Filled]
    duration: Annotated[float, fields.between(3, 10)]

    def _checked(self, order: Order) -> Order:
        return replace(order, model="kling-audio", product="audio")


class VideoToAudio(NamedBody, OneFilm):
    """A sound for a video."""

    sound_effect_prompt: Short = ""
    bgm_prompt: Short = ""
    asmr_mode: bool = False

    def _checked(self, order: Order) -> Order:
        prompt = " ".join(filter(None, (self.sound_effect_prompt, self.bgm_prompt)))
        film = self.film((3, 20), (1, 10_000))
        order = replace(order, model="kling-audio", product="audio", prompt=prompt, sound=True)
        return replace(order, film=film, length="film")


class _More(Body):
    image_url: str


class _ElementImages(Body):
    frontal_image: str
    refer_images: Annotated[tuple[_More, ...], fields.entries(1, 3)]


FULL_HD = (1060, 1940)
"""Pixels a side of a video of 1080p; encoders round them."""

WIDE_OR_HIGH = (16 / 9, 9 / 16)


class _ElementFilm(Body):
    video_url: str


class _ElementFilms(Body):
    refer_videos: Annotated[tuple[_ElementFilm, ...], fields.entries(1, 1)]


class _Tag(Body):
    tag_id: Annotated[str, fields.one_of(*(f"o_{number}" for number in range(101, 109)))]


class NewElement(NamedBody):
    """Something that later prompts can refer to."""

    element_name: Name
    element_description: Annotated[str, Field(max_length=100)]
    reference_type: Literal["video_refer", "image_refer"]
    element_image_list: _ElementImages | None = None
    element_video_list: _ElementFilms | None = None
    tag_list: Annotated[tuple[_Tag, ...], fields.entries(1, 8)] = ()
    element_voice_id: fields.Identifier = None

    def _checked(self, order: Order) -> Order:
        images, films = self.element_image_list, self.element_video_list
        pictured = self.reference_type == "image_refer"
        wanted, other = "element_image_list", "element_video_list"
        if not pictured:
            wanted, other = other, wanted
        forbid(getattr(self, wanted) is None, f"{wanted} is required")
        self.lack(other)
        if images is not None and pictured:
            pictures = (*images.pictures("frontal_image"), *images.listed("refer_images", "image_url"))
            pictures = tuple(replace(picture, name=f"{wanted}.{picture.name}") for picture in pictures)
            order = replace(order, pictures=pictures)
        if films is not None and not pictured:
            name, address = f"{wanted}.refer_videos[0].video_url", films.refer_videos[0].video_url
            order = replace(
                order, film=Film(name, address, False, (3, 8), FULL_HD, 200 * MEGABYTE, shapes=WIDE_OR_HIGH)
            )
        definition: dict[str, Any] = {
            "element_name": self.element_name,
            "element_description": self.element_description,
            "reference_type": self.reference_type,
            "tag_list": [{"id": tag.tag_id} for tag in self.tag_list],
        }
        if films is not None and not pictured:
            definition["element_video_list"] = films.model_dump()
        voices = () if self.element_voice_id is None else (self.element_voice_id,)
        order = replace(order, model="kling-element", product="element", voices=voices)
        return replace(order, definition=definition)


class NewVoice(NamedBody):
    """A voice that later words can be spoken with."""

    voice_name: Name
    voice_url: str = ""
    video_id: str = ""

    def _checked(self, order: Order) -> Order:
        if self.either("voice_url", "video_id") == "video_id":
            order = replace(order, film=Film("video_id", self.video_id, True, (5, 30)))
        else:
            sound = Recording("voice_url", self.voice_url, False, (5, 30), 100 * MEGABYTE)
            order = replace(order, recording=sound)
        definition = {"voice_name": self.voice_name}
        order = replace(order, model="kling-voice", product="voice", prompt=self.voice_name)
        return replace(order, definition=definition)
