"""What people read: within Telegram's limits, well-formed, escaped, and true in every language."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.requests.request import PROMPT_LIMIT
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import HOUR, MINUTE, Millis
from bot.errors import UserError
from bot.i18n import NAMES
from bot.services.ports import Hold, LinePosition, Progress
from handlers.chat import html
from handlers.chat.keyboards import Signer, markup
from handlers.results import task_views
from tests.builders import NOW, a_delivery, a_request, a_task
from tests.unit.handlers.screens import ENGLISH, FOX, LANGUAGES, LOCAL_NOW, labels, read, text_of

SIGNER = Signer("123456:a-token-of-tests")

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


def everything_with(t, prompt: str) -> list[html.View]:
    """A task in each of its states, and each reason why it can fail."""
    request = a_request(prompt=prompt)
    progress = Progress(NOW, Millis(MINUTE), LinePosition(Hold.BUSY, 3, Millis(MINUTE)))
    failed = a_task(TaskState.FAILED, request=request, failure_detail=prompt)
    running = (TaskState.QUEUED, TaskState.SUBMITTING, TaskState.UNCONFIRMED, TaskState.IN_PROGRESS)
    return [
        *(task_views.status(t, a_task(state, request=request), progress) for state in running),
        *(task_views.notice(t, replace(failed, failure=kind)) for kind in FailureKind),
        task_views.notice(t, a_task(TaskState.CANCELLED, request=request)),
        html.View(html.error_sentence(t, UserError("error.task.unknown", task=prompt), LOCAL_NOW)),
    ]


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_every_text_is_well_formed_and_within_telegrams_limit_for_the_longest_prompt(t, prompt):
    for view in everything_with(t, prompt):
        text = text_of(view)
        assert 0 < html.utf16_length(text) <= 4096
        assert text.encode()
        assert markup(view.buttons, SIGNER) is None or all(labels(view))


@pytest.mark.parametrize("t", LANGUAGES, ids=NAMES)
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("state", [TaskState.SUCCEEDED, TaskState.EXPIRED])
def test_every_caption_is_well_formed_and_within_telegrams_limit_for_the_longest_prompt(t, prompt, state):
    request = a_request(prompt=prompt, model="kling-v2-6", sound=True, seed=2**31 - 1, count=4)
    caption = read(task_views.caption(t, a_delivery(a_task(state, request=request))))
    assert html.utf16_length(caption.text) <= 1024
    assert "blockquote" in caption.tags
    assert "kling-v2-6" in caption.text


@given(st.text(max_size=PROMPT_LIMIT), st.integers(2, 1_100))
def test_a_text_is_cut_between_letters_and_never_longer_than_its_limit(text, limit):
    cut = html.cut(text, limit)
    assert html.utf16_length(cut) <= limit
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=400))
def test_no_letter_of_a_prompt_can_break_the_edit_of_a_status(prompt):
    reader = read(html.quoted(prompt, 300) + html.snippet(prompt, 100))
    assert set(reader.tags) <= {"blockquote"}
    assert reader.quoted == html.cut(prompt, 300)


def test_markup_in_a_prompt_is_shown_as_it_was_written():
    task = a_task(request=a_request(prompt='<b>bold</b> & "fox"'))
    status = read(task_views.status(ENGLISH, task, Progress(NOW)).html)
    assert status.quoted == '<b>bold</b> & "fox"'
    assert "b" not in status.tags


def test_a_text_from_right_to_left_does_not_turn_the_sentence_around_it():
    # U+2068 and U+2069 isolate what stands between them.
    assert html.snippet("ثعلب", 20) == "\u2068ثعلب\u2069"
    assert html.snippet("a fox", 20) == "a fox"
    assert html.snippet("a \u202efox", 20) == "\u2068a \u202efox\u2069"


def test_a_text_inside_a_sentence_stands_on_one_line():
    assert html.snippet("a fox\n\n  in\tthe snow", 100) == "a fox in the snow"


def test_html_becomes_plain_text_where_none_is_shown():
    assert html.strip_tags("Use <code>/grant @name &lt;credits&gt;</code> &amp; go") == (
        "Use /grant @name <credits> & go"
    )


# -- errors ------------------------------------------------------------------------------------------


def test_an_error_is_a_sentence_with_readable_figures():
    error = UserError("error.quota.credits", price=1_500, available=5, resets_at=NOW + HOUR)
    sentence = html.error_sentence(ENGLISH, error, LOCAL_NOW)
    assert sentence.startswith("This costs 1,500 credits and you have 5. Refills: 1:00")


def test_a_part_of_an_error_that_there_is_not_leaves_no_gap():
    error = UserError("error.quota.credits", price=15, available=5, resets_at=None)
    assert html.error_sentence(ENGLISH, error, LOCAL_NOW) == (
        "This costs 15 credits and you have 5. /quota shows more."
    )


def test_what_a_person_typed_is_escaped_in_an_error():
    error = UserError("error.admin.no_user", user="<b>@ada")
    assert "<b>@ada" in read(html.error_sentence(ENGLISH, error, LOCAL_NOW)).text
