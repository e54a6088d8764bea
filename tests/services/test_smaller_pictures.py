"""What is too large for a proxy goes to the same provider with smaller pictures, as long as nothing was taken."""

import asyncio
import base64
import io
from functools import cache

import pytest
from PIL import Image, ImageChops
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.domain.requests.request import BrushStroke, ImageRef, MotionBrush, Point
from bot.domain.tasks.schedule import SUBMISSION_LEASE
from bot.domain.tasks.task import FailureKind, Task, TaskState
from bot.domain.types import DAY, SECOND, UserId
from bot.media.images import prepare
from bot.services.ports import Job
from bot.store import StoredAttachment
from tests.builders import a_request, an_image, stored
from tests.world.limited import limited
from tests.world.services import BACK, HELD, A, ServiceWorld, accepting, lost, refusal

TOO_LARGE = PlainTextResponse("<html>413 Request Entity Too Large</html>", 413)
SMALLER, NO_HELP = "alert.provider.smaller_pictures", "alert.provider.pictures_too_large"


@cache
def a_photo(width: int = 1500, height: int = 1000, shade: int = 255) -> StoredAttachment:
    """A photo with the noise of a dim evening, as it is kept; its JPEG is far larger than that of a drawing."""
    gradient = Image.linear_gradient("L").resize((width, height))
    noisy = ImageChops.add(Image.effect_noise((width, height), 40), gradient, 2).convert("RGB")
    buffer = io.BytesIO()
    ImageChops.multiply(noisy, Image.new("RGB", noisy.size, (shade, 255, 255))).save(buffer, "PNG")
    made = prepare(buffer.getvalue())
    ref = ImageRef(sha256=made.sha256, media_type=made.media_type, width=made.width, height=made.height)
    return StoredAttachment(ref, made.data)


def of_size(photo: StoredAttachment) -> int:
    """Bytes that a picture takes in a request."""
    return len(base64.b64encode(photo.content))


async def ask(world: ServiceWorld, photo: StoredAttachment, user: int = 2002) -> Task:
    """Let somebody ask for a video of a photo, and send it."""
    task = await stored(
        world.store,
        images=[photo],
        request=a_request(photo),
        user_id=UserId(user),
        created_at=world.clock.now(),
    )
    await world.run(Job.DISPATCH)
    return task


def sent(world: ServiceWorld) -> list[int]:
    """The bytes of the picture of each submission; 0 without one."""
    return [len(body.get("image", "")) for body in world.to_kling.of("submit")]


def sides(world: ServiceWorld) -> list[tuple[int, int]]:
    """The pixels of the picture of each submission."""
    bodies = world.to_kling.of("submit")
    return [Image.open(io.BytesIO(base64.b64decode(body["image"]))).size for body in bodies]


def at_most(limit: int):
    """Accept what has a body of at most so many bytes, and refuse the rest as a proxy does."""
    accept = accepting()

    async def answer(request: Request) -> Response:
        return await accept(request) if len(await request.body()) <= limit else TOO_LARGE

    return answer


@pytest.mark.parametrize(
    ("limit", "refusals", "longest"), [(900_000, 1, 1500), (600_000, 2, 1280), (300_000, 3, 800)]
)
async def test_a_proxy_with_a_limit_gets_the_largest_picture_that_fits_and_the_next_at_once(
    bare, limit, refusals, longest
):
    async with limited(bare.kling_url, limit) as (proxy, bare.kling_url):
        await bare.open()
        first = await ask(bare, a_photo())
        assert await bare.state(first) is TaskState.IN_PROGRESS
        *refused, fitted = proxy.bodies
        assert len(refused) == refusals
        assert refused == sorted(refused, reverse=True)
        assert min(refused) > limit >= fitted
        assert [max(size) for size in sides(bare)] == [longest]
        second = await ask(bare, a_photo(shade=200), 3003)
        assert await bare.state(second) is TaskState.IN_PROGRESS
        assert len(proxy.bodies) == refusals + 2
    assert len(bare.kling.tasks) == 2
    (told,) = bare.events("operators are told")
    assert (told["alert"], told["about_provider"]) == (SMALLER, A)
    assert told["about_size"] == round(of_size(a_photo()) / 1_000_000, 1)


async def test_what_is_surely_small_enough_goes_as_it_is(world):
    world.to_kling.always("submit", at_most(600_000))
    await ask(world, a_photo())
    small = a_photo(600, 400)
    await ask(world, small, 3003)
    assert sent(world)[-1] == of_size(small)


@pytest.mark.parametrize("shape", [(1500, 600), (600, 1500), (1501, 601), (320, 320), (800, 320)])
async def test_a_smaller_picture_stays_within_what_kling_takes(world, shape):
    world.to_kling.always("submit", TOO_LARGE)
    await ask(world, a_photo(*shape))
    assert len(sent(world)) > 1
    assert sent(world) == sorted(set(sent(world)), reverse=True)
    for size in sides(world):
        assert min(size) >= 300
        assert max(size) <= 2.5 * min(size)


