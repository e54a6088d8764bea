"""The rows of the table of acceptance: an operation, a standard and a dialect, with what is sent, or why nothing is."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bot.domain.requests import catalog as catalogs
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.model import Model
from bot.domain.requests.operations import (
    ANSWERED_AT_ONCE,
    LIBRARY_OPERATIONS,
    SPEAKING_OPERATIONS,
    Operation,
)
from bot.domain.requests.request import Face, Faces, GenerationRequest
from bot.domain.requests.rules import fit, lacking
from bot.kling import dialects
from bot.kling.dialects.lip_sync import known_faces
from bot.kling.provider import Provider
from bot.kling.wire import Dialect, SubmitContext
from tests.operations import BYTES, NEEDED, SPEECH, a_request_for
from tests.sold import KEYS, MODELS

FIRST, NEWER, OWN = "first", "newer", "its own"
"""Kling's standard of `/v1` and `model_name`, that of the model in the path, and a gateway's body."""

WITHOUT_IDS = Provider.model_fields["without_ids"].default
EXTERNAL_ID = "klingbot-K7Q29F-1"
SPOKEN = {**SPEECH, "text": "Hello there, how are you doing on this fine day?"}
FACES = Faces(provider="stand-in", session="s", until=0, found=(Face(id="f", begin=0, end=5_000),))
FOUND = {"audio_id": "a", "sound_ms": "4000", **known_faces(FACES)}
"""What the exchanges before a submission find out, where only the names of its fields count."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A dialect with a kind of key, before one kind of server.

    `served` names the server by the stand-in's keys. `words` are what it says of a task that is submitted, is
    processed and is done, by standard. `usual` is a model that its document names. `serves` is what it takes at all.
    """

    title: str
    dialect: str
    served: str
    words: tuple[tuple[str, tuple[str, str, str]], ...]
    usual: str = ""
    serves: frozenset[Operation] = frozenset(Operation)

    @property
    def key(self) -> str:
        """Its key at the stand-in."""
        return KEYS[self.served]

    def speaks(self) -> Dialect:
        """Its wire format."""
        return dialects.get(self.dialect, self.key)

    def catalog(self) -> Catalog:
        """What its models can do."""
        return _catalog(self.dialect)


@cache
def _catalog(dialect: str) -> Catalog:
    return catalogs.load(dialect=dialect)


KLINGS = ("submitted", "processing", "succeed")
NEWERS = ("submitted", "processing", "succeeded")
ROWS_OF_A_GATEWAY = ("SUBMITTED", "IN_PROGRESS", "SUCCESS")
NEW_API = frozenset({Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO})
"""What new-api serves under `/kling/v1` (router/video-router.go)."""

CRAZYROUTER = NEW_API | {
    Operation.REFERENCES_TO_VIDEO,
    Operation.OMNI_VIDEO,
    Operation.IMAGE,
    Operation.TRY_ON,
}
"""What crazyrouter serves there (docs.crazyrouter.com, "Kling")."""

DOCUMENTED = "kling-v1-6"
"""A model that the documents of gateways and proxies name."""

SPEAKERS = (
    Speaker("`official`, key pair", "official", "official", ((FIRST, KLINGS), (NEWER, NEWERS))),
    Speaker("`official`, API key", "official", "unified", ((FIRST, KLINGS), (NEWER, NEWERS))),
    Speaker("`unified`", "unified", "unified", ((FIRST, KLINGS), (NEWER, NEWERS))),
    Speaker("`prefixed`", "prefixed", "prefixed", ((FIRST, KLINGS),), DOCUMENTED),
    Speaker("`prefixed`, new-api", "prefixed", "newapi", ((FIRST, ROWS_OF_A_GATEWAY),), DOCUMENTED, NEW_API),
    Speaker(
        "`prefixed`, crazyrouter",
        "prefixed",
        "crazyrouter",
        ((FIRST, ("queued", "processing", "succeeded")),),
        DOCUMENTED,
        CRAZYROUTER,
    ),
    Speaker("`flat`", "flat", "flat", ((FIRST, ("submitted", "processing", "completed")),), DOCUMENTED),
    Speaker("`generic`", "generic", "generic", ((OWN, NEWERS),), DOCUMENTED),
    Speaker("`generic`, new-api", "generic", "newapi", ((OWN, ROWS_OF_A_GATEWAY),), DOCUMENTED),
    Speaker("`omnimaas`", "omnimaas", "omnimaas", ((OWN, ("processing", "processing", "succeeded")),)),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `request` is what is asked for in it; None: that can't be done, for the reason in `why`."""

    operation: Operation
    standard: str
    speaker: Speaker
    request: GenerationRequest | None = None
    why: str = ""

    @property
    def id(self) -> str:
        """What a test of it is called."""
        return f"{self.operation} {self.standard} {self.speaker.title.replace('`', '')}"

    @property
    def is_named(self) -> bool:
        """Whether its operation is offered only where the settings of the provider name it."""
        return self.operation not in self.speaker.speaks().default_operations

    @property
    def prepares(self) -> bool:
        """Whether something is found out before the request is sent."""
        context = SubmitContext(EXTERNAL_ID, BYTES)
        return self.request is not None and bool(self.speaker.speaks().preparations(self.request, context))

    @property
    def is_answered_at_once(self) -> bool:
        """Whether the answer to the request is the result."""
        return self.operation in ANSWERED_AT_ONCE

    @property
    def words(self) -> tuple[str, str, str]:
        """What is said of its task from the submission to its end."""
        return dict(self.speaker.words)[self.standard]


