import httpx
import pytest

from bot.domain.requests import catalog as catalogs
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.types import HOUR, MINUTE, SECOND, Millis
from bot.kling import dialects, errors
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.pool import ProviderPool
from bot.kling.provider import Provider
from tests.clock import ManualClock
from tests.operations import SOURCE, a_request_for

REFUSED = errors.Unauthorized("the key is refused", code="1002")
BROKE = errors.OutOfBalance("nothing left", code="1102")
DOWN = errors.Unavailable("not reached")
LOST = errors.Ambiguous("the connection broke")


@pytest.fixture
def clock():
    return ManualClock(1_800_000_000_000)


@pytest.fixture
async def http():
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def paused() -> set[str]:
    """The providers that are paused."""
    return set()


@pytest.fixture
def pool_of(http, clock, paused):
    def build(**providers) -> ProviderPool:
        clients = [client(name, **settings) for name, settings in providers.items()]
        return ProviderPool(clients, clock, is_paused=paused.__contains__)

    def client(name, *, dialect="official", models=("kling-v2-6",), **settings) -> KlingClient:
        config = Provider(name=name, base_url="http://127.0.0.1:9", key="sk", models=models, **settings)
        catalog = catalogs.load(config.catalog.model_dump(), dialect=dialect)
        signer = Signer("bearer", "sk-1")
        return KlingClient(config, dialects.get(dialect), signer, http, clock, catalog=lambda: catalog)

    return build


def a_request(**changes) -> GenerationRequest:
    return GenerationRequest(
        **{"operation": "text2video", "model": "kling-v2-6", "prompt": "a fox"} | changes
    )


def lacking(pool, request) -> tuple[str, ...] | None:
    """What the nearest provider lacks of a request; None where nobody has its model."""
    nearest = pool.nearest(request)
    return None if nearest is None else nearest.lacks(request)


def names(pool, request=None, running=None, excluded=()) -> list[str]:
    request = request or a_request()
    counted = {(name, request.resource): number for name, number in (running or {}).items()}
    return [client.name for client in pool.candidates(request, counted, excluded)]


# -- capability and room -----------------------------------------------------------------------------


def test_the_greater_priority_goes_first(pool_of):
    assert names(pool_of(a={}, b={"priority": 9}, c={"priority": 5})) == ["b", "c", "a"]


def test_only_who_offers_the_model_and_can_express_the_request_takes_it(pool_of):
    pool = pool_of(other={"models": ("kling-v3",)}, official={}, gateway={"dialect": "generic"})
    assert names(pool) == ["official", "gateway"]
    assert names(pool, a_request(seed=7)) == ["gateway"]
    assert names(pool, a_request(mode="pro", sound=True)) == ["official", "gateway"]


def test_a_request_has_the_price_of_the_best_that_can_express_it_however_that_one_is(pool_of, paused):
    pool = pool_of(
        dear={"cost": 2.0},
        cheap={"cost": 0.5},
        gateway={"dialect": "generic", "priority": 9, "models": ("kling-v3",)},
    )
    assert [client.name for client in pool.with_model("kling-v2-6")] == ["cheap", "dear"]
    assert [client.name for client in pool.with_model("kling-v3")] == ["gateway"]
    assert pool.nearest(a_request()).name == "cheap"
    pool.record("cheap", REFUSED)
    paused.add("cheap")
    assert pool.nearest(a_request()).name == "cheap"
    assert pool.nearest(a_request(model="kling-v9")) is None


def test_what_uses_elements_of_an_account_goes_to_that_account_only(pool_of):
    pool = pool_of(a={}, b={}, gateway={"dialect": "generic"})
    assert names(pool, a_request(account="b")) == ["b"]
    assert not pool.can_ever(a_request(account="b"), ("b",))
    assert lacking(pool, a_request(account="b")) == ()
    assert lacking(pool, a_request(account="gateway", mode="4k")) == ("mode",)
    assert lacking(pool, a_request(account="gone")) == ("account",)


def test_a_paused_or_resting_provider_is_not_open(pool_of, paused):
    pool = pool_of(a={}, b={})
    paused.add("a")
    pool.record("b", REFUSED)
    assert not pool.is_open("a")
    assert not pool.is_open("b")
    paused.remove("a")
    assert pool.is_open("a")


def test_a_provider_whose_slots_are_taken_waits(pool_of):
    pool = pool_of(a={"max_concurrent": 2}, b={"max_concurrent": 1})
    assert names(pool, running={"a": 1, "b": 1}) == ["a"]
    assert names(pool, running={"a": 2, "b": 1}) == []
    assert pool.can_ever(a_request())


def test_who_is_excluded_is_not_asked(pool_of):
    pool = pool_of(a={}, b={})
    assert names(pool, excluded=("a",)) == ["b"]
    assert not pool.can_ever(a_request(), ("a", "b"))


