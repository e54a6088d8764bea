"""The stand-in's money: packs per product, a row for every deduction, and questions about them as documented."""

import pytest

from bot.demo.kling.accounts import ACCOUNTS, Account
from tests.world.kling import NOW, image, open_kling, token

TEXT, IMAGES = "/v1/videos/text2video", "/v1/images/generations"
PACKAGE, BALANCE = "/account/billing/package", "/account/billing/balance"
AT = int(NOW * 1000)
TIMES = {"start_time": AT - 1000, "end_time": AT + 3_600_000}
POOR = Account("poor", "official", units={"video": 2.0, "image": 8.0, "try-on": 0.0})
PAYS = Account("pays", "official", cash=True)


@pytest.fixture
async def caller(tmp_path):
    async with open_kling(tmp_path, accounts=(*ACCOUNTS, POOR, PAYS)) as caller:
        yield caller


async def asked(caller, path=PACKAGE, **body):
    """The data of an answer about deductions, a second after the last."""
    caller.clock.now += 1
    answer = await caller.post(path, TIMES | body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def wish(**fields):
    return {"model_name": "kling-v2-6", "prompt": "a fox", **fields}


async def test_what_is_done_is_deducted_once_from_the_pack_of_its_product(caller):
    video = await caller.made(TEXT, wish(mode="pro", duration="10", sound="on"))
    await caller.made(IMAGES, {"model_name": "kling-v2-1", "prompt": "a fox", "n": 2})
    await caller.made(TEXT, wish(prompt="a fox [fail]"))
    data = await asked(caller)
    first, second = data["result"]["detail"]
    assert first == {
        "package_id": "video",
        "product_type": "video",
        "task_id": video["task_id"],
        "api_key_name": "demo",
        "product_function": "Text to Video",
        "model_name": "kling-v2-6",
        "resolution": "1080p",
        "duration": "10.00",
        "refer_video_input": False,
        "video_sound": "native",
        "voice_control": False,
        "deduction_time": str(AT),
        "unit_before_deduction": 100_000.0,
        "deduction_amount": 5.0,
        "unit_after_deduction": 99_995.0,
    }
    assert (second["product_type"], second["deduction_amount"]) == ("image", 16.0)
    assert (data["result"]["count"], data["has_more"], data["next_cursor"]) == (2, False, "")
    assert await asked(caller) == data
    assert (await asked(caller, BALANCE))["result"]["detail"] == []
    caller.clock.now += 1
    packs = (await caller.get("/account/costs", **TIMES)).json()["data"]["resource_pack_subscribe_infos"]
    assert [pack["remaining_quantity"] for pack in packs] == [99_995.0, 99_984.0, 10_000.0]


async def test_a_failed_task_costs_only_where_that_is_wished(caller):
    caller.kling.behaviour.charge_failures = True
    await caller.made(TEXT, wish(prompt="a fox [fail]"))
    (row,) = (await asked(caller))["result"]["detail"]
    assert row["deduction_amount"] == 1.5


async def test_a_pack_that_is_used_up_refuses_its_own_product_only(caller):
    poor = caller.with_key("poor")
    assert (await poor.post(TEXT, wish())).status_code == 200
    refused = await poor.post(TEXT, wish())
    assert (refused.status_code, refused.json()["code"]) == (429, 1102)
    assert (await poor.post(IMAGES, {"prompt": "a fox"})).status_code == 200
    assert (await poor.post(IMAGES, {"prompt": "a fox"})).json()["code"] == 1102


async def test_who_pays_with_money_has_rows_of_the_balance(caller):
    payer = caller.with_key("pays")
    made = await payer.made(TEXT, wish())
    task = (await payer.get(f"{TEXT}/{made['task_id']}")).json()["data"]
    assert task["final_unit_deduction"] == "0"
    assert task["final_balance_deduction"] == {"quota": "0.21", "list_price": "0.21"}
    (row,) = (await asked(payer, BALANCE))["result"]["detail"]
    assert (row["deduction_amount"], row["currency"], row["cash_type"]) == (0.21, "USD", "balance")
    assert (await asked(payer))["result"]["detail"] == []


async def test_pages_follow_one_another_by_cursor(caller):
    made = [await caller.made(TEXT, wish(prompt=f"fox {number}")) for number in range(5)]
    seen, cursor = [], ""
    while True:
        caller.clock.now += 1
        body = {"cursor": cursor} if cursor else TIMES | {"limit": 2}
        data = (await caller.post(PACKAGE, body)).json()["data"]
        seen += [row["task_id"] for row in data["result"]["detail"]]
        cursor = data["next_cursor"]
        assert bool(cursor) is data["has_more"]
        if not cursor:
            break
    assert seen == [each["task_id"] for each in made]


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        ([{"key": "product_type", "values": ["image"]}], 1),
        ([{"key": "product_type", "values": ["image", "video"]}], 2),
        ([{"key": "product_type", "values": ["image"]}, {"key": "api_key_name", "values": ["else"]}], 0),
        ([{"key": "package_id", "values": []}], 2),
    ],
)
async def test_filters_choose_rows(caller, filters, number):
    await caller.made(TEXT, wish())
    await caller.made(IMAGES, {"prompt": "a fox"})
    assert (await asked(caller, filters=filters))["result"]["count"] == number


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "start_time and end_time are required"),
        ({"start_time": AT}, "start_time and end_time are required"),
        ({"start_time": AT, "end_time": AT}, "must be earlier"),
        (TIMES | {"limit": 501}, "between 1 and 500"),
        (TIMES | {"size": 3}, "unknown field"),
        ({"cursor": "nonsense"}, "cursor is not one of ours"),
        (TIMES | {"filters": [{"key": "model", "values": []}]}, "must be one of"),
        (
            TIMES
            | {"filters": [{"key": "package_id", "values": ["a"]}, {"key": "package_name", "values": ["b"]}]},
            "exclude each other",
        ),
    ],
)
async def test_what_is_no_question_is_refused(caller, body, words):
    answer = await caller.post(PACKAGE, body)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert words in answer.json()["message"]


