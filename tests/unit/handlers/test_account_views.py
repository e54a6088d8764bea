"""What people read before and beside their videos: drafts, lists, credits, and themselves."""

from dataclasses import replace

import pytest

from bot.domain.tasks.task import LedgerKind, LedgerRow, TaskState
from bot.domain.types import DAY, SECOND, Credits, Millis, format_task_id
from bot.i18n import NAMES
from bot.services.requests.card import Card
from handlers.account import settings
from handlers.account.quota import balance_view
from handlers.admin import grants
from handlers.chat import html
from handlers.making import card_views
from handlers.results import task_views
from tests.builders import ADA, NOW, a_balance, a_grant, a_request, a_task, an_image
from tests.unit.handlers.screens import ENGLISH, LANGUAGES, LOCAL_NOW, labels, text_of


@pytest.mark.parametrize(
    ("question", "no"),
    [("draft.words", "Discard"), ("draft.photo", "Discard"), ("draft.stale", "No, thanks")],
)
def test_a_draft_tells_its_price_before_it_is_spent(question, no):
    view = card_views.summary(ENGLISH, Card("7", a_request(), question), (), Credits(15), Credits(200), ADA)
    assert labels(view) == ["Generate · 15 credits", no]
    assert text_of(view).startswith(ENGLISH(question))
    assert all((button.owner, button.payload.card) == (ADA, "7") for row in view.buttons for button in row)


def test_tasks_are_listed_with_a_button_for_each_that_can_be_cancelled():
    waiting, sent = a_task(), a_task(TaskState.IN_PROGRESS)
    view = task_views.tasks(ENGLISH, [waiting, sent], Millis(NOW + 90 * SECOND), ADA)
    text = text_of(view)
    assert text.startswith("2 rendering")
    assert f"{format_task_id(waiting.id)} waiting · 1 min 30 s" in text
    assert f"{format_task_id(sent.id)} rendering" in text
    assert labels(view) == [f"Cancel {format_task_id(waiting.id)}"]
    assert task_views.tasks(ENGLISH, [], NOW, ADA) == html.View(ENGLISH("tasks.none"))


def test_a_photo_without_words_is_named_in_the_list():
    task = a_task(request=a_request(an_image(), prompt=""))
    assert "(a photo without words)" in text_of(task_views.tasks(ENGLISH, [task], NOW, ADA))


def test_the_quota_says_what_is_left_and_when_there_is_more():
    lines = text_of(balance_view(ENGLISH, a_balance(), LOCAL_NOW)).splitlines()
    assert lines[0] == "Balance: 80 credits"
    assert "Today: 50 of 100 used" in lines
    assert "This month: 950 of 1,000 used" in lines
    assert "Granted or bought: 30 credits" in lines
    assert "Reserved for videos that are rendering: 15 credits" in lines
    assert "Rendering: 1 (3 at a time)" in lines
    assert lines[-1].startswith("Refills: 1:00")


def test_the_quota_leaves_out_what_there_is_not():
    balance = a_balance(granted=0, held=0, day_limit=None, month_limit=None, resets_at=None, available=1)
    assert text_of(balance_view(ENGLISH, balance, LOCAL_NOW)).splitlines() == [
        "Balance: 1 credit",
        "Rendering: 1 (3 at a time)",
    ]


def test_a_limit_of_zero_is_a_limit_and_not_misread_as_none():
    balance = a_balance(day_limit=0, day_spent=0)
    assert "Today: 0 of 0 used" in text_of(balance_view(ENGLISH, balance, LOCAL_NOW))


def test_a_persons_card_shows_standing_tasks_and_the_newest_movements():
    task = a_task()
    hold = LedgerRow.hold(task, Credits(10))
    charge = replace(hold, kind=LedgerKind.CHARGE, amount=Credits(0), held=Credits(-10), at=Millis(NOW - DAY))
    view = grants.user_card(
        ENGLISH,
        "Ada <3",
        "@ada · 1001",
        "free",
        a_balance(),
        [task],
        [a_grant(50, note="for the film"), hold, charge],
        LOCAL_NOW,
    )
    lines = text_of(view).splitlines()
    assert lines[0] == "Ada <3 · @ada · 1001 · free"
    assert any(f"{format_task_id(task.id)} waiting" in line for line in lines)
    assert any(line.endswith("grant +50 for the film") for line in lines)
    assert any(line.endswith(f"reserved -10 {format_task_id(task.id)}") for line in lines)
    assert any(
        line.endswith(f"charged 10 {format_task_id(task.id)}") and "Dec 31, 2025" in line for line in lines
    )


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("kind", LedgerKind)
def test_every_movement_of_credits_has_a_word(t, kind):
    row = a_grant(5, kind=kind)
    card = grants.user_card(t, "Ada", "1001", "free", a_balance(), [], [row], LOCAL_NOW)
    assert t(f"ledger.{kind}") in text_of(card)


def test_every_language_is_offered_in_its_own_name():
    view = settings.language_choice(ENGLISH, ADA)
    assert labels(view) == [*NAMES.values(), "Follow my Telegram"]
