"""What people read of their tasks: where one is, what came of it, and why nothing did."""

from dataclasses import replace

import pytest

from bot.domain.requests.operations import Product
from bot.domain.tasks.advice import Advice
from bot.domain.tasks.task import FailureKind, RemoteResult, TaskState
from bot.domain.types import MINUTE, SECOND, Millis, format_task_id
from bot.errors import UserError
from bot.i18n import NAMES
from bot.services.ports import Hold, LinePosition, Progress
from handlers.chat import html
from handlers.chat.keyboards import COPY_LIMIT
from handlers.results import result_views, task_views
from tests.builders import NOW, a_delivery, a_request, a_task, an_image
from tests.unit.handlers.screens import ENGLISH, FOX, LANGUAGES, LOCAL_NOW, labels, text_of

# -- status ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "place", "words"),
    [
        (TaskState.QUEUED, LinePosition(), "Got it – sending it to Kling"),
        (TaskState.QUEUED, LinePosition(Hold.BUSY, 1), "Kling is busy right now\nYou're next in line"),
        (TaskState.QUEUED, LinePosition(Hold.BUSY, 2), "Kling is busy right now\nYou're 2nd in line"),
        (TaskState.QUEUED, LinePosition(Hold.BUSY, 10), "Kling is busy right now\nYou're 10th in line"),
        (TaskState.QUEUED, LinePosition(Hold.BUSY, 11), "Kling is busy right now\nYou're about 20th in line"),
        (
            TaskState.QUEUED,
            LinePosition(Hold.BUSY, 1_101, Millis(65 * MINUTE)),
            "Kling is busy right now\nYou're about 1,200th in line · ready in about 1 h 5 min",
        ),
        (TaskState.QUEUED, LinePosition(Hold.DOWN), "Kling isn't available right now"),
        (TaskState.QUEUED, LinePosition(Hold.RETRY), "That didn't reach Kling. Trying again soon"),
        (TaskState.QUEUED, LinePosition(Hold.OWN), "Waiting for your earlier videos"),
        (TaskState.SUBMITTING, LinePosition(), "Sending it to Kling"),
        (TaskState.UNCONFIRMED, LinePosition(), "Checking whether Kling has it"),
        (TaskState.IN_PROGRESS, LinePosition(), "Kling is working on it · 0 s"),
    ],
)
def test_the_status_says_where_the_task_is(state, place, words):
    task = a_task(state)
    text = text_of(task_views.status(ENGLISH, task, Progress(NOW, None, place)))
    assert text.startswith(words)
    assert "a fox in the snow" in text
    assert "kling-v2-6 · standard · 5 s · 16:9 · 10 credits" in text
    assert format_task_id(task.id) in text


def test_only_a_task_that_has_not_left_can_be_cancelled():
    assert labels(task_views.status(ENGLISH, a_task(), Progress(NOW))) == ["Cancel"]
    assert labels(task_views.status(ENGLISH, a_task(TaskState.SUBMITTING), Progress(NOW))) == []


def test_progress_is_the_providers_where_it_tells():
    task = a_task(TaskState.IN_PROGRESS, progress=40)
    text = text_of(task_views.status(ENGLISH, task, Progress(Millis(NOW + 65 * SECOND), Millis(2 * MINUTE))))
    assert "Kling is working on it · 1 min 5 s" in text
    assert "Usually takes about 2 min 0 s" in text
    assert "▓▓▓▓░░░░░░ 40 %" in text


@pytest.mark.parametrize(("elapsed", "percent"), [(0, 0), (30, 25), (119, 95), (600, 95), (-60, 0)])
def test_progress_is_estimated_where_the_provider_tells_nothing_and_is_never_done(elapsed, percent):
    task = a_task(TaskState.IN_PROGRESS)
    now = Millis(NOW + elapsed * SECOND)
    assert f" {percent} %" in text_of(task_views.status(ENGLISH, task, Progress(now, Millis(2 * MINUTE))))


def test_nothing_is_guessed_where_nothing_is_known():
    text = text_of(task_views.status(ENGLISH, a_task(TaskState.IN_PROGRESS), Progress(Millis(NOW + MINUTE))))
    assert "%" not in text
    assert "Usually" not in text


def test_the_settings_name_everything_that_was_asked_for():
    request = a_request(mode="pro", duration=10, aspect_ratio="9:16", sound=True, seed=1_234_567, count=2)
    assert html.settings_line(ENGLISH, request) == (
        "kling-v2-6 · pro · 10 s · 9:16 · sound · seed 1234567 · ×2"
    )
    assert html.settings_line(ENGLISH, a_request(an_image())) == "kling-v2-6 · standard · 5 s"


# -- captions and links ------------------------------------------------------------------------------


def test_a_caption_says_what_was_asked_what_it_cost_and_how_long_it_took():
    task = a_task(TaskState.SUCCEEDED, submitted_at=NOW, finished_at=Millis(NOW + 130 * SECOND))
    assert text_of(html.View(task_views.caption(ENGLISH, a_delivery(task)))) == (
        "a fox in the snow\nkling-v2-6 · standard · 5 s · 16:9 · 10 credits · 2 min 10 s"
    )