async def test_one_question_about_money_a_second_is_answered_and_only_with_a_key(caller):
    assert (await caller.post(PACKAGE, TIMES)).status_code == 200
    assert (await caller.post(BALANCE, TIMES)).json()["code"] == 1302
    assert (await caller.get("/account/costs", **TIMES)).json()["code"] == 1302
    signed = caller.with_key(token())
    assert (await signed.post(PACKAGE, TIMES)).json()["code"] == 1002


async def test_what_is_answered_at_once_is_charged_to_the_pack_of_videos(caller):
    spoken = await caller.post("/v1/audio/tts", {"text": "hello", "voice_id": "uk_man2"})
    assert spoken.status_code == 200, spoken.text
    (row,) = (await asked(caller))["result"]["detail"]
    assert (row["product_function"], row["deduction_amount"]) == ("Text to Speech", 0.05)
    assert row["task_id"] == spoken.json()["data"]["task_id"]


async def test_the_newer_standard_tells_of_units_and_of_money(caller):
    for key, bill in (
        ("demo-api-key", {"charge_type": "unit", "amount": "1.5", "package_type": "video"}),
        ("pays", {"charge_type": "cash", "amount": "0.21", "currency": "USD", "list_price": "0.21"}),
    ):
        holder = caller.with_key(key)
        made = await holder.made("/text-to-video/kling-3.0-turbo", {"prompt": "a fox"})
        (task,) = (await holder.get("/tasks", task_ids=made["id"])).json()["data"]
        assert task["billing"] == [bill]


async def test_an_image_is_charged_in_units_of_images(caller):
    made = await caller.made(IMAGES, {"prompt": "a fox", "image": image(), "n": 1})
    task = (await caller.get(f"{IMAGES}/{made['task_id']}")).json()["data"]
    assert task["final_unit_deduction"] == "8"