async def test_where_no_size_helps_it_goes_to_the_next_provider_in_full(two):
    two.to_kling.always("submit", TOO_LARGE)
    two.to_second.always("submit", accepting())
    task = await ask(two, a_photo())
    await two.run(Job.DISPATCH)
    assert await two.state(task) is TaskState.IN_PROGRESS
    assert len(sent(two)) == 4
    assert [len(body["image"]) for body in two.to_second.of("submit")] == [of_size(a_photo())]
    assert two.alerts == [NO_HELP]
    # The next one costs one refusal, and not four.
    await ask(two, a_photo(), 3003)
    assert len(sent(two)) <= 5


async def test_without_another_provider_it_is_refunded(world):
    world.to_kling.always("submit", TOO_LARGE)
    image = a_photo()
    task = await stored(world.store, images=[image], request=a_request(image))
    await world.run(Job.DISPATCH)
    after = await world.now(task)
    assert (after.state, after.failure) == (TaskState.FAILED, FailureKind.UNAVAILABLE)
    assert await world.money() == BACK
    assert world.alerts == [NO_HELP]


@pytest.mark.parametrize(
    ("answer", "state"),
    [(lost(), TaskState.UNCONFIRMED), (refusal(400, 1301, "risk control"), TaskState.FAILED)],
    ids=["lost", "refused"],
)
async def test_after_any_other_answer_nothing_is_sent_again(world, answer, state):
    world.to_kling.always("submit", answer)
    world.to_kling.answer("submit", TOO_LARGE)
    task = await ask(world, a_photo())
    assert await world.state(task) is state
    assert len(sent(world)) == 2
    assert world.alerts == [SMALLER]


async def test_a_crash_in_between_is_settled_as_any_lost_submission(world):
    held: asyncio.Future[asyncio.Event] = asyncio.get_running_loop().create_future()

    async def refuse(_: Request) -> Response:
        held.set_result(world.to_kling.hold(lambda scope: scope["method"] == "POST", inside=True))
        return TOO_LARGE

    world.to_kling.answer("submit", refuse)
    image = a_photo()
    task = await stored(world.store, images=[image], request=a_request(image))
    await world.begin(Job.DISPATCH)
    await (await held).wait()
    await world.cut_off()
    await world.restart()
    await world.run(Job.RECOVER)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert len(world.kling.tasks) == 1
    assert await world.money() == HELD


async def test_what_is_repeated_by_its_key_is_small_at_once(bare):
    await bare.open(dialect="generic", key="sk-demo-generic", provider="idempotency_key = true")
    bare.to_kling.answer("submit", TOO_LARGE)
    bare.kling.behaviour.keeps_keys = True
    bare.kling.behaviour.lose_next = 1
    task = await ask(bare, a_photo())
    assert await bare.state(task) is TaskState.UNCONFIRMED
    await bare.run(Job.RECOVER)
    assert await bare.state(task) is TaskState.IN_PROGRESS
    assert len(bare.kling.tasks) == 1
    first, *others = sent(bare)
    assert first > others[0] == others[1]


async def test_no_attempt_begins_that_could_outlast_the_lease(world):
    async def slowly(_: Request) -> Response:
        world.clock.advance(SUBMISSION_LEASE - 10 * SECOND)
        return TOO_LARGE

    world.to_kling.always("submit", slowly)
    await ask(world, a_photo())
    assert len(sent(world)) == 1
    assert world.alerts == [NO_HELP]


async def test_after_a_day_the_limit_may_have_been_raised(world):
    world.to_kling.always("submit", at_most(300_000))
    await ask(world, a_photo())
    world.to_kling.always("submit", accepting())
    await ask(world, a_photo(), 3003)
    world.clock.advance(DAY)
    await ask(world, a_photo(), 4004)
    assert sent(world)[-1] == of_size(a_photo()) > 2 * sent(world)[-2]


async def test_a_limit_that_was_lowered_is_learned_anew(world):
    world.to_kling.always("submit", at_most(900_000))
    await ask(world, a_photo())
    world.to_kling.always("submit", at_most(300_000))
    await ask(world, a_photo(), 3003)
    before = len(sent(world))
    task = await ask(world, a_photo(), 4004)
    assert await world.state(task) is TaskState.IN_PROGRESS
    assert len(sent(world)) == before + 1


async def test_what_cannot_be_made_smaller_is_sent_once(world):
    world.to_kling.always("submit", TOO_LARGE)
    task = await ask(world, an_image())
    assert await world.state(task) is TaskState.FAILED
    await stored(world.store, user_id=UserId(3003))
    await world.run(Job.DISPATCH)
    assert len(sent(world)) == 2
    assert world.alerts == [NO_HELP, "alert.provider.too_large"]


async def test_a_brush_is_drawn_pixel_for_pixel_and_its_picture_stays_as_it_is(bare):
    await bare.open(models='["kling-v1"]')
    bare.to_kling.always("submit", TOO_LARGE)
    photo = a_photo()
    stroke = BrushStroke(mask=photo.ref, trajectory=(Point(x=0, y=0), Point(x=9, y=9)))
    request = a_request(photo, model="kling-v1", brush=MotionBrush(strokes=(stroke,)))
    await stored(bare.store, images=[photo], request=request)
    await bare.run(Job.DISPATCH)
    assert sent(bare) == [of_size(photo)]
