"""Everything that a request refers to is named in the text that Kling reads, whatever it is asked of and how."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.requests import catalog
from bot.domain.requests.model import Model
from bot.domain.requests.operations import Operation
from bot.domain.requests.references import TOKEN
from bot.domain.requests.request import SHOT_LIMIT, GenerationRequest
from bot.domain.requests.rules import lacking
from bot.errors import UserError
from bot.kling.dialects import DIALECTS
from bot.kling.dialects.references import angled, choose_ids, identified
from bot.kling.wire import SubmitContext
from tests.operations import BYTES, IMAGES, SOURCE, a_request_for

CATALOG = catalog.load()
CONTEXT = SubmitContext("klingbot-1", BYTES, None, {"audio_id": "audio-1", "session_id": "s", "face_id": "0"})
ROWS = [*CATALOG.section("models"), *CATALOG.section("images")]
CASES = [(row, operation) for row in ROWS for operation in row.operations if operation.row.prompt != "none"]
SHOTS = ({"prompt": "it wakes", "duration": 2}, {"prompt": "<<<element_1>>> runs", "duration": 3})
OPTIONS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "elements": ({}, {"elements": (160,)}, {"elements": (160, 161, 162)}),
    "voices": ({}, {"voices": ("v1",)}, {"voices": ("v1", "v2")}),
    "frames": (
        {},
        {"first_frame": IMAGES[0], "aspect_ratio": None},
        {"first_frame": IMAGES[0], "last_frame": IMAGES[1], "aspect_ratio": None},
    ),
    "references": ({}, {"references": IMAGES[:1]}, {"references": IMAGES[:3]}),
    "videos": (
        {},
        {"source": SOURCE},
        {"features": (SOURCE,)},
        {"features": (SOURCE,) * 3, "source": SOURCE},
    ),
    "sound": ({}, {"sound": True}),
    "texts": ({}, {"prompt": "<<<image_1>>> and <<<voice_1>>>"}, {"shots": SHOTS, "duration": 5}),
}


def requests(row: Model, operation: Operation) -> Iterator[GenerationRequest]:
    """Whatever the model can be asked for with some of everything that can be named."""
    for changes in itertools.product(*OPTIONS.values()):
        fields = {name: value for change in changes for name, value in change.items()}
        try:
            request = a_request_for(
                operation,
                **{
                    "references": (),
                    "model": row.id,
                    "mode": row.modes[-1],
                    "resolution": row.resolutions[0],
                    **fields,
                },
            )
            CATALOG.check(request, [row.id])
        except (ValueError, UserError):
            continue
        yield request


def unnamed(sent: Any) -> list[str]:
    """What a body holds and its text does not name."""
    body = sent | sent.get("metadata", {}) if isinstance(sent.get("metadata"), dict) else sent
    if "contents" in body:
        text = next((item["text"] for item in body["contents"] if item["type"] == "prompt"), "")
        ids = [item["id"] for item in body["contents"] if "id" in item]
        wanted = [rf"@{id}(?![A-Za-z0-9_-])" for id in ids]
        assert all(one == other or one not in other for one in ids for other in ids)
        needing = [item for item in body["contents"] if item["type"] in {"element", "voice"}]
        assert all("id" in item for item in needing)
    else:
        text = " ".join(shot["prompt"] for shot in body.get("multi_prompt", ())) or body.get("prompt", "")
        wanted = [f"<<<element_{number}>>>" for number, _ in enumerate(body.get("element_list", ()), 1)]
        wanted += [f"<<<voice_{number}>>>" for number, _ in enumerate(body.get("voice_list", ()), 1)]
        wanted += [f"<<<video_{number}>>>" for number, _ in enumerate(body.get("video_list", ()), 1)]
        if "subject_image_list" not in body:
            wanted += [
                f"<<<image_{number}>>>"
                for number, image in enumerate(body.get("image_list", ()), 1)
                if isinstance(image, dict) and "type" not in image and body["model_name"] != "kling-v1-6"
            ]
    return [name for name in wanted if not re.search(name, text)]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(("row", "operation"), CASES, ids=lambda value: getattr(value, "id", str(value)))
def test_everything_that_is_sent_is_named(name, row, operation):
    dialect, tried = DIALECTS[name], 0
    for request in requests(row, operation):
        if lacking(dialect.limits, request):
            continue
        tried += 1
        sent = dialect.submit(request, CONTEXT).json
        assert unnamed(sent) == [], request
        # Some gateways take Kling's fields as a text of JSON.
        body = json.dumps(sent).replace('\\"', '"')
        for element in request.elements:
            assert str(element) in body
        for voice in request.voices:
            assert f'"{voice}"' in body
    # Not every dialect takes every model.
    assert tried or lacking(dialect.limits, a_request_for(operation, model=row.id, mode=row.modes[-1]))


def omni(**fields: Any) -> GenerationRequest:
    return a_request_for("omni-video", **{"references": (), **fields})


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (omni(prompt="they meet", references=IMAGES[:2]), "they meet <<<image_1>>> <<<image_2>>>"),
        (omni(prompt="<<<image_2>>> waits", references=IMAGES[:2]), "<<<image_2>>> waits <<<image_1>>>"),
        # Kling counts the frames, too.
        (
            omni(prompt="with <<<image_1>>>", first_frame=IMAGES[0], references=IMAGES[1:2]),
            "with <<<image_2>>>",
        ),
        (omni(prompt="it snows", source=SOURCE, elements=(160,)), "it snows <<<element_1>>> <<<video_1>>>"),
        (a_request_for("image2video", voices=("v",), sound=True, mode="pro"), "it jumps <<<voice_1>>>"),
        (a_request_for("motion-control", model="kling-v3", elements=(160,)), "<<<element_1>>>"),
        # Where images have no names, the words say which one is meant.
        (
            a_request_for("multi-image2video", prompt="<<<image_1>>> hugs <<<image_2>>>"),
            "image 1 hugs image 2",
        ),
        (a_request_for("multi-image2video", prompt="<<<image_1>>>抱着<<<image_2>>>"), "图1 抱着 图2"),
        (a_request_for("text2video"), "a fox in the snow"),
    ],
)
def test_the_older_standard_reads_names_in_angles(request_, text):
    assert angled(request_).prompt == text


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("it waits", "it waits @image_1 @element_1"),
        ("<<<element_1>>>与<<<image_1>>>", "@element_1 与 @image_1"),
        ("a<<<image_1>>>b <<<element_1>>>.", "a @image_1 b @element_1."),
        ("<<<image_1>>><<<element_1>>>", "@image_1 @element_1"),
        # An id that the words hold already would name both.
        ("@image_1 by hand, and element_1@mail.com", None),
    ],
)
def test_the_newer_standard_reads_ids_of_our_own(prompt, text):
    request = omni(prompt=prompt, references=IMAGES[:1], elements=(160,))
    ids = choose_ids(request)
    written = identified(request, ids).prompt
    assert text is None or written == text
    for id in ids.values():
        assert written.count(id) == 1
        assert f"@{id}" in written
        assert id not in TOKEN.sub(" ", prompt)


@given(
    st.lists(
        st.sampled_from([*"@<>_01 与.", "image_", "element_", "<<<image_1>>>", "@image_1", "1_1"]),
        max_size=12,
    ).map("".join)
    | st.text(max_size=40)
)
def test_no_words_of_a_person_are_taken_for_an_id(prompt):
    request = omni(prompt=prompt or "x", references=IMAGES[:3], elements=(1, 2), source=None)
    ids = choose_ids(request)
    written = identified(request, ids).prompt
    assert len(set(ids.values())) == 5
    for id in ids.values():
        assert id not in TOKEN.sub(" ", prompt)
        assert re.search(rf"(?<!\w)@{id}(?![A-Za-z0-9_-])", written)


def test_with_shots_a_name_stands_in_a_shot_that_has_room():
    shots = ({"prompt": "x" * SHOT_LIMIT, "duration": 2}, {"prompt": "it runs", "duration": 3})
    request = omni(prompt="<<<element_1>>> is not read here", shots=shots, duration=5, elements=(160,))
    assert [shot.prompt for shot in angled(request).shots] == ["x" * SHOT_LIMIT, "it runs <<<element_1>>>"]
    named = identified(request, choose_ids(request))
    assert named.shots[1].prompt == "it runs @element_1"


@pytest.mark.parametrize("free", [0, 1, 27, 28, 29])
def test_the_length_of_a_prompt_counts_the_names_that_are_added(free):
    request = omni(prompt="x" * (2_500 - free), references=IMAGES[:2])
    sent = DIALECTS["official"].submit(request, CONTEXT).json["prompt"]
    assert len(sent) == 2_500 - free + len(" <<<image_1>>> <<<image_2>>>")
    assert (CATALOG.lacks(request) == ()) is (len(sent) <= 2_500)


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("what", ["negative_prompt", "shots"])
def test_what_the_newer_standard_writes_into_a_prompt_counts_too(what, over):
    dialect = DIALECTS["unified"]
    if what == "shots":
        fields = {
            "shots": ({"prompt": "y" * (SHOT_LIMIT - (not over) * 20), "duration": 1},) * 6,
            "duration": 6,
        }
        request = a_request_for("text2video", model="kling-v3", prompt="", **fields)
    else:
        prompt = "x" * (2_500 - len("\nAvoid: ") - 9 + over)
        request = a_request_for("text2video", prompt=prompt, negative_prompt="y" * 9)
    order = dialect.submit(request, CONTEXT)
    assert lacking(dialect.limits, request) == CATALOG.lacks(request) == ()
    # The older standard, which has fields for them, takes what does not fit.
    assert order.path.startswith("/v1/videos/") is over
    limit = 3_072 if what == "shots" else 2_500
    assert over or limit - 100 < len(order.json["prompt"]) <= limit
