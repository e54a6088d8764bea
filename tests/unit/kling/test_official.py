import pytest

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import lacking
from bot.kling.dialects.native import OFFICIAL
from bot.kling.wire import TaskRef
from tests.unit.kling.recorded import names

REF = TaskRef(Operation.IMAGE_TO_VIDEO, "kling-v2-6", "klingbot-K7Q29F-0123456789ab", "83 19/22")


def test_every_documented_business_code_has_a_sample():
    documented = {
        *range(1000, 1005),
        *range(1100, 1104),
        *range(1200, 1204),
        *range(1300, 1305),
        5000,
        5001,
        5002,
    }
    assert documented <= {
        int(name.split("_")[2])
        for name in names("official", "submitted_error")
        if name.split("_")[2].isdigit()
    }


def test_a_task_is_asked_for_by_its_id_and_by_ours_in_the_same_place():
    assert OFFICIAL.query(REF).path == "/v1/videos/image2video/83%2019%2F22"
    looked_up = OFFICIAL.look_up(REF)
    assert looked_up is not None
    assert looked_up.path == "/v1/videos/image2video/klingbot-K7Q29F-0123456789ab"


def test_many_tasks_are_asked_for_page_by_page():
    asked = OFFICIAL.query_many([REF] * 600)
    assert {question.path for question in asked} == {"/v1/videos/image2video"}
    assert [question.query for question in asked] == [
        {"pageNum": page, "pageSize": "500"} for page in ("1", "2", "3")
    ]
    assert OFFICIAL.query_many([]) == ()


def test_the_probe_asks_for_the_resource_packs():
    asked = OFFICIAL.probe(1_800_000_000_000)
    assert asked.path == "/account/costs"
    assert asked.query == {"start_time": "1768464000000", "end_time": "1800000000000"}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"seed": 7}, ("seed",)),
        ({"count": 2}, ()),
        ({"seed": 7, "count": 2}, ("seed",)),
        ({"mode": "4k", "sound": True, "cfg_scale": 0.5}, ()),
    ],
)
def test_what_the_api_has_no_field_for_is_named(changes, missing):
    request = GenerationRequest(operation="text2video", model="kling-v3", prompt="a fox", **changes)
    assert lacking(OFFICIAL.limits, request) == missing
