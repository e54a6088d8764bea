"""Keys and tokens are read as strictly as the documents are written."""

import jwt
import pytest

from bot.demo.kling import ACCOUNTS, DIALECTS, keys
from bot.demo.kling.accounts import signed_in
from bot.demo.kling.refusals import Refusal
from tests.world.kling import ACCESS, NOW, SECRET, open_kling, token

QUERY = "/v1/videos/text2video"


def refused_with(header):
    with pytest.raises(Refusal) as caught:
        signed_in(ACCOUNTS, header, NOW)
    return caught.value.code


def claims(**changes):
    found = {"iss": ACCESS, "exp": int(NOW) + 1800, "nbf": int(NOW) - 5} | changes
    return {name: value for name, value in found.items() if value is not None}


def test_a_signed_token_and_a_key_are_accounts():
    assert signed_in(ACCOUNTS, f"Bearer {token()}", NOW).key == ACCESS
    assert signed_in(ACCOUNTS, "Bearer demo-api-key", NOW).key == "demo-api-key"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, 1001),
        ("", 1001),
        ("Bearer nobody", 1002),
        ("demo-api-key", 1002),
        ("Basic demo-api-key", 1002),
        (f"Bearer  {token()}", 1002),
        (token(), 1002),
        (f"Bearer {ACCESS}", 1002),
        (f"Bearer {ACCESS}|{SECRET}", 1002),
        (f"Bearer {token(secret='another-secret-that-signs-for-nothing')}", 1002),
        (f"Bearer {token(access='nobody')}", 1002),
        (f"Bearer {token()[:-3]}abc", 1002),
        (f"Bearer {token(typ='JOSE')}", 1002),
        (f"Bearer {jwt.encode(claims(), None, algorithm='none')}", 1002),
        (f"Bearer {jwt.encode(claims(), SECRET * 3, algorithm='HS512')}", 1002),
        (f"Bearer {jwt.encode(claims(exp=None), SECRET)}", 1002),
        (f"Bearer {jwt.encode(claims(nbf=None), SECRET)}", 1002),
        (f"Bearer {jwt.encode(claims(exp=NOW + 0.5), SECRET)}", 1002),
        ("Bearer a.b.c", 1002),
        (f"Bearer {token(starts=60)}", 1003),
        (f"Bearer {token(ends=0)}", 1004),
        (f"Bearer {token(starts=-4000, ends=-1)}", 1004),
    ],
)
def test_what_proves_nobody_is_refused_by_its_code(header, code):
    assert refused_with(header) == code


@pytest.mark.parametrize("header", ["Bearer sk-demo-generic", "sk-demo-generic", "Bearer demo-generic"])
def test_gateways_take_a_key_with_and_without_the_word(header):
    assert signed_in(ACCOUNTS, header, NOW).dialect == "generic"


@pytest.mark.parametrize("key", ["sk-demo-omnimaas", "sk-demo-flat"])
def test_other_proxies_need_the_word(key):
    assert signed_in(ACCOUNTS, f"Bearer {key}", NOW).key == key
    assert refused_with(key) == 1002


async def test_refusals_come_in_the_envelope_with_their_status(tmp_path):
    async with open_kling(tmp_path) as caller:
        for header, status, code in ((None, 401, 1001), (f"Bearer {token(ends=0)}", 401, 1004)):
            headers = {} if header is None else {"Authorization": header}
            answer = await caller.http.get(QUERY, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.json()["request_id"]
            assert "data" not in answer.json()
        assert not caller.kling.requests


async def test_gateways_refuse_a_bad_key_in_their_own_way(tmp_path):
    async with open_kling(tmp_path) as caller:
        answer = await caller.with_key("sk-nobody").get("/v1/video/generations/1")
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "new_api_error"


async def test_the_newer_standard_takes_no_tokens(tmp_path):
    async with open_kling(tmp_path) as caller:
        answer = await caller.with_key(token()).get("/tasks", task_ids="1")
        assert (answer.status_code, answer.json()["code"]) == (401, 1002)
        assert (await caller.get("/tasks", task_ids="1")).json()["data"] == []


def test_there_is_a_key_for_every_dialect():
    listed = keys()
    assert set(listed) == {*DIALECTS, "unified"}
    assert listed["official"] == f"{ACCESS}|{SECRET}"
    assert listed["generic"] == "sk-demo-generic"


def test_secrets_do_not_show():
    assert SECRET not in repr(ACCOUNTS)
    assert "whsec_" not in repr(ACCOUNTS)