def rows() -> Iterator[Row]:
    """Every row, by operation."""
    for operation in Operation:
        for speaker in SPEAKERS:
            for standard, _ in speaker.words:
                request = _request(operation, speaker, standard)
                why = "" if request is not None else _why(operation, speaker, standard)
                yield Row(operation, standard, speaker, request, why)


def sent(speaker: Speaker, request: GenerationRequest) -> tuple[str, tuple[str, ...]]:
    """Where a request is sent, and the names in its body."""
    external_id = "" if request.model in WITHOUT_IDS else EXTERNAL_ID
    written = speaker.speaks().submit(request, SubmitContext(external_id, BYTES, prepared=FOUND))
    return written.path, tuple(written.json or ())


def standard_of(path: str) -> str:
    """Which standard a path belongs to."""
    if path.endswith("/video/generations"):
        return OWN
    return FIRST if "/v1/" in path else NEWER


def _request(operation: Operation, speaker: Speaker, standard: str) -> GenerationRequest | None:
    """The smallest request for an operation that goes by a standard, with the usual model or the first that does."""
    if operation not in speaker.speaks().operations & speaker.serves:
        return None
    if operation in LIBRARY_OPERATIONS:
        return a_request_for(operation) if standard == FIRST else None
    usual = (speaker.usual, NEEDED[operation]["model"])
    models = _models(operation, speaker)
    for row in sorted(models, key=lambda row: usual.index(row.id) if row.id in usual else len(usual)):
        request = fit(_smallest(operation, row.id), row)
        if request is None or request.operation is not operation:
            continue
        if (
            not lacking(speaker.speaks().limits, request)
            and standard_of(sent(speaker, request)[0]) == standard
        ):
            return request
    return None


def _smallest(operation: Operation, model: str) -> GenerationRequest:
    """The smallest request for an operation; what is spoken is long enough to be taken."""
    spoken = {"speech": SPOKEN} if operation in SPEAKING_OPERATIONS else {}
    return a_request_for(operation, model=model, **spoken)


def _models(operation: Operation, speaker: Speaker) -> list[Model]:
    catalog, sells = speaker.catalog(), MODELS[speaker.dialect]
    rows = catalog.known() if operation.row.on_video_model else catalog.without_choice(operation)
    return [
        row
        for row in rows
        if operation in row.operations and (row.id in sells or not operation.row.on_video_model)
    ]


_BY_KEY = next(each for each in SPEAKERS if each.served == "unified")
"""The first that speaks as another does with a key pair."""

KEY_PAIR = "a key pair opens the first standard only"
NO_REQUEST = "its document has no such request"
NOT_SERVED = "it has no such path, and `operations` does not name it"
GOES_BY = "goes by the {} standard"


def _why(operation: Operation, speaker: Speaker, standard: str) -> str:
    """Why an operation cannot be asked for in a standard."""
    if operation not in speaker.speaks().operations:
        return NO_REQUEST
    if operation not in speaker.serves:
        return NOT_SERVED
    if standard == NEWER and speaker.served == "official" and _request(operation, _BY_KEY, standard):
        return KEY_PAIR
    return GOES_BY.format(NEWER if standard == FIRST else FIRST)


def attempt(row: Row) -> GenerationRequest:
    """What somebody asks for who wants what a row has nothing for."""
    if row.why == KEY_PAIR:
        request = _request(row.operation, _BY_KEY, row.standard)
        assert request is not None
        return request
    return _smallest(row.operation, NEEDED[row.operation]["model"])


def goes_elsewhere(row: Row) -> bool:
    """Whether a row has nothing because its operation goes by another standard in the same dialect."""
    return row.why in {GOES_BY.format(standard) for standard in (FIRST, NEWER)}
