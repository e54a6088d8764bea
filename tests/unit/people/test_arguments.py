"""What is typed after a command of admins, and what their usage texts say."""

import pytest

from bot.domain.people.arguments import Argument, ArgumentKind, read_arguments, write_usage
from bot.services.operations.actions_on_invites import CreateInvite
from bot.services.operations.actions_on_people import GrantCredits, MessagePerson, SetPlan
from bot.services.operations.actions_on_standings import BanPerson, SetRole, UnbanPerson


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("50", {"credits": 50, "until": None, "note": None}),
        (" +50 ", {"credits": 50, "until": None, "note": None}),
        ("-5 by mistake", {"credits": -5, "until": None, "note": "by mistake"}),
        ("50 until 2027-01-01 a gift", {"credits": 50, "until": "2027-01-01", "note": "a gift"}),
        ("50 Until 30d", {"credits": 50, "until": "30d", "note": None}),
        ("50 a\ngift", {"credits": 50, "until": None, "note": "a\ngift"}),
    ],
)
def test_a_grant_is_read(text, values):
    assert read_arguments(GrantCredits.arguments, text) == values


@pytest.mark.parametrize("text", ["", "many", "50 until", "1e3", "½", "１", "1234567890"])
def test_what_is_no_grant_is_not_read(text):
    assert read_arguments(GrantCredits.arguments, text) is None


def test_the_last_end_needs_no_word_before_it_and_nothing_may_follow():
    assert read_arguments(SetPlan.arguments, "pro 30d") == {"plan": "pro", "until": "30d"}
    assert read_arguments(SetPlan.arguments, "pro until 30d") == {"plan": "pro", "until": "30d"}
    assert read_arguments(SetPlan.arguments, "pro 30d more") is None
    assert read_arguments(SetPlan.arguments, "") is None


def test_a_choice_is_one_of_its_words_in_any_case():
    assert read_arguments(SetRole.arguments, "Support") == {"role": "support"}
    assert read_arguments(SetRole.arguments, "king") is None
    assert read_arguments(SetRole.arguments, "support now") is None


def test_what_is_not_typed_has_its_default():
    assert read_arguments(CreateInvite.arguments, "") == {"uses": 1, "days": 7, "plan": None}
    assert read_arguments(CreateInvite.arguments, "3 30 pro") == {"uses": 3, "days": 30, "plan": "pro"}
    assert read_arguments(CreateInvite.arguments, "3 30 pro more") is None


def test_words_stay_as_they_were_typed():
    assert read_arguments(MessagePerson.arguments, "Hello\n\n  there ") == {"text": "Hello\n\n  there"}
    assert read_arguments(MessagePerson.arguments, "  ") is None
    assert read_arguments(BanPerson.arguments, "") == {"reason": None}
    assert read_arguments(UnbanPerson.arguments, "") == {}
    assert read_arguments(UnbanPerson.arguments, "at once") is None


def test_a_usage_text_names_each_argument():
    def usage(*arguments: Argument) -> str:
        return write_usage(arguments, lambda name: f"<{name}>", ["free", "pro"])

    assert usage(*GrantCredits.arguments) == "<credits> [until 2027-01-31] [<note>]"
    assert usage(*SetPlan.arguments) == "free|pro [until 2027-01-31]"
    assert usage(*SetRole.arguments) == "admin|support|none"
    assert usage(Argument("text", ArgumentKind.WORDS)) == "<text>"
