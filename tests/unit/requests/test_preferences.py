import pytest

from bot.domain.requests.choices import Preferences


def test_what_is_written_reads_back():
    preferred = Preferences(model="kling-v3", duration=12, confirm_first=True)
    assert Preferences.read(preferred.write()) == preferred


@pytest.mark.parametrize("text", [None, "", "{}", '{"mode": "8k"}', "[]"])
def test_what_cannot_be_read_counts_as_nothing_chosen(text):
    assert Preferences.read(text) == Preferences()


def test_a_choice_of_another_version_leaves_the_others_alone():
    assert Preferences.read('{"mode": "pro", "colour": "red"}') == Preferences(mode="pro")
