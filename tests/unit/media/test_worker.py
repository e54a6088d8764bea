"""The process that decodes images: what it takes in memory, and what becomes of it when an image kills it."""

import asyncio
import io
import os
import signal
import sys
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from bot.errors import UserError
from bot.media.images import prepare
from bot.media.worker import ImageWorker
from tests.world.memory import memory

pillow_heif.register_heif_opener()

EXTRA_MEGABYTES = 150
"""What any accepted image may take, the process included."""


@pytest.fixture
async def worker(tmp_path):
    worker = ImageWorker(directory=tmp_path)
    yield worker
    await worker.close()


def saved(path: Path, image_format: str, megapixels: float, mode: str = "RGB", **options) -> Path:
    side = int((megapixels * 1_000_000) ** 0.5)
    Image.linear_gradient("L").resize((side, side)).convert(mode).save(path, image_format, **options)
    return path


def peak_megabytes(pid: int) -> float:
    return memory("VmHWM", pid) / 1_000_000


async def test_it_prepares_an_image_as_the_function_does(worker, tmp_path):
    source = saved(tmp_path / "image", "PNG", 1)
    assert await worker.prepare(source) == prepare(source.read_bytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image"]


async def test_a_close_up_is_prepared_as_well(worker, tmp_path):
    nearer = await worker.close_up(saved(tmp_path / "image", "JPEG", 1))
    assert (nearer.width, nearer.height) == (600, 600)


async def test_a_prepared_image_is_made_smaller_there_too(worker, tmp_path):
    smaller = await worker.reduce(saved(tmp_path / "image", "JPEG", 1), 800, 75)
    assert (smaller.width, smaller.height, smaller.media_type) == (800, 800, "image/jpeg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image"]


async def test_a_refusal_comes_back_with_its_parameters(worker, tmp_path):
    (tmp_path / "image").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"error\.image\.not_an_image"):
        await worker.prepare(tmp_path / "image")
    Image.new("RGB", (20, 20)).save(tmp_path / "image", "PNG")
    with pytest.raises(UserError) as refused:
        await worker.prepare(tmp_path / "image")
    assert refused.value.params == {"width": 20, "height": 20, "side": 300}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize(
    ("image_format", "megapixels", "mode", "options"),
    [
        ("JPEG", 63.9, "RGB", {}),
        ("JPEG", 16.5, "RGB", {"progressive": True, "subsampling": 0}),
        ("JPEG", 12, "RGB", {"progressive": True}),
        ("PNG", 21, "RGB", {}),
        ("PNG", 12.9, "RGBA", {}),
        ("PNG", 17, "P", {}),
        ("PNG", 21, "I;16", {}),
        ("WEBP", 5.2, "RGB", {}),
        ("WEBP", 5.2, "RGBA", {}),
        ("HEIF", 14, "RGB", {}),
        ("GIF", 17, "P", {}),
        ("BMP", 6, "RGB", {}),
    ],
)
async def test_the_largest_image_of_each_kind_that_is_taken_fits_into_the_bound(
    worker, tmp_path, image_format, megapixels, mode, options
):
    await worker.prepare(saved(tmp_path / "image", image_format, megapixels, mode, **options))
    assert peak_megabytes(worker.pid) <= EXTRA_MEGABYTES


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize(
    ("image_format", "megapixels", "mode"),
    [
        ("PNG", 64, "RGB"),
        ("PNG", 16, "RGBA"),
        ("WEBP", 16, "RGB"),
        ("WEBP", 40, "RGB"),
        ("HEIF", 20, "RGB"),
        ("GIF", 25, "P"),
    ],
)
async def test_a_larger_one_is_refused_before_it_is_decoded(worker, tmp_path, image_format, megapixels, mode):
    with pytest.raises(UserError, match=r"error\.image\.too_many_pixels"):
        await worker.prepare(saved(tmp_path / "image", image_format, megapixels, mode))
    assert peak_megabytes(worker.pid) <= EXTRA_MEGABYTES / 2


async def test_many_at_once_take_turns_in_one_process(worker, tmp_path):
    source = saved(tmp_path / "image", "PNG", 10)
    prepared = await asyncio.gather(*(worker.prepare(source) for _ in range(6)))
    assert len(set(prepared)) == 1
    if sys.platform == "linux":
        assert peak_megabytes(worker.pid) <= EXTRA_MEGABYTES


async def test_a_death_costs_one_image_and_the_next_gets_a_new_process(worker, tmp_path):
    source = saved(tmp_path / "image", "PNG", 1)
    await worker.prepare(source)
    first = worker.pid
    os.kill(first, signal.SIGSTOP)
    waiting = asyncio.ensure_future(worker.prepare(source))
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(UserError, match=r"error\.image\.damaged"):
        await waiting
    await worker.prepare(source)
    assert worker.pid != first


async def test_who_gives_up_waiting_leaves_no_answer_for_the_next(worker, tmp_path):
    source, other = saved(tmp_path / "image", "PNG", 1), saved(tmp_path / "other", "PNG", 2)
    await worker.prepare(source)
    os.kill(worker.pid, signal.SIGSTOP)
    waiting = asyncio.ensure_future(worker.prepare(source))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert (await worker.prepare(other)).width == 1414


async def test_it_ends_when_the_bot_does(tmp_path):
    worker = ImageWorker(directory=tmp_path)
    await worker.prepare(saved(tmp_path / "image", "PNG", 1))
    # As when the bot is killed: nobody holds the other end of its input.
    process = worker._process._process
    process.stdin.close()
    assert await process.wait() == 0


def test_an_image_as_bytes_is_taken_as_well():
    buffer = io.BytesIO()
    Image.new("RGB", (640, 480)).save(buffer, "PNG")
    assert prepare(buffer.getvalue()).width == 640
