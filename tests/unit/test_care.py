"""Care in everything that people read: every view of every module, with the worst that people write.

The views are found by themselves, and what they take is made up from its type: a new view is walked
without a word here, unless it takes a text that must be of a certain form (`FORMS`).
"""

import dataclasses
import enum
import importlib
import inspect
import itertools
import pkgutil
import types
import typing
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import handlers
from bot.domain.credits.quota import Plan
from bot.domain.library.template import clean_title
from bot.domain.operations.records import BroadcastContent, BroadcastLink
from bot.domain.requests.catalog import load as load_catalog
from bot.domain.requests.choices import Preferences
from bot.domain.requests.effects import Effect, load_effects
from bot.domain.requests.marking import Brushing, Direction, Stage
from bot.domain.requests.model import Model
from bot.domain.requests.operations import Operation, Product
from bot.domain.requests.options import ON_CARDS, Option
from bot.domain.requests.presets import load_voices
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import FailureKind, Task, TaskState
from bot.domain.types import DAY, Credits, Millis
from bot.errors import UserError
from bot.i18n import NAMES, Texts, for_language
from bot.services.container import ACTIONS
from handlers.chat.html import CAPTION_LIMIT, TEXT_LIMIT, View, utf16_length
from handlers.chat.keyboards import Button, Signer, markup
from handlers.making.card_views import MakeIt
from tests.builders import ADA, NOW, a_request, a_task, an_asset_request
from tests.operations import a_request_for
from tests.unit.handlers.screens import TELEGRAM, read

TEXTS = {
    "letters": "x" * 3_000,
    "words": "snow " * 500,
    "emoji": "🦊👨‍👩‍👧‍👦" * 200,
    "right to left": "ثعلب في الثلج " * 150,
    "markup": "<b>&\"'</i>" * 200,
    "lines": "a\n" * 1_000,
}
PROMPT_LETTERS = 2_000
SHORT = 24
ALONE = 40
"""Letters that a phone shows of a button beside another one, and of one that has a row to itself."""

IN_A_ROW = 3
NARROW_IN_A_ROW = 8
"""What Telegram shows beside each other of longer texts, and of one or two digits."""
MANY = 12
SIGNER = Signer("123456:a-token-of-tests")

LINK = "https://t.me/kling_demo_bot?start=template_fox1"

FORMS: Mapping[str, object] = {
    # What is no person's text, by the name of the parameter or field, with its function or class or without.
    "Card.name": "7",
    "Delivery.kind": Product.VIDEO,
    "Asset.id": "K7Q29F0123",
    "action_rows.actions": ACTIONS,
    "begun.request": lambda text: an_asset_request(name=text[:20], prompt=text[:100]),
    "ended.task": lambda text: a_task(
        TaskState.FAILED,
        request=an_asset_request(name=text[:20], prompt=text[:100]),
        failure=FailureKind.PROVIDER,
        failure_detail=text,
    ),
    "Package.name": "small",
    "Template.title": clean_title,
    "Failures.by_kind": (("content", 3),),
    "Person.name": lambda text: " ".join(text.split()),
    "ProviderReport.name": "official",
    "delete_question.name": "K7Q29F.0",
    "choices.option": Option.SEED,
    "summary.options": ON_CARDS,
    "summary.availability": "Kling 2.6 can't be used now.",
    "summary.camera_words": "The camera moves to the left.",
    "preference_page.choices": {"yes": Preferences(silent=True), "no": Preferences()},
    "voices.known": load_voices().of("en"),
    "link.buttons": [],
    "announcement.content": lambda text: BroadcastContent(
        text=text[:900], links=(BroadcastLink(title=" ".join(text.split())[:40], url=LINK),)
    ),
    "outdated.sentence": "This template uses a model that is gone.",
    "language": "en",
    "chosen_language": "en",
    "token": "fox1",
    "view_of.brushing": Brushing(request=a_request_for("image2video"), before="fox1")
    .tap(1)
    .at(Stage.PATH)
    .go(Direction.RIGHT),
    "Steps.here": "fox1",
    "Steps.other": "fox2",
    "Steps.cleared": "fox3",
    "before": "fox1",
    "Swap.why": "references",
    "why": "references",
    "code": "fox1",
    "scene": "fox1",
    "of": "fox",
    "again": "tasks",
    "plan.terms": Plan(name="free", models=("kling-v2-6",), operations=(Operation.TEXT_TO_VIDEO,)),
    "choices.field": "models",
    "all_": ["kling-v2-6", "kling-v1-6"],
    "choices.held": ["kling-v2-6"],
    "plan": "pro",
    "plans": ["free", "pro"],
    "names": ["free", "pro"],
    "handle": "1a2b3c4d",
    "action": "grant",
    "plan_names": ["free", "pro"],
    "url": LINK,
    "address": LINK,
    "link": LINK,
    "username": "kling_demo_bot",
    "commands": ["video", "image", "tasks"],
    "models": ["kling-v2-6", "kling-v1-6"],
    "model": "kling-v2-6",
    "image_uses.uses": ["frames", "references"],
    "card_name": "7",
    "question": "draft.words",
    "provider": "official",
    "offer.ways": [("offer.edit", MakeIt("t7Kq2", Credits(45)), Credits(45))],
    "key": "start.example_1",
    "duration_ms": 5_000_000,
    "size_bytes": 5_000_000,
    "page": 0,
    "skip": 0,
}


