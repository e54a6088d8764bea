import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.requests.operations import Product
from bot.domain.tasks.lifecycle import (
    ALLOWED,
    Accepted,
    Answered,
    AnswerLost,
    CancelRequested,
    Claimed,
    DeadlinePassed,
    Deferred,
    Event,
    Finished,
    GivenUp,
    IllegalTransition,
    KeptWaiting,
    OwnerAsked,
    ProvenAbsent,
    ProviderFailed,
    Refused,
    SentAnew,
    Settlement,
    StillRunning,
    Unresolvable,
    WaitedTooLong,
    possible,
    transition,
)
from bot.domain.tasks.task import ACTIVE_STATES, FINAL_STATES, FailureKind, TaskState
from bot.domain.types import HOUR, MINUTE, Millis, ProviderName
from tests.builders import NOW, OFFICIAL, a_request, a_task, a_video

LATER = Millis(NOW + MINUTE)
DEADLINE = Millis(NOW + HOUR)
EVENTS: tuple[Event, ...] = (
    Claimed(OFFICIAL, LATER, DEADLINE),
    WaitedTooLong(DEADLINE),
    KeptWaiting(DEADLINE),
    Accepted("remote-1", LATER),
    CancelRequested(),
    Refused(FailureKind.CONTENT, "no"),
    Deferred(LATER, OFFICIAL),
    AnswerLost(LATER),
    ProvenAbsent(LATER),
    Unresolvable(),
    OwnerAsked(LATER),
    SentAnew("klingbot-anew", DEADLINE),
    StillRunning(LATER, 40),
    Finished((a_video(0), a_video(1)), "1.5"),
    Answered((a_video(0), a_video(1)), "0.1"),
    ProviderFailed(FailureKind.PROVIDER, "broken"),
    GivenUp(FailureKind.NOT_FOUND, LATER),
    DeadlinePassed(LATER),
)
ARCHITECTURE = Path(__file__).parent.parent.parent.parent / "ARCHITECTURE.md"


def name_of(event: Event) -> str:
    return type(event).__name__


@pytest.fixture(scope="module")
def life() -> str:
    """The chapter of ARCHITECTURE.md that draws the life of a task."""
    return ARCHITECTURE.read_text("utf-8").split("## The life of a task")[1].split("\n## ")[0]


# -- the table ---------------------------------------------------------------------------------------


def test_every_event_is_tested_and_every_active_state_has_a_way_out():
    assert {type(event) for event in EVENTS} == set(ALLOWED)
    assert set().union(*ALLOWED.values()) >= ACTIVE_STATES


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_an_event_is_allowed_by_the_table_or_refused(state, event):
    task = a_task(state)
    if state in ALLOWED[type(event)]:
        step = transition(task, event, LATER)
        assert (step.before, step.after.version) == (task, task.version + 1)
    else:
        with pytest.raises(IllegalTransition, match=f"{name_of(event)} is impossible .* {state}"):
            transition(task, event, LATER)


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_nothing_but_the_tasks_life_is_changed(event):
    for state in ALLOWED[type(event)]:
        task = a_task(state)
        after = transition(task, event, LATER).after
        kept = (
            "id",
            "user_id",
            "origin",
            "request",
            "price",
            "created_at",
            "max_running",
            "priority",
            # What is sent anew must not be taken for what was sent before.
            *(() if isinstance(event, SentAnew) else ("external_task_id",)),
        )
        assert [getattr(after, name) for name in kept] == [getattr(task, name) for name in kept]


@given(st.lists(st.sampled_from(EVENTS), max_size=60))
def test_no_path_reaches_an_end_without_exactly_one_settlement(events):
    task, settlements = a_task(), []
    for event in events:
        if not possible(task, event):
            continue
        step = transition(task, event, LATER)
        task = step.after
        if step.settlement is not Settlement.KEEP:
            settlements.append(step.settlement)
            sent = {item.kind for item in step.outbox}
            charged = step.settlement is Settlement.CHARGE
            assert sent == {Product.VIDEO if charged else None}
    if task.state in FINAL_STATES:
        expected = Settlement.CHARGE if task.state is TaskState.SUCCEEDED else Settlement.RELEASE
        assert settlements == [expected]
    else:
        assert settlements == []


@given(st.lists(st.sampled_from(EVENTS), max_size=60))
def test_whatever_is_not_at_its_end_has_a_time_to_be_looked_at(events):
    task = a_task()
    for event in events:
        if possible(task, event):
            task = transition(task, event, LATER).after
            assert (task.due_at is not None) or task.state in FINAL_STATES
            assert (task.finished_at is not None) == (task.state in FINAL_STATES)


@given(st.lists(st.sampled_from(EVENTS), max_size=60))
def test_nothing_is_sent_twice_without_proof_or_a_wish(events):
    """Between two claims lies a refusal to take it, the proof that it was not taken, or its owner's wish."""
    task, sent = a_task(), False
    for event in events:
        if not possible(task, event):
            continue
        if isinstance(event, Claimed):
            assert not sent
            sent = True
        elif isinstance(event, Deferred | ProvenAbsent | SentAnew):
            sent = False
        task = transition(task, event, LATER).after


# -- single edges ------------------------------------------------------------------------------------


def test_a_late_video_is_found_once():
    task = transition(a_task(TaskState.EXPIRED), Finished((a_video(),), None), LATER).after
    with pytest.raises(IllegalTransition):
        transition(task, Finished((a_video(),), None), LATER)


def test_a_late_video_is_delivered_without_a_charge():
    late = transition(a_task(TaskState.EXPIRED), Finished((a_video(),), "2"), LATER)
    assert (late.settlement, late.after.state) == (Settlement.KEEP, TaskState.EXPIRED)
    assert [item.kind for item in late.outbox] == [Product.VIDEO]


