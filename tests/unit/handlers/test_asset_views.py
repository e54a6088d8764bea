"""What people read of their elements and voices."""

import pytest

from bot.domain.library.asset import AssetKind, AssetState
from bot.domain.tasks.task import FailureKind
from handlers.library import assets
from tests.builders import ADA, an_asset
from tests.unit.handlers.screens import ENGLISH, labels


def a_ready_one(**changes):
    return an_asset(**{"name": "Fox", "state": AssetState.READY, "remote_id": "7"} | changes)


def test_the_list_names_everything_and_says_how_to_use_what_is_ready():
    view = assets.listed(ENGLISH, AssetKind.ELEMENT, [an_asset(name="Cat"), a_ready_one()], ADA)
    assert "Your 2 elements" in view.html
    assert "<code>Cat</code> · a small red fox · <i>being made</i>" in view.html
    assert "--element Fox" in view.html
    assert labels(view) == ["Delete Cat", "Delete Fox"]


def test_while_nothing_is_ready_nothing_is_explained():
    view = assets.listed(ENGLISH, AssetKind.VOICE, [an_asset(kind=AssetKind.VOICE, name="Ada")], ADA)
    assert "--voice" not in view.html


@pytest.mark.parametrize("kind", AssetKind)
def test_who_has_none_reads_how_one_is_made(kind):
    view = assets.listed(ENGLISH, kind, [], ADA)
    assert f"/{kind} " in view.html
    assert not view.buttons


def test_of_one_photo_more_are_suggested():
    assert "nearer look" in assets.begun(ENGLISH, an_asset(), alone=True).html
    assert "nearer look" not in assets.begun(ENGLISH, an_asset(), alone=False).html


def test_what_is_ready_comes_with_an_example():
    assert "--voice Ada" in assets.ended(ENGLISH, a_ready_one(kind=AssetKind.VOICE, name="Ada")).html


@pytest.mark.parametrize(
    ("failure", "detail", "said"),
    [
        (FailureKind.PARAMETERS, "Image pixel is invalid", "at least 300 pixels a side"),
        (FailureKind.CONTENT, None, "content refused"),
        (None, None, "the provider failed"),
    ],
)
def test_a_failure_has_its_reason_and_costs_nothing(failure, detail, said):
    failed = an_asset(state=AssetState.FAILED, failure=failure, failure_detail=detail)
    view = assets.ended(ENGLISH, failed)
    assert said in view.html
    assert "costs nothing" in view.html


def test_a_harsh_word_about_content_is_not_repeated():
    failed = an_asset(state=AssetState.FAILED, failure=FailureKind.CONTENT, failure_detail="an ugly face")
    assert "ugly" not in assets.ended(ENGLISH, failed).html