class Maker:
    """Makes up values of types, with a text wherever a person's words go."""

    def __init__(self, t: Texts, text: str) -> None:
        self._t = t
        self._text = text

    def arguments(self, view: Callable[..., Any]) -> dict[str, Any]:
        """What a view is called with."""
        hints = typing.get_type_hints(view)
        return {
            name: self.value(hints[name], name, view.__name__)
            for name, parameter in inspect.signature(view).parameters.items()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        }

    def value(self, kind: Any, name: str = "", owner: str = "") -> Any:
        """A value of a type for a parameter of a function, or a field of a class."""
        if f"{owner}.{name}" in FORMS:
            form = FORMS[f"{owner}.{name}"]
            return form(self._text) if callable(form) else form
        if name in FORMS and kind in {str, str | None, int, bool, Sequence[str]}:
            return FORMS[name]
        if kind in {str, object, Any}:
            return "fox" if name == "name" and kind is object else self._text
        simple = self._simple(kind, name)
        return simple if simple is not None else self._compound(kind, name)

    def _simple(self, kind: Any, name: str) -> Any:
        if isinstance(kind, typing.NewType):
            moment = kind is Millis or name in {"now", "at"} or name.endswith(("_at", "until"))
            return (
                {"Millis": NOW + DAY, "UserId": ADA}.get(kind.__name__)
                if moment or kind.__name__ == "UserId"
                else (self.value(kind.__supertype__, name) if kind.__supertype__ is int else "K7Q29F")
            )
        made: dict[Any, Callable[[], Any]] = {
            Texts: lambda: self._t,
            datetime: lambda: datetime.fromtimestamp((NOW + DAY) / 1000, ZoneInfo("Asia/Shanghai")),
            GenerationRequest: self._request,
            Task: lambda: a_task(TaskState.IN_PROGRESS, request=self._request(), progress=None),
            Preferences: lambda: Preferences(model="kling-v2-6", mode="pro", silent=True),
            UserError: lambda: UserError(
                "error.prompt.unknown_option", option=self._text, nearest="--mode", allowed=self._text
            ),
            Model: lambda: load_catalog({}).model("kling-v2-6"),
            Effect: lambda: load_effects().find("hug_pro", 2),
            date: lambda: date(2027, 1, 31),
            Plan: lambda: Plan(name="free", daily_credits=100, monthly_credits=1_000),
            Button: lambda: Button(self._t("button.cancel"), "cancel", "K7Q29F"),
            int: lambda: 42,
            float: lambda: 0.5,
            bool: lambda: True,
        }
        return made[kind]() if kind in made else None

    def _compound(self, kind: Any, name: str) -> Any:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in {typing.Union, types.UnionType}:
            return self.value(next(part for part in arguments if part is not type(None)), name)
        if origin is typing.Literal:
            return arguments[0]
        if origin is typing.Annotated:
            return self.value(arguments[0], name)
        if origin in {frozenset, set}:
            return origin(self._several(arguments[0], name))
        if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
            return tuple(self.value(part) for part in arguments)
        if origin in {Sequence, Iterable, list, tuple}:
            several = self._several(arguments[0], name)
            return tuple(several) if origin is tuple else several
        if origin in {Mapping, dict}:
            keys = self._several(arguments[0], name)
            return {key: self.value(arguments[1]) for key in keys}
        if inspect.isclass(kind) and issubclass(kind, enum.Enum):
            return list(kind)[-1]
        if dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind, include_extras=False)
            return kind(
                **{
                    field.name: self.value(hints[field.name], field.name, kind.__name__)
                    for field in dataclasses.fields(kind)
                    if field.init
                }
            )
        if inspect.isclass(kind) and hasattr(kind, "model_fields"):
            return kind.model_construct(
                **{
                    field: self.value(details.annotation, field)
                    for field, details in kind.model_fields.items()
                }
            )
        raise TypeError(f"nobody knows how to make {kind} for {name}")

    def _several(self, kind: Any, name: str) -> list[Any]:
        if inspect.isclass(kind) and issubclass(kind, enum.Enum):
            return list(kind)
        return [self.value(kind, name)] if kind is str else [self.value(kind, name) for _ in range(MANY)]

    def _request(self) -> GenerationRequest:
        return a_request(prompt=self._text[:PROMPT_LETTERS], negative_prompt=self._text[:PROMPT_LETTERS])


