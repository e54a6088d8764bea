import json

import pytest

from bot.domain.requests.request import Face, Faces, Speech
from bot.domain.requests.rules import lacking
from bot.kling import errors
from bot.kling.dialects.lip_sync import FoundFace, known_faces, read_faces
from bot.kling.dialects.native import OFFICIAL, PREFIXED
from bot.kling.wire import HttpResponse, SubmitContext
from tests.operations import BYTES, SOUND, a_request_for

CONTEXT = SubmitContext("x")


def answer(data, status=200, code=0, message="SUCCEED"):
    body = {"code": code, "message": message, "request_id": "r-1", "data": data}
    return HttpResponse(status, {}, json.dumps(body).encode())


VOICE = {
    "task_id": "1",
    "task_status": "succeed",
    "task_result": {"audios": [{"id": "audio-7", "duration": "4.2"}]},
}
FACES = {
    "session_id": "session-1",
    "face_data": [
        {"face_id": "0", "face_image": "https://p.example/0.png", "start_time": 0, "end_time": 900},
        {"face_id": "1", "face_image": "https://p.example/1.png", "start_time": 1000, "end_time": 4800},
    ],
}


def test_a_text_is_spoken_and_a_face_found_before_the_lips_move():
    steps = OFFICIAL.preparations(a_request_for("lip-sync"), CONTEXT)
    assert [(step.request.method, step.request.path, step.request.json) for step in steps] == [
        (
            "POST",
            "/v1/audio/tts",
            {"text": "Hello there", "voice_id": "oversea_male1", "voice_language": "en", "voice_speed": 1},
        ),
        ("POST", "/v1/videos/identify-face", {"video_id": "video-1"}),
    ]
    assert steps[0].parse(answer(VOICE)) == {"audio_id": "audio-7", "sound_ms": "4200"}
    found = steps[1].parse(answer(FACES))
    assert found["session_id"] == "session-1"
    assert read_faces(found) == (
        FoundFace("0", 0, 900, "https://p.example/0.png"),
        FoundFace("1", 1000, 4800, "https://p.example/1.png"),
    )


def test_a_sound_of_ones_own_needs_a_face_only():
    request = a_request_for("lip-sync", speech={"audio": SOUND})
    assert [step.request.path for step in OFFICIAL.preparations(request, CONTEXT)] == [
        "/v1/videos/identify-face"
    ]


def test_an_avatar_that_speaks_a_text_needs_a_voice_only():
    assert [step.request.path for step in OFFICIAL.preparations(a_request_for("avatar"), CONTEXT)] == [
        "/v1/audio/tts"
    ]
    assert OFFICIAL.preparations(a_request_for("avatar", speech={"audio": SOUND}), CONTEXT) == ()


def test_where_the_older_form_is_spoken_everything_goes_in_one_step():
    assert PREFIXED.preparations(a_request_for("lip-sync"), CONTEXT) == ()


def test_what_is_said_never_lasts_longer_than_the_face_is_seen():
    prepared = {"session_id": "s", "faces": '[["0", 500, 3100, ""]]'}
    long = SOUND.model_copy(update={"duration_ms": 60_000})
    request = a_request_for("lip-sync", speech=Speech(audio=long))
    sent = OFFICIAL.submit(request, SubmitContext("x", BYTES, None, prepared))
    assert sent.json is not None
    assert sent.json["face_choose"][0]["sound_end_time"] == 2600
    assert sent.json["face_choose"][0]["sound_insert_time"] == 500


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ({"session_id": "s", "face_data": []}, errors.Rejected),
        ({"session_id": "s"}, errors.Rejected),
        (None, errors.Unavailable),
    ],
)
def test_a_video_without_a_face_is_refused(data, outcome):
    step = OFFICIAL.preparations(a_request_for("lip-sync"), CONTEXT)[1]
    with pytest.raises(outcome):
        step.parse(answer(data))


def test_a_lost_answer_before_the_submission_is_not_a_lost_submission():
    step = OFFICIAL.preparations(a_request_for("lip-sync"), CONTEXT)[0]
    with pytest.raises(errors.Unavailable):
        step.parse(answer(None, status=504, code=5002, message="timeout"))
    with pytest.raises(errors.Unavailable):
        step.parse(answer({"task_result": {}}))


def test_a_voice_that_does_not_exist_is_the_requests_fault():
    step = OFFICIAL.preparations(a_request_for("lip-sync"), CONTEXT)[0]
    with pytest.raises(errors.Rejected):
        step.parse(answer(None, status=400, code=1201, message="voice_id nobody does not exist"))


FOUND = Faces(
    provider="official",
    session="session-1",
    until=1,
    found=(Face(id="0", begin=0, end=900), Face(id="1", begin=1000, end=4800)),
)


def choice(**fields):
    """What is sent of the face that speaks for 4 s."""
    request = a_request_for("lip-sync", speech={"audio": SOUND}, **fields)
    sent = OFFICIAL.submit(request, SubmitContext("x", BYTES, None, known_faces(FOUND)))
    assert sent.json is not None
    assert sent.json["session_id"] == "session-1"
    (chosen,) = sent.json["face_choose"]
    return {name: value for name, value in chosen.items() if name != "sound_file"}


def test_the_face_that_is_seen_longest_speaks_as_loud_as_it_is():
    times = {"sound_start_time": 0, "sound_end_time": 3800, "sound_insert_time": 1000}
    assert choice() == {"face_id": "1"} | times


def test_another_face_other_volumes_and_a_later_beginning_are_sent():
    assert choice(face=1)["face_id"] == "0"
    chosen = choice(volume=1.5, original_volume=0, speech_at=1.5)
    assert (chosen["sound_volume"], chosen["original_audio_volume"]) == (1.5, 0)
    # The source lasts 5.1 s.
    assert (chosen["sound_insert_time"], chosen["sound_end_time"]) == (1500, 3600)


@pytest.mark.parametrize("fields", [{"face": 3}, {"speech_at": 3.5}, {"face": 1, "speech_at": 0}])
def test_a_face_that_is_not_there_or_not_seen_then_is_refused_before_it_is_sent(fields):
    with pytest.raises(errors.Rejected):
        choice(**fields)


@pytest.mark.parametrize("fields", [{"face": 2}, {"volume": 2}, {"original_volume": 0}, {"speech_at": 1}])
def test_the_older_form_has_no_place_for_any_of_it(fields):
    request = a_request_for("lip-sync", **fields)
    assert lacking(PREFIXED.limits, request) == tuple(fields)
    assert lacking(OFFICIAL.limits, request) == ()
