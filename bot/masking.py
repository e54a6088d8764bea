"""Takes configured secrets out of texts, in whatever form they stand there.

The same mask is held before the log and before all that providers say: their messages reach chats and the store.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any
from urllib.parse import quote

MASK = "***"

SHORTEST_SECRET = 4
"""Characters. Something shorter would mask half of all words, and protects nothing."""

SHORTEST_CODED = 8
"""Characters of a secret that is also looked for in Base64, where chance makes shorter ones."""

_CUTS = ("..", "…", "*")
"""What is put in place of the rest of a secret."""

_ADDRESS = re.compile(r"https?://\S+")


class Mask:
    """Replaces every secret in a text by `MASK`.

    A secret is found as it is, percent-encoded, quoted by Python, JSON or HTML, in Base64, also as a part of
    something longer; and where it was cut off, at the end of a text or, from `SHORTEST_CODED` characters on, within.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        kept = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        forms = {form for secret in kept for form in _forms(secret)}
        # The longest first: a half must not break the whole that it is a part of.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is None:
            return text
        text = self._pattern.sub(MASK, text)
        if any(mark in text for mark in _CUTS):
            text = self._without_beginnings(text)
        return self._uncut(text[:-1]) + text[-1] if text.endswith("…") else text

    def answer(self, body: bytes) -> bytes:
        """The body of an answer without secrets; addresses in it stay whole, as they are needed.

        What is no JSON is returned as it is: no text is taken from it.
        """
        if self._pattern is None:
            return body
        try:
            held = json.loads(body)
        except (ValueError, RecursionError):
            return body
        try:
            cleaned = self._walk(held)
            return body if cleaned == held else json.dumps(cleaned).encode()
        except RecursionError:
            # So deep is no real answer, and what could be read of it might hold a secret.
            return b""

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if _ADDRESS.fullmatch(value) else self(value)
        if isinstance(value, list):
            return [self._walk(one) for one in value]
        if isinstance(value, dict):
            return {key: self._walk(one) for key, one in value.items()}
        return value

    def _without_beginnings(self, text: str) -> str:
        """Without the beginnings of secrets that are quoted as "sk-12345678...", to tell which one is meant."""
        for form in self._forms:
            found = text.find(form[:SHORTEST_CODED]) if len(form) > SHORTEST_CODED else -1
            while found >= 0:
                end = found + SHORTEST_CODED
                while text[found : end + 1] == form[: end + 1 - found] and end < len(text):
                    end += 1
                if text.startswith(_CUTS, end):
                    text = f"{text[:found]}{MASK}{text[end:]}"
                found = text.find(form[:SHORTEST_CODED], found + 1)
        return text

    def _uncut(self, text: str) -> str:
        """Without the beginning of a secret at the end."""
        for form in self._forms:
            for length in range(min(len(form) - 1, len(text)), SHORTEST_SECRET - 1, -1):
                if text.endswith(form[:length]):
                    return text[:-length] + MASK
        return text


def _forms(secret: str) -> Iterator[str]:
    plain = {secret, repr(secret)[1:-1], escape(secret)}
    for form in {*plain, *_percent_encoded(secret)}:
        yield form
        for ascii_only in (True, False):
            quoted = json.dumps(form, ensure_ascii=ascii_only)[1:-1]
            yield quoted
            # Some escape slashes, too, and gateways quote the quoted answer of another.
            yield quoted.replace("/", "\\/")
            yield json.dumps(quoted, ensure_ascii=ascii_only)[1:-1]
    if len(secret) >= SHORTEST_CODED:
        for coded in _in_base64(secret.encode("utf-8", "surrogatepass")):
            yield coded
            yield coded.replace("+", "-").replace("/", "_")
            yield from _percent_encoded(coded)
            yield coded.replace("/", "\\/")


def _percent_encoded(text: str) -> Iterator[str]:
    data = text.encode("utf-8", "surrogatepass")
    for form in (quote(data, safe=""), quote(data, safe="/"), "".join(f"%{byte:02X}" for byte in data)):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form)


def _in_base64(data: bytes) -> Iterator[str]:
    """What of it shows in Base64, wherever it stands in what was encoded."""
    yield b64encode(data).decode().rstrip("=")
    for before in range(3):
        coded = b64encode(bytes(before) + data).decode()
        yield coded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
