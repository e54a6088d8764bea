"""What Telegram may send in the place of updates: whatever it is, it is read or set aside, one by one."""

import json
import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import telegram
from hypothesis import given
from hypothesis import strategies as st
from telegram import ChatMemberAdministrator, ChatMemberRestricted, Update
from telegram.error import TelegramError

from bot.domain.types import Millis
from bot.services.floods import Floods, sender_of
from bot.services.ports import StoredUpdate, UnreadUpdate
from handlers.updates import LATER, PollingRequest, check, read
from tests.fuzz.seeds import ADA_USER, BOT_USER, DATE, POLL, SUPERGROUP

NAMES = st.sampled_from(
    [
        "update_id",
        "message",
        "edited_message",
        "callback_query",
        "inline_query",
        "pre_checkout_query",
        "from",
        "chat",
        "id",
        "date",
        "text",
        "caption",
        "entities",
        "message_id",
        "media_group_id",
        "type",
    ]
)
WORDS = st.text(st.characters(codec=None))  # lone surrogates, too
ATOMS = st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | WORDS
ANYTHING = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | WORDS, inner, max_size=6)
)
UPDATES = st.fixed_dictionaries(
    {},
    optional={
        "update_id": st.integers(0, 2**40) | ATOMS,
        "message": st.fixed_dictionaries(
            {},
            optional={
                "message_id": st.integers(0, 2**40) | ATOMS,
                "date": st.integers(0, 2**33) | ATOMS,
                "chat": st.fixed_dictionaries({}, optional={"id": st.integers(-(2**70), 2**70) | ATOMS}),
                "from": st.fixed_dictionaries({}, optional={"id": st.integers() | ATOMS}) | ANYTHING,
                "text": WORDS | ANYTHING,
                "media_group_id": WORDS | ANYTHING,
            },
        )
        | ANYTHING,
        "callback_query": ANYTHING,
    },
)


@given(UPDATES | ANYTHING)
def test_whatever_comes_is_an_update_that_can_be_kept_or_is_set_aside(update):
    found = read(update)
    if isinstance(found, UnreadUpdate):
        assert found.content.isascii()
        assert found.error.isascii()
        assert all(
            number is None or abs(number) < 2**63
            for number in (found.update_id, found.chat_id, found.user_id)
        )
        return
    assert isinstance(found, StoredUpdate)
    assert found.payload == update  # what is added to it stands in both
    json.dumps(found.payload, ensure_ascii=False).encode()
    assert all(abs(number or 0) < 2**63 for number in (found.update_id, found.chat_id, found.sent_at))
    Floods().take(found.update_id, found.payload, Millis(0))
    sender_of(found.payload)


@given(st.lists(UPDATES | ANYTHING, max_size=4), st.sampled_from(["9" * 5_000, "[" * 5_000 + "]" * 5_000]))
def test_what_cannot_be_parsed_leaves_the_others_of_its_batch_as_they_are(updates, bad):
    whole = [json.dumps(update) for update in updates]
    text = ", ".join([*whole, f'{{"update_id": 5, "message": {bad}}}', *whole])
    answer = PollingRequest.parse_json_payload(f'{{"ok": true, "result": [{text}]}}'.encode())
    objects = [json.loads(part) for part in whole if part[0] in "[{"]
    *_, middle = [part for part in answer["result"] if isinstance(part, str)]
    assert read(middle) == UnreadUpdate(middle, "no-json", 5)
    assert repr(answer["result"]) == repr([*objects, middle, *objects])


@pytest.mark.parametrize("answer", [b"", b"<html>502</html>", b"[1]", b'"result"', b'{"ok": true}'])
def test_an_answer_that_is_none_of_the_bot_api_is_an_error_and_no_update(answer):
    with nullcontext() if answer[:1] == b"{" else pytest.raises(TelegramError):
        assert "result" not in PollingRequest.parse_json_payload(answer)


OLD_POLL = {name: value for name, value in POLL.items() if name not in LATER["poll"]} | {
    "options": [{"text": "This", "voter_count": 1}]
}
RIGHTS = {
    kind.__name__: {name: True for name in kind.__slots__ if name.startswith(("can_", "is_"))}
    for kind in (ChatMemberRestricted, ChatMemberAdministrator)
}


def a_member(status: str, rights: dict[str, bool]) -> dict:
    known = {name: value for name, value in rights.items() if name not in LATER["new_chat_member"]}
    return {"status": status, "user": BOT_USER, "until_date": 0} | known


RESTRICTED = a_member("restricted", RIGHTS["ChatMemberRestricted"])
ADMINISTRATOR = a_member("administrator", RIGHTS["ChatMemberAdministrator"])
MESSAGE = {"message_id": 7, "from": ADA_USER, "chat": SUPERGROUP, "date": DATE}
CHANGE = {"chat": SUPERGROUP, "from": ADA_USER, "date": DATE}
ORIGIN = {"type": "user", "date": DATE, "sender_user": ADA_USER}


@pytest.mark.parametrize(
    "body",
    [
        {"message": MESSAGE | {"poll": OLD_POLL}},
        {"message": MESSAGE | {"text": "/video a fox", "reply_to_message": MESSAGE | {"poll": OLD_POLL}}},
        {"message": MESSAGE | {"text": "/video", "external_reply": {"origin": ORIGIN, "poll": OLD_POLL}}},
        {"message": MESSAGE | {"pinned_message": MESSAGE | {"poll": OLD_POLL}}},
        {"my_chat_member": CHANGE | {"old_chat_member": RESTRICTED, "new_chat_member": ADMINISTRATOR}},
        {"my_chat_member": CHANGE | {"old_chat_member": ADMINISTRATOR, "new_chat_member": RESTRICTED}},
    ],
)
def test_what_an_older_server_sends_is_an_update_like_any_other(body):
    found = read(json.loads(json.dumps({"update_id": 5} | body)))
    assert isinstance(found, StoredUpdate)
    check(Update.de_json(dict(found.payload), None))


def test_whatever_the_library_requires_since_some_version_is_known_here():
    source = "".join(path.read_text("utf-8") for path in Path(telegram.__file__).parent.glob("*.py"))
    required = set(re.findall(r'TypeError\("`(\w+)` is a required argument since', source))
    # Answers to polls are not asked for.
    assert required - {"option_persistent_ids"} == {*LATER["poll"], *LATER["options"]}