def test_what_nobody_can_express_is_named(pool_of):
    pool = pool_of(official={}, gateway={"dialect": "generic"})
    assert lacking(pool, a_request()) == ()
    assert lacking(pool, a_request(seed=7, elements=(1,))) == ("elements",)
    assert lacking(pool, a_request(model="kling-v9")) is None


def test_a_request_goes_only_where_the_model_can_do_it_and_has_the_price_there(pool_of):
    """What a model can do depends on who serves it, and so does what it costs."""
    row = {"models": {"kling-v2-6": {"durations": [5, 8], "rate": {"std": 1}}}}
    pool = pool_of(official={"priority": 9}, cheap={"catalog": row})
    assert names(pool) == ["official", "cheap"]
    assert names(pool, a_request(duration=8)) == ["cheap"]
    assert names(pool, a_request(duration=10)) == ["official"]
    assert not pool.can_ever(a_request(duration=7))
    assert lacking(pool, a_request(duration=7)) == ("duration",)
    nearest = pool.nearest(a_request(duration=8))
    assert (nearest.name, nearest.catalog.price(a_request(duration=8))) == ("cheap", 8)


def test_a_model_can_do_what_the_dialect_of_its_provider_says(pool_of):
    models = ("kling-v1-6",)
    pool = pool_of(official={"models": models}, flat={"dialect": "flat", "models": models})
    assert names(pool, a_request(model="kling-v1-6", aspect_ratio="3:2")) == ["flat"]
    zoom = {"move": "simple", "axis": "zoom", "value": -5}
    moving = a_request_for("image2video", model="kling-v1-6", mode="pro", duration=10, camera=zoom)
    # Whoever has a field for it goes first; to the other it is said in the prompt.
    assert names(pool, moving) == ["flat", "official"]
    assert pool.nearest(moving).name == "flat"
    said = {client.name: client.camera_words(moving) for client in pool.clients()}
    assert said == {"official": "The camera zooms in.", "flat": ""}


def test_models_are_listed_once_in_order_of_preference(pool_of):
    pool = pool_of(a={"models": ("x", "y")}, b={"models": ("y", "z"), "priority": 2})
    assert pool.models() == ("y", "z", "x")


def test_a_provider_that_left_the_settings_is_not_found(pool_of):
    pool = pool_of(a={})
    assert pool.find("a") is pool.client("a")
    assert pool.find("gone") is None
    assert not pool.record("gone", REFUSED)


# -- health ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [REFUSED, BROKE])
def test_a_refused_key_rests_for_ten_minutes_and_is_told_once(pool_of, clock, fault):
    pool = pool_of(a={}, b={})
    assert pool.record("a", fault)
    assert not pool.record("a", fault)
    assert names(pool) == ["b"]
    clock.advance(10 * MINUTE - 1)
    assert names(pool) == ["b"]
    clock.advance(1)
    assert names(pool) == ["b", "a"]


def test_the_rest_of_a_refused_key_doubles_up_to_an_hour(pool_of, clock):
    pool = pool_of(a={})
    for minutes in (10, 20, 40, 60, 60):
        pool.record("a", REFUSED)
        clock.advance(minutes * MINUTE - 1)
        assert names(pool) == []
        clock.advance(1)
        assert names(pool) == ["a"]


def test_late_answers_to_earlier_questions_do_not_prolong_the_rest(pool_of, clock):
    pool = pool_of(a={})
    for _ in range(20):
        pool.record("a", REFUSED)
    clock.advance(10 * MINUTE)
    assert names(pool) == ["a"]


def test_after_a_rest_one_request_tries_and_the_others_wait_for_it(pool_of, clock):
    pool = pool_of(a={})
    pool.record("a", REFUSED)
    clock.advance(10 * MINUTE)
    assert names(pool) == ["a"]
    assert names(pool) == []
    pool.record("a", None)
    assert names(pool) == ["a"]
    assert names(pool) == ["a"]


def test_a_trial_that_is_never_noted_does_not_close_a_provider_for_good(pool_of, clock):
    pool = pool_of(a={})
    pool.record("a", REFUSED)
    clock.advance(10 * MINUTE)
    assert names(pool) == ["a"]
    clock.advance(MINUTE)
    assert names(pool) == ["a"]


def test_after_a_success_the_operators_hear_of_a_new_fault(pool_of):
    pool = pool_of(a={})
    assert pool.record("a", REFUSED)
    assert not pool.record("a", None)
    assert pool.record("a", BROKE)


