"""What image models can do: chosen by what is given, held to the vendor's limits, charged by the result."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.requests import catalog as catalogs
from bot.domain.requests.operations import IMAGE_MODEL_OPERATIONS, Operation
from bot.domain.requests.request import AUTO_SERIES, GenerationRequest
from bot.domain.requests.rules import RULES, broken, fit, suit
from bot.errors import UserError
from tests.operations import IMAGES, a_request_for

CATALOG = catalogs.load()
ROWS = {row.id: row for row in CATALOG.section("images")}
GENERATION, SEVERAL, OMNI = Operation.IMAGE, Operation.REFERENCES_TO_IMAGE, Operation.OMNI_IMAGE


def an_image(model: str, **changes: object) -> GenerationRequest:
    row = ROWS[model]
    number, scene = len(changes.get("references", ())), changes.get("scene") or changes.get("style")
    operation = row.image_operation_for(references=number, extras=bool(scene))
    return a_request_for(
        operation, model=model, **{"references": (), "resolution": row.resolutions[0], **changes}
    )


@pytest.mark.parametrize(
    ("model", "references", "extras", "operation"),
    [
        ("kling-v2-1", 0, False, GENERATION),
        ("kling-v2-1", 1, False, GENERATION),
        ("kling-v2-1", 1, True, SEVERAL),
        ("kling-v2-1", 2, False, SEVERAL),
        ("kling-v3", 1, False, GENERATION),
        ("kling-v3-omni", 0, False, OMNI),
        ("kling-v3-omni", 10, False, OMNI),
        ("kling-image-o1", 1, False, OMNI),
        ("kling-image-4.0", 10, False, OMNI),
    ],
)
def test_the_operation_follows_from_the_model_and_what_is_given(model, references, extras, operation):
    assert ROWS[model].image_operation_for(references=references, extras=extras) == operation


@pytest.mark.parametrize(
    ("model", "changes", "credits"),
    [
        # vendor image pricing 2026: 4 image units from words, 8 from an image, 16 from several; 1 credit is 4 of them
        ("kling-v2-1", {}, 1),
        ("kling-v2-1", {"count": 9}, 9),
        ("kling-v2-1", {"references": IMAGES[:1], "count": 3}, 6),
        ("kling-v2-1", {"references": IMAGES[:2], "count": 2}, 8),
        ("kling-v2-1", {"references": IMAGES[:1], "style": IMAGES[1]}, 4),
        ("kling-v3", {"resolution": "2k"}, 2),
        ("kling-v3-omni", {"resolution": "4k", "count": 2}, 8),
        ("kling-v3-omni", {"series": 5}, 10),
        ("kling-v3-omni", {"series": "auto"}, 2 * AUTO_SERIES),
        ("kling-image-o1", {"references": IMAGES[:10], "resolution": "2k"}, 2),
        # 0.06 USD an image of 2K (resellers, 2026-11), at 0.014 a credit
        ("kling-image-4.0", {}, 5),
        ("kling-image-4.0", {"count": 9}, 39),
        ("kling-image-4.0", {"series": 10, "resolution": "8k"}, 172),
    ],
)
def test_each_result_is_paid_for_by_what_it_is_made_of_and_how_large_it_is(model, changes, credits):
    request = an_image(model, **changes)
    CATALOG.check(request, ())
    assert CATALOG.price(request) == credits


@pytest.mark.parametrize(
    ("model", "changes", "key"),
    [
        ("kling-image-o1", {"resolution": "4k"}, "error.model.resolution"),
        ("kling-image-o1", {"series": 4}, "error.model.series"),
        ("kling-v3-omni", {"series": 4, "count": 2}, "error.request.series_count"),
        ("kling-v3-omni", {"series": 10}, "error.model.longer_series"),
        ("kling-v3-omni", {"prompt": "a" * 2_501}, "error.prompt.too_long"),
        ("kling-image-4.0", {"resolution": "1k"}, "error.model.resolution"),
        ("kling-image-4.0", {"prompt": "雪" * 21_001}, "error.prompt.too_long"),
        ("kling-image-4.0", {"elements": (1, 2), "references": IMAGES[:9]}, "error.model.together"),
        ("kling-v3", {"aspect_ratio": None}, "error.model.ratio"),
        # Of words alone it makes no ratio of its own (vendor capability map of images, 2026-05).
        ("kling-v3-omni", {"aspect_ratio": None}, "error.model.ratio"),
        ("kling-v3", {"reference_type": "face", "references": IMAGES[:1]}, "error.model.reference_type"),
        ("kling-v2-1", {"reference_type": "face"}, "error.request.reference_type"),
        ("kling-v2-1", {"reference_type": "face", "references": IMAGES[:2]}, "error.request.reference_type"),
        ("kling-v2-1", {"image_fidelity": 0.5}, "error.request.image_fidelity"),
        ("kling-v2-1", {"face_fidelity": 0.5, "references": IMAGES[:1]}, "error.request.face_fidelity"),
        ("kling-v3", {"image_fidelity": 0.5, "references": IMAGES[:1]}, "error.model.image_fidelity"),
        ("kling-v3-omni", {"style": IMAGES[0], "references": IMAGES[1:2]}, "error.model.style"),
        ("kling-v2-1", {"elements": (1,)}, "error.model.elements"),
        ("kling-v3-omni", {"elements": (1, 2), "references": IMAGES[:9]}, "error.model.together"),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_it_costs_anything(model, changes, key):
    with pytest.raises(UserError) as caught:
        CATALOG.check(an_image(model, **changes), ())
    assert caught.value.key == key


def requests() -> st.SearchStrategy[dict[str, object]]:
    """Requests of images, possible or not."""
    return st.fixed_dictionaries(
        {
            "references": st.integers(0, 10).map(lambda number: IMAGES[:number]),
            "count": st.integers(1, 9),
            "resolution": st.sampled_from(("1k", "2k", "4k", "8k")),
            "aspect_ratio": st.sampled_from((None, "16:9", "21:9")),
            "series": st.one_of(st.none(), st.integers(2, 10), st.just("auto")),
            "elements": st.integers(0, 7).map(lambda number: tuple(range(number))),
            "reference_type": st.sampled_from((None, "subject", "face")),
            "image_fidelity": st.sampled_from((None, 0.0, 1.0)),
            "face_fidelity": st.sampled_from((None, 0.5)),
        }
    )


@given(st.sampled_from(sorted(ROWS)), st.sampled_from(sorted(ROWS)), requests())
def test_another_model_makes_of_a_request_what_it_can_do_and_never_drops_an_image(first, other, fields):
    row = ROWS[first]
    operation = row.image_operation_for(references=len(fields["references"]))
    if len(fields["references"]) > operation.row.ways[0].inputs[0].maximum:
        return
    request = a_request_for(operation, model=first, **fields)
    changed = fit(request, ROWS[other])
    if changed is None:
        assert suit(request, ROWS[other]) is None or broken(RULES, ROWS[other], request) is not None
        return
    assert broken(RULES, ROWS[other], changed) is None
    assert (changed.references, changed.elements) == (request.references, request.elements)
    assert changed.operation in ROWS[other].operations
    assert CATALOG.price(changed) >= changed.results


def test_every_image_model_is_one_that_can_be_chosen():
    assert {operation for row in ROWS.values() for operation in row.operations} == set(IMAGE_MODEL_OPERATIONS)
