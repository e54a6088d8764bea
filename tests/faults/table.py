"""The table of faults: what meets the bot, where, and what comes of it for the person, the operator and the ledger.

    python -m tests.faults.table > docs/faults.md

`test_table.py` lets each row happen to the real process, between both stand-ins.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.counts import Counts
from tests.faults.places import LINK, MOMENTS, NOTHING, PLACES, REFUSED, TOLD, VIDEO, Outcome
from tests.faults.secure import SECURE_PLACES
from tests.world.faulty import FAULTS
from tests.world.tls import TLS_FAULTS

ONCE = Outcome(VIDEO, "nothing", "charged")
"""What comes of nearly all of them: the video, once, and its price."""


@dataclass(frozen=True)
class Row:
    """A fault that happens once at a place, and its outcome; `usual`: also in a usual run."""

    place: str
    fault: str
    outcome: Outcome = ONCE
    usual: bool = False


@dataclass(frozen=True)
class Elsewhere:
    """A fault that another test shows."""

    fault: str
    outcome: str
    test: str


def note(counts: Counts, found: Iterable[tuple[Row, Outcome]], submitted: Mapping[str, int]) -> None:
    """Count what came of some rows, and how often each task was submitted."""
    counts.duplicated += sum(times - 1 for times in submitted.values())
    for row, one in found:
        counts.tried += 1
        counts.lost += row.outcome.user == VIDEO and "video" not in one.user
        counts.duplicated += one.user.endswith("videos")
        counts.drift += one.ledger == "drift"


USUAL = {
    "submit": (
        "no answer, though the server has done it",
        "an answer that never ends, a byte now and then",
        "reset before the server got it",
        "the answer breaks off",
        "429 with Retry-After",
        "503 of somebody on the way",
        "504 after the server has done it",
        "redirect into the network",
    ),
    "query": (
        "an answer that never ends, a byte now and then",
        "reset after the server has done it",
        "a page of HTML with status 200",
        "a body without an end",
    ),
    "list": ("the answer breaks off", "429 without Retry-After"),
    "file": (
        "the answer comes a byte at a time",
        "no answer, and the server never got it",
        "reset after the server has done it",
        "the answer breaks off",
        "503 of somebody on the way",
        "Content-Length too large",
        "a page of HTML with status 200",
        "redirect to itself",
        "redirect to a file",
        "redirect into the network",
        "a small body that unpacks to 200 MB",
    ),
    "poll": (
        "reset after the server has done it",
        "the answer breaks off",
        "502 of somebody on the way",
        "a body without an end",
    ),
    "getFile": ("reset after the server has done it", "429 with Retry-After", "a body without an end"),
    "photo": ("reset after the server has done it", "500 of somebody on the way", "JSON of another shape"),
    "sendMessage": (
        "reset before the server got it",
        "429 with Retry-After",
        "502 of somebody on the way",
        "another content type",
    ),
    "editMessageMedia": (
        "no answer, though the server has done it",
        "reset before the server got it",
        "reset after the server has done it",
        "the answer breaks off",
        "429 with Retry-After",
        "502 after the server has done it",
        "a page of HTML with status 200",
        "a small body that unpacks to 200 MB",
    ),
}
AGAIN = Outcome(REFUSED, "nothing", "not charged")
"""Nothing was accepted yet: who sent the photo is asked to send it again."""

NO_PHOTO = (
    "a page of HTML with status 200",
    "JSON that breaks off",
    "JSON of another shape",
    "an empty answer",
)
"""What comes whole, with status 200, and is no photo: another try would bring the same."""

OTHERWISE = {("photo", fault): AGAIN for fault in NO_PHOTO}
"""The outcomes that are not `ONCE`."""

ROWS = tuple(
    Row(place, fault, OTHERWISE.get((place, fault), ONCE), usual=fault in USUAL.get(place, ()))
    for place in PLACES
    for fault in FAULTS
)

SECURE_USUAL = {
    ("submit", "a certificate that nobody vouches for"),
    ("query", "the handshake is reset"),
    ("file", "a certificate that has expired"),
    ("poll", "a certificate of another name"),
    ("sendMessage", "plain HTTP in the place of TLS"),
}
SECURE_ROWS = tuple(
    Row(place, fault, usual=(place, fault) in SECURE_USUAL) for place in SECURE_PLACES for fault in TLS_FAULTS
)
"""What two connections meet before there is a request on them."""

OUTAGE = Outcome(VIDEO, "alert.provider.unavailable", "charged")
OUTAGE_ROWS = tuple(
    Row(moment, fault, OUTAGE, usual=(moment, fault) == ("query", "503 of somebody on the way"))
    for moment in MOMENTS
    for fault in (
        "503 of somebody on the way",
        "502 of somebody on the way",
        "reset before the server got it",
        "no answer, and the server never got it",
    )
)
"""What every request to Kling meets, until it is left alone for a while."""

ELSEWHERE = (
    Elsewhere(
        "killed before or after any commit or request",
        "everything that was accepted ends in a video or a refund, once",
        "tests/faults/test_points.py",
    ),
    Elsewhere(
        "killed at a random time while Telegram answers late",
        "each video arrives once",
        "tests/faults/test_exactly_once.py",
    ),
    Elsewhere(
        "killed at random times while both servers answer late",
        "everything that was accepted ends in a video or a refund, once",
        "tests/faults/test_random_kills.py",
    ),
    Elsewhere(
        "200 clients of the web server that never finish a request",
        "nobody else waits; they are sent away after ten seconds",
        "tests/faults/test_slow_clients.py",
    ),
    Elsewhere(
        "a gateway loses the answer to a submission, and tells of nothing",
        "the person is refunded or asked, as `lost_answers` says; the operator is told",
        "tests/faults/test_kills.py",
    ),
    Elsewhere(
        "a signal in any phase", "ends within ten seconds, and goes on", "tests/faults/test_stopping.py"
    ),
    Elsewhere(
        "an update that ends the process twice", "it is set aside and told", "tests/faults/test_kills.py"
    ),
    Elsewhere(
        "a provider's certificate stays bad",
        "nothing is sent there, not even the key; people are told and get their credits back; `alert.provider.certificate`",
        "tests/faults/test_tls.py",
    ),
    Elsewhere(
        "the certificate of a server of results stays bad",
        "results wait and are tried for a day; `alert.download.certificate`",
        "tests/faults/test_tls.py",
    ),
    Elsewhere(
        "Telegram's certificate stays bad",
        "no token is sent; the log names it; `alert.updates.certificate`; everything goes on when it is good",
        "tests/faults/test_tls.py",
    ),
    Elsewhere(
        "a callback is forged, or its signature taken away",
        "it is refused, or causes no more than a look",
        "tests/faults/test_callbacks.py",
    ),
    Elsewhere(
        "a signed callback is sent again after five minutes",
        "it is refused",
        "tests/unit/kling/test_callback.py",
    ),
    Elsewhere(
        "callbacks come twice, out of order, late, or about nobody",
        "one video, charged once; nobody is asked more often",
        "tests/faults/test_callbacks.py",
    ),
    Elsewhere(
        "many callbacks about one task",
        "Kling is asked once a second at most",
        "tests/services/test_callbacks.py",
    ),
    Elsewhere(
        "a callback of megabytes",
        "it is refused before its end",
        "tests/faults/test_callbacks.py",
    ),
    Elsewhere(
        "a callback that is cut off, or no JSON",
        "it is refused; nothing else happens",
        "tests/unit/test_web.py",
    ),
    Elsewhere(
        "a callback comes while the database is locked or the disk full",
        "it waits, and then brings the video",
        "tests/faults/test_callbacks.py",
    ),
    Elsewhere(
        "the port of the web server is taken",
        "ends with one line about the setting",
        "tests/faults/test_callbacks.py",
    ),
    Elsewhere(
        "the clock is set by an hour or a day, either way, at work or between",
        "everything arrives once and is charged once",
        "tests/faults/test_clock.py",
    ),
    Elsewhere(
        "the disk is full, or the database cannot be written",
        "updates wait at Telegram; `alert.store.unwritable`; everything goes on by itself",
        "tests/faults/test_database.py",
    ),
    Elsewhere(
        "the database is deleted, replaced, emptied or damaged",
        "the bot ends with one line and tells it once; no new database is made",
        "tests/faults/test_database.py",
    ),
    Elsewhere(
        "the database's journal is deleted",
        "the bot ends, tells it, and has lost nothing at its next start",
        "tests/faults/test_database.py",
    ),
    Elsewhere(
        "a second process is started for the database",
        "it ends with one line that names the first; nothing of the first is lost",
        "tests/faults/test_database.py",
    ),
    Elsewhere(
        "another process takes the updates, or the token is refused",
        "`alert.updates.taken`, `alert.updates.token`; it goes on by itself",
        "tests/faults/test_database.py",
    ),
    Elsewhere(
        "Telegram sends no updates for minutes",
        "`alert.updates.silent`, once; asked for in moderation; `alert.updates.again`",
        "tests/faults/test_database.py",
    ),
    Elsewhere(
        "somebody sets a webhook for the bot",
        "it is removed; nothing that waits is lost",
        "tests/faults/test_webhook.py",
    ),
    Elsewhere(
        "70 groups are throttled",
        "nobody else waits",
        "tests/faults/test_throttled.py",
    ),
    Elsewhere(
        "64 chats get no answer from Telegram",
        "nobody else's answer waits",
        "tests/faults/test_throttled.py",
    ),
    Elsewhere("images that are large in memory", "each is answered in 150 MB", "tests/faults/test_images.py"),
    Elsewhere(
        "killed or ended while a smaller copy of a video is made",
        "the copy comes after the next start, once",
        "tests/faults/test_smaller_copies.py",
    ),
)


SECURE_WORDS = (
    "Two connections meet the fault before there is a request on them. Whoever shows a certificate that is refused",
    "hears nothing: no key, no token, no request. The log says what was refused, and why.",
)
OUTAGE_WORDS = (
    "Every request to Kling of five people goes wrong until Kling is left alone for a while, and then none does.",
)


def _section(title: str, level: int, rows: Sequence[Row]) -> list[str]:
    """The rows of a place under a heading."""
    lines = ["", f"{'#' * level} {title}", "", "| fault | the person | the operator is told | credits |"]
    lines += ["| --- | --- | --- | --- |"]
    for row in rows:
        told = row.outcome.operator if row.outcome.operator == "nothing" else f"`{row.outcome.operator}`"
        lines += [f"| {row.fault} | {row.outcome.user} | {told} | {row.outcome.ledger} |"]
    return lines


def document() -> str:
    """The table as a page for operators."""
    lines = [
        "# What happens when something goes wrong",
        "",
        "Each row happens to the real bot in a test (`tests/faults`): the fault meets it once, and the three columns",
        "are what comes of it. What does not answer ends the connection after eight seconds. This page is made by",
        "`python -m tests.faults.table`.",
    ]
    for place, about in PLACES.items():
        lines += _section(about.title, 2, [row for row in ROWS if row.place == place])
    lines += ["", "## Connections that are not secure", "", *SECURE_WORDS]
    for name, secure in SECURE_PLACES.items():
        lines += _section(secure.title, 3, [row for row in SECURE_ROWS if row.place == name])
    lines += ["", "## Kling out of reach", "", *OUTAGE_WORDS]
    for moment, title in MOMENTS.items():
        lines += _section(title, 3, [row for row in OUTAGE_ROWS if row.place == moment])
    lines += ["", "## Other faults", "", "| fault | outcome | shown by |", "| --- | --- | --- |"]
    lines += [f"| {each.fault} | {each.outcome} | `{each.test}` |" for each in ELSEWHERE]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201  a script

__all__ = ["ELSEWHERE", "LINK", "NOTHING", "REFUSED", "ROWS", "TOLD", "Row", "document", "note"]
