"""Kling's own request bodies, one function for each operation. Pure.

kling.ai/document-api (2026-09) and, for what stands there no more, the vendor's own client
(ComfyUI-KLingAI-API, 2025-10). Only what was asked for is sent: Kling's defaults stay Kling's. A
`BodyFormat` says what speakers of the same bodies write differently.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import Attachment, Camera, GenerationRequest, MotionBrush, SourceVideo
from bot.kling.dialects import library, multi_elements, references
from bot.kling.wire import SubmitContext

Body = dict[str, Any]

IMAGE_URL_KEY = "image_url"

TRY_ON = {"style": "fashion", "quality": "high", "try_on": True}
"""How gateways mark a person who changes clothes (the gateways' Kling document, Virtual Try-on)."""


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """What speakers of Kling's bodies write differently.

    `durations` is the JSON type of seconds. `image_ratio`: image2video takes an aspect ratio too.
    `needs_mode`: also for models that have but one. `images`: references as objects or as plain
    strings, to the same endpoint and with the same fields as one image. `camera`: six axes of which one is set, or one
    type with one value. `try_on`: a person who changes clothes is marked in `metadata`.
    """

    durations: Literal["text", "integer"] = "text"
    image_ratio: bool = False
    needs_mode: bool = False
    images: Literal["objects", "strings"] = "objects"
    camera: Literal["axes", "value"] = "axes"
    try_on: bool = False


def body_of(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    """What is sent to the endpoint of the request's operation, without our own id and callback address."""
    return _WRITERS[request.operation](references.angled(request), context, style)


# -- videos from words and pictures ------------------------------------------------------------------


def _words_or_frames(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    body: Body = {"model_name": request.model}
    if request.first_frame is not None:
        body["image"] = base64_of(request.first_frame, context)
    if request.last_frame is not None:
        body["image_tail"] = base64_of(request.last_frame, context)
    body |= _prompts(request)
    if request.cfg_scale is not None:
        body["cfg_scale"] = request.cfg_scale
    if style.needs_mode or takes_mode(request.model):
        body["mode"] = request.mode
    if request.aspect_ratio is not None and (style.image_ratio or not request.images):
        body["aspect_ratio"] = request.aspect_ratio
    body["duration"] = _seconds(request, style)
    if request.sound:
        body["sound"] = "on"
    if request.camera is not None:
        body["camera_control"] = _camera(request.camera, style)
    if request.brush is not None:
        body |= _brush(request.brush, context)
    body |= _shots(request) | _cast(request)
    if request.try_on and style.try_on:
        body["metadata"] = dict(TRY_ON)
    return body


def _references_to_video(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    images = [base64_of(image, context) for image in request.references]
    body: Body = {
        "model_name": request.model,
        "image_list": images if style.images == "strings" else [{"image": image} for image in images],
        **_prompts(request),
        "mode": request.mode,
        "duration": _seconds(request, style),
    }
    if request.cfg_scale is not None:
        body["cfg_scale"] = request.cfg_scale
    if request.aspect_ratio is not None:
        body["aspect_ratio"] = request.aspect_ratio
    return body


def _omni_video(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    frames = [(request.first_frame, "first_frame"), (request.last_frame, "end_frame")]
    images = [
        {IMAGE_URL_KEY: base64_of(image, context), "type": kind}
        for image, kind in frames
        if image is not None
    ]
    images += [{IMAGE_URL_KEY: base64_of(image, context)} for image in request.references]
    body: Body = {"model_name": request.model, "prompt": request.prompt}
    if images:
        body["image_list"] = images
    body["mode"] = request.mode
    if request.source is not None:
        # An edited video keeps its own length and shape.
        body["video_list"] = [
            {
                "video_url": context.url_of(request.source),
                "refer_type": "base",
                "keep_original_sound": "yes" if request.keep_sound else "no",
            }
        ]
        return body | _cast(request)
    if request.features:
        # Their own sound has no place in another video.
        body["video_list"] = [
            {"video_url": context.url_of(video), "refer_type": "feature", "keep_original_sound": "no"}
            for video in request.features
        ]
    body["duration"] = _seconds(request, style)
    if request.first_frame is None:
        body["aspect_ratio"] = request.aspect_ratio or "16:9"
    if request.sound:
        body["sound"] = "on"
    return body | _shots(request) | _cast(request)


def _multi_elements(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    return multi_elements.body(
        request, context.prepared, [base64_of(image, context) for image in request.references]
    )


def _motion_control(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    body: Body = {
        "model_name": request.model,
        IMAGE_URL_KEY: base64_of(request.references[0], context),
        "video_url": context.url_of(_source(request)),
        "character_orientation": request.orientation,
        "mode": request.mode,
    }
    if not request.keep_sound:
        body["keep_original_sound"] = "no"
    if request.prompt:
        body["prompt"] = request.prompt
    return body | _cast(request)


# -- what is done with a finished video --------------------------------------------------------------


def _extend(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    body: Body = {"video_id": _source(request).video_id, **_prompts(request)}
    if request.cfg_scale is not None:
        body["cfg_scale"] = request.cfg_scale
    return body


def _lip_sync(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    """The older form, in one step; the newer one stands in `lip_sync`."""
    body: Body = dict(named_video(request, context))
    speech = request.speech
    if speech is not None and speech.audio is not None:
        body |= {"mode": "audio2video", "audio_type": "file", "audio_file": base64_of(speech.audio, context)}
    elif speech is not None:
        body |= {
            "mode": "text2video",
            "text": speech.text,
            "voice_id": speech.voice,
            "voice_language": speech.language,
            "voice_speed": speech.speed,
        }
    return {"input": body}


def _video_to_audio(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    body: Body = dict(named_video(request, context))
    if request.prompt:
        body["sound_effect_prompt"] = request.prompt
    if request.music:
        body["bgm_prompt"] = request.music
    if request.asmr:
        body["asmr_mode"] = True
    return body


# -- pictures that move, speak or change -------------------------------------------------------------


def _effect(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    images = [base64_of(image, context) for image in request.references]
    given: Body = {"image": images[0]} if len(images) == 1 else {"images": images}
    return {"effect_scene": request.effect, "input": given}


def _avatar(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    body: Body = {"image": base64_of(request.references[0], context)}
    audio = None if request.speech is None else request.speech.audio
    if audio is not None:
        body["sound_file"] = base64_of(audio, context)
    else:
        body["audio_id"] = context.prepared["audio_id"]
    if request.prompt:
        body["prompt"] = request.prompt
    return body | {"mode": request.mode}


def _text_to_audio(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    return {"prompt": request.prompt, "duration": request.duration}


def _image(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    body: Body = {"model_name": request.model, "prompt": request.prompt}
    if request.references:
        # Beside a picture Kling takes no negative prompt.
        body["image"] = base64_of(request.references[0], context)
    elif request.negative_prompt:
        body["negative_prompt"] = request.negative_prompt
    if request.reference_type is not None:
        body["image_reference"] = request.reference_type
    if request.image_fidelity is not None:
        body["image_fidelity"] = request.image_fidelity
    if request.face_fidelity is not None:
        body["human_fidelity"] = request.face_fidelity
    return body | _shape(request) | _cast(request)


def _references_to_image(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    images = [{"subject_image": base64_of(image, context)} for image in request.references]
    body: Body = {"model_name": request.model, "subject_image_list": images}
    if request.prompt:
        body["prompt"] = request.prompt
    if request.scene is not None:
        body["scene_image"] = base64_of(request.scene, context)
    if request.style is not None:
        body["style_image"] = base64_of(request.style, context)
    return body | _shape(request, resolution=False)


def _omni_image(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    images = [{"image": base64_of(image, context)} for image in request.references]
    body: Body = {"model_name": request.model, "prompt": request.prompt}
    if images:
        body["image_list"] = images
    body |= _shape(request) | _cast(request)
    body.setdefault("aspect_ratio", "auto")
    if request.series is not None:
        # A series has a number of its own, and takes no other.
        del body["n"]
        body |= {"result_type": "series", "series_amount": request.series}
    return body


def _expand(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    body: Body = {"image": base64_of(request.references[0], context)}
    if request.expansion is not None:
        body |= {f"{side}_expansion_ratio": ratio for side, ratio in request.expansion.model_dump().items()}
    if request.prompt:
        body["prompt"] = request.prompt
    return body | {"n": request.count}


def _views(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    return {"element_frontal_image": base64_of(request.references[0], context)}


def _cutout(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    return {"image": base64_of(request.references[0], context)}


def _try_on(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    person, garment = request.references
    return {
        "model_name": request.model,
        "human_image": base64_of(person, context),
        "cloth_image": base64_of(garment, context),
    }


# -- what later requests name ------------------------------------------------------------------------


def _element(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    film = None if request.source is None else context.url_of(request.source)
    return library.element(request, [base64_of(image, context) for image in request.references], film)


def _voice(request: GenerationRequest, context: SubmitContext, style: BodyFormat) -> Body:
    return library.voice(request, context)


_WRITERS: Mapping[Operation, Callable[[GenerationRequest, SubmitContext, BodyFormat], Body]] = {
    Operation.TEXT_TO_VIDEO: _words_or_frames,
    Operation.IMAGE_TO_VIDEO: _words_or_frames,
    Operation.REFERENCES_TO_VIDEO: _references_to_video,
    Operation.OMNI_VIDEO: _omni_video,
    Operation.MULTI_ELEMENTS: _multi_elements,
    Operation.MOTION_CONTROL: _motion_control,
    Operation.EXTEND: _extend,
    Operation.LIP_SYNC: _lip_sync,
    Operation.EFFECT: _effect,
    Operation.AVATAR: _avatar,
    Operation.TEXT_TO_AUDIO: _text_to_audio,
    Operation.VIDEO_TO_AUDIO: _video_to_audio,
    Operation.IMAGE: _image,
    Operation.REFERENCES_TO_IMAGE: _references_to_image,
    Operation.OMNI_IMAGE: _omni_image,
    Operation.EXPAND: _expand,
    Operation.TRY_ON: _try_on,
    Operation.VIEWS: _views,
    Operation.CUTOUT: _cutout,
    Operation.ELEMENT: _element,
    Operation.VOICE: _voice,
}


# -- parts -------------------------------------------------------------------------------------------


def _prompts(request: GenerationRequest) -> Body:
    texts = {"prompt": request.prompt, "negative_prompt": request.negative_prompt}
    return {name: text for name, text in texts.items() if text}


def _seconds(request: GenerationRequest, style: BodyFormat) -> str | float:
    return str(request.duration) if style.durations == "text" else request.duration


def _camera(camera: Camera, style: BodyFormat) -> Body:
    if camera.axis is None:
        return {"type": camera.move}
    if style.camera == "value":
        return {"type": camera.axis, "config": {"value": camera.value}}
    axes = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
    return {"type": "simple", "config": {axis: camera.value if axis == camera.axis else 0 for axis in axes}}


def _brush(brush: MotionBrush, context: SubmitContext) -> Body:
    body: Body = {}
    if brush.still is not None:
        body["static_mask"] = base64_of(brush.still, context)
    if brush.strokes:
        body["dynamic_masks"] = [
            {
                "mask": base64_of(stroke.mask, context),
                "trajectories": [point.model_dump() for point in stroke.trajectory],
            }
            for stroke in brush.strokes
        ]
    return body


def _shots(request: GenerationRequest) -> Body:
    if request.auto_shots:
        return {"multi_shot": True, "shot_type": "intelligence"}
    if not request.shots:
        return {}
    listed = [
        {"index": number, "prompt": shot.prompt, "duration": str(shot.duration)}
        for number, shot in enumerate(request.shots, 1)
    ]
    return {"multi_shot": True, "shot_type": "customize", "multi_prompt": listed}


def _cast(request: GenerationRequest) -> Body:
    body: Body = {}
    if request.voices:
        body["voice_list"] = [{"voice_id": voice} for voice in request.voices]
    if request.elements:
        body["element_list"] = [{"element_id": element} for element in request.elements]
    return body


def _shape(request: GenerationRequest, *, resolution: bool = True) -> Body:
    body: Body = {"resolution": request.resolution} if resolution else {}
    body["n"] = request.count
    if request.aspect_ratio is not None:
        body["aspect_ratio"] = request.aspect_ratio
    return body


def _source(request: GenerationRequest) -> SourceVideo:
    assert request.source is not None  # noqa: S101  the request's own validation sees to it
    return request.source


def named_video(request: GenerationRequest, context: SubmitContext) -> Mapping[str, str | None]:
    """The source by Kling's id of it, or a person's own by its address: one of the two (vendor reference 2026)."""
    source = _source(request)
    if source.file is None:
        return {"video_id": source.video_id}
    return {"video_url": context.url_of(source)}


def takes_mode(model: str) -> bool:
    """Whether the model has modes at all: the "master" models have but one (update log of 2025-05-13)."""
    return not model.endswith("-master")


def base64_of(file: Attachment, context: SubmitContext) -> str:
    """Encode a file as Kling wants it: plain Base64 without a ``data:`` prefix."""
    return base64.b64encode(context.images[file.sha256]).decode("ascii")
