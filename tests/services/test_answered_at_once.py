"""What is answered at once: charged with its results in one transaction, never looked at, never sent again by itself."""

import asyncio
from typing import Any

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import FailureKind, Task, TaskState
from bot.domain.types import HOUR
from bot.services.ports import Job
from tests.builders import ADA, an_image, stored
from tests.operations import a_request_for
from tests.world.services import BACK, CHARGED, HELD, ServiceWorld, lost, refusal, says

URL = "https://cdn.example/{}.png"
PHOTO = an_image()
REQUEST: GenerationRequest = a_request_for(Operation.CUTOUT, references=(PHOTO.ref,))


def recognised(*found: str):
    """Kling's answer where these parts are in the picture."""
    parts = ("object_seg", "head_seg", "face_seg", "cloth_seg")
    rows = [
        {"type": part, "is_contain": part in found, "url": URL.format(part) if part in found else ""}
        for part in parts
    ]
    return says({"task_result": {"images": rows}, "final_unit_deduction": "0.1"})


async def a_cutout(world: ServiceWorld, **changes) -> Task:
    request = REQUEST.model_copy(update=changes)
    return await stored(world.store, images=[PHOTO], request=request)


async def asked_later(world: ServiceWorld) -> list[Any]:
    """What is asked about the task in a day."""
    for job in (Job.RECOVER, Job.POLL, Job.DISPATCH) * 2:
        await world.run(job, HOUR)
    return world.to_kling.of("query")


async def test_the_answer_ends_it_with_its_charge_and_its_results(bare):
    await bare.open()
    bare.to_kling.answer("submit", recognised("object_seg", "head_seg", "face_seg"))
    task = await a_cutout(bare)
    await bare.run(Job.DISPATCH)
    after = await bare.now(task)
    assert (after.state, after.provider_task_id, after.real_cost) == (TaskState.SUCCEEDED, None, "0.1")
    assert await bare.money() == CHARGED
    assert await bare.waiting(task) == ["image"] * 3
    assert await asked_later(bare) == []


async def test_only_the_part_that_was_asked_for_is_to_be_sent(bare):
    await bare.open()
    bare.to_kling.answer("submit", recognised("object_seg", "head_seg", "face_seg"))
    task = await a_cutout(bare, part="head")
    await bare.run(Job.DISPATCH)
    (delivery,) = await bare.store.outbox.list_of(task.id)
    assert delivery.video is not None
    assert (delivery.video.id, delivery.video.url) == ("head", URL.format("head_seg"))


async def test_where_nothing_was_found_it_is_refunded_and_no_fault_of_the_provider(bare):
    await bare.open()
    bare.to_kling.answer("submit", recognised())
    task = await a_cutout(bare)
    await bare.run(Job.DISPATCH)
    after = await bare.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.NOTHING_FOUND)
    assert await bare.money() == BACK
    assert await bare.waiting(task) == ["notice"]
    assert bare.alerts == []


async def test_an_answer_that_was_lost_is_refunded_and_nothing_is_sent_again(bare):
    await bare.open()
    bare.to_kling.answer("submit", lost())
    task = await a_cutout(bare)
    await bare.run(Job.DISPATCH)
    assert await bare.state(task) is TaskState.UNCONFIRMED
    await bare.run(Job.RECOVER)
    after = await bare.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert (await bare.money(), len(bare.to_kling.of("submit"))) == (BACK, 1)
    assert await asked_later(bare) == []
    assert len(bare.to_kling.of("submit")) == 1


async def test_after_a_crash_before_the_answer_was_written_it_is_refunded(bare):
    await bare.open()
    task = await a_cutout(bare)
    arrived = bare.to_kling.hold(lambda scope: scope["method"] == "POST", inside=True)
    await bare.begin(Job.DISPATCH)
    await asyncio.wait_for(arrived.wait(), 5)
    await bare.cut_off()
    await bare.restart()
    await bare.run(Job.RECOVER)
    after = await bare.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNKNOWN_OUTCOME)
    assert await bare.money() == BACK
    assert await asked_later(bare) == []


async def test_where_a_key_makes_it_safe_it_is_repeated_and_the_answer_still_ends_it(bare):
    await bare.open(provider="idempotency_key = true")
    bare.to_kling.answer("submit", lost(), recognised("object_seg"))
    task = await a_cutout(bare)
    await bare.run(Job.DISPATCH)
    await bare.run(Job.RECOVER)
    assert await bare.state(task) is TaskState.SUCCEEDED
    assert await bare.money() == CHARGED
    assert await bare.waiting(task) == ["image"]


async def test_its_owner_who_is_asked_may_send_it_again(bare):
    await bare.open(provider='lost_answers = "ask"')
    bare.to_kling.answer("submit", lost(), recognised("object_seg"))
    task = await a_cutout(bare)
    await bare.run(Job.DISPATCH)
    await bare.run(Job.RECOVER)
    assert (await bare.now(task)).is_in_doubt
    assert await bare.money() == HELD
    await bare.services.tasks.send_anew(ADA, task.id)
    await bare.run(Job.DISPATCH)
    assert await bare.state(task) is TaskState.SUCCEEDED
    assert (await bare.money(), len(bare.to_kling.of("submit"))) == (CHARGED, 2)


async def test_a_full_queue_at_the_provider_is_waited_for_as_with_any_other(bare):
    await bare.open()
    bare.to_kling.answer("submit", refusal(429, 1303), recognised("object_seg"))
    task = await a_cutout(bare)
    await bare.run(Job.DISPATCH)
    assert await bare.state(task) is TaskState.QUEUED
    await bare.run(Job.DISPATCH, 61_000)
    assert await bare.state(task) is TaskState.SUCCEEDED
    assert await bare.money() == CHARGED
