"""Which updates are one message."""

import pytest

from bot.domain.types import Millis
from bot.services.floods import REMEMBERED
from bot.services.joining import LATE_FOR, Joined, is_with
from tests.builders import NOW

PRIVATE = {"id": 1, "type": "private"}
ORIGIN = {"type": "hidden_user", "date": 1, "sender_user_name": "Eve"}


def a_payload(update_id: int = 1, user: int = 1, **fields) -> dict:
    message = {"message_id": update_id, "date": 1_000, "chat": PRIVATE, "from": {"id": user}} | fields
    return {"update_id": update_id, "message": message}


COMMENT = a_payload(text="it runs")
PHOTO = {"photo": [{}], "forward_origin": ORIGIN}


@pytest.mark.parametrize(
    ("fields", "belongs"),
    [
        (PHOTO, True),
        (PHOTO | {"date": 1_002}, True),
        ({"document": {}, "forward_origin": ORIGIN, "caption": "a boat"}, True),
        (PHOTO | {"date": 1_003}, False),
        (PHOTO | {"date": 999}, False),
        (PHOTO | {"user": 2}, False),
        ({"photo": [{}]}, False),
        ({"text": "a boat", "forward_origin": ORIGIN}, False),
    ],
)
def test_a_file_forwarded_right_behind_a_text_belongs_to_it(fields, belongs):
    assert is_with(COMMENT, a_payload(2, **fields)) is belongs


@pytest.mark.parametrize(
    "first",
    [
        a_payload(text="it runs", chat={"id": -1, "type": "supergroup"}),
        a_payload(text="it runs", forward_origin=ORIGIN),
        a_payload(text="it runs", reply_to_message={}),
        a_payload(photo=[{}], caption="it runs"),
        {"update_id": 1, "edited_message": COMMENT["message"]},
        {"update_id": 1, "message": None},
    ],
)
def test_what_is_no_comment_gets_nothing(first):
    assert not is_with(first, a_payload(2, **PHOTO))


def test_a_late_part_is_found_with_all_that_came_before_it():
    joined, parts = Joined(), [a_payload(number, media_group_id="a", photo=[{}]) for number in (1, 2, 3)]
    assert joined.earlier(parts[0], NOW) == []
    joined.record(parts[:1], NOW)
    assert joined.earlier(parts[1], NOW) == parts[:1]
    joined.record(parts[:2], NOW)
    assert joined.earlier(parts[2], Millis(NOW + LATE_FOR)) == parts[:2]
    assert joined.earlier(parts[2], Millis(NOW + LATE_FOR + 1)) == []
    assert joined.earlier(a_payload(4, media_group_id="b"), NOW) == []
    assert joined.earlier(a_payload(4, user=2, media_group_id="a"), NOW) == []


def test_each_photo_forwarded_with_a_comment_gets_it():
    joined, photos = Joined(), [a_payload(number, **PHOTO) for number in (2, 3)]
    joined.record([COMMENT], NOW)
    assert joined.earlier(photos[0], NOW) == [COMMENT]
    joined.record([COMMENT, photos[0]], NOW)
    assert joined.earlier(photos[1], NOW) == [COMMENT, photos[0]]
    joined.record([a_payload(4, text="something else", date=1_010)], NOW)
    assert joined.earlier(photos[1], NOW) == []


def test_only_so_much_is_remembered():
    joined = Joined()
    for number in range(REMEMBERED + 1):
        joined.record([a_payload(number, user=number, media_group_id="a")], NOW)
    assert joined.earlier(a_payload(0, user=0, media_group_id="a"), NOW) == []
    assert len(joined.earlier(a_payload(1, user=1, media_group_id="a"), NOW)) == 1
