"""Every row of the table of acceptance happens: it is sent, its answers are read, and every error means what it says."""

from collections import Counter
from pathlib import Path

import pytest

from bot.demo.kling.refusals import CODES
from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation, Product
from bot.domain.requests.request import PHOTO_PARTS, GenerationRequest
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import SECOND
from bot.errors import UserError
from bot.kling.errors import ProviderError, Rejected
from bot.kling.wire import RemoteState, TaskRef
from bot.services.ports import Job
from tests.acceptance.faults import (
    CONTENT,
    FAILED,
    FAILED_CONTENT,
    SETTINGS,
    Fault,
    faults_of,
)
from tests.acceptance.follows import FOLLOWS
from tests.acceptance.rows import SPEAKERS, Row, Speaker, attempt, goes_elsewhere, rows, sent
from tests.acceptance.trial import SECONDS, Door, open_door, prepared
from tests.builders import ADA, stored
from tests.sold import MODELS
from tests.world.bot import BotInProcess, open_bot
from tests.world.services import BACK, HELD, B, open_services, refusal

ROWS = tuple(rows())
DONE = [pytest.param(row, id=row.id) for row in ROWS if row.request is not None]
ASKED = [
    pytest.param(row, id=row.id) for row in ROWS if row.request is not None and not row.is_answered_at_once
]
AT_ONCE = [
    pytest.param(row, id=row.id) for row in ROWS if row.request is not None and row.is_answered_at_once
]


@pytest.mark.parametrize("row", ASKED)
async def test_a_request_is_sent_as_documented_and_its_answers_are_read(tmp_path: Path, row: Row):
    async with open_door(tmp_path, row.speaker) as door:
        request = await prepared(door, row)
        ref = await door.submit(request)
        record = next(each for each in reversed(door.kling.kling.requests) if each.method == "POST")
        assert (record.path, tuple(record.body)) == sent(row.speaker, request)
        assert not record.warnings
        states, words = [], []
        for seconds in (0, SECONDS / 2, 2 * SECONDS):
            door.let_pass(seconds)
            if seconds > SECONDS:
                await door.kling.kling.rendered()
            seen = await door.client.query(ref)
            assert seen.provider_task_id == ref.provider_task_id
            states.append(seen.state)
            words.append(seen.word)
        assert tuple(words) == row.words
        assert RemoteState.SUCCEEDED not in states[:2]
        assert states[2] is RemoteState.SUCCEEDED
        assert Counter(video.kind for video in seen.videos) == made(request)
        for video in seen.videos:
            assert video.id if video.kind is Product.ASSET else await door.kling.file(video.url)


@pytest.mark.parametrize("row", AT_ONCE)
async def test_a_request_whose_answer_is_the_result_is_sent_as_documented_and_read(tmp_path: Path, row: Row):
    async with open_door(tmp_path, row.speaker) as door:
        request = await prepared(door, row)
        _, made = await door.send(request)
        (record,) = door.kling.kling.requests
        assert (record.path, tuple(record.body)) == sent(row.speaker, request)
        assert not record.warnings
        assert made.answer is not None
        assert [result.id for result in made.answer.results] == list(PHOTO_PARTS)
        for result in made.answer.results:
            assert result.kind is request.operation.product
            assert await door.kling.file(result.url)


def made(request: GenerationRequest) -> dict[Product, int]:
    """The results of a request, by kind; a sound for a video comes with the video."""
    both = request.operation is Operation.VIDEO_TO_AUDIO
    number = 1 if request.operation in LIBRARY_OPERATIONS else request.count
    return {request.operation.product: number, **({Product.VIDEO: 1} if both else {})}


@pytest.mark.parametrize("row", DONE)
async def test_every_error_means_what_the_table_says(tmp_path: Path, row: Row):
    async with open_door(tmp_path, row.speaker) as door:
        request = await prepared(door, row)
        wrong = {}
        for fault in faults_of(row):
            means = fault.meaning.before if row.prepares else fault.meaning.request
            if (found := await of_request(door, request, fault)) != means:
                wrong[f"{fault.said}: request"] = found
        # Of what is answered at once nothing is asked later.
        ref = await door.submit(request)
        for fault in () if row.is_answered_at_once else faults_of(row):
            if (found := await of_question(door, ref, fault)) != fault.meaning.question:
                wrong[f"{fault.said}: question"] = found
        assert wrong == {}


