"""One word for one thing: names that the product had before it took the standard terms do not come back."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = [
    path
    for package in ("bot", "handlers")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "demo" not in path.parts
]
REMOVED = {
    "Awaited": "Question",
    "Condition": "ProviderStatus",
    "Deliver": "DeliveryWorker",
    "DeliveryKind": "Product",
    "Desk": "CliContext",
    "Door": "AccessPolicy",
    "Errand": "access",
    "Figure": "StatRow",
    "Hint": "CallbackEvent",
    "Knob": "Option",
    "Letter": "BroadcastDraft",
    "NotedMessage": "ResultMessage",
    "Offered": "Capabilities",
    "PATIENCE": "FILE_DEADLINE",
    "PlanTerms": "PlanConfig",
    "Pool": "ProviderPool",
    "PoolStanding": "WalletBalance",
    "Pools": "GroupWallets",
    "RawUpdate": "StoredUpdate",
    "RemoteVideo": "RemoteResult",
    "Rounds": "HealthChecks",
    "Standing": "Membership",
    "Style": "BodyFormat",
    "Verdict": "AccessDecision",
    "VideoRequest": "GenerationRequest",
    "Watch": "Watchdog",
    "appoint": "cache_roles",
    "closed_until": "open_until",
    "correlates": "supports_external_id",
    "deciders": "approvers",
    "errand": "access",
    "hasten": "poll_now",
    "look_at": "poll_at",
    "looks_up": "supports_lookup",
    "next_look": "next_poll_at",
    "operation_id": "idempotency_key",
    "operation_key": "timing_key",
    "thinking": "assistant_http",
    "unwell": "half_open",
}
"""Each with the term that took its place."""

PARTS = re.compile(
    r"(?:^|_)(?i:pictures?|errand)(?:_|$)|[Pp]icture[A-Z]|[a-z]Picture|^_?(?:took|press|asked_or|reply_or)_[a-z]"
)
"""An `image` is one everywhere but in Telegram's objects, and functions are no participles."""

ALLOWED = {"pictures_each"}
"""A placeholder of a text."""


def names(path: Path) -> set[str]:
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    return {token.string for token in tokens if token.type == tokenize.NAME}


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_one_that_was_replaced(path):
    found = names(path)
    assert {name: REMOVED[name] for name in found & REMOVED.keys()} == {}


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_made_of_a_word_that_was_replaced(path):
    assert [name for name in sorted(names(path) - ALLOWED) if PARTS.search(name)] == []


def test_the_terms_that_took_their_place_are_used():
    used = set().union(*(names(path) for path in PRODUCT))
    assert sorted(set(REMOVED.values()) - used) == []