@pytest.mark.parametrize(
    ("kind", "word"),
    [(Product.VIDEO, "video"), (Product.IMAGE, "image"), (Product.AUDIO, "sound")],
)
def test_a_link_says_what_it_leads_to(kind, word):
    others = {"video", "image", "sound"} - {word}
    delivery = a_delivery(kind=kind)
    for size, too_large in ((61_000_000, True), (None, True), (None, False)):
        text = text_of(task_views.link(ENGLISH, delivery, "https://cdn.example/1", size, too_large=too_large))
        assert text.count(word) == 2, text
        assert not any(other in text for other in others)


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
def test_a_smaller_copy_says_where_the_original_is_within_the_limit_of_a_caption(t):
    task = a_task(TaskState.SUCCEEDED, request=a_request(prompt="<&>" * 800))
    video = RemoteResult("https://cdn.example/1.mp4?signed=a&b=" + "c" * 1500)
    copy = a_delivery(task, copy_of=61_000_000, video=video)
    text = text_of(html.View(task_views.caption(t, copy)))
    assert "61 MB" in text
    assert 900 < html.utf16_length(text) <= html.CAPTION_LIMIT
    (opening,), *_ = result_views.result_buttons(t, copy, frozenset())
    assert opening.url == video.url
    longer = replace(copy, video=RemoteResult(video.url + "c" * 1000))
    assert not any(
        button.url for row in result_views.result_buttons(t, longer, frozenset()) for button in row
    )


def test_a_late_video_says_that_it_is_free():
    caption = task_views.caption(ENGLISH, a_delivery(a_task(TaskState.EXPIRED)))
    assert "late, and free" in caption
    assert "credits" not in caption


def test_a_caption_without_a_prompt_has_no_empty_quote():
    task = a_task(TaskState.SUCCEEDED, request=a_request(an_image(), prompt=""))
    assert task_views.caption(ENGLISH, a_delivery(task)) == "kling-v2-6 · standard · 5 s · 10 credits · 0 s"


def test_a_link_tells_the_size_and_leads_to_the_video():
    url = 'https://cdn.example/v.mp4?a=1&b="2"'
    delivery = a_delivery()
    buttons = result_views.result_buttons(ENGLISH, delivery, frozenset())
    view = task_views.link(ENGLISH, delivery, url, 61_234_567, buttons)
    assert "Your video is 61.2 MB" in text_of(view)
    assert '<a href="https://cdn.example/v.mp4?a=1&amp;b=&quot;2&quot;">Open the video</a>' in view.html
    assert "Again · 10 credits" in labels(view)


# -- notices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_has_its_own_words_and_gives_the_credits_back_in_the_same_message(t, kind):
    view = task_views.notice(t, a_task(TaskState.FAILED, failure=kind))
    text = text_of(view)
    assert t(f"notice.failed.{kind}") in text
    assert html.credits(t, 10) in text.splitlines()[0]
    # In the same photo the same is found again, so that nothing is offered there.
    assert bool(labels(view)) is (kind is not FailureKind.NOTHING_FOUND)


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("kind", FailureKind)
def test_a_providers_own_reason_is_for_admins_and_its_advice_for_people(t, kind):
    said = "Image pixel is invalid (1201), request_id: 7f-33"
    text = text_of(task_views.notice(t, a_task(TaskState.FAILED, failure=kind, failure_detail=said)))
    assert not any(part in text for part in ("Image pixel", "1201", "7f-33"))
    advised = kind in {FailureKind.PARAMETERS, FailureKind.PROVIDER}
    assert (t("notice.advice.pixels") in text) == advised


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("advice", Advice)
def test_every_advice_is_told_in_the_readers_language(t, advice):
    assert t(f"notice.advice.{advice}")


@pytest.mark.parametrize("kind", sorted(task_views.REPEATABLE))
def test_what_may_work_the_next_time_can_be_tried_again(kind):
    view = task_views.notice(ENGLISH, a_task(TaskState.FAILED, failure=kind))
    assert labels(view) == [
        "Try again · 10 credits",
        *(["Edit prompt"] if kind is FailureKind.PROVIDER else []),
    ]


@pytest.mark.parametrize("kind", [FailureKind.CONTENT, FailureKind.PARAMETERS])
def test_a_prompt_that_was_refused_is_offered_to_be_copied_and_changed(kind):
    task = a_task(TaskState.FAILED, failure=kind)
    ((edit, copy),) = task_views.notice(ENGLISH, task).buttons
    assert (edit.text, edit.payload) == ("Edit prompt", task_views.Change(task.id))
    assert copy.copy == "a fox in the snow"
    too_long = replace(task, request=a_request(prompt=FOX * (COPY_LIMIT // 2) + "!"))
    assert labels(task_views.notice(ENGLISH, too_long)) == ["Edit prompt"]


def test_what_a_model_lacks_is_named_in_the_readers_words():
    error = UserError("error.request.not_offered", model="kling-v2-6", fields="last_frame, new_thing")
    assert "a last frame, one of these settings" in html.error_sentence(ENGLISH, error, LOCAL_NOW)
    nobody = UserError("error.model.cfg", model="kling-v2-6", models="–")
    assert "none here" in html.error_sentence(ENGLISH, nobody, LOCAL_NOW)