async def of_request(door: Door, request: GenerationRequest, fault: Fault) -> str:
    """What a fault means that is answered to a request, signed anew or not."""
    behaviour = door.kling.kling.behaviour
    codes, canned = behaviour.refuse, behaviour.answer_instead
    codes.extend([fault.code] * 2 if fault.code else ())
    canned.extend([fault.canned] * 2 if fault.canned else ())
    try:
        await door.submit(request)
    except ProviderError as error:
        return named(error)
    finally:
        codes.clear()
        canned.clear()
    return "taken"


async def of_question(door: Door, ref: TaskRef, fault: Fault) -> str:
    """What a fault means that is answered to every question about a task."""
    behaviour = door.kling.kling.behaviour
    codes, canned = behaviour.refuse_queries, behaviour.answer_queries_instead
    codes.extend([fault.code] * 3 if fault.code else ())
    canned.extend([fault.canned] * 3 if fault.canned else ())
    try:
        seen = await door.client.query(ref)
    except ProviderError as error:
        return named(error)
    finally:
        codes.clear()
        canned.clear()
    assert seen.state is RemoteState.FAILED
    return FAILED_CONTENT if seen.failure is FailureKind.CONTENT else FAILED


def named(error: ProviderError) -> str:
    """What an error is called in the table."""
    if isinstance(error, Rejected):
        return CONTENT if error.kind is FailureKind.CONTENT else SETTINGS
    return type(error).__name__


# -- what cannot be done -------------------------------------------------------------------------------


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: speaker.title.replace("`", ""))
async def test_what_cannot_be_done_is_refused_before_anything_is_held(tmp_path: Path, speaker: Speaker):
    refused = [row for row in ROWS if row.speaker is speaker and row.why and not goes_elsewhere(row)]
    async with open_bot(tmp_path, BotInProcess) as bot:
        models = str(list(MODELS[speaker.dialect])).replace("'", '"')
        bot.configure(dialect=speaker.dialect, key=speaker.key, models=models)
        await bot.start()
        services = bot.app.services
        for row in refused:
            if row.operation in LIBRARY_OPERATIONS:
                with pytest.raises(UserError):
                    await services.assets.check(ADA, row.operation)
            else:
                with pytest.raises(UserError):
                    services.compose.check(attempt(row))
        assert bot.rows("SELECT 1 FROM tasks UNION ALL SELECT 1 FROM ledger") == []
        assert bot.kling.requests == []


def test_what_can_be_done_and_what_cannot_are_every_operation_in_every_standard():
    assert {(row.operation, row.standard, row.speaker.title) for row in ROWS} == {
        (operation, standard, speaker.title)
        for operation in Operation
        for speaker in SPEAKERS
        for standard, _ in speaker.words
    }
    assert all(bool(row.why) is (row.request is None) for row in ROWS)


def test_an_operation_that_goes_by_another_standard_goes_by_it():
    for row in filter(goes_elsewhere, ROWS):
        others = [
            each
            for each in ROWS
            if (each.operation, each.speaker) == (row.operation, row.speaker) and each != row
        ]
        assert any(each.request is not None for each in others), row.id


# -- what follows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("another", [False, True], ids=["alone", "with another provider"])
@pytest.mark.parametrize("meaning", FOLLOWS)
async def test_what_follows_from_a_refusal(tmp_path: Path, meaning: str, another: bool):
    follows = FOLLOWS[meaning]
    async with open_services(tmp_path) as world:
        await world.open(second=another)
        status, text = CODES.get(follows.code, (follows.code, "no"))
        world.to_kling.always("submit", refusal(status, follows.code, text))
        task = await stored(world.store)
        for _ in range(3):
            await world.run(Job.DISPATCH)
            world.clock.advance(61 * SECOND)
        seen = await world.now(task)
        assert seen.state is (follows.with_another if another else follows.alone)
        assert await world.money() == (BACK if seen.state is TaskState.FAILED else HELD)
        assert world.alerts == ([follows.alert] if follows.alert else [])
        if seen.state is TaskState.IN_PROGRESS:
            assert seen.provider == B


def test_what_follows_is_told_of_every_meaning():
    faults = [fault.meaning.request for row in ROWS if row.request is not None for fault in faults_of(row)]
    assert set(faults) == set(FOLLOWS)
