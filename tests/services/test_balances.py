"""What an account has units for: learned from refusals, told by the account, kept over restarts, the same everywhere."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.cli.availability import describe
from bot.domain.requests.operations import Pack
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.availability import Availability, State
from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, Millis, UserId
from bot.errors import UserError
from bot.i18n import for_language
from bot.kling.health import KEY_PAUSE
from bot.services.operations.balances import EVERY, WHILE_EMPTY
from bot.services.ports import Job
from handlers.chat.availability import availability_line
from handlers.chat.html import strip_tags
from handlers.guide import catalog_views
from tests.builders import NOW, a_request, stored
from tests.unit.handlers.screens import LOCAL_NOW
from tests.world.services import A, ServiceWorld, accepting, refusal, says

EMPTY = refusal(429, 1102, "Account balance not enough")
NOT_ENABLED = refusal(403, 1103, "Unauthorized access to requested resource")
NO_MODEL = refusal(404, 1203, "The requested resource does not exist, such as the model")
BAD_KEY = refusal(401, 1002, "Authorization is invalid")
ARREARS = refusal(429, 1101, "Account in arrears")
VIDEO, IMAGE = a_request(), a_request(operation="image", model="kling-v2-1", duration=0)


def a_pack(
    name: str = "Video Generation - 10,000 entries", left: float = 100, status: str = "online", **times: int
) -> dict[str, Any]:
    """A pack as `/account/costs` tells of it; times in milliseconds from now."""
    moments = {"effective_time": -DAY, "invalid_time": 30 * DAY} | times
    told = {name: NOW + at for name, at in moments.items()}
    return {"resource_pack_name": name, "remaining_quantity": left, "status": status, **told}


@pytest.fixture
async def world(bare) -> ServiceWorld:
    """The bot with one provider, whose account tells of no packs."""
    tells(bare)
    await bare.open()
    return bare


def tells(world: ServiceWorld, *packs: dict[str, Any]) -> None:
    """The account tells of these packs from now on."""
    world.to_kling.always("query", says({"code": 0, "resource_pack_subscribe_infos": list(packs)}))


def refusing(world: ServiceWorld, answer: Response, model: str) -> None:
    """Refuse every submission of a model in this way, and take the others."""
    accept = accepting()

    async def answers(request: Request) -> Response:
        body = json.loads(await request.body())
        return answer if body["model_name"] == model else await accept(request)

    world.to_kling.always("submit", answers)


async def sent(world: ServiceWorld, request: GenerationRequest, user: int = 1001) -> TaskState:
    """What becomes of a request at once."""
    deadline = Millis(world.clock.now() + HOUR)
    task = await stored(world.store, user_id=UserId(user), request=request, deadline_at=deadline)
    await world.run(Job.DISPATCH)
    return await world.state(task)


def refused(world: ServiceWorld, request: GenerationRequest) -> str | None:
    """Why a request is refused before anything is held; None: it is not."""
    try:
        world.services.compose.check(request)
    except UserError as error:
        return error.key
    return None


def availability(world: ServiceWorld, pack: Pack = Pack.IMAGE, model: str = "kling-v2-1") -> Availability:
    (group,) = world.services.compose.availabilities()
    return next(each for each in group if (each.pack, each.model) == (pack, model))


async def ask(world: ServiceWorld) -> None:
    """An admin asks for the account."""
    world.clock.advance(2 * SECOND)
    await world.services.providers.report(A, ask=True)


# -- 1102 --------------------------------------------------------------------------------------------


async def test_an_empty_pack_is_known_after_a_restart_tried_after_its_pause_and_forgotten_by_success(world):
    refusing(world, EMPTY, "kling-v2-1")
    assert await sent(world, IMAGE) is TaskState.FAILED
    await world.restart()
    assert availability(world).state is State.EMPTY
    assert (refused(world, IMAGE), refused(world, VIDEO)) == ("error.request.all_out", None)
    assert len(world.alerts) == 1
    world.clock.advance(KEY_PAUSE)
    assert refused(world, IMAGE) is None
    # Refused again: for twice as long, and the admins know already.
    assert await sent(world, IMAGE) is TaskState.FAILED
    await world.restart()
    world.clock.advance(2 * KEY_PAUSE - 1)
    assert availability(world).until == world.clock.now() + 1
    assert len(world.alerts) == 1
    world.clock.advance(1)
    world.to_kling.always("submit", accepting())
    assert await sent(world, IMAGE, user=1002) is TaskState.IN_PROGRESS
    await world.restart()
    assert availability(world).is_usable
    assert world.rows("SELECT * FROM learned") == []


async def test_it_closes_its_product_and_all_models_of_it(world):
    refusing(world, EMPTY, "kling-v2-1")
    await sent(world, IMAGE)
    (group,) = world.services.compose.availabilities()
    assert {each.pack for each in group if each.state is State.EMPTY} == {Pack.IMAGE}
    assert all(each.state is State.EMPTY for each in group if each.pack is Pack.IMAGE)


# -- what the account tells -----------------------------------------------------------------------------


async def test_units_that_the_account_tells_of_open_the_pack_once_as_they_may_be_half_a_day_old(world):
    refusing(world, EMPTY, "kling-v2-1")
    await sent(world, IMAGE)
    tells(world, a_pack("Image Generation"))
    await ask(world)
    assert refused(world, IMAGE) is None
    assert await sent(world, IMAGE) is TaskState.FAILED
    await ask(world)
    assert refused(world, IMAGE) == "error.request.all_out"
    # Another number is another answer.
    tells(world, a_pack("Image Generation", 900))
    await ask(world)
    world.to_kling.always("submit", accepting())
    assert await sent(world, IMAGE, user=1002) is TaskState.IN_PROGRESS
    assert availability(world).is_usable


async def test_units_of_another_product_open_nothing(world):
    refusing(world, EMPTY, "kling-v2-1")
    await sent(world, IMAGE)
    tells(world, a_pack(), a_pack("Try-On"))
    await ask(world)
    assert refused(world, IMAGE) == "error.request.all_out"


@pytest.mark.parametrize(
    ("packs", "has_expired"),
    [
        ([a_pack("Image", 0, "runOut")], False),
        ([a_pack("Image", 0)], False),
        ([a_pack("图片生成", 5, "expired", invalid_time=-HOUR)], True),
        ([a_pack("Image", 5, invalid_time=-1)], True),
        ([a_pack("Image", 0, "runOut"), a_pack("Image", 5, "expired", invalid_time=-1)], False),
        ([a_pack("Image", 5, "toBeOnline", effective_time=HOUR)], False),
    ],
)
async def test_packs_that_are_used_up_or_over_are_told_and_close_nothing_by_themselves(
    world, packs, has_expired
):
    """The account may pay with money: the next request shows it, and is the only one that is risked."""
    tells(world, *packs, a_pack())
    await ask(world)
    told = availability(world)
    assert (told.state, told.until, told.units.has_expired) == (State.EMPTY, None, has_expired)
    assert availability(world, Pack.VIDEO, "kling-v2-6").units.left == 100
    assert (refused(world, IMAGE), refused(world, VIDEO)) == (None, None)
    world.to_kling.always("submit", accepting())
    assert await sent(world, IMAGE) is TaskState.IN_PROGRESS
    await ask(world)
    assert availability(world).is_usable


async def test_a_pack_whose_name_says_nothing_may_be_for_anything(world):
    tells(world, a_pack("Image", 0, "runOut"), a_pack("Trial-5Con"))
    await ask(world)
    assert availability(world).is_usable


async def test_sounds_live_on_the_units_for_videos_unless_a_pack_is_theirs(world):
    tells(world, a_pack(left=7))
    await ask(world)
    assert availability(world, Pack.AUDIO, "text-to-audio").units.left == 7
    tells(world, a_pack(left=7), a_pack("Audio", 3))
    await ask(world)
    assert availability(world, Pack.AUDIO, "text-to-audio").units.left == 3


async def test_whoever_has_units_goes_first(bare):
    await bare.open(second=True, second_more="cost = 9")
    tells(bare, a_pack(left=0, status="runOut"))
    bare.to_second.always("query", says({"code": 0, "resource_pack_subscribe_infos": [a_pack()]}))
    for front in (bare.to_kling, bare.to_second):
        front.always("submit", accepting())
    await bare.services.providers.reports()
    await sent(bare, VIDEO)
    assert (len(bare.to_kling.of("submit")), len(bare.to_second.of("submit"))) == (0, 1)


# -- how often it is asked ------------------------------------------------------------------------------


async def test_an_account_is_asked_each_hour_and_more_often_while_a_pack_is_empty(world):
    def asked() -> int:
        return len(world.to_kling.of("query"))

    for _ in range(3):
        await world.run(Job.ROUNDS)
    assert asked() == 1
    await world.run(Job.ROUNDS, EVERY)
    assert asked() == 2
    refusing(world, EMPTY, "kling-v2-1")
    await sent(world, IMAGE)
    await world.run(Job.ROUNDS, WHILE_EMPTY - 1)
    assert asked() == 2
    tells(world, a_pack("Image"))
    await world.run(Job.ROUNDS, 1)
    assert (asked(), refused(world, IMAGE)) == (3, None)


async def test_an_account_that_does_not_answer_is_asked_later_and_nothing_is_closed_for_it(world):
    world.to_kling.always("query", refusal(429, 1302, "You have reached the rate limit"))
    for _ in range(5):
        await world.run(Job.ROUNDS, MINUTE)
    assert len(world.to_kling.of("query")) == 1
    assert refused(world, VIDEO) is None
    assert world.alerts == []


# -- the same everywhere ---------------------------------------------------------------------------------


FAULTS = [
    (EMPTY, State.EMPTY),
    (NOT_ENABLED, State.NOT_ENABLED),
    (NO_MODEL, State.MISSING),
    (BAD_KEY, State.KEY),
    (ARREARS, State.ARREARS),
]


@pytest.mark.parametrize(("answer", "state"), FAULTS)
@pytest.mark.parametrize("language", ["en", "zh_Hans"])
async def test_chats_cards_admins_and_the_shell_say_the_same_of_every_model(world, answer, state, language):
    t = for_language(language)
    refusing(world, answer, "kling-v2-6")
    await sent(world, VIDEO)
    compose = world.services.compose
    (group,) = compose.availabilities()
    report = await world.services.providers.report(A, ask=False)
    assert report.availabilities == group
    of_card = compose.availability(VIDEO)
    assert of_card == availability(world, Pack.VIDEO, "kling-v2-6")
    assert of_card.state is state
    line = availability_line(t, of_card, LOCAL_NOW)
    views = catalog_views.models(t, compose.availabilities(), "kling-v2-6", LOCAL_NOW)
    assert line in "\n".join(strip_tags(view.html) for view in views)
    for each in group:
        # What the pool offers, refuses and sends agrees with what is told.
        closed = each.until is not None
        if each.pack is Pack.VIDEO and each.model == "kling-v2-6":
            assert (refused(world, VIDEO) is not None) is closed
        said = describe(each, "official")
        assert (f"{each.most} at a time" in said) is each.is_usable
        assert bool(availability_line(t, each, LOCAL_NOW)) is not each.is_usable
