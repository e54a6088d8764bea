"""Properties of the catalogue: what Kling has ended is offered nowhere at Kling, and all it did is done by others."""

from datetime import UTC, date, datetime

import httpx
import pytest

from bot.domain.requests import catalog
from bot.domain.requests.operations import VIDEO_MODEL_OPERATIONS, Operation
from bot.domain.requests.retirement import is_retired, offer, replacements, stand_in_for
from bot.domain.types import Millis, to_millis
from bot.kling import dialects
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.provider import Provider
from tests.clock import ManualClock
from tests.operations import a_request_for

CATALOG = catalog.load()
ENDED = [row for row in CATALOG.known() if row.retired is not None]
BEFORE, AFTER = (to_millis(datetime(2026, 9, day, tzinfo=UTC)) for day in (14, 15))
KLING, GATEWAY = "https://api-singapore.klingai.com", "https://gateway.example"


def a_client(
    *models: str, base_url: str = KLING, now: int = AFTER, dialect: str = "official", **settings
) -> KlingClient:
    config = Provider(name="a", base_url=base_url, key="sk", models=models, dialect=dialect, **settings)
    http = httpx.AsyncClient()
    return KlingClient(config, dialects.get(dialect), Signer("bearer", "sk-1"), http, ManualClock(now))


def test_the_models_before_2_5_ended_on_the_same_day():
    assert {row.id for row in ENDED} == {
        "kling-v1",
        "kling-v1-5",
        "kling-v1-6",
        "kling-v2-master",
        "kling-v2-1",
        "kling-v2-1-master",
    }
    assert {row.retired for row in ENDED} == {date(2026, 9, 15)}


def test_a_model_ends_at_the_beginning_of_its_day():
    assert not any(is_retired(row, Millis(AFTER - 1)) for row in ENDED)
    assert all(is_retired(row, AFTER) for row in ENDED)


@pytest.mark.parametrize("row", ENDED, ids=lambda row: row.id)
def test_everything_that_it_did_is_done_by_one_that_stands_in_for_it(row):
    others = [CATALOG.model(other) for other in replacements(CATALOG.model, row.id)]
    living = [other for other in others if not is_retired(other, AFTER)]
    for operation in row.operations:
        able = [other for other in living if stand_in_for(other, operation) is not None]
        assert able, operation
        if operation is Operation.REFERENCES_TO_VIDEO:
            assert max(other.references for other in able) >= row.references


@pytest.mark.parametrize("row", ENDED, ids=lambda row: row.id)
@pytest.mark.parametrize("dialect", ["official", "unified"])
def test_at_kling_others_are_offered_in_its_place(row, dialect):
    client = a_client(row.id, dialect=dialect)
    assert row.id not in client.models
    assert client.models
    assert client.retired() == (row.id,)
    assert a_client(row.id, dialect=dialect, now=BEFORE).models == (row.id,)


def test_nothing_that_has_ended_is_offered_at_kling():
    client = a_client(*(row.id for row in CATALOG.known()))
    assert not any(is_retired(client.catalog.model(model), AFTER) for model in client.models)
    assert client.lacks(a_request_for("text2video", model="kling-v1-6")) is None


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({"base_url": GATEWAY}, True),
        ({"base_url": GATEWAY, "retired_models": "replace"}, False),
        ({"retired_models": "keep"}, True),
        ({"catalog": {"models": {"kling-v1-6": {"retired": date(2027, 1, 1)}}}}, True),
    ],
)
def test_gateways_go_on_and_operators_decide(settings, offered):
    client = a_client("kling-v1-6", "kling-v2-6", **{"dialect": "official", **settings})
    if "catalog" in settings:
        rows = catalog.load(client.config.catalog.model_dump(), dialect="official")
        models = offer(client.config.models, rows.model, client.operations, AFTER)
    else:
        models = client.models
    assert ("kling-v1-6" in models) is offered


def test_what_is_named_anyway_stands_in_first():
    assert a_client("kling-v1-6", "kling-v2-6").models == (
        "kling-v2-5-turbo",
        "kling-video-o1",
        "kling-v2-6",
    )
    assert a_client("kling-v2-1", "kling-v1-6", "kling-v2-5-turbo", "kling-v3-omni").models == (
        "kling-v2-5-turbo",
        "kling-v3-omni",
    )


def test_what_a_provider_is_not_asked_for_needs_no_stand_in():
    client = a_client("kling-v1-6", "kling-v2-5-turbo", operations=("text2video", "image2video"))
    assert client.models == ("kling-v2-5-turbo",)


def test_what_the_dialect_cannot_ask_for_is_not_offered():
    client = a_client("kling-v3-turbo", "kling-v2-6")
    assert (client.models, client.unnamed()) == (("kling-v2-6",), ("kling-v3-turbo",))


@pytest.mark.parametrize("model", [row.id for row in CATALOG.known()])
def test_every_model_on_offer_takes_at_least_one_request(model):
    client = a_client(model, dialect="official")
    for offered in client.models:
        row = client.catalog.model(offered)
        accepted = [
            operation
            for operation in VIDEO_MODEL_OPERATIONS & frozenset(row.operations)
            if client.lacks(
                a_request_for(
                    operation,
                    model=offered,
                    mode=row.modes[0],
                    duration=row.durations[0],
                )
            )
            == ()
        ]
        assert accepted
