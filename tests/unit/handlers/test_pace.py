import pytest

from bot.domain.types import MINUTE, SECOND, Millis
from handlers.sending.notices import GROUP, OVERALL, REMEMBERED, Pace, Shown

CHAT, CLUB, MESSAGE = 1001, -1_002_000_000_001, 7


def at(seconds: float, text: str = "", stage: str = "in_progress") -> Shown:
    return Shown(text or f"at {seconds}", stage, Millis(round(seconds * SECOND)))


def test_the_first_thing_that_is_to_be_shown_may_be_shown():
    assert Pace().may_edit(CHAT, MESSAGE, at(100), 0)


def test_the_same_text_is_never_sent_again():
    pace = Pace()
    pace.record(CHAT, MESSAGE, at(100, "half done"))
    assert not pace.may_edit(CHAT, MESSAGE, at(10_000, "half done"), 0)


@pytest.mark.parametrize(
    ("running", "pause"),
    [(10 * SECOND, 3), (5 * MINUTE, 15), (600 * MINUTE, 30)],
    ids=["three seconds at first", "a twentieth of the time", "thirty seconds at most"],
)
def test_progress_is_shown_less_often_the_longer_it_takes(running, pause):
    pace = Pace()
    pace.record(CHAT, MESSAGE, at(100))
    assert not pace.may_edit(CHAT, MESSAGE, at(99.9 + pause), running)
    assert pace.may_edit(CHAT, MESSAGE, at(100 + pause), running)


def test_another_stage_is_shown_at_once_also_where_the_budget_is_used_up():
    pace = Pace()
    for message in range(OVERALL):
        pace.record(CLUB, message, at(100, stage="queued"))
    assert not pace.may_edit(CLUB, 99, at(100), 0)
    assert pace.may_edit(CLUB, 0, at(100, "sent to Kling", "in_progress"), 0)


def test_in_a_group_all_messages_share_one_edit_every_five_seconds():
    pace = Pace()
    pace.record(CLUB, 1, at(100))
    assert not pace.may_edit(CLUB, 2, at(100 + GROUP / SECOND - 0.1), 0)
    assert pace.may_edit(CLUB, 2, at(100 + GROUP / SECOND), 0)
    assert pace.may_edit(CLUB - 1, 2, at(100), 0)


def test_in_private_chats_messages_do_not_wait_for_each_other():
    pace = Pace()
    pace.record(CHAT, 1, at(100))
    assert pace.may_edit(CHAT, 2, at(100), 0)


def test_over_all_chats_there_are_so_many_edits_a_second_and_no_more():
    pace = Pace()
    for user in range(OVERALL):
        assert pace.may_edit(user, MESSAGE, at(100 + user / 100), 0)
        pace.record(user, MESSAGE, at(100 + user / 100))
    assert not pace.may_edit(999, MESSAGE, at(100.9), 0)
    assert pace.may_edit(999, MESSAGE, at(101), 0)


def test_a_chat_that_asked_for_a_pause_gets_it_and_the_others_go_on():
    pace = Pace()
    pace.record(CHAT, MESSAGE, at(100, stage="queued"))
    pace.pause(CHAT, Millis(110 * SECOND))
    assert not pace.may_edit(CHAT, MESSAGE, at(109.9, stage="in_progress"), 0)
    assert pace.may_edit(CHAT, MESSAGE, at(110, stage="in_progress"), 0)
    assert pace.may_edit(CHAT + 1, MESSAGE, at(105), 0)


def test_a_message_that_is_gone_is_forgotten():
    pace = Pace()
    pace.record(CHAT, MESSAGE, at(100, "half done"))
    pace.forget(CHAT, MESSAGE)
    pace.forget(CHAT, MESSAGE)
    assert pace.may_edit(CHAT, MESSAGE, at(200, "half done"), 0)


def test_what_is_remembered_is_bounded():
    pace = Pace()
    for message in range(REMEMBERED + 1):
        pace.record(CHAT, message, at(100, "the same"))
    # The oldest was forgotten, so an edit of it is allowed: at worst it changes nothing.
    assert pace.may_edit(CHAT, 0, at(200, "the same"), 0)
    assert not pace.may_edit(CHAT, REMEMBERED, at(200, "the same"), 0)
