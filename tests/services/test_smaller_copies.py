"""Videos that are too large: a smaller copy comes with the address of the video itself, or the address alone."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.requests.operations import Product
from bot.domain.tasks.task import Delivery, DeliveryState, Task
from bot.media.copies import CopyWorker
from bot.media.fitting import NoCopy
from bot.services.ports import Job
from bot.services.tasks.copies import COPY_TRIES, Copies
from tests.builders import a_delivery, a_request
from tests.services.test_deliver import BROUGHT, a_finished_task, ready, run_until_it_ends, sent
from tests.services.test_refused_results import LINK, VIDEO, refused, results
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.kling import a_film
from tests.world.media import a_noisy_film
from tests.world.services import ServiceWorld
from tests.world.telegram import ADA

pytestmark = TELLS_OF_TIMEDELTA

LIMIT = 1_000_000
LARGE = a_noisy_film()
SHORT = a_request(duration=2)
"""What such a film was ordered by."""
TOO_LARGE = "Request Entity Too Large"


@pytest.fixture
async def strict(bare) -> ServiceWorld:
    """A bot whose chat takes a megabyte, and results of three."""
    assert len(LARGE) > 2 * LIMIT
    await bare.open(delivery="max_upload_mb = 1")
    await ready(bare)
    makes(bare, LARGE)
    return bare


def makes(world: ServiceWorld, *films: bytes) -> None:
    """Let each result be one of these films, by its number."""

    async def film(request: Request) -> Response:
        number = int(request.url.path.rpartition("/")[2])
        return Response(films[min(number, len(films) - 1)], media_type="video/mp4")

    world.to_kling.always("file", film)


async def row(world: ServiceWorld, task: Task) -> Delivery:
    (found,) = await world.store.outbox.list_of(task.id)
    return found


def buttons(message: dict) -> list[dict]:
    return [button for line in message["reply_markup"]["inline_keyboard"] for button in line]


async def test_a_video_that_is_too_large_comes_as_a_smaller_copy_with_its_address(strict):
    task = await a_finished_task(strict, request=SHORT)
    await run_until_it_ends(strict, task)
    assert sent(strict) == BROUGHT
    (video,) = [message for message in strict.telegram.replies(ADA) if VIDEO in message]
    assert "This is a smaller copy. The original, " in video["caption"]
    address = f"{strict.kling_url}/files/0"
    assert [each["url"] for each in video["caption_entities"] if each["type"] == "text_link"] == [address]
    assert [button["url"] for button in buttons(video) if "url" in button] == [address]
    assert len(buttons(video)) > 4
    (call,) = strict.to_telegram.of("editMessageMedia")
    shown = call["media"]
    assert (shown["width"], shown["height"], shown["duration"]) == (320, 180, 2)
    assert shown["supports_streaming"] is True
    parts = {
        part["name"]: part["size"] for part in call.values() if isinstance(part, dict) and "size" in part
    }
    assert max(parts.values()) <= LIMIT
    assert any(name.endswith(".jpg") for name in parts)
    kept = await row(strict, task)
    assert (kept.state, bool(kept.file_id), kept.copies_left) == (DeliveryState.DELIVERED, True, None)
    assert kept.copy_of == len(LARGE)
    assert kept.size_bytes == max(parts.values())
    assert list((strict.directory / "work").iterdir()) == []
    assert await strict.refunds(task) == []
    assert (await strict.now(task)).status_message_id is None
    known = await strict.services.results.of_file([video["video"]["file_unique_id"]], ADA)
    assert known is not None
    assert known.task.id == task.id


async def test_a_copy_of_what_telegram_refuses_has_less_than_half_of_it(bare):
    await bare.open()
    await ready(bare)
    makes(bare, LARGE)
    bare.to_telegram.answer("editMessageMedia", refused(TOO_LARGE))
    task = await a_finished_task(bare, request=SHORT)
    await run_until_it_ends(bare, task)
    assert results(bare, ADA) == [VIDEO]
    kept = await row(bare, task)
    assert kept.copy_of == len(LARGE)
    assert kept.size_bytes is not None
    assert kept.size_bytes <= len(LARGE) / 2
    assert sent(bare) == ["sendMessage", "editMessageMedia", "editMessageMedia"]


async def test_where_telegram_refuses_the_copy_as_well_the_address_comes_alone(strict):
    strict.to_telegram.always("editMessageMedia", refused(TOO_LARGE))
    task = await a_finished_task(strict, request=SHORT)
    await run_until_it_ends(strict, task)
    assert results(strict, ADA) == [LINK]
    (message,) = [reply for reply in strict.telegram.replies(ADA) if "too large" in reply.get("text", "")]
    assert "smaller copy" not in message["text"]
    assert (await row(strict, task)).copy_of is None
    assert list((strict.directory / "work").iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"\x00\x00\x00\x20ftypisom" + bytes(1_100_000), LARGE[:1_500_000], LARGE.replace(b"avc1", b"wxyz")],
    ids=["nothing", "truncated", "codec"],
)
async def test_of_what_is_no_film_the_address_comes_alone(strict, content):
    makes(strict, content)
    task = await a_finished_task(strict, request=SHORT)
    await run_until_it_ends(strict, task)
    assert results(strict, ADA) == [LINK]
    assert (await row(strict, task)).state is DeliveryState.DELIVERED
    assert await strict.refunds(task) == []


async def test_of_what_is_larger_than_the_settings_say_no_copy_is_made(bare):
    await bare.open(delivery="max_upload_mb = 1\ncopy_source_mb = 2")
    await ready(bare)
    makes(bare, LARGE)
    await a_finished_task(bare, request=SHORT)
    await bare.run(Job.DELIVER)
    assert results(bare, ADA) == [LINK]
    # Its size was enough to know: it was not fetched whole.
    assert bare.to_kling.paths == ["/files/0"]


async def test_others_arrive_while_a_copy_is_made_and_the_next_one_waits_its_turn(strict):
    large = [await a_finished_task(strict, request=SHORT) for _ in range(2)]
    await strict.run(Job.DELIVER)
    asked, released = asyncio.Event(), asyncio.Event()

    async def film(request: Request) -> Response:
        asked.set()
        await released.wait()
        return Response(LARGE, media_type="video/mp4")

    strict.to_kling.always("file", film)
    await strict.begin(Job.DELIVER)
    await asked.wait()
    strict.to_kling.always("file", Response(a_film(), media_type="video/mp4"))
    small = await a_finished_task(strict, request=SHORT)
    await strict.begin(Job.DELIVER)
    while (await row(strict, small)).state is not DeliveryState.DELIVERED:
        await asyncio.sleep(0)
    waiting = [await row(strict, task) for task in large]
    assert sorted((str(each.state), each.copies_left) for each in waiting) == [
        ("pending", COPY_TRIES),
        ("sending", COPY_TRIES - 1),
    ]
    makes(strict, LARGE)
    released.set()
    for task in large:
        await run_until_it_ends(strict, task)
    assert results(strict, ADA) == [VIDEO] * 3
    assert [(await row(strict, task)).copy_of for task in large] == [len(LARGE)] * 2
    assert sorted(sent(strict)) == ["editMessageMedia"] * 3 + ["sendMessage"] * 3


async def test_what_ends_the_bot_each_time_is_offered_by_its_address_at_last(strict):
    """It is counted before it is begun, so that also one counts that the process did not survive."""
    task = await a_finished_task(strict, request=SHORT)
    await strict.run(Job.DELIVER)
    assert (await row(strict, task)).copies_left == COPY_TRIES
    for left in reversed(range(COPY_TRIES)):
        await strict.begin(Job.DELIVER)
        await strict.cut_off()
        assert (await row(strict, task)).copies_left == left
        await strict.store.outbox.release(strict.clock.now())
    await run_until_it_ends(strict, task)
    assert results(strict, ADA) == [LINK]
    assert len([name for name in sent(strict) if name == "sendMessage"]) == 1
    assert list((strict.directory / "work").iterdir()) == []


async def test_what_is_made_of_a_copy_is_made_of_the_video_itself(strict):
    makes(strict, a_film(3840, 2160) + bytes(LIMIT))
    task = await a_finished_task(strict, request=SHORT)
    await run_until_it_ends(strict, task)
    (call,) = strict.to_telegram.of("editMessageMedia")
    assert call["media"]["width"] == 1920
    image = await strict.services.results.image(await row(strict, task))
    assert Image.open(io.BytesIO(image)).size == (3840, 2160)
    source = await strict.services.results.source(ADA, task)
    assert source.url == f"{strict.kling_url}/files/0"
    # Where the provider has it no more, the copy is better than nothing.
    strict.to_kling.always("file", Response("gone", 404))
    image = await strict.services.results.image(await row(strict, task))
    assert Image.open(io.BytesIO(image)).size == (1920, 1080)


async def test_a_copy_that_is_shown_again_says_so_again_and_the_original_is_an_address(strict):
    task = await a_finished_task(strict, request=SHORT)
    await run_until_it_ends(strict, task)
    await strict.services.results.show(task, task.origin)
    copies = [message for message in strict.telegram.replies(ADA) if VIDEO in message]
    assert ["This is a smaller copy" in message["caption"] for message in copies] == [True, True]
    await strict.services.results.original(await row(strict, task), task.origin)
    assert sorted(results(strict, ADA)) == [LINK, VIDEO, VIDEO]


async def test_where_the_disk_is_nearly_full_nothing_is_fetched_and_there_is_no_copy(tmp_path):
    fetched = []

    async def fetch(url: str, target: Path, kind: Product) -> None:
        fetched.append(url)

    copies = Copies(
        fetch=fetch,
        worker=CopyWorker(seconds=1),
        directory=tmp_path,
        max_bytes=LIMIT,
        max_source=5 * LIMIT,
        free=lambda _: 205 * LIMIT,
    )
    with pytest.raises(NoCopy, match="disk"):
        async with copies.open(a_delivery(size_bytes=4 * LIMIT + 1)):
            pass
    assert fetched == []
    assert list(tmp_path.iterdir()) == []


async def test_of_an_album_only_what_is_too_large_is_a_copy(strict):
    makes(strict, a_film(), LARGE)
    task = await a_finished_task(strict, 2, request=a_request(count=2, duration=2))
    await run_until_it_ends(strict, task)
    assert results(strict, ADA) == [VIDEO, VIDEO]
    kept = await strict.store.outbox.list_of(task.id)
    assert [each.copy_of for each in kept] == [None, len(LARGE)]
    assert len(sent(strict)) == 4


async def test_a_long_prompt_leaves_the_caption_of_a_copy_within_its_limit(strict):
    task = await a_finished_task(strict, request=a_request(prompt="a fox & a <hare> " * 140, duration=2))
    await run_until_it_ends(strict, task)
    (video,) = [message for message in strict.telegram.replies(ADA) if VIDEO in message]
    assert "smaller copy" in video["caption"]
    assert 900 < len(video["caption"]) <= 1024
