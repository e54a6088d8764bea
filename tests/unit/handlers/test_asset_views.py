"""What people read of their elements and voices."""

import pytest

from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation
from bot.domain.tasks.task import FailureKind, TaskState
from handlers.library import assets
from tests.builders import ADA, a_task, an_asset, an_asset_request
from tests.unit.handlers.screens import ENGLISH, labels


def a_ready_one(**changes):
    return an_asset(**{"name": "Fox", "remote_id": "7"} | changes)


def test_the_list_names_everything_and_says_how_to_use_what_is_ready():
    view = assets.listed(ENGLISH, Operation.ELEMENT, [an_asset(name="Cat"), a_ready_one()], ADA)
    assert "Your 2 elements" in view.html
    assert "<code>Cat</code> · a small red fox · <i>being made</i>" in view.html
    assert "/video @Fox" in view.html
    assert labels(view) == ["Delete Cat", "Delete Fox"]


def test_while_nothing_is_ready_nothing_is_explained():
    view = assets.listed(ENGLISH, Operation.VOICE, [an_asset(kind=Operation.VOICE, name="Ada")], ADA)
    assert "--voice" not in view.html


@pytest.mark.parametrize("kind", sorted(LIBRARY_OPERATIONS))
def test_who_has_none_reads_how_one_is_made(kind):
    view = assets.listed(ENGLISH, kind, [], ADA)
    assert f"/{kind} " in view.html
    assert not view.buttons


def test_of_one_photo_more_are_suggested():
    assert "nearer look" in assets.begun(ENGLISH, an_asset_request(), alone=True).html
    assert "nearer look" not in assets.begun(ENGLISH, an_asset_request(), alone=False).html


def test_what_is_ready_comes_with_an_example():
    request = an_asset_request(operation=Operation.VOICE, name="Ada")
    for state in (TaskState.SUCCEEDED, TaskState.EXPIRED):
        task = a_task(state, request=request, progress=100)
        assert "--voice Ada" in assets.ended(ENGLISH, task).html


@pytest.mark.parametrize(
    ("failure", "detail", "said"),
    [
        (FailureKind.PARAMETERS, "Image pixel is invalid", "at least 300 pixels a side"),
        (FailureKind.CONTENT, None, "content refused"),
        (None, None, "the provider failed"),
    ],
)
def test_a_failure_has_its_reason_and_costs_nothing(failure, detail, said):
    request = an_asset_request()
    failed = a_task(TaskState.FAILED, request=request, failure=failure, failure_detail=detail)
    view = assets.ended(ENGLISH, failed)
    assert said in view.html
    assert "costs nothing" in view.html


def test_a_harsh_word_about_content_is_not_repeated():
    refusal = {"failure": FailureKind.CONTENT, "failure_detail": "an ugly face"}
    failed = a_task(TaskState.FAILED, request=an_asset_request(), **refusal)
    assert "ugly" not in assets.ended(ENGLISH, failed).html
