"""An option that does not exist: one row, its field and its column are all it takes to be read, checked, shown and listed."""

import pytest

from bot.domain.requests.choices import choices, is_choosable
from bot.domain.requests.model import Model
from bot.domain.requests.options import (
    ROWS,
    OptionRow,
    Wording,
    Words,
    list_abilities,
    list_settings,
)
from bot.domain.requests.prompt import parse
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import broken, lacking, list_rules, unwritten
from bot.domain.requests.values import Vocabulary, number
from bot.errors import UserError

SLOW = OptionRow(
    field="slowdown",
    words=("slow", "慢放"),
    flags={2.0: ("slow-motion", "慢动作")},
    bare=frozenset({"慢动作"}),
    read=number("--slow", 1, 4),
    values=lambda _, row: (1.0, 2.0, 4.0) if row.slow else (),
    name=lambda times: Wording(written=f"{times:g}×"),
    line=lambda request: (
        Wording("option.slow", {"times": request.slowdown}) if request.slowdown > 1 else None
    ),
    ability="slow",
)
OPTIONS = (*ROWS, SLOW)
WORDS = Words(OPTIONS)
MODELS = Vocabulary.of_models(["kling-v2-6"])


class SlowRequest(GenerationRequest):
    """A request with the field."""

    slowdown: float = 1


class SlowModel(Model):
    """A row of the catalog with the column."""

    slow: tuple[str, ...] = ()


def model(*modes: str) -> SlowModel:
    return SlowModel(
        id="kling-v2-6", operations=("text2video",), modes=("std", "pro"), durations=(5,), slow=modes
    )


def request(**fields: object) -> SlowRequest:
    return SlowRequest.model_validate({"operation": "text2video", "model": "kling-v2-6", **fields})


@pytest.mark.parametrize(
    ("text", "value"),
    [("a fox --slow 4", 4), ("a fox --慢放 3", 3), ("a fox --slow-motion", 2), ("狐狸 慢动作", 2)],
)
def test_it_is_read(text, value):
    assert parse(text, MODELS, WORDS).options == {"slowdown": value}


def test_what_it_cannot_be_is_refused_and_its_name_is_suggested():
    with pytest.raises(UserError) as refused:
        parse("a fox --slow 9", MODELS, WORDS)
    assert (refused.value.key, refused.value.params["allowed"]) == ("error.prompt.bad_value", "1–4")
    with pytest.raises(UserError) as unknown:
        parse("a fox --slwo 2", MODELS, WORDS)
    assert unknown.value.params["nearest"] == "--slow"


def test_it_is_checked():
    rules = list_rules(OPTIONS)
    assert broken(rules, model("std"), request(slowdown=2)) is None
    assert broken(rules, model(), request()) is None
    rule = broken(rules, model(), request(slowdown=2))
    assert rule is not None
    assert (rule.error, rule.ability) == ("error.model.slow", "slow")


def test_it_is_on_offer_on_the_card_where_the_model_has_it():
    row = model("std")
    offered = choices(SLOW, request(), (row,), (row,), lambda _: True)
    assert [(choice.key, choice.chosen) for choice in offered] == [
        ("1.0", True),
        ("2.0", False),
        ("4.0", False),
    ]
    assert SLOW.name(offered[1].request.slowdown) == Wording(written="2×")
    assert is_choosable(SLOW, request(), (row,), (row,), lambda _: True)
    assert not is_choosable(SLOW, request(), (model(),), (row,), lambda _: True)


def test_it_is_among_the_settings_of_a_request():
    assert Wording("option.slow", {"times": 2}) in list_settings(request(slowdown=2), OPTIONS)
    assert list_settings(request(), OPTIONS) == list_settings(request())


def test_it_is_listed_with_what_a_model_can_do():
    assert [
        (row.ability, modes, seconds) for row, modes, seconds in list_abilities(model("std"), OPTIONS)
    ] == [("slow", ["std"], ())]
    assert list(list_abilities(model(), OPTIONS)) == []


def test_a_wire_format_without_a_place_for_it_lacks_it():
    limits = unwritten({"model", "mode", "aspect_ratio"}, options=OPTIONS)
    assert lacking(limits, request(slowdown=2)) == ("slowdown",)
    assert lacking(limits, request()) == ()
