"""No configured secret is left in a text, in whatever form a provider or a library put it there."""

import base64
import json
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.kling.dialects.error_codes import clean
from bot.masking import MASK, SHORTEST_CODED, Mask

TEXT = st.text(max_size=40)
SECRET = st.text(
    st.characters(codec="ascii", min_codepoint=33, max_codepoint=126, exclude_characters="*…"),
    min_size=12,
    max_size=40,
)


def lowered(text: str) -> str:
    """A percent-encoded text with its digits in lower case."""
    return "".join(
        part if not number else f"%{part[:2].lower()}{part[2:]}"
        for number, part in enumerate(text.split("%"))
    )


ALL_BYTES = {
    "plain": str,
    "percent": lambda secret: quote(secret, safe=""),
    "percent in lower case": lambda secret: lowered(quote(secret, safe="")),
    "every byte": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "html": escape,
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json in json": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "python": lambda secret: repr(secret)[1:-1],
}


@pytest.mark.parametrize("form", ALL_BYTES.values(), ids=ALL_BYTES)
@given(before=TEXT, secret=SECRET, after=TEXT)
@example(before="?key=", secret="sk-abc/def+ghi==", after="&b=1")
def test_a_secret_is_found_in_every_form_as_a_part_of_anything(form, before, secret, after):
    text = before + form(secret) + after
    left = Mask([secret])(text)
    assert MASK in left
    assert secret not in left
    assert form(secret) not in left.replace(MASK, "\0")


@pytest.mark.parametrize("mark", ["..", "...", "…", "***"])
@given(before=TEXT, secret=SECRET.filter(lambda secret: "." not in secret), after=TEXT, data=st.data())
@example(before="Invalid key: ", secret="sk-abc/def+ghi==", after=" (of 16)", data=None)
def test_the_beginning_of_a_secret_is_found_where_a_mark_stands_for_its_rest(
    mark, before, secret, after, data
):
    assume(secret[:SHORTEST_CODED] not in after)
    kept = len(secret) - 1 if data is None else data.draw(st.integers(SHORTEST_CODED, len(secret) - 1))
    left = Mask([secret])(before + secret[:kept] + mark + after)
    assert MASK in left
    assert secret[:kept] not in left


@given(before=st.binary(max_size=20), secret=SECRET, after=st.binary(max_size=20))
def test_a_secret_is_found_in_base64_wherever_it_stands(before, secret, after):
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        left = Mask([secret])(f"Basic {encode(before + secret.encode() + after).decode()}!")
        assert MASK in left
        # What is left around the mask is less than a character of the secret.
        around = left.removeprefix("Basic ").removesuffix("!")
        assert len(around.replace(MASK, "")) <= len(encode(before + bytes(3) + after)) + 4


@given(secret=SECRET, kept=st.integers(0, 60))
def test_a_text_that_was_cut_off_in_a_secret_shows_no_beginning_of_it(secret, kept):
    text = f"the key {secret}"[:kept] + "…"
    assert secret[:4] not in Mask([secret])(text)


@given(access=SECRET, secret=SECRET, before=TEXT)
@example(access="000000000000", secret="http://00000", before="")
def test_each_half_of_a_pair_is_found_in_what_is_made_of_an_answer(access, secret, before):
    mask = Mask([f"{access}|{secret}", access, secret])
    body = {"code": 1002, "message": f"{before} {access} {quote(secret)}", "data": [{"reason": secret}]}
    held = json.loads(mask.answer(json.dumps(body).encode()))
    for text in (clean(held["message"]), clean(held["data"][0]["reason"])):
        assert access not in text
        assert secret not in text
    assert held["code"] == 1002


def test_the_address_of_a_result_stays_whole():
    body = json.dumps(
        {"data": {"url": "https://gateway.example/v?key=a-key-of-tests", "message": "a-key-of-tests"}}
    )
    held = json.loads(Mask(["a-key-of-tests"]).answer(body.encode()))["data"]
    assert held == {"url": "https://gateway.example/v?key=a-key-of-tests", "message": MASK}


@given(body=st.binary(max_size=60))
def test_what_holds_no_secret_is_left_as_it_is(body):
    assert Mask(["a-key-of-tests"]).answer(body) == body
