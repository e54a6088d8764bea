from collections.abc import Sequence

from bot.domain.requests.catalog import load
from bot.domain.requests.choices import choices
from bot.domain.requests.operations import IMAGE_MODEL_OPERATIONS
from bot.domain.requests.options import ON_CARDS, Option
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import CHANGES, RULES, broken, fit, fit_with
from bot.errors import UserError
from tests.operations import a_request_for
from tests.unit.requests.capabilities import CATALOG, OFFERED, ROWS, SAMPLES, STRIDE, digest, random_requests

REQUESTS = list(random_requests())
NEWER = frozenset(
    {
        *(Option.SERIES, Option.SCENE, Option.STYLE),
        *(Option.REFERENCE_TYPE, Option.IMAGE_FIDELITY, Option.FACE_FIDELITY),
        *(Option.FACE, Option.VOLUME, Option.ORIGINAL_VOLUME, Option.ASMR),
    }
)
"""Newer than what was recorded, and of no use to what is compared."""


def verdict(request: GenerationRequest) -> tuple[object, ...] | None:
    """How a request is refused; None where it is not."""
    try:
        CATALOG.check(request, OFFERED)
    except UserError as error:
        return error.key, sorted(error.params.items())
    return None


def is_possible(request: GenerationRequest) -> bool:
    return verdict(request) is None


def on_card(request: GenerationRequest) -> list[tuple[str, list[str]]]:
    """What a card offers for a request, by option."""
    row = CATALOG.row(request)
    return [
        (
            str(option),
            [choice.key for choice in choices(option.row, request, (row,), CATALOG.known(), is_possible)],
        )
        for option in ON_CARDS
        if option not in NEWER
    ]


def was_possible(request: GenerationRequest) -> bool:
    """Whether it is one of images that was recorded as possible: then no ratio was left to Kling."""
    left = request.operation in IMAGE_MODEL_OPERATIONS and request.aspect_ratio is None
    return left and is_possible(request.model_copy(update={"aspect_ratio": "16:9"}))


def list_with_cards(requests: Sequence[GenerationRequest]) -> list[GenerationRequest]:
    """Those whose cards are in the sample: what cannot be made as it stands finds more ways out than it once did."""
    return [request for request in requests[::STRIDE] if is_possible(request) or was_possible(request)]


def recorded(name: str, size: int) -> list[bytes]:
    """The digests of a sample, each of so many bytes."""
    data = (SAMPLES / name).read_bytes()
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_verdicts_and_their_parameters_are_as_recorded():
    # The second half of each sample was about dialects, which write more since then.
    samples = recorded("answers.bin", 4)
    assert len(samples) == len(REQUESTS)
    possible = 0
    for request, sample in zip(REQUESTS, samples, strict=True):
        said = verdict(request)
        possible += said is None
        if request.operation in IMAGE_MODEL_OPERATIONS:
            # `test_image_models` says what these can do.
            continue
        assert digest(said) == sample[:2], (request.model_dump(exclude_defaults=True), said)
    assert possible > len(REQUESTS) / 3


def test_what_a_card_offers_is_as_recorded():
    for request, sample in zip(list_with_cards(REQUESTS), recorded("choices.bin", 2), strict=True):
        if request.operation in IMAGE_MODEL_OPERATIONS:
            continue
        offered = on_card(request)
        assert digest(offered) == sample, (request.model_dump(exclude_defaults=True), offered)


def test_a_request_that_is_made_to_fit_keeps_to_every_rule_and_loses_no_content():
    fitted = 0
    for request in REQUESTS[:: 3 * STRIDE]:
        for row in ROWS if request.model in OFFERED else ():
            changed = fit(request, row)
            if changed is None:
                continue
            fitted += 1
            assert broken(RULES, row, changed) is None
            dropped = {name for name, value in request if getattr(changed, name) != value}
            assert dropped <= {*CHANGES, "model", "operation"}
    assert fitted > 1_000


def test_what_keeps_to_every_rule_is_not_changed():
    for request in REQUESTS[::STRIDE]:
        if is_possible(request) and request.operation not in IMAGE_MODEL_OPERATIONS:
            assert fit(request, CATALOG.row(request)) == request


def test_a_model_without_sound_cannot_be_given_any():
    silent = load().model("kling-v2-5-turbo")
    assert fit_with(a_request_for("text2video", model=silent.id), silent, "sound", True) is None


def test_fewer_changes_go_before_cheaper_ones():
    loud = a_request_for("text2video", model="kling-v3", mode="4k", sound=True, duration=5)
    changed = fit(loud, load().model("kling-v2-6"))
    assert changed is not None
    assert (changed.mode, changed.sound) == ("pro", True), "the mode alone, and not both"
