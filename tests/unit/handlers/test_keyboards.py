import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.types import TaskId, UserId
from bot.errors import UserError
from bot.i18n import languages
from bot.services.requests.interpret import Meaning
from handlers import ROUTES
from handlers.admin import announcements, overrides, panel, panel_pages, panel_people, panel_tasks
from handlers.admin.action_buttons import AskArguments, PerformAction, ShowValues
from handlers.chat.keyboards import (
    CONFIRM,
    COPY_LIMIT,
    DANGER,
    LIMIT,
    Button,
    ButtonData,
    Payload,
    Signer,
    markup,
)
from handlers.chat.routes import Press, Routes, UpdateKind

SECRET = "123456:a-token-of-tests"
SIGNER = Signer(SECRET)
LARGEST_USER = UserId(2**52 - 1)
"""Telegram's ids have at most 52 significant bits."""

LARGEST_MESSAGE = str(2**31 - 1)

actions = st.sampled_from(sorted(ROUTES.buttons))
arguments = st.text(st.characters(codec="ascii", exclude_characters=":"), max_size=12)
owners = st.none() | st.integers(1, LARGEST_USER).map(UserId)


@given(actions, arguments, owners)
def test_what_is_written_on_a_button_is_read_from_it(action, argument, owner):
    press = ButtonData(action, argument, owner)
    data = SIGNER.write(press)
    assert len(data.encode()) <= LIMIT
    assert SIGNER.read(data) == press


@given(actions, arguments, owners)
def test_data_of_another_bot_is_refused(action, argument, owner):
    assert SIGNER.read(Signer("654321:another-token").write(ButtonData(action, argument, owner))) is None


@given(actions, arguments, owners, st.data())
def test_data_that_was_changed_in_any_place_is_refused(action, argument, owner, data):
    written = SIGNER.write(ButtonData(action, argument, owner))
    place = data.draw(st.integers(0, len(written) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda other: other != written[place]))
    assert SIGNER.read(written[:place] + letter + written[place + 1 :]) is None


@given(st.text(max_size=LIMIT))
def test_anything_else_is_refused(data):
    assert SIGNER.read(data) is None


@pytest.mark.parametrize("data", [None, "", ":", "::::", "1:again:ABCDEF::", "1:again:ABCDEF:1001"])
def test_data_without_a_tag_is_refused(data):
    assert SIGNER.read(data) is None


@pytest.mark.parametrize("body", ["2:again:ABCDEF:", "1:again:ABCDEF", "1:again:AB:CD:EF", "again"])
def test_data_of_another_version_is_refused_though_it_is_signed(body):
    key = hashlib.sha256(b"callback data\0" + SECRET.encode()).digest()
    tag = base64.urlsafe_b64encode(hmac.new(key, body.encode(), hashlib.sha256).digest()[:6]).decode()
    assert SIGNER.read(f"{body}:{tag}") is None


def test_the_tag_does_not_give_the_token_away():
    data = SIGNER.write(ButtonData("again", "ABCDEF", LARGEST_USER))
    assert all(part not in data for part in SECRET.split(":"))


@pytest.mark.parametrize(
    "press",
    [
        *(ButtonData(action, "K7Q29F", LARGEST_USER) for action in ROUTES.buttons),
        ButtonData("generate", LARGEST_MESSAGE, LARGEST_USER),
        ButtonData("discard", LARGEST_MESSAGE, LARGEST_USER),
        *(ButtonData("language", language, LARGEST_USER) for language in languages()),
    ],
)
def test_the_longest_real_data_fits_into_64_bytes(press):
    assert len(SIGNER.write(press).encode()) <= 64


def test_what_telegram_would_refuse_is_never_written():
    with pytest.raises(ValueError, match="too long"):
        SIGNER.write(ButtonData("again", "K7Q29F" * 10))
    with pytest.raises(ValueError, match="separator"):
        SIGNER.write(ButtonData("again", "K7Q2:9F"))


def test_the_owner_of_a_button_is_kept_with_it():
    assert SIGNER.read(SIGNER.write(ButtonData("discard", "7", UserId(1001)))).owner == 1001
    assert SIGNER.read(SIGNER.write(ButtonData("again", "K7Q29F"))).owner is None


