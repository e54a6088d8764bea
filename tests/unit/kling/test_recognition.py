"""What is cut out of a picture: the answer is the result, and it is about no task."""

from dataclasses import replace

import pytest

from bot.domain.requests.operations import ANSWERED_AT_ONCE, Operation, Product
from bot.kling import dialects, errors
from bot.kling.dialects.native import OFFICIAL
from bot.kling.dialects.recognition import read
from bot.kling.dialects.unified import KEYED, UNIFIED
from bot.kling.wire import HttpResponse, TaskRef
from tests.operations import a_request_for
from tests.unit.kling.recorded import names, response, sample

REF = TaskRef(Operation.CUTOUT, "image-recognize", "klingbot-K7Q29F-0123456789ab")


@pytest.mark.parametrize("name", names("official", "answered"))
def test_an_answer_that_is_the_result_means_what_was_written_down_for_it(name):
    recorded = sample("official", name)
    request, means = a_request_for(Operation.CUTOUT, part=recorded["part"]), recorded["means"]
    if "raises" in means:
        with pytest.raises(errors.Ambiguous):
            read(response(recorded), request)
        return
    made = read(response(recorded), request)
    assert made.provider_task_id == ""
    assert made.answer is not None
    assert [[result.id, result.url] for result in made.answer.results] == means["results"]
    assert {result.kind for result in made.answer.results} <= {Product.IMAGE}
    assert made.answer.cost == means["cost"]


@pytest.mark.parametrize("code", ["1102", "1301", "5000"])
def test_it_is_refused_like_any_other_request(code):
    refused = response(sample("official", f"submitted_error_{code}"))
    with pytest.raises(errors.ProviderError) as of_a_task:
        OFFICIAL.parse_submit(refused)
    with pytest.raises(type(of_a_task.value)):
        read(refused, a_request_for(Operation.CUTOUT))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": 0, "data": []}'])
def test_garbage_is_no_proof_that_nothing_was_found(body):
    with pytest.raises(errors.Ambiguous):
        read(HttpResponse(200, {}, body), a_request_for(Operation.CUTOUT))


@pytest.mark.parametrize("dialect", [OFFICIAL, KEYED, UNIFIED], ids=["key pair", "API key", "unified"])
def test_nothing_can_be_asked_about_it_later(dialect):
    assert dialect.look_up(REF) is None
    assert dialect.searches(REF) == ()
    assert dialect.elsewhere(replace(REF, provider_task_id=None)) == ()


def test_only_klings_own_hosts_are_asked_for_it():
    """No document of a gateway or proxy has it."""
    for name in ("generic", "prefixed", "omnimaas", "flat"):
        assert not dialects.get(name).operations & ANSWERED_AT_ONCE