def test_a_late_failure_says_nothing_more():
    late = transition(a_task(TaskState.EXPIRED), ProviderFailed(FailureKind.PROVIDER), LATER)
    assert (late.settlement, late.outbox, late.after.due_at) == (Settlement.KEEP, (), None)
    assert late.after.failure is FailureKind.DEADLINE


def test_each_video_of_a_success_is_to_be_sent_in_its_place():
    task = a_task(TaskState.IN_PROGRESS, request=a_request(count=2))
    step = transition(task, Finished((a_video(0), a_video(1))), LATER)
    assert [(item.position, item.video) for item in step.outbox] == [(0, a_video(0)), (1, a_video(1))]


def test_what_nobody_asked_for_is_not_to_be_sent():
    step = transition(a_task(TaskState.IN_PROGRESS), Finished((a_video(0), a_video(1), a_video(2))), LATER)
    assert [item.video for item in step.outbox] == [a_video(0)]


@pytest.mark.parametrize("state", [TaskState.SUBMITTING, TaskState.UNCONFIRMED])
def test_an_answer_that_is_the_result_ends_and_charges_at_once(state):
    step = transition(a_task(state, due_at=LATER), Answered((a_video(0), a_video(1)), "0.1"), LATER)
    assert (step.settlement, step.after.state) == (Settlement.CHARGE, TaskState.SUCCEEDED)
    assert (step.after.provider_task_id, step.after.real_cost, step.after.due_at) == (None, "0.1", None)
    # All were found in one picture, which is what was paid for.
    assert [(item.position, item.video) for item in step.outbox] == [(0, a_video(0)), (1, a_video(1))]


def test_what_was_answered_is_answered_once():
    task = transition(a_task(TaskState.SUBMITTING), Answered((a_video(),)), LATER).after
    for event in EVENTS:
        assert not possible(task, event)


def test_a_video_and_its_sound_are_both_sent():
    both = (a_video(0), replace(a_video(1), kind=Product.AUDIO))
    step = transition(a_task(TaskState.IN_PROGRESS), Finished(both), LATER)
    assert [(item.kind, item.position) for item in step.outbox] == [("video", 0), ("audio", 1)]


def test_a_failure_keeps_its_reason():
    step = transition(a_task(TaskState.SUBMITTING), Refused(FailureKind.CONTENT, "sensitive"), LATER)
    assert (step.after.failure, step.after.failure_detail) == (FailureKind.CONTENT, "sensitive")


def test_waiting_for_a_full_provider_counts_as_no_attempt():
    claimed = transition(a_task(), EVENTS[0], LATER).after
    assert transition(claimed, Deferred(LATER, counted=False), LATER).after.attempts == 0
    assert transition(claimed, Deferred(LATER), LATER).after.attempts == 1


def test_a_provider_that_was_left_out_is_named_once():
    task = a_task(excluded=(OFFICIAL,))
    after = transition(task, Deferred(LATER, OFFICIAL), LATER).after
    other = transition(after, Deferred(LATER, ProviderName("other")), LATER).after
    assert other.excluded == (OFFICIAL, "other")


@given(st.lists(st.none() | st.integers(-10, 200), max_size=10))
def test_progress_never_runs_backwards_nor_to_the_end(told):
    task, shown = a_task(TaskState.IN_PROGRESS), [0]
    for percent in told:
        task = transition(task, StillRunning(LATER, percent), LATER).after
        shown.append(task.progress or 0)
    assert shown == sorted(shown)
    assert max(shown) <= 99


# -- the drawing -------------------------------------------------------------------------------------


def test_the_letters_of_the_table_are_those_of_the_events(life):
    rows = re.findall(r"^\| ([a-z]) \| (.*?) \|", life, re.MULTILINE)
    written = {name: letter for letter, cell in rows for name in re.findall(r"`([A-Z]\w+)`", cell)}
    told = {
        event.__name__: letter[1]
        for event in ALLOWED
        if (letter := re.match(r"([a-z]): ", event.__doc__ or "")) is not None
    }
    assert written == told
    assert {event.__name__ for event in ALLOWED} - set(told) == {"StillRunning"}
    assert [letter for letter, _ in rows] == sorted({"a", *told.values()})


def test_every_drawn_edge_is_one_of_the_table(life):
    possible = {("a", "new", "queued")}
    for event in EVENTS:
        letter = (type(event).__doc__ or "")[0]
        for state in ALLOWED[type(event)]:
            possible.add((letter, str(state), str(transition(a_task(state), event, LATER).after.state)))
    assert drawn_edges(life) - possible == set()


def test_every_state_is_drawn(life):
    drawn = {state for _, source, target in drawn_edges(life) for state in (source, target)}
    assert drawn - {"new"} == set(TaskState)


def drawn_edges(life: str) -> set[tuple[str, str, str]]:
    """(letter, from, to) of every arrow: the letters stand above the main line, and below it beside a bar."""
    above, main, below, _, targets = life.split("```")[1].strip("\n").splitlines()
    states = [(found[0], found.start()) for found in re.finditer(r"\w+", main.split("──▶ delivery")[0])]
    letters = re.findall(r"[a-z]", above)
    edges = {
        (letter, source, target)
        for letter, (source, _), (target, _) in zip(letters, states, states[1:], strict=False)
    }
    bars = [(found[1], found.start()) for found in re.finditer(r"│([a-z])", below)]
    for (letter, column), ends in zip(bars, re.findall(r"\S+", targets), strict=True):
        source = [name for name, start in states if start <= column][-1]
        edges |= {(letter, source, target) for target in ends.split("|")}
    return edges