def test_a_keyboard_is_made_of_rows_and_an_empty_one_is_none():
    assert markup((), SIGNER) is None
    assert markup([[]], SIGNER) is None
    rows = [
        [
            Button("Yes", ShowPage(7), owner=UserId(1001), style=CONFIRM),
            Button("No", ShowPage(8), style=DANGER),
        ],
        [],
        [Button("Copy", copy="x" * COPY_LIMIT)],
    ]
    keyboard = markup(rows, SIGNER).inline_keyboard
    assert [[button.text for button in row] for row in keyboard] == [["Yes", "No"], ["Copy"]]
    assert SIGNER.read(keyboard[0][0].callback_data) == ButtonData("panel", "page.7", UserId(1001))
    assert [button.style for button in keyboard[0]] == ["primary", "danger"]
    assert keyboard[1][0].callback_data is None
    assert keyboard[1][0].copy_text.text == "x" * COPY_LIMIT


# -- what is declared --------------------------------------------------------------------------------


def kinds_of(payload: type[Payload]) -> set[type[Payload]]:
    kinds = set(payload.__subclasses__())
    return kinds.union(*map(kinds_of, kinds))


def test_every_kind_of_button_and_of_update_has_its_handler():
    ours = {kind for kind in kinds_of(Payload) if kind.action and kind.__module__.startswith("handlers.")}
    declared = (*ROUTES.buttons.values(), *ROUTES.questions.values())
    assert ours == {each.payload for each in declared}
    elsewhere = {Meaning.IGNORE, Meaning.ANSWER_QUESTION, Meaning.RUN_COMMAND}
    assert set(ROUTES.events) == set(UpdateKind) | (set(Meaning) - elsewhere)


# -- payloads ----------------------------------------------------------------------------------------


class Size(StrEnum):
    LARGE = "large"


@dataclass(frozen=True)
class Order(Payload, action="order"):
    task_id: TaskId
    number: int = 1
    is_gift: bool = False
    size: Size | None = None
    note: str = ""


@dataclass(frozen=True)
class ShowPage(Payload, action="panel.page"):
    number: int


PAYLOADS = [
    (Order(TaskId("K7Q29F")), ("order", "K7Q29F.1.off")),
    (Order(TaskId("K7Q29F"), 2, is_gift=True, size=Size.LARGE), ("order", "K7Q29F.2.on.large")),
    (Order(TaskId("K7Q29F"), note="v2.6"), ("order", "K7Q29F.1.off..v2.6")),
    (ShowPage(3), ("panel", "page.3")),
]


@pytest.mark.parametrize(("payload", "written"), PAYLOADS)
def test_a_payload_is_read_as_it_was_written(payload, written):
    assert payload.pack() == written
    assert type(payload).unpack(written[1]) == payload


def test_a_field_that_an_older_button_does_not_have_is_as_usual():
    assert Order.unpack("K7Q29F") == Order(TaskId("K7Q29F"))


@pytest.mark.parametrize("argument", ["", "K7Q29F.x", "K7Q29F.1.maybe", "K7Q29F.1.on.huge"])
def test_a_payload_that_cannot_be_read_is_a_stale_button(argument):
    with pytest.raises(UserError) as refused:
        Order.unpack(argument)
    assert refused.value.key == "error.button.stale"


def test_only_the_last_field_of_a_payload_may_hold_a_dot():
    with pytest.raises(ValueError, match="dot"):
        Order(TaskId("K7.Q2")).pack()


def test_a_button_is_found_by_its_action_or_by_its_page():
    async def handler(turn):
        del turn

    routes = Routes.of([], [Press(Order, handler), Press(ShowPage, handler)], [], [])
    assert routes.button("order", "page.3").payload is Order
    assert routes.button("panel", "page.3").payload is ShowPage
    assert routes.button("panel", "other") is None
    with pytest.raises(ValueError, match="declared twice"):
        Routes.of([], [Press(Order, handler), Press(Order, handler)], [], [])


