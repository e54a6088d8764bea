"""Kling's first standard at the stand-in: what is accepted, what is refused, and how it is asked for."""

import base64

import pytest

from tests.world.kling import NOW, image, mask

TEXT, IMAGE = "/v1/videos/text2video", "/v1/videos/image2video"
OMNI, MOTION = "/v1/videos/omni-video", "/v1/videos/motion-control"


def text(**changes):
    return {"model_name": "kling-v2-6", "prompt": "a fox"} | changes


def image_body(**changes):
    return {"model_name": "kling-v2-6", "prompt": "it moves", "image": image()} | changes


def brushed(still, *moving):
    """A photo with parts that stay still, and some that move."""
    way = [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    masks = [{"mask": each, "trajectories": way} for each in moving]
    return image_body(model_name="kling-v1", static_mask=still, **({"dynamic_masks": masks} if masks else {}))


def simple(**values):
    return {"type": "simple", "config": values}


def shots(*seconds, **changes):
    items = [{"index": n, "prompt": "a fox", "duration": length} for n, length in enumerate(seconds, 1)]
    return {
        "model_name": "kling-v3",
        "multi_shot": True,
        "shot_type": "customize",
        "multi_prompt": items,
        "duration": "6",
    } | changes


ACCEPTED = [
    (TEXT, {"prompt": "a fox"}),
    (TEXT, text(duration="10", mode="pro", aspect_ratio="9:16", negative_prompt="blur", sound="on")),
    (TEXT, text(model_name="kling-v1", cfg_scale=0.7, camera_control=simple(zoom=-5.5))),
    (TEXT, text(model_name="kling-v1", camera_control={"type": "down_back"})),
    (TEXT, text(model_name="kling-v2-master", duration="10")),
    (TEXT, text(model_name="kling-v3", mode="4k", duration="15")),
    (TEXT, shots("2", "4")),
    (TEXT, text(model_name="kling-v3", multi_shot=True, shot_type="intelligence")),
    (
        IMAGE,
        image_body(prompt="<<<voice_1>>>", sound="on", mode="pro", voice_list=[{"voice_id": "uk_man2"}]),
    ),
    (TEXT, text(watermark_info={"enabled": True}, external_task_id="mine-1")),
    (IMAGE, {"model_name": "kling-v2-1", "image": image()}),
    (IMAGE, image_body(mode="pro", image_tail=image(400, 300, "JPEG"))),
    (IMAGE, {"model_name": "kling-v1-6", "mode": "pro", "image_tail": image()}),
    (
        IMAGE,
        image_body(model_name="kling-v3", prompt="<<<element_1>>>", element_list=[{"element_id": 1000001}]),
    ),
    (
        IMAGE,
        image_body(
            model_name="kling-v1",
            static_mask=mask(),
            dynamic_masks=[{"mask": mask(), "trajectories": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}],
        ),
    ),
    ("/v1/videos/multi-image2video", {"prompt": "both", "image_list": [{"image": image()}] * 4}),
    (OMNI, {"prompt": "a fox", "aspect_ratio": "1:1"}),
    (
        OMNI,
        {
            "model_name": "kling-v3-omni",
            "prompt": "<<<image_1>>> runs",
            "duration": "7",
            "sound": "on",
            "image_list": [{"image_url": image(), "type": "first_frame"}, {"image_url": image()}],
        },
    ),
    ("/v1/videos/effects", {"effect_scene": "hug_pro", "input": {"images": [image(), image()]}}),
    ("/v1/videos/effects", {"effect_scene": "swing_swing", "input": {"image": image(), "duration": "5"}}),
    ("/v1/audio/text-to-audio", {"prompt": "rain", "duration": 3.5}),
    ("/v1/images/generations", {"prompt": "a fox", "n": 3, "aspect_ratio": "21:9", "resolution": "2k"}),
    (
        "/v1/images/generations",
        {"model_name": "kling-v1-5", "prompt": "a", "image": image(), "image_reference": "face"},
    ),
    ("/v1/images/omni-image", {"prompt": "a fox", "image_list": [{"image": image()}]}),
    (
        "/v1/images/omni-image",
        {"model_name": "kling-v3-omni", "prompt": "a", "result_type": "series", "series_amount": 3},
    ),
    (
        "/v1/images/multi-image2image",
        {"prompt": "a", "subject_image_list": [{"subject_image": image()}], "style_image": image()},
    ),
    (
        "/v1/images/editing/expand",
        {
            "image": image(),
            "up_expansion_ratio": 0.2,
            "down_expansion_ratio": 0,
            "left_expansion_ratio": 0.5,
            "right_expansion_ratio": 0.5,
        },
    ),
    ("/v1/images/kolors-virtual-try-on", {"human_image": image(), "cloth_image": image()}),
    (
        "/v1/general/advanced-custom-elements",
        {
            "element_name": "Grey cat",
            "element_description": "a cat",
            "reference_type": "image_refer",
            "element_image_list": {
                "frontal_image": image(),
                "refer_images": [{"image_url": image()}],
            },
            "tag_list": [{"tag_id": "o_103"}],
        },
    ),
]


@pytest.mark.parametrize(("path", "body"), ACCEPTED)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_documents_allow_is_accepted_and_done(shared, path, body):
    made = await shared.made(path, body)
    assert made["task_status"] == "submitted"
    assert made["created_at"] == int(NOW * 1000)
    answer = await shared.get(f"{path}/{made['task_id']}")
    assert answer.json()["code"] == 0
    assert answer.json()["data"]["task_status"] == "succeed"
    assert answer.json()["data"]["task_result"]


REFUSED = [
    (TEXT, {}, "prompt is required"),
    (TEXT, text(prompt="  "), "prompt must not be empty"),
    (TEXT, text(prompt=5), "prompt must be a string"),
    (TEXT, text(prompt="x" * 2501), "at most 2500"),
    (TEXT, text(negative_prompt="x" * 2501), "at most 2500"),
    (TEXT, text(model="kling-v2-6"), "unknown field: model"),
    (TEXT, text(image=image()), "unknown field: image"),
    (TEXT, text(duration=5), "string of digits"),
    (TEXT, text(duration="5.0"), "string of digits"),
    (TEXT, text(duration="7"), "duration 7"),
    (TEXT, text(model_name="kling-v3", duration="16"), "duration 16"),
    (TEXT, text(aspect_ratio="3:2"), "aspect_ratio must be one of"),
    (TEXT, text(mode="fast"), "mode must be one of"),
    (TEXT, text(mode="4k"), "mode 4k"),
    (TEXT, text(model_name="kling-v2-master", mode="pro"), "no parameter mode"),
    (TEXT, text(model_name="kling-v2-1"), "does not support text2video"),
    (TEXT, text(model_name="kling-v3-omni"), "does not support text2video"),
    (TEXT, text(sound=True), "sound must be one of"),
    (TEXT, text(sound="on"), "sound in mode std"),
    (TEXT, text(model_name="kling-v2-5-turbo", sound="on", mode="pro"), "does not support sound"),
    (TEXT, text(cfg_scale=0.5), "does not support cfg_scale"),
    (TEXT, text(model_name="kling-v1", cfg_scale=1.1), "between 0 and 1"),
    (TEXT, text(model_name="kling-v1", cfg_scale="0.5"), "must be a number"),
    (TEXT, text(model_name="kling-v1", camera_control=simple(zoom=1, pan=1)), "exactly one"),
    (TEXT, text(model_name="kling-v1", camera_control=simple(zoom=11)), "between -10 and 10"),
    (TEXT, text(model_name="kling-v1", camera_control=simple(dolly=1)), "unknown field"),
    (TEXT, text(model_name="kling-v1", camera_control={"type": "simple"}), "config is required"),
    (TEXT, text(model_name="kling-v1", camera_control={"type": "zoom", "config": {"value": 1}}), "type"),
    (TEXT, text(model_name="kling-v1", mode="pro", camera_control={"type": "down_back"}), "camera_control"),
    (TEXT, text(model_name="kling-v1-6", camera_control=simple(zoom=5)), "camera_control"),
    (TEXT, shots("2", "3"), "as long together"),
    (TEXT, shots("1", "1", "1", "1", "1", "1", "1", duration="7"), "1 to 6 entries"),
    (TEXT, shots("2", "4", model_name="kling-v2-6", duration="5"), "as long together"),
    (TEXT, text(multi_shot=True, shot_type="intelligence"), "does not support multi_shot"),
    (TEXT, text(multi_prompt=[]), "1 to 6 entries"),
    (TEXT, text(model_name="kling-v3", shot_type="customize"), "need multi_shot"),
    (TEXT, text(model_name="kling-v3", multi_shot=True), "shot_type is required"),
    (TEXT, text(model_name="kling-v3", multi_shot=True, shot_type="customize"), "multi_prompt is required"),
    (TEXT, shots("0", "6"), "at least 1 second"),
    (TEXT, text(voice_list=[{"voice_id": "uk_man2"}]), "voice_list only with sound"),
    (
        IMAGE,
        image_body(prompt="<<<voice_1>>>", sound="on", mode="pro", voice_list=[{"voice_id": "nobody"}]),
        "voice_id nobody",
    ),
    (TEXT, text(callback_url="nowhere"), "http or https"),
    (TEXT, text(external_task_id=""), "not empty"),
    (TEXT, text(external_task_id=None), "not empty"),
    (TEXT, text(watermark_info={"enabled": "yes"}), "true or false"),
    (TEXT, text(watermark_info={"enabled": True, "text": "x"}), "unknown field: watermark_info.text"),
    (IMAGE, {"prompt": "it moves"}, "image or image_tail is required"),
    (IMAGE, image_body(image="data:image/png;base64," + image()), "without a data: prefix"),
    (IMAGE, image_body(image="not base64!"), "neither an address nor Base64"),
    (IMAGE, image_body(image=base64.b64encode(b"words").decode()), "not a picture"),
    (IMAGE, image_body(image=image(kind="WEBP")), "JPEG or PNG"),
    (IMAGE, image_body(image=image(640, 299)), "at least 300"),
    (IMAGE, image_body(image=image(1000, 390)), "1:2.5"),
    (IMAGE, image_body(image=base64.b64encode(b"x" * 10_000_001).decode()), "larger than 10 MB"),
    (IMAGE, image_body(image="http://127.0.0.1:9/nobody.png"), "can't be fetched"),
    (IMAGE, image_body(image_tail=image()), "image_tail in mode std"),
    (IMAGE, image_body(mode="pro", sound="on", image_tail=image()), "only without sound"),
    (IMAGE, {"model_name": "kling-v2-6", "mode": "pro", "image_tail": image()}, "without image"),
    (IMAGE, image_body(model_name="kling-v1", static_mask=image(), image_tail=image()), "exclude each other"),
    (IMAGE, image_body(static_mask=image()), "does not support masks"),
    (IMAGE, brushed(mask(), image()), "dynamic_masks[0].mask must be black and white"),
    (IMAGE, brushed(mask(covered=200)), "static_mask must be black and white"),
    (IMAGE, brushed(mask(), mask(320 * 2, 480)), "must have the same size"),
    (IMAGE, brushed(mask(640, 480), mask(640, 480)), "must have the ratio of image"),
    (IMAGE, image_body(model_name="kling-v3", element_list=[{"element_id": "1000001"}]), "an integer"),
    (
        IMAGE,
        image_body(model_name="kling-v3", prompt="<<<element_1>>>", element_list=[{"element_id": 7}]),
        "element_id 7",
    ),
    (
        IMAGE,
        image_body(model_name="kling-v3", element_list=[{"element_id": 1000001}]),
        "must name <<<element_1>>>",
    ),
    (IMAGE, image_body(prompt="<<<voice_1>>>"), "<<<voice_1>>>, which is not there"),
    (
        TEXT,
        text(prompt="<<<voice_1>>>", sound="on", mode="pro", voice_list=[{"voice_id": "uk_man2"}]),
        "voice_list",
    ),
    (IMAGE, image_body(image_list=[image()]), "unknown field: image_list"),
    ("/v1/videos/multi-image2video", {"prompt": "a"}, "image_list is required"),
    ("/v1/videos/multi-image2video", {"prompt": "a", "image_list": [image()]}, "must hold objects"),
    ("/v1/videos/multi-image2video", {"prompt": "a", "image_list": [{"image": image()}] * 5}, "1 to 4"),
    (OMNI, {"prompt": "a fox"}, "aspect_ratio is required"),
    (OMNI, {"prompt": "a fox", "aspect_ratio": "1:1", "duration": "7"}, "5 or 10 seconds"),
    (OMNI, {"prompt": "a", "image_list": [{"image_url": image(), "type": "end_frame"}]}, "first_frame"),
    (OMNI, {"prompt": "a", "image_list": [{"image": image()}]}, "image_url is required"),
    (MOTION, {"image_url": image()}, "character_orientation is required"),
    ("/v1/videos/video-extend", {"video_id": "1"}, "video 1 does not exist"),
    ("/v1/videos/effects", {"effect_scene": "nothing", "input": {"image": image()}}, "does not exist"),
    ("/v1/videos/effects", {"effect_scene": "hug_pro", "input": {"image": image()}}, "images is required"),
    ("/v1/videos/effects", {"effect_scene": "swing_swing"}, "input is required"),
    ("/v1/videos/avatar/image2video", {"image": image()}, "audio_id and sound_file"),
    ("/v1/videos/avatar/image2video", {"image": image(), "audio_id": "1"}, "does not exist"),
    ("/v1/videos/identify-face", {}, "video_id and video_url"),
    ("/v1/videos/lip-sync", {"input": {"video_id": "1", "mode": "text2video"}}, "text is required"),
    ("/v1/audio/text-to-audio", {"prompt": "rain", "duration": 2.9}, "between 3 and 10"),
    ("/v1/audio/text-to-audio", {"prompt": "x" * 201, "duration": 5}, "at most 200"),
    ("/v1/audio/video-to-audio", {"bgm_prompt": "piano"}, "video_id and video_url"),
    ("/v1/audio/tts", {"text": "hello", "voice_id": "nobody", "voice_language": "en"}, "voice_id nobody"),
    ("/v1/audio/tts", {"text": "x" * 1001, "voice_id": "uk_man2"}, "at most 1000"),
    ("/v1/images/generations", {"prompt": "a", "n": 10}, "between 1 and 9"),
    ("/v1/images/generations", {"prompt": "a", "resolution": "4k"}, "resolution must be one of"),
    (
        "/v1/images/generations",
        {"prompt": "a", "image": image(), "negative_prompt": "b"},
        "not supported with image",
    ),
    ("/v1/images/generations", {"prompt": "a", "image_reference": "face"}, "needs an image"),
    ("/v1/images/generations", {"prompt": "a", "image_fidelity": 0.5}, "needs an image"),
    ("/v1/images/generations", {"prompt": "a", "element_list": [{"element_id": 1000001}]}, "element_list"),
    (
        "/v1/images/generations",
        {"prompt": "a", "model_name": "kling-v1-5", "image": image()},
        "image_reference is required",
    ),
    ("/v1/videos/effects", {"effect_scene": "hug_pro", "input": {"images": [image()]}}, "2 to 2 entries"),
    (
        "/v1/videos/effects",
        {"effect_scene": "swing_swing", "input": {"image": image(), "duration": "7"}},
        "5 or 10",
    ),
    ("/v1/images/omni-image", {"prompt": "a", "result_type": "series"}, "result_type series"),
    ("/v1/images/multi-image2image", {"prompt": "a"}, "subject_image_list is required"),
    ("/v1/images/kolors-virtual-try-on", {"human_image": image()}, "cloth_image is required"),
    (
        "/v1/images/editing/expand",
        {"image": image()} | {f"{side}_expansion_ratio": 1 for side in ("up", "down", "left", "right")},
        "3 times as large",
    ),
    ("/v1/general/custom-voices", {"voice_name": "Ada"}, "voice_url and video_id"),
    ("/v1/general/delete-voices", {"voice_id": "uk_man2"}, "no custom one"),
]


@pytest.mark.parametrize(("path", "body", "words"), REFUSED)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_documents_forbid_is_refused_with_the_reason(shared, path, body, words):
    before = len(shared.kling.tasks)
    answer = await shared.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert words in answer.json()["message"]
    assert len(shared.kling.tasks) == before


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (TEXT, text(model_name="kling-v9"), 404, 1203),
        ("/v1/images/generations", {"prompt": "a", "model_name": "kling-v9"}, 404, 1203),
        (TEXT, text(prompt="something Forbidden"), 400, 1301),
        (TEXT, [], 400, 1200),
        ("/v1/videos/nothing", {}, 404, 1202),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_other_refusals_have_their_own_codes(shared, path, body, status, code):
    answer = await shared.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_older_documents_list_is_ignored_with_a_warning(caller):
    answer = await caller.post(IMAGE, image_body(aspect_ratio="16:9"))
    assert answer.status_code == 200
    assert answer.headers["x-demo-warning"] == "aspect_ratio is ignored here"
    assert caller.kling.requests[-1].warnings == ["aspect_ratio is ignored here"]
    assert "x-demo-warning" not in (await caller.post(IMAGE, image_body())).headers


async def test_a_body_that_is_no_json_is_refused(caller):
    headers = {"Authorization": "Bearer demo-api-key", "Content-Type": "application/json"}
    answer = await caller.http.post(TEXT, content=b"{", headers=headers)
    assert answer.json()["code"] == 1200
    headers["Content-Type"] = "text/plain"
    assert (await caller.http.post(TEXT, content=b"{}", headers=headers)).json()["code"] == 1200


async def test_a_voice_or_element_that_the_prompt_does_not_name_is_taken_with_a_warning(caller):
    sound = {
        "model_name": "kling-v2-6",
        "mode": "pro",
        "sound": "on",
        "voice_list": [{"voice_id": "uk_man2"}],
    }
    lenient = caller.with_key("demo-lenient-key")
    answer = await lenient.post(IMAGE, image_body(**sound))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-demo-warning"] == "<<<voice_1>>> is not in the prompt, and has no effect"
    assert caller.kling.requests[-1].warnings
    named = await lenient.post(IMAGE, image_body(**sound, prompt="<<<voice_1>>> it says hello"))
    assert "x-demo-warning" not in named.headers
