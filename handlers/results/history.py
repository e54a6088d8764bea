"""`/history`, `/favourites` and `/show`: a person's tasks, to be found, seen and worked with again."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.people.access import AccessLevel
from bot.domain.requests.naming import show_prompt
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import TaskId, UserId, format_task_id
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.tasks.results import PAGE, Page
from handlers.chat.html import View, name_effect, reason_line, snippet
from handlers.chat.keyboards import Button, Payload, in_rows, neighbours
from handlers.chat.menus import Menu, Section
from handlers.chat.routes import Command, Press, Words
from handlers.chat.turn import Turn
from handlers.results import task_views
from handlers.sending.chat import ReplyTarget

PROMPT_SHOWN = 40
SEARCH_SHOWN = 60
IN_A_ROW = 3

ALL = "all"
FAVOURITES = "stars"
"""What a page lists, in the data of its buttons; anything else is the token of a search."""


@dataclass(frozen=True)
class TurnPage(Payload, action="history"):
    """Show a page of the list `of`."""

    of: str
    number: int = 0


@dataclass(frozen=True)
class OpenTask(Payload, action="open"):
    """Show a task of the list."""

    task_id: TaskId


async def list_history(turn: Turn, text: str) -> None:
    """`/history [text]`: the newest page of all tasks, or of those whose prompts contain the text."""
    if not turn.is_private:
        await turn.answer(private(turn.t, turn.username))
        return
    searched = " ".join(text.split())
    of = await turn.services.questions.save_words(turn.user_id, searched) if searched else ALL
    await turn.answer(await _page(turn, of, 0))


async def list_favourites(turn: Turn) -> None:
    """`/favourites`: the newest page of favourites."""
    if turn.is_private:
        await turn.answer(await _page(turn, FAVOURITES, 0))
    else:
        await turn.answer(private(turn.t, turn.username))


async def on_turn_page(turn: Turn, button: TurnPage) -> None:
    """Show another page in the same message."""
    await turn.edit(await _page(turn, button.of, button.number))


async def _page(turn: Turn, of: str, number: int) -> View:
    services, searched = turn.services, ""
    if of == FAVOURITES:
        page = await services.history.favourites(turn.user_id, number)
    else:
        if of != ALL:
            saved = await services.questions.saved_words(turn.user_id, of)
            if saved is None:
                raise UserError("error.button.stale")
            searched = saved
        page = await services.history.page(turn.user_id, searched, number)
    return history(turn.t, page, searched, of, turn.local_now(), turn.user_id)


async def show(turn: Turn, words: Words) -> None:
    """`/show <id>`: a task with its result and its buttons, or its state."""
    if not words:
        raise UserError("error.task.which")
    await open_task(turn, words[0])


async def open_task(turn: Turn, text: str) -> None:
    """Show the task of an id as people write it, also out of a link; only to its owner and to admins.

    Raises:
        UserError: the person has no such task.

    """
    await _show(turn, await turn.services.tasks.of(turn.user_id, text), turn.reply_target)


async def on_open(turn: Turn, button: OpenTask) -> None:
    """Show a task of the list, below it."""
    await _show(turn, await turn.services.tasks.of(turn.user_id, button.task_id), turn.reply_target.below)


async def _show(turn: Turn, task: Task, target: ReplyTarget) -> None:
    if not await turn.services.results.show(task, turn.origin(target)):
        await turn.answer(await _state(turn, task), target)


async def _state(turn: Turn, task: Task) -> View:
    """Return the state of a task that has no result to show."""
    if not task.state.is_final:
        return task_views.status(turn.t, task, await turn.services.status.progress(task))
    if task.state is TaskState.SUCCEEDED:
        return View(turn.t("history.on_its_way", task=format_task_id(task.id)))
    view = task_views.notice(turn.t, task)
    is_own = task.user_id == turn.user_id
    # Other failures are told in the provider's words to its operators only.
    if is_own and task.failure in task_views.CHANGEABLE and task.failure_detail:
        view = replace(view, html=f"{view.html}\n{reason_line(turn.t, task.failure_detail)}")
    return view


# -- views -------------------------------------------------------------------------------------------


def history(t: Texts, page: Page, searched: str, of: str, now: datetime, owner: UserId) -> View:
    """Return one page: a line for each task, and buttons to open them and to turn pages."""
    if not page.tasks:
        return View(_nothing(t, page, searched, of))
    first = page.number * PAGE + 1
    lines = [_head(t, searched, of)]
    lines += [_line(t, task, number, now) for number, task in enumerate(page.tasks, first)]
    numbers = [
        Button(str(number), OpenTask(task.id), owner=owner) for number, task in enumerate(page.tasks, first)
    ]
    turning = neighbours(t, lambda number: TurnPage(of, number), page.number, owner, more=page.has_more)
    return View("\n".join(lines), [*in_rows(numbers, IN_A_ROW), turning])


def _head(t: Texts, searched: str, of: str) -> str:
    if of == FAVOURITES:
        return t("history.favourites")
    return t("history.found", words=snippet(searched, SEARCH_SHOWN)) if searched else t("history.all")


def _nothing(t: Texts, page: Page, searched: str, of: str) -> str:
    if page.number:
        return t("history.no_more")
    if of == FAVOURITES:
        return t("history.no_favourites")
    return t("history.not_found", words=snippet(searched, SEARCH_SHOWN)) if searched else t("history.none")


def _line(t: Texts, task: Task, number: int, now: datetime) -> str:
    request = task.request
    words = name_effect(t, request.effect) if request.effect else show_prompt(request)
    prompt = snippet(words, PROMPT_SHOWN)
    parts = [
        t.day(task.created_at, now),
        prompt or t("tasks.photo"),
        snippet(task.request.model, PROMPT_SHOWN),
        t(f"state.{task.state}"),
    ]
    star = f" · {t('history.favourite')}" if task.favourite else ""
    return f"{number}. {' · '.join(parts)}{star}"


def private(t: Texts, username: str) -> View:
    """Return the way to the private chat: a group is no place for a person's history."""
    return View(t("history.private", link=f"https://t.me/{username}"))


COMMANDS = (
    Command(
        "history",
        list_history,
        access=AccessLevel.VIEW,
        section=Section.RESULTS,
        menu=Menu.PRIVATE,
    ),
    Command("favourites", list_favourites, access=AccessLevel.VIEW, section=Section.RESULTS),
    Command("show", show, access=AccessLevel.VIEW, section=Section.RESULTS),
)
BUTTONS = (Press(TurnPage, on_turn_page, AccessLevel.VIEW), Press(OpenTask, on_open, AccessLevel.VIEW))
