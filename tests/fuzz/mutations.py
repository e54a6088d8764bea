"""What may stand in the place of something valid: other types, numbers and texts, missing and repeated parts.

`changed` draws a valid JSON value with a few of its parts changed, `written` writes it as bytes, also what Python
cannot hold as an object (numbers of thousands of digits, a hundred thousand levels), and `broken` spoils the bytes.
"""

import copy
import gzip
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

DEEP, DIGITS, TWICE = "(deep)", "(digits)", "(twice)"
"""Strings in whose place `written` writes many levels, many digits, or the object's keys again."""

_WRITTEN = {
    f'"{DEEP}"': "[" * 100_000 + "]" * 100_000,
    f'"{DIGITS}"': "9" * 5_000,
    f'"{TWICE}"': '{"id": 1, "id": "\\ud800", "task_id": null, "task_id": []}',
}
NUMBERS = [
    0,
    -1,
    1,
    0.5,
    -0.0,
    math.nan,
    math.inf,
    -math.inf,
    1e308,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    10**30,
    -(10**30),
]
TEXTS = [
    "",
    " ",
    "\n",
    "0",
    "-1",
    "--5",
    "²",
    "٣",
    "1e400",
    "1e999999",
    "-1e-999999",
    "NaN",
    "9" * 5_000,
    "\ud800",
    "x\udfffy",
    "\0",
    "a\0b",
    "\x1b[31m\r\n",
    "x" * 5_000,
    "💥" * 600,
    "\u202e",
    "e" + "\u0301" * 300,
    "%s{0}{key}%",
    "<b>&lt;</i>",
    "' OR 1=1 --",
    "../../etc/passwd",
    "http://[::1",
    "https://x\ud800.example/",
    "https://" + "x" * 3_000,
    DEEP,
    DIGITS,
    TWICE,
]
OTHERS = [
    None,
    True,
    False,
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": None},
    ["\ud800"],
    {"\ud800": 1},
    {"id": {}},
    [[[[[[[[]]]]]]]],
    ["x"] * 300,
]
WORDS = st.text(st.characters(codec=None), max_size=20)
"""Half surrogate pairs and control characters, too."""

STRANGE: st.SearchStrategy[Any] = (
    st.sampled_from(NUMBERS) | st.sampled_from(TEXTS) | st.sampled_from(OTHERS) | WORDS | st.integers()
)

Place = tuple[str | int, ...]


@st.composite
def changed(draw: st.DrawFn, seeds: Sequence[Any], most: int = 3) -> Any:
    """One of the seeds with up to so many of its parts changed; now and then it is something else altogether."""
    value = {"": copy.deepcopy(draw(st.sampled_from(seeds)))}
    for _ in range(draw(st.integers(0, most))):
        found = list(places(value))
        if len(found) > 1 and draw(st.integers(0, 30)):
            found = found[1:]
        *way, last = found[draw(st.integers(0, len(found) - 1))]
        parent: Any = value
        for step in way:
            parent = parent[step]
        match draw(st.integers(0, 6)):
            case 0 if way:
                del parent[last]
            case 1:
                other = found[draw(st.integers(0, len(found) - 1))]
                parent[last] = copy.deepcopy(_at(value, other))
            case 2:
                parent[last] = [copy.deepcopy(parent[last])] * draw(st.sampled_from([0, 1, 2, 50]))
            case 3:
                parent[last] = {
                    draw(st.sampled_from(["id", "data", "", "type"])): copy.deepcopy(parent[last])
                }
            case _:
                parent[last] = copy.deepcopy(draw(STRANGE))
    return value[""]


def places(value: Any, way: Place = ()) -> Iterator[Place]:
    """Where each part of a value stands, the whole first."""
    parts: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, part in parts:
        yield (*way, key)
        if len(way) < 12:
            yield from places(part, (*way, key))


def _at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def written(value: Any) -> bytes:
    """A value in JSON."""
    text = json.dumps(value)
    for marker, instead in _WRITTEN.items():
        text = text.replace(marker, instead)
    return text.encode()


@st.composite
def broken(draw: st.DrawFn, whole: bytes) -> bytes:
    """These bytes, mostly as they are, else cut, spoiled, or encoded in another way."""
    match draw(st.integers(0, 24)):
        case 0:
            return whole[: draw(st.integers(0, len(whole)))]
        case 1:
            at = draw(st.integers(0, len(whole)))
            return whole[:at] + draw(st.binary(max_size=4)) + whole[at:]
        case 2:
            return b"\xef\xbb\xbf" + whole
        case 3:
            return whole.decode().encode(draw(st.sampled_from(["utf-16", "utf-32", "utf-16-be"])))
        case 4:
            return whole + whole
        case 5:
            return gzip.compress(whole)
        case 6:
            return draw(st.binary(max_size=50))
        case 7:
            return b"<html><body>502 Bad Gateway</body></html>"
        case _:
            return whole