def views() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function that makes a message, or the buttons of one, out of `Texts`."""
    for module in pkgutil.walk_packages(handlers.__path__, "handlers."):
        found = importlib.import_module(module.name)
        for name, function in vars(found).items():
            if not inspect.isfunction(function) or function.__module__ != found.__name__ or name[0] == "_":
                continue
            hints = typing.get_type_hints(function)
            kind = hints.pop("return", None)
            if Texts in hints.values() and (
                kind in {View, list[View]}
                or ("Button" in str(kind) and kind != list[Button])
                or name == "caption"
            ):
                yield f"{module.name.rpartition('.')[2]}.{name}", function


def says_something(text: str) -> bool:
    """Whether there is a letter or a number: a picture alone says nothing to whoever cannot see it."""
    return any(unicodedata.category(letter)[0] in "LN" for letter in text)


def shown(made: Any) -> list[View]:
    """What a view made, as messages."""
    if isinstance(made, View):
        return [made]
    if isinstance(made, str):
        return [View(made)]
    return [one if isinstance(one, View) else View("", made) for one in made][
        : None if made and isinstance(made[0], View) else 1
    ]


ALL = dict(views())


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("view", ALL.values(), ids=ALL)
def test_every_view_is_careful_with_whatever_people_write(view, text, language):
    made = view(**Maker(for_language(language), text).arguments(view))
    for message in shown(made):
        said = read(message.html, TELEGRAM).text
        assert utf16_length(said) <= (CAPTION_LIMIT if view.__name__ == "caption" else TEXT_LIMIT)
        markup(message.buttons, SIGNER)
        for row in message.buttons:
            # The numbers of a grid are narrow.
            narrow = all(len(button.text) <= 2 for button in row)
            assert len(row) <= (NARROW_IN_A_ROW if narrow else IN_A_ROW), [button.text for button in row]
            assert all(len(button.text) <= (SHORT if len(row) > 1 else ALONE) for button in row), row
        for button in itertools.chain.from_iterable(message.buttons):
            assert "\n" not in button.text
            assert says_something(button.text) or text == TEXTS["emoji"], button.text
        if text == TEXTS["letters"]:
            for line in said.splitlines():
                assert not line.strip() or says_something(line), line


def test_the_views_are_found():
    assert {"task_views.status", "task_views.notice", "privacy.forget_question", "quota.group_hello"} <= set(
        ALL
    )
    assert len(ALL) > 30
