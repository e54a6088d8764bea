"""Kling's lip-sync and spoken avatars: a voice and a face are asked for first, then the task is made. Pure.

kling.ai/document-api (2026-09): "TTS", "Face Recognition", "Lip-Sync". The first two answer at once and
make no task; what they answer lasts for 30 days (voices) and 24 hours (faces).
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.outside import identity, text_of
from bot.domain.requests.request import GenerationRequest
from bot.kling.dialects import responses
from bot.kling.dialects.bodies import base64_of, named_video
from bot.kling.dialects.error_codes import milliseconds, whole
from bot.kling.errors import NotFound, Rejected, Unavailable
from bot.kling.wire import HttpRequest, HttpResponse, Preparation, SubmitContext

ADVANCED = "/v1/videos/advanced-lip-sync"
TTS = "/v1/audio/tts"
FACES = "/v1/videos/identify-face"

SHORTEST = 2_000
"""Milliseconds that a speech and a face must have in common."""


def voice(request: GenerationRequest, prefix: str) -> tuple[Preparation, ...]:
    """Have a text spoken; a sound that the person sent needs nothing."""
    speech = request.speech
    if speech is None or speech.audio is not None:
        return ()
    body = {
        "text": speech.text,
        "voice_id": speech.voice,
        "voice_language": speech.language,
        "voice_speed": speech.speed,
    }
    return (Preparation(HttpRequest("POST", prefix + TTS, json=body), _spoken),)


def face(request: GenerationRequest, context: SubmitContext, prefix: str) -> tuple[Preparation, ...]:
    """Find the face in the video."""
    body = named_video(request, context)
    return (Preparation(HttpRequest("POST", prefix + FACES, json=body), _found),)


def body(request: GenerationRequest, context: SubmitContext) -> dict[str, Any]:
    """The submission: the face speaks from the moment on at which it is seen."""
    prepared = context.prepared
    audio = None if request.speech is None else request.speech.audio
    spoken = int(prepared["sound_ms"]) if audio is None else audio.duration_ms
    begin, end = int(prepared["face_start"]), int(prepared["face_end"])
    chosen: dict[str, Any] = {"face_id": prepared["face_id"]}
    if audio is None:
        chosen["audio_id"] = prepared["audio_id"]
    else:
        chosen["sound_file"] = base64_of(audio, context)
    chosen |= {
        "sound_start_time": 0,
        "sound_end_time": max(SHORTEST, min(spoken, end - begin)),
        "sound_insert_time": begin,
    }
    return {"session_id": prepared["session_id"], "face_choose": [chosen]}


def _spoken(response: HttpResponse) -> Mapping[str, str]:
    data = _data(response)
    result = data.get("task_result")
    audios = result.get("audios") if isinstance(result, Mapping) else None
    first = audios[0] if isinstance(audios, list) and audios and isinstance(audios[0], Mapping) else {}
    name = identity(first.get("id"))
    if not name:
        raise Unavailable("the answer names no voice", code=str(response.status))
    return {"audio_id": name, "sound_ms": str(milliseconds(first.get("duration")) or SHORTEST)}


def _found(response: HttpResponse) -> Mapping[str, str]:
    data = _data(response)
    faces = data.get("face_data")
    seen = [one for one in faces if isinstance(one, Mapping)] if isinstance(faces, list) else []
    if not seen:
        raise Rejected("no face was found in the video", code=str(response.status))
    longest = max(seen, key=_seen_for)
    begin, end = _interval(longest)
    return {
        "session_id": identity(data.get("session_id")),
        "face_id": identity(longest.get("face_id")),
        "face_start": str(begin),
        "face_end": str(end),
    }


def _seen_for(one: Mapping[str, Any]) -> int:
    begin, end = _interval(one)
    return end - begin


def _interval(one: Mapping[str, Any]) -> tuple[int, int]:
    times = (text_of(one.get("start_time")), text_of(one.get("end_time")))
    begin, end = (whole(time) or 0 for time in times)
    return begin, end


def _data(response: HttpResponse) -> Mapping[str, Any]:
    try:
        return responses.fields(response)
    except NotFound as error:
        # No such voice or video: the request is at fault, not the provider.
        raise Rejected(error.message, code=error.code) from error
