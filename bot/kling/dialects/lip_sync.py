"""Kling's lip-sync and spoken avatars: a voice and a face are asked for first, then the task is made. Pure.

kling.ai/document-api (2026-09): "TTS", "Face Recognition", "Lip-Sync". The first two answer at once and
make no task; what they answer lasts for 30 days (voices) and 24 hours (faces).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.outside import identity, text_of
from bot.domain.requests.request import FACES_LIMIT, Faces, GenerationRequest
from bot.domain.requests.rules import SHORTEST_SPOKEN as SHORTEST
from bot.domain.types import SECOND
from bot.kling.dialects import responses
from bot.kling.dialects.bodies import base64_of, named_video
from bot.kling.dialects.error_codes import milliseconds, whole
from bot.kling.errors import NotFound, Rejected, Unavailable
from bot.kling.wire import HttpRequest, HttpResponse, Preparation, SubmitContext

ADVANCED = "/v1/videos/advanced-lip-sync"
TTS = "/v1/audio/tts"
FACES = "/v1/videos/identify-face"

FOUND = frozenset({"session_id", "faces"})
"""What a look for faces finds out."""


class NoFace(Rejected):
    """There is no face in a video."""


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
    """Find the faces in the video."""
    body = named_video(request, context)
    return (Preparation(HttpRequest("POST", prefix + FACES, json=body), _found, gives=FOUND),)


def body(request: GenerationRequest, context: SubmitContext) -> dict[str, Any]:
    """The submission: the face speaks from the moment on at which it is seen, or from the one that was asked for.

    Raises:
        Rejected: there is no such face, or it is not seen long enough from then on.

    """
    prepared = context.prepared
    audio = None if request.speech is None else request.speech.audio
    spoken = int(prepared["sound_ms"]) if audio is None else audio.duration_ms
    face = _chosen(request, read_faces(prepared))
    begin, end = face.begin, face.end
    if request.speech_at is not None:
        begin = round(request.speech_at * SECOND)
        if min(end, begin + spoken) - max(face.begin, begin) < SHORTEST:
            raise Rejected("the face is not seen for 2 s from then on")
        end = max(end, (None if request.source is None else request.source.duration_ms) or 0)
    chosen: dict[str, Any] = {"face_id": face.id}
    if audio is None:
        chosen["audio_id"] = prepared["audio_id"]
    else:
        chosen["sound_file"] = base64_of(audio, context)
    chosen |= {
        "sound_start_time": 0,
        "sound_end_time": max(SHORTEST, min(spoken, end - begin)),
        "sound_insert_time": begin,
    }
    if request.volume != 1:
        chosen["sound_volume"] = request.volume
    if request.original_volume != 1:
        chosen["original_audio_volume"] = request.original_volume
    return {"session_id": prepared["session_id"], "face_choose": [chosen]}


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face as it was found: its id, when it is seen (milliseconds), and where its picture is."""

    id: str
    begin: int
    end: int
    url: str = field(default="", repr=False)


def read_faces(prepared: Mapping[str, str]) -> tuple[FoundFace, ...]:
    """The faces that an exchange found, in Kling's order."""
    return tuple(FoundFace(*each) for each in json.loads(prepared["faces"]))


def known_faces(faces: Faces) -> Mapping[str, str]:
    """What that exchange would find out, where it is known from before."""
    found = [FoundFace(each.id, each.begin, each.end) for each in faces.found]
    return {"session_id": faces.session, "faces": _dumped(found)}


def _dumped(faces: Iterable[FoundFace]) -> str:
    return json.dumps([(face.id, face.begin, face.end, face.url) for face in faces])


def _chosen(request: GenerationRequest, faces: Sequence[FoundFace]) -> FoundFace:
    """The face that was chosen by its number, or the one that is seen longest."""
    if request.face is None:
        return max(faces, key=lambda face: face.end - face.begin)
    if request.face > len(faces):
        raise Rejected(f"{len(faces)} faces were found in the video, not {request.face}")
    return faces[request.face - 1]


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
        raise NoFace("no face was found in the video", code=str(response.status))
    found = [
        FoundFace(identity(one.get("face_id")), *_interval(one), text_of(one.get("face_image")))
        for one in seen[:FACES_LIMIT]
    ]
    return {"session_id": identity(data.get("session_id")), "faces": _dumped(found)}


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