PANEL_BUTTONS = {
    "home": panel_pages.ShowHome(),
    "stop": panel_pages.StopAsking(),
    "card.1001": panel_pages.ShowCard(UserId(1001)),
    "people.0": panel_people.ShowPeople(0),
    "find": panel_people.AskSearch(),
    "do.grant.1001.50": PerformAction("grant", "1001", "50"),
    "arguments.grant.1001": AskArguments("grant", "1001"),
    "values.plan.1001": ShowValues("plan", "1001"),
    "tasks": panel_tasks.ShowRunning(),
    "theirs.1001": panel_tasks.ShowTasksOf(UserId(1001)),
    "do.refund.K7Q29F": PerformAction("refund", "K7Q29F"),
    "audit.2": panel.ShowAudit(2),
    "log.1001.1": panel_pages.ShowLog(UserId(1001), 1),
    "notice_write": announcements.AskNotice(),
    "to.3.*": announcements.SetAudience(3),
    "to.3.lzh_Hans": announcements.SetAudience.with_language(3, "zh_Hans"),
    "version.3.zh_Hans": announcements.AskVersion(3, "zh_Hans"),
    "later.3.0": announcements.AskStart(3),
    "broadcast.3": announcements.ShowBroadcast(3),
    "test.3": announcements.SendTest(3),
    "halt.3": announcements.StopBroadcast(3),
    "settings.8f0e1d2c.1": overrides.ShowSettings("8f0e1d2c", 1),
    "setting_ask.8f0e1d2c.3": overrides.AskSetting("8f0e1d2c", 3),
    "setting_reset.8f0e1d2c": overrides.ResetSettings("8f0e1d2c"),
}


@pytest.mark.parametrize("argument", PANEL_BUTTONS)
def test_buttons_of_the_panel_are_read_and_written_as_ever(argument):
    payload = PANEL_BUTTONS[argument]
    found = ROUTES.button("panel", argument)
    assert found.payload is type(payload)
    assert found.payload.unpack(argument) == payload
    assert payload.pack() == ("panel", argument)


def test_every_page_of_the_panel_takes_a_permission():
    pages = [press for action, press in ROUTES.buttons.items() if action.startswith("panel.")]
    assert len(pages) >= 28
    assert all(press.permission is not None for press in pages)


OLD_BUTTONS = [
    *((action, "K7Q29F") for action in ("cancel", "drop", "again", "change", "open", "recipe_save")),
    *(
        (action, "K7Q29F.1")
        for action in ("extend", "longer", "speak", "effects", "original", "about", "star")
    ),
    *((action, "K7Q29F.1") for action in ("delete", "keep", "erase", "animate", "take")),
    *((action, "1x9c2b") for action in ("card", "generate", "discard", "improve", "improve_use")),
    *((action, "tok3n") for action in ("recipe", "recipe_run", "recipe_name", "recipe_share", "recipe_keep")),
    *((action, "tok3n") for action in ("recipe_delete", "recipe_gone", "asset_drop", "asset_gone", "revoke")),
    *(("effects", "K7Q29F.1.2"), ("effect", "K7Q29F.1.hug_pro"), ("dismiss", ""), ("history", "all.2")),
    *(
        ("card", "1x9c2b.model"),
        ("pick", "1x9c2b.model.kling-v2-6"),
        ("use", "1x9c2b.frames"),
        ("wear", "1x9c2b.jeans"),
    ),
    *(
        ("try", "1"),
        ("ideas", ""),
        ("idea", "fox"),
        ("idea_make", "fox"),
        ("recipes", "0"),
        ("recipe_stop", ""),
    ),
    *(
        ("export", ""),
        ("forget", "ask"),
        ("language", "-"),
        ("language", "zh_Hans"),
        ("settings", ""),
        ("tips", "camera"),
    ),
    *(
        ("assets", "element"),
        ("buy", "small"),
        ("subscribe", "pro"),
        ("renewal", "off"),
        ("stats", "30"),
        ("stats", "csv.7"),
    ),
    *(
        ("pause", "a1b2"),
        ("resume", "a1b2"),
        ("refresh", "a1b2"),
        ("forgive", "1001"),
        ("admit", "1001."),
        ("deny", "1001"),
    ),
    *(
        ("admit", "1001.a1b2"),
        ("maintenance", "on"),
        ("mode", "allow-list"),
        ("panel", "home"),
        ("panel", "people.0"),
    ),
    *(
        ("panel", "card.1001"),
        ("panel", "do.grant.1001.50"),
        ("panel", "values.plan.1001"),
        ("panel", "task.K7Q29F"),
    ),
    *(
        ("panel", "to.3.*"),
        ("panel", "log.1001"),
        ("panel", "log.1001.2"),
        ("panel", "stop"),
    ),
]
"""The data of buttons that stand in chats since before payloads had types."""


@pytest.mark.parametrize(("action", "argument"), OLD_BUTTONS)
def test_a_button_that_stands_in_a_chat_goes_on_working(action, argument):
    press = ROUTES.button(action, argument)
    payload = press.payload.unpack(argument)
    written, rest = payload.pack()
    assert action in {written, *press.formerly}
    assert type(payload).unpack(rest) == payload
    assert rest.startswith(argument.rstrip("."))
