"""A history as people read it: a line for each task, and buttons to see them and to turn pages. Pure."""

from zoneinfo import ZoneInfo

from bot.domain.tasks.task import Task
from bot.domain.units import Millis, UserId, shown
from bot.i18n import Texts
from bot.services.tasks.results import PAGE, Page
from handlers.chat.html import View, inline
from handlers.chat.keyboards import Button, in_rows

WORDS_A_LINE = 40
SEARCHED_WORDS = 60
IN_A_ROW = 3

ALL = "all"
FAVOURITES = "stars"
"""What a page is of, in the data of its buttons; anything else is the token of the words that are searched for."""


def history(t: Texts, page: Page, words: str, of: str, zone: ZoneInfo, now: Millis, owner: UserId) -> View:
    """One page. `of` says what it is a page of, for the buttons that turn it."""
    if not page.tasks:
        return View(_nothing(t, page, words, of))
    first = page.number * PAGE + 1
    lines = [_head(t, words, of)]
    lines += [_line(t, task, number, zone, now) for number, task in enumerate(page.tasks, first)]
    numbers = [Button(str(number), "open", task.id, owner) for number, task in enumerate(page.tasks, first)]
    rows = in_rows(numbers, IN_A_ROW)
    turning = []
    if page.number:
        turning.append(Button(t("button.newer"), "history", f"{of}.{page.number - 1}", owner))
    if page.has_more:
        turning.append(Button(t("button.older"), "history", f"{of}.{page.number + 1}", owner))
    return View("\n".join(lines), [*rows, turning])


def _head(t: Texts, words: str, of: str) -> str:
    if of == FAVOURITES:
        return t("history.favourites")
    return t("history.found", words=inline(words, SEARCHED_WORDS)) if words else t("history.all")


def _nothing(t: Texts, page: Page, words: str, of: str) -> str:
    if page.number:
        return t("history.no_more")
    if of == FAVOURITES:
        return t("history.no_favourites")
    return t("history.not_found", words=inline(words, SEARCHED_WORDS)) if words else t("history.none")


def _line(t: Texts, task: Task, number: int, zone: ZoneInfo, now: Millis) -> str:
    words = inline(task.request.prompt or (task.request.effect or "").replace("_", " "), WORDS_A_LINE)
    parts = [
        t.day(task.created_at, zone, now),
        words or t("tasks.photo"),
        inline(task.request.model, WORDS_A_LINE),
        t(f"state.{task.state}"),
    ]
    star = f" · {t('history.favourite')}" if task.favourite else ""
    return f"{number}. {' · '.join(parts)}{star}"


def on_its_way(t: Texts, task: Task) -> View:
    """A task that is done, and whose result is being sent right now."""
    return View(t("history.on_its_way", task=shown(task.id)))


def private(t: Texts, username: str) -> View:
    """A group is no place for a person's history."""
    return View(t("history.private", link=f"https://t.me/{username}"))
