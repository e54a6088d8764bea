"""What texts and entities are read as; entities count UTF-16 units and may be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Message, User

from handlers import ROUTES
from handlers.chat.reading import Reader, other_words

ME = User(7, "Kling", is_bot=True, username="kling_bot")


class Named:
    """What a reader asks of the library's bot."""

    id, username = ME.id, ME.username


READER = Reader(Named())


def a_message(text: str, *entities: dict, **fields) -> Message:
    body = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": text}
    return Message.de_json(body | {"entities": list(entities)} | fields, None)


def test_every_other_word_names_a_command_and_no_word_is_a_command_itself():
    assert set(other_words().values()) <= set(ROUTES.commands)
    assert not set(other_words()) & set(ROUTES.commands)


@pytest.mark.parametrize("word", other_words())
def test_every_other_word_is_read_as_its_command(word):
    command = READER.command_in(f"/{word} 一只狐狸")
    assert (command.name, command.arguments) == (other_words()[word], "一只狐狸")


TRADITIONAL = str.maketrans(
    "视频图画长编辑对试虚拟数动扩体创务历记录设语余额积隐导删据订帮请开价购买条",
    "視頻圖畫長編輯對試虛擬數動擴體創務歷記錄設語餘額積隱導刪據訂幫請開價購買條",
)


@pytest.mark.parametrize("word", [word for word in other_words() if not word.isascii()])
def test_every_chinese_word_is_read_in_traditional_letters_too(word):
    """Whoever reads them has no texts of their own, but writes commands as they write everything."""
    assert other_words()[word.translate(TRADITIONAL)] == other_words()[word]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("影片", "video"),
        ("影片編輯", "edit"),
        ("對嘴", "lipsync"),
        ("設定", "settings"),
        ("點數", "quota"),
        ("說明", "help"),
        ("匯出", "export"),
        ("儲存", "save"),
        ("儲值", "buy"),
        ("範本", "templates"),
        ("數位人", "avatar"),
    ],
)
def test_words_that_differ_in_taiwan_name_a_command_too(word, name):
    assert READER.command_in(f"/{word}一隻狐狸").name == name


@pytest.mark.parametrize("separator", ["", *":,;：，、；", "：\u3000", "\n", "\u3000"])
@pytest.mark.parametrize("word", ["video", "video@kling_bot", "视频", "视频@kling_bot"])
def test_what_separates_a_command_from_its_text_is_no_part_of_that(word, separator):
    begun = f"/{word}{separator}" if separator or word == "视频" else f"/{word} "
    command = READER.command_in(f"{begun}10秒 :) 狐狸：跑")
    assert (command.name, command.arguments, command.is_ours) == ("video", "10秒 :) 狐狸：跑", True)


def test_a_smile_behind_a_command_is_its_text():
    assert READER.command_in("/video :) a fox").arguments == ":) a fox"


@pytest.mark.parametrize(
    ("text", "offset", "length", "request_text"),
    [
        ("@kling_bot a fox", 0, 10, "a fox"),
        ("a fox @kling_bot", 6, 10, "a fox"),
        ("a fox @kling_bot\nruns", 6, 10, "a fox\nruns"),
        ("🦊🦊 @KLING_BOT runs", 5, 10, "🦊🦊 runs"),
        ("@kling_bot", 0, 10, ""),
        ("@kling_bot2 a fox", 0, 11, "@kling_bot2 a fox"),
    ],
)
def test_the_bots_name_is_taken_out_and_another_stays(text, offset, length, request_text):
    words = READER.read([a_message(text, {"type": "mention", "offset": offset, "length": length})])
    assert words.request == request_text
    assert words.names_bot is (request_text != text)
    assert words.text == text


def test_without_an_entity_a_name_is_text():
    assert not READER.read([a_message("write to x@kling_bot.example")]).names_bot


@given(
    st.text(max_size=40),
    st.lists(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["mention", "text_mention", "text_link", "bold", "something_new"]),
                "offset": st.integers(-50, 2**40),
                "length": st.integers(-50, 2**40),
            },
            optional={"url": st.text(max_size=20)},
        ),
        max_size=4,
    ),
)
def test_any_entities_are_read_and_lose_no_text_but_the_name(text, entities):
    words = READER.read([a_message(text, *entities)])
    assert words.names_bot is False
    assert all(address.lower().startswith("http") for address in words.addresses)