@pytest.mark.parametrize("fault", [DOWN, LOST])
def test_five_times_out_of_reach_in_a_row_rests_for_half_a_minute(pool_of, clock, fault):
    pool = pool_of(a={})
    for _ in range(4):
        assert not pool.record("a", fault)
    assert names(pool) == ["a"]
    assert pool.record("a", fault)
    assert names(pool) == []
    clock.advance(30 * SECOND)
    assert names(pool) == ["a"]


def test_an_answer_in_between_begins_the_count_again(pool_of):
    pool = pool_of(a={})
    for outcome in [DOWN, DOWN, DOWN, DOWN, errors.Rejected("no", code="1301"), DOWN, DOWN]:
        pool.record("a", outcome)
    assert names(pool) == ["a"]


def test_a_busy_provider_is_asked_again_when_it_says(pool_of, clock):
    pool = pool_of(a={}, b={})
    assert not pool.record("a", errors.Throttled("slow down", code="1302", retry_after=Millis(7000)))
    assert names(pool) == ["b"]
    clock.advance(7000)
    assert names(pool) == ["a", "b"]


@pytest.mark.parametrize("outcome", [None, errors.Rejected("no"), errors.Ambiguous("lost"), DOWN])
def test_where_it_was_full_one_at_a_time_tries_whether_there_is_room(pool_of, clock, outcome):
    pool = pool_of(a={})
    pool.record("a", errors.Throttled("full", code="1303"), a_request().resource)
    assert names(pool) == []
    clock.advance(SECOND)
    assert names(pool) == ["a"]
    assert names(pool) == []
    pool.record("a", outcome, a_request().resource)
    assert names(pool) == ["a"]


def test_who_is_merely_busy_at_its_trial_is_well(pool_of, clock):
    pool = pool_of(a={})
    pool.record("a", REFUSED)
    clock.advance(10 * MINUTE)
    assert names(pool) == ["a"]
    pool.record("a", errors.Throttled("slow down", code="1303"))
    clock.advance(SECOND)
    assert [condition.half_open for condition in pool.conditions()] == [False]
    assert names(pool) == ["a"]


# -- the cheaper, the freer, the one that must do it -------------------------------------------------


def test_of_equals_the_cheaper_goes_first_and_of_those_the_freer(pool_of):
    pool = pool_of(dear={"cost": 2}, busy={}, free={}, first={"priority": 2, "cost": 9})
    assert names(pool, running={"busy": 3}) == ["first", "free", "busy", "dear"]


def test_what_is_done_with_a_video_goes_to_the_provider_that_made_it(pool_of):
    models = ("kling-v1-6",)
    pool = pool_of(other={"priority": 9, "models": models}, official={"models": models})
    assert names(pool, a_request_for("video-extend")) == ["official"]
    assert names(pool, a_request_for("lip-sync")) == ["official"]
    assert lacking(pool, a_request_for("video-extend", source=SOURCE | {"provider": "gone"})) == ("source",)


def test_what_needs_no_model_goes_to_whoever_offers_the_operation(pool_of):
    pool = pool_of(
        gateway={"dialect": "prefixed"},
        fork={"dialect": "prefixed", "operations": frozenset({Operation.EFFECT})},
        official={"models": ("kling-v3",)},
        flat={"dialect": "flat"},
    )
    assert names(pool, a_request_for("effects")) == ["fork", "official"]
    assert names(pool, a_request_for("image")) == ["official"]
    assert names(pool) == ["gateway", "flat"]


# -- what operators do and see -----------------------------------------------------------------------


def test_a_paused_provider_gets_nothing_new_until_it_is_resumed(pool_of, paused):
    pool = pool_of(a={}, b={})
    paused.add("a")
    assert names(pool) == ["b"]
    paused.remove("a")
    assert names(pool) == ["a", "b"]


def test_resuming_opens_a_provider_that_a_fault_had_closed(pool_of):
    pool = pool_of(a={})
    pool.record("a", REFUSED)
    assert names(pool) == []
    pool.reopen("a")
    assert names(pool) == ["a"]


def test_operators_see_what_closed_a_provider_until_it_answers_well(pool_of):
    pool = pool_of(a={}, b={}, c={})
    pool.record("a", REFUSED)
    pool.record("b", errors.Throttled("slow down"))
    assert [condition.closed_for for condition in pool.conditions()] == [
        errors.Unauthorized,
        errors.Throttled,
        None,
    ]
    pool.record("a", None)
    assert pool.conditions()[0].closed_for is None


def test_operators_see_how_the_last_hour_went(pool_of, clock):
    pool = pool_of(a={"max_concurrent": 7})
    pool.record("a", DOWN)
    clock.advance(HOUR + 1)
    for outcome in (None, None, errors.Rejected("no"), LOST):
        pool.record("a", outcome)
    (condition,) = pool.conditions()
    assert (condition.answered, condition.failed, condition.max_concurrent) == (3, 1, 7)
    assert not condition.paused
