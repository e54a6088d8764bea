"""What people read: within Telegram's limits, well-formed, escaped, and true in every language."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.choices import Knob
from bot.domain.request import PROMPT_LIMIT
from bot.domain.task import (
    FailureKind,
    LedgerKind,
    LedgerRow,
    TaskState,
)
from bot.domain.units import DAY, HOUR, MINUTE, SECOND, Credits, Millis, shown
from bot.errors import UserError
from bot.i18n import NAMES, for_language
from bot.services.cards import Card
from bot.services.ports import Balance, Progress
from handlers import COMMANDS, card_views, onboarding_views, result_views, views
from handlers.keyboards import COPY_LIMIT, Signer, markup
from tests.builders import ADA, NOW, a_delivery, a_grant, a_request, a_task, an_image
from tests.unit.screens import labels, read, text_of

UTC = ZoneInfo("UTC")
ENGLISH = for_language("en")
LANGUAGES = [for_language(language) for language in NAMES]
SIGNER = Signer("123456:a-token-of-tests")

FOX = "🦊"
FAMILY = "👨‍👩‍👧‍👦"
PROMPTS = {
    "letters": "x" * PROMPT_LIMIT,
    "words": ("snow " * PROMPT_LIMIT)[:PROMPT_LIMIT],
    "emoji": FOX * PROMPT_LIMIT,
    "families": (FAMILY * PROMPT_LIMIT)[:PROMPT_LIMIT],
    "right to left": ("ثعلب في الثلج " * PROMPT_LIMIT)[:PROMPT_LIMIT],
    "markup": ("<b>&\"'</i>" * PROMPT_LIMIT)[:PROMPT_LIMIT],
    "line breaks": ("a\n" * PROMPT_LIMIT)[:PROMPT_LIMIT],
}


def a_balance(**changes) -> Balance:
    values = {
        "available": 80,
        "granted": 30,
        "held": 15,
        "day_limit": 100,
        "day_spent": 50,
        "month_limit": 1_000,
        "month_spent": 1_000 - 50,
        "resets_at": NOW + HOUR,
        "running": 1,
        "max_running": 3,
    }
    return Balance(**values | changes)


def everything_with(t, prompt: str) -> list[views.View]:
    """Every message that shows a prompt."""
    request = a_request(prompt=prompt)
    progress = Progress(NOW, Millis(MINUTE), 3)
    task = a_task(request=request)
    finished = a_task(TaskState.SUCCEEDED, request=request)
    failed = a_task(TaskState.FAILED, request=request, failure_detail=prompt)
    return [
        *(
            views.status(t, a_task(state, request=request), progress)
            for state in (
                TaskState.QUEUED,
                TaskState.SUBMITTING,
                TaskState.UNCONFIRMED,
                TaskState.IN_PROGRESS,
            )
        ),
        *(views.notice(t, replace(failed, failure=kind)) for kind in FailureKind),
        views.notice(t, a_task(TaskState.CANCELLED, request=request)),
        *(
            card_views.card(t, Card("7", request, question), tuple(Knob), Credits(15), Credits(200), ADA)
            for question in ("draft.words", "draft.photo", "draft.stale")
        ),
        views.tasks(t, [task] * 20, NOW, ADA),
        views.user_card(
            t, prompt, prompt[:60], "free", a_balance(), [task] * 20, [a_grant(note=prompt)] * 10, UTC, NOW
        ),
        views.granted(t, prompt, 5, a_balance()),
        onboarding_views.start(t, prompt, a_balance(), ADA),
        views.link(t, a_delivery(finished), "https://cdn.example/" + "x" * 1_000, 60_000_000),
        views.View(
            views.error_sentence(t, UserError("error.task.unknown", task=prompt), UTC, NOW),
        ),
    ]


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_every_text_is_well_formed_and_within_telegrams_limit_for_the_longest_prompt(t, prompt):
    for view in everything_with(t, prompt):
        text = text_of(view)
        assert 0 < views.units(text) <= 4096
        assert text.encode()
        assert markup(view.buttons, SIGNER) is None or all(labels(view))


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("state", [TaskState.SUCCEEDED, TaskState.EXPIRED])
def test_every_caption_is_well_formed_and_within_telegrams_limit_for_the_longest_prompt(t, prompt, state):
    request = a_request(prompt=prompt, model="kling-v2-6", sound=True, seed=2**31 - 1, count=4)
    caption = read(views.caption(t, a_delivery(a_task(state, request=request))))
    assert views.units(caption.text) <= 1024
    assert "blockquote" in caption.tags
    assert "kling-v2-6" in caption.text


@given(st.text(max_size=PROMPT_LIMIT), st.integers(2, 1_100))
def test_a_text_is_cut_between_letters_and_never_longer_than_its_limit(text, limit):
    cut = views.cut(text, limit)
    assert views.units(cut) <= limit
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=400))
def test_no_letter_of_a_prompt_can_break_the_edit_of_a_status(prompt):
    reader = read(views.quoted(prompt, 300) + views.inline(prompt, 100))
    assert set(reader.tags) <= {"blockquote"}
    assert reader.quoted == views.cut(prompt, 300)


def test_markup_in_a_prompt_is_shown_as_it_was_written():
    task = a_task(request=a_request(prompt='<b>bold</b> & "fox"'))
    status = read(views.status(ENGLISH, task, Progress(NOW)).html)
    assert status.quoted == '<b>bold</b> & "fox"'
    assert "b" not in status.tags


def test_a_text_from_right_to_left_does_not_turn_the_sentence_around_it():
    # U+2068 and U+2069 isolate what stands between them.
    assert views.inline("ثعلب", 20) == "\u2068ثعلب\u2069"
    assert views.inline("a fox", 20) == "a fox"
    assert views.inline("a \u202efox", 20) == "\u2068a \u202efox\u2069"


def test_a_text_inside_a_sentence_stands_on_one_line():
    assert views.inline("a fox\n\n  in\tthe snow", 100) == "a fox in the snow"


def test_html_becomes_plain_text_where_none_is_shown():
    assert views.plain("Use <code>/grant @name &lt;credits&gt;</code> &amp; go") == (
        "Use /grant @name <credits> & go"
    )


# -- status ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "ahead", "words"),
    [
        (TaskState.QUEUED, None, "Got it – starting soon"),
        (TaskState.QUEUED, 0, "Got it – starting soon"),
        (TaskState.QUEUED, 1, "Got it – 1 video is before yours"),
        (TaskState.QUEUED, 5, "Got it – 5 videos are before yours"),
        (TaskState.QUEUED, 6, "Got it – about 10 videos are before yours"),
        (TaskState.QUEUED, 94, "Got it – about 100 videos are before yours"),
        (TaskState.QUEUED, 1_200, "Got it – about 1,200 videos are before yours"),
        (TaskState.SUBMITTING, None, "Sending it to Kling"),
        (TaskState.UNCONFIRMED, None, "The connection broke – checking whether Kling has it"),
        (TaskState.IN_PROGRESS, None, "Kling is working on it · 0 s"),
    ],
)
def test_the_status_says_where_the_task_is(state, ahead, words):
    task = a_task(state)
    text = text_of(views.status(ENGLISH, task, Progress(NOW, None, ahead)))
    assert text.splitlines()[0].startswith(words)
    assert "a fox in the snow" in text
    assert "kling-v2-6 · standard · 5 s · 16:9 · 10 credits" in text
    assert shown(task.id) in text


def test_only_a_task_that_has_not_left_can_be_cancelled():
    assert labels(views.status(ENGLISH, a_task(), Progress(NOW))) == ["Cancel"]
    assert labels(views.status(ENGLISH, a_task(TaskState.SUBMITTING), Progress(NOW))) == []


def test_progress_is_the_providers_where_it_tells():
    task = a_task(TaskState.IN_PROGRESS, progress=40)
    text = text_of(views.status(ENGLISH, task, Progress(Millis(NOW + 65 * SECOND), Millis(2 * MINUTE))))
    assert "Kling is working on it · 1 min 5 s" in text
    assert "Usually takes about 2 min 0 s" in text
    assert "▓▓▓▓░░░░░░ 40 %" in text


@pytest.mark.parametrize(("elapsed", "percent"), [(0, 0), (30, 25), (119, 95), (600, 95), (-60, 0)])
def test_progress_is_estimated_where_the_provider_tells_nothing_and_is_never_done(elapsed, percent):
    task = a_task(TaskState.IN_PROGRESS)
    now = Millis(NOW + elapsed * SECOND)
    assert f" {percent} %" in text_of(views.status(ENGLISH, task, Progress(now, Millis(2 * MINUTE))))


def test_nothing_is_guessed_where_nothing_is_known():
    text = text_of(views.status(ENGLISH, a_task(TaskState.IN_PROGRESS), Progress(Millis(NOW + MINUTE))))
    assert "%" not in text
    assert "Usually" not in text


def test_the_settings_name_everything_that_was_asked_for():
    request = a_request(mode="pro", duration=10, aspect_ratio="9:16", sound=True, seed=1_234_567, count=2)
    assert views.settings_line(ENGLISH, request) == (
        "kling-v2-6 · pro · 10 s · 9:16 · sound · seed 1234567 · ×2"
    )
    assert views.settings_line(ENGLISH, a_request(an_image())) == "kling-v2-6 · standard · 5 s"


# -- captions and links ------------------------------------------------------------------------------


def test_a_caption_says_what_was_asked_what_it_cost_and_how_long_it_took():
    task = a_task(TaskState.SUCCEEDED, submitted_at=NOW, finished_at=Millis(NOW + 130 * SECOND))
    assert text_of(views.View(views.caption(ENGLISH, a_delivery(task)))) == (
        "a fox in the snow\nkling-v2-6 · standard · 5 s · 16:9 · 10 credits · 2 min 10 s"
    )


def test_a_late_video_says_that_it_is_free():
    caption = views.caption(ENGLISH, a_delivery(a_task(TaskState.EXPIRED)))
    assert "late, and free" in caption
    assert "credits" not in caption


def test_a_caption_without_a_prompt_has_no_empty_quote():
    task = a_task(TaskState.SUCCEEDED, request=a_request(an_image(), prompt=""))
    assert views.caption(ENGLISH, a_delivery(task)) == "kling-v2-6 · standard · 5 s · 10 credits · 0 s"


def test_a_link_tells_the_size_and_leads_to_the_video():
    url = 'https://cdn.example/v.mp4?a=1&b="2"'
    delivery = a_delivery()
    buttons = result_views.result_buttons(ENGLISH, delivery, frozenset())
    view = views.link(ENGLISH, delivery, url, 61_234_567, buttons)
    assert "Your video is 61.2 MB" in text_of(view)
    assert '<a href="https://cdn.example/v.mp4?a=1&amp;b=&quot;2&quot;">Open the video</a>' in view.html
    assert "Again · 10 credits" in labels(view)


# -- notices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_has_its_own_words_and_gives_the_credits_back_in_the_same_message(t, kind):
    view = views.notice(t, a_task(TaskState.FAILED, failure=kind))
    text = text_of(view)
    assert t(f"notice.failed.{kind}") in text
    assert views.credits(t, 10) in text.splitlines()[0]
    assert labels(view)


@pytest.mark.parametrize("kind", [FailureKind.PARAMETERS, FailureKind.PROVIDER])
def test_the_providers_own_reason_is_told_where_it_helps(kind):
    task = a_task(TaskState.FAILED, failure=kind, failure_detail="risk control <7>")
    assert "Reason given: risk control <7>" in text_of(views.notice(ENGLISH, task))


def test_the_providers_own_reason_is_not_told_where_it_does_not_help():
    task = a_task(TaskState.FAILED, failure=FailureKind.UNAVAILABLE, failure_detail="upstream_error 1102")
    assert "1102" not in text_of(views.notice(ENGLISH, task))
    refused = a_task(TaskState.FAILED, failure=FailureKind.CONTENT, failure_detail="violates the policy")
    assert "violates" not in text_of(views.notice(ENGLISH, refused))


@pytest.mark.parametrize("kind", sorted(views.REPEATABLE))
def test_what_may_work_the_next_time_can_be_tried_again(kind):
    view = views.notice(ENGLISH, a_task(TaskState.FAILED, failure=kind))
    assert labels(view) == [
        "Try again · 10 credits",
        *(["Edit prompt"] if kind is FailureKind.PROVIDER else []),
    ]


@pytest.mark.parametrize("kind", [FailureKind.CONTENT, FailureKind.PARAMETERS])
def test_a_prompt_that_was_refused_is_offered_to_be_copied_and_changed(kind):
    task = a_task(TaskState.FAILED, failure=kind)
    ((edit, copy),) = views.notice(ENGLISH, task).buttons
    assert (edit.text, edit.action, edit.argument) == ("Edit prompt", "change", task.id)
    assert copy.copy == "a fox in the snow"
    too_long = replace(task, request=a_request(prompt=FOX * (COPY_LIMIT // 2) + "!"))
    assert labels(views.notice(ENGLISH, too_long)) == ["Edit prompt"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Failure to pass the risk control system (1301)", "Failure to pass the risk control system"),
        ("height must be 300 at least, code: 1201", "height must be 300 at least"),
        ("[1300] the prompt is sensitive, request_id: 7f-33", "the prompt is sensitive"),
        ("error code 1201", None),
    ],
)
def test_what_providers_write_for_machines_is_left_out_of_their_reasons(said, told):
    task = a_task(TaskState.FAILED, failure=FailureKind.PARAMETERS, failure_detail=said)
    text = text_of(views.notice(ENGLISH, task))
    assert ("Reason given" in text) == (told is not None)
    assert told is None or f"Reason given: {told}" in text
    assert not any(number in text for number in ("1300", "1301", "1201", "7f-33"))


def test_what_a_model_lacks_is_named_in_the_readers_words():
    error = UserError("error.request.not_offered", model="kling-v2-6", fields="last_frame, new_thing")
    assert "an end photo, one of these settings" in views.error_sentence(ENGLISH, error, UTC, NOW)
    nobody = UserError("error.model.cfg", model="kling-v2-6", models="–")
    assert "none here" in views.error_sentence(ENGLISH, nobody, UTC, NOW)


def test_a_cancelled_task_says_so_with_its_credits():
    view = views.notice(ENGLISH, a_task(TaskState.CANCELLED))
    assert view == views.View("Cancelled. Your 10 credits are back.")


# -- drafts, lists, people ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "no"),
    [("draft.words", "Discard"), ("draft.photo", "Discard"), ("draft.stale", "No, thanks")],
)
def test_a_draft_tells_its_price_before_it_is_spent(question, no):
    view = card_views.card(ENGLISH, Card("7", a_request(), question), (), Credits(15), Credits(200), ADA)
    assert labels(view) == ["Generate · 15 credits", no]
    assert text_of(view).startswith(ENGLISH(question))
    assert all((button.owner, button.argument) == (ADA, "7") for row in view.buttons for button in row)


def test_tasks_are_listed_with_a_button_for_each_that_can_be_cancelled():
    waiting, sent = a_task(), a_task(TaskState.IN_PROGRESS)
    view = views.tasks(ENGLISH, [waiting, sent], Millis(NOW + 90 * SECOND), ADA)
    text = text_of(view)
    assert text.startswith("2 in the works")
    assert f"{shown(waiting.id)} waiting · 1 min 30 s" in text
    assert f"{shown(sent.id)} in progress" in text
    assert labels(view) == [f"Cancel {shown(waiting.id)}"]
    assert views.tasks(ENGLISH, [], NOW, ADA) == views.View(ENGLISH("tasks.none"))


def test_a_photo_without_words_is_named_in_the_list():
    task = a_task(request=a_request(an_image(), prompt=""))
    assert "(a photo without words)" in text_of(views.tasks(ENGLISH, [task], NOW, ADA))


def test_the_quota_says_what_is_left_and_when_there_is_more():
    lines = text_of(views.quota(ENGLISH, a_balance(), UTC, NOW)).splitlines()
    assert lines[0] == "You can spend 80 credits."
    assert "Today: 50 of 100 used" in lines
    assert "This month: 950 of 1,000 used" in lines
    assert "Granted or bought: 30 credits" in lines
    assert "Reserved for videos in the works: 15 credits" in lines
    assert "In the works: 1 of 3 at a time" in lines
    assert lines[-1].startswith("More from 1:00")


def test_the_quota_leaves_out_what_there_is_not():
    balance = a_balance(granted=0, held=0, day_limit=None, month_limit=None, resets_at=None, available=1)
    assert text_of(views.quota(ENGLISH, balance, UTC, NOW)).splitlines() == [
        "You can spend 1 credit.",
        "In the works: 1 of 3 at a time",
    ]


def test_a_limit_of_zero_is_a_limit_and_not_misread_as_none():
    balance = a_balance(day_limit=0, day_spent=0)
    assert "Today: 0 of 0 used" in text_of(views.quota(ENGLISH, balance, UTC, NOW))


def test_a_persons_card_shows_standing_tasks_and_the_newest_movements():
    task = a_task()
    hold = LedgerRow.hold(task, Credits(10))
    charge = replace(hold, kind=LedgerKind.CHARGE, amount=Credits(0), held=Credits(-10), at=Millis(NOW - DAY))
    view = views.user_card(
        ENGLISH,
        "Ada <3",
        "@ada · 1001",
        "free",
        a_balance(),
        [task],
        [a_grant(50, note="for the film"), hold, charge],
        UTC,
        NOW,
    )
    lines = text_of(view).splitlines()
    assert lines[0] == "Ada <3 · @ada · 1001 · free"
    assert any(f"{shown(task.id)} waiting" in line for line in lines)
    assert any(line.endswith("grant +50 for the film") for line in lines)
    assert any(line.endswith(f"reserved -10 {shown(task.id)}") for line in lines)
    assert any(line.endswith(f"spent 10 {shown(task.id)}") and "12/31/25" in line for line in lines)


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("kind", LedgerKind)
def test_every_movement_of_credits_has_a_word(t, kind):
    row = a_grant(5, kind=kind)
    card = views.user_card(t, "Ada", "1001", "free", a_balance(), [], [row], UTC, NOW)
    assert t(f"ledger.{kind}") in text_of(card)


def test_a_grant_and_a_taking_back_are_told_as_such():
    assert text_of(views.granted(ENGLISH, "Ada", 50, a_balance())) == (
        "50 credits granted to Ada. Available now: 80 credits."
    )
    assert text_of(views.granted(ENGLISH, "Ada", -50, a_balance())) == (
        "50 credits taken from Ada. Available now: 80 credits."
    )
    assert text_of(views.gift(ENGLISH, 50, a_balance())) == (
        "You were given 50 credits. You can spend 80 credits now."
    )


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
def test_the_screens_that_everybody_sees_are_well_formed(t):
    for view in (
        views.how_to(t),
        onboarding_views.start(t, "Ada", a_balance(), ADA),
        views.help_text(t, [name for name in COMMANDS if name != "start"], ["kling-v2-6", "kling-<v3>"]),
        views.language_choice(t, ADA),
    ):
        assert 0 < views.units(text_of(view)) <= 4096
        assert labels(view)


def test_every_language_is_offered_in_its_own_name():
    view = views.language_choice(ENGLISH, ADA)
    assert labels(view) == [*NAMES.values(), "Follow my Telegram"]


# -- errors ------------------------------------------------------------------------------------------


def test_an_error_is_a_sentence_with_readable_figures():
    error = UserError("error.quota.credits", price=1_500, available=5, resets_at=NOW + HOUR)
    sentence = views.error_sentence(ENGLISH, error, UTC, NOW)
    assert sentence.startswith("This costs 1,500 credits and you have 5. More from 1:00")


def test_a_part_of_an_error_that_there_is_not_leaves_no_gap():
    error = UserError("error.quota.credits", price=15, available=5, resets_at=None)
    assert views.error_sentence(ENGLISH, error, UTC, NOW) == (
        "This costs 15 credits and you have 5. /quota shows more."
    )


def test_what_a_person_typed_is_escaped_in_an_error():
    error = UserError("error.admin.no_user", user="<b>@ada")
    assert "<b>@ada" in read(views.error_sentence(ENGLISH, error, UTC, NOW)).text
