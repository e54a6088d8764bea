"""Writes down anew how requests are refused and what cards offer: `python -m tests.unit.requests.record`.

For when a rule changes on purpose; a commit that does so says which.
"""

from bot.domain.requests.rules import lacking
from bot.kling.dialects import DIALECTS
from tests.unit.requests.capabilities import SAMPLES, digest, random_requests
from tests.unit.requests.test_rules import list_with_cards, on_card, verdict


def main() -> None:
    """Write both files."""
    requests = list(random_requests())
    answers, offers = bytearray(), bytearray()
    for request in requests:
        lacks = [(name, sorted(lacking(DIALECTS[name].limits, request))) for name in sorted(DIALECTS)]
        answers += digest(verdict(request)) + digest(lacks)
    for request in list_with_cards(requests):
        offers += digest(on_card(request))
    (SAMPLES / "answers.bin").write_bytes(answers)
    (SAMPLES / "choices.bin").write_bytes(offers)


if __name__ == "__main__":
    main()
