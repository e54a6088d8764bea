"""What stands on results and in histories: short rows, signed data that fits, and user text that is harmless."""

from dataclasses import replace

import pytest

from bot.domain.requests.effects import load_effects
from bot.domain.requests.operations import Operation, Product
from bot.domain.tasks.task import Delivery, DeliveryState, TaskState
from bot.domain.types import Credits, UserId
from bot.i18n import for_language
from bot.services.tasks.results import PAGE, Page
from handlers.chat.html import TEXT_LIMIT, strip_tags, utf16_length
from handlers.chat.keyboards import Rows, Signer, markup
from handlers.results import (
    history,
    result_views,
)
from tests.builders import a_request, a_task, a_video
from tests.unit.handlers.screens import ENGLISH, LOCAL_NOW

EVERYTHING = frozenset({Operation.EXTEND, Operation.LIP_SYNC, Operation.EFFECT})
LARGEST_USER = UserId(2**52)
LANGUAGES = pytest.mark.parametrize("t", [for_language("en"), for_language("zh_Hans")], ids=["en", "zh"])


def a_result(kind: Product = Product.VIDEO, **changes) -> Delivery:
    task = a_task(TaskState.SUCCEEDED, **changes)
    return Delivery(1, task, kind, 3, DeliveryState.DELIVERED, 1, None, a_video(), "file", 5)


def fits(rows: Rows) -> None:
    """As Telegram takes it, and as people can read it."""
    keyboard = markup(rows, Signer("a secret"))
    assert keyboard is not None
    assert all(len(row) <= 3 for row in keyboard.inline_keyboard)


def words_on(rows: Rows) -> list[str]:
    return [button.text for row in rows for button in row]


@LANGUAGES
def test_a_result_has_at_most_three_words_a_row_and_data_that_fits(t):
    fits(result_views.result_buttons(t, a_result(), EVERYTHING))
    fits(result_views.result_buttons(t, a_result(Product.IMAGE), frozenset({Operation.EFFECT})))
    fits(result_views.result_buttons(t, a_result(Product.AUDIO), frozenset()))
    fits(result_views.delete_question(t, a_result()))
    fits(result_views.album(t, [a_result()] * 4).buttons)
    for onward in (False, True):
        fits(result_views.ask_extend(t, a_result(), Credits(1_000), LARGEST_USER, onward=onward).buttons)


@LANGUAGES
def test_every_effect_has_a_button_that_telegram_takes(t):
    categories = load_effects().by_category(1)
    fits(result_views.ask_effect(t, a_result(), categories, LARGEST_USER).buttons)
    shown = []
    for category, effects in categories.items():
        for page in range(-(-len(effects) // result_views.EFFECTS_A_PAGE)):
            about = result_views.ListEffects(a_result().task.id, 3, page, category)
            view = result_views.choose_effect(
                t, about, category, [(effect, Credits(1_000)) for effect in effects], LARGEST_USER
            )
            fits(view.buttons)
            shown += words_on(view.buttons)
    titles = {f"{t(effect.key)} · {t.number(1_000)}" for effect in load_effects().search("", 1)}
    assert titles <= set(shown)


def test_a_result_offers_only_what_can_be_made_of_it():
    assert {"Extend", "Lip-sync", "Effects"}.isdisjoint(
        words_on(result_views.result_buttons(ENGLISH, a_result(), frozenset()))
    )
    offered = words_on(result_views.result_buttons(ENGLISH, a_result(), frozenset({Operation.LIP_SYNC})))
    assert "Lip-sync" in offered
    assert "Extend" not in offered


@LANGUAGES
def test_the_settings_of_the_richest_request_fit_into_an_alert(t):
    request = a_request(mode="pro", duration=10, seed=2**31 - 1, sound=True, count=4)
    view = result_views.about(t, a_result(request=request, price=Credits(1_000)), LOCAL_NOW)
    assert utf16_length(strip_tags(view.html)) <= 200
    fits(view.buttons)


def test_messages_that_stay_are_told_of():
    task = a_task(TaskState.SUCCEEDED)
    assert result_views.deleted(ENGLISH, task, 0).endswith("is deleted.")
    assert "2 messages are too old" in result_views.deleted(ENGLISH, task, 2)


@LANGUAGES
def test_a_page_of_the_longest_prompts_fits_and_shows_nothing_as_markup(t):
    tasks = [a_task(state, request=a_request(prompt="<b>&" * 600)) for state in list(TaskState)[:PAGE]]
    page = Page(tasks, 1, has_more=True)
    view = history.history(t, page, "<i>" * 80, "A1b2C3d4E5f6", LOCAL_NOW, LARGEST_USER)
    assert utf16_length(strip_tags(view.html)) <= TEXT_LIMIT
    assert "<i><" not in view.html
    assert "&lt;b&gt;" in view.html
    fits(view.buttons)
    assert words_on(view.buttons)[:PAGE] == [str(number) for number in range(PAGE + 1, 2 * PAGE + 1)]


def test_a_line_tells_day_words_model_state_and_favourite():
    task = replace(a_task(TaskState.SUCCEEDED), favourite=True)
    view = history.history(ENGLISH, Page([task], 0, has_more=False), "", "all", LOCAL_NOW, UserId(1))
    assert "1. Jan 1 · a fox in the snow · kling-v2-6 · ready · ★ favourite" in view.html


@pytest.mark.parametrize(
    ("words", "of", "number", "said"),
    [
        ("", history.ALL, 0, "no videos yet"),
        ("fox", "token", 0, "Nothing matches “fox”"),
        ("", history.FAVOURITES, 0, "No favourites yet"),
        ("", history.ALL, 3, "That was the oldest"),
    ],
)
def test_an_empty_page_says_what_to_do(words, of, number, said):
    view = history.history(ENGLISH, Page([], number, has_more=False), words, of, LOCAL_NOW, UserId(1))
    assert said in view.html
    assert not view.buttons
