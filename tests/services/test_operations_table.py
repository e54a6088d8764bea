"""The table of operations is enough: what has a row is composed and priced by it."""

import pytest

from bot.domain.requests.catalog import Catalog
from bot.domain.requests.model import Model
from bot.domain.requests.operations import (
    ChargedFor,
    Input,
    Operation,
    OperationRow,
    Product,
    Prompt,
    Role,
    Way,
    made_by,
)
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import GenerationRequest, ImageRef, SourceVideo
from bot.errors import UserError
from bot.services.compose import Compose, Images, Inputs

IMAGE = ImageRef(sha256="0" * 64, media_type="image/jpeg", width=1280, height=720)
SOURCE = SourceVideo(provider="stand-in", video_id="v1", model="kling-v1-6", duration_ms=12_300)
DUBBING = Model(id="dub-1", operations=(Operation.LIP_SYNC,), rate={"std": 2}, fixed=3)


def imagine(value: str, row: OperationRow) -> Operation:
    """An operation that the program does not have."""
    operation = Operation.__new_member__(Operation, value, row)  # type: ignore[attr-defined]
    operation._name_ = value.upper()
    assert isinstance(operation, Operation)
    return operation


@pytest.fixture
def relight() -> Operation:
    """A video in another light, which a photo gives, paid for in blocks of 10 s of its source."""
    return imagine(
        "relight",
        OperationRow(
            ways=(
                Way(
                    "relight",
                    (Input(Role.REFERENCES), Input(Role.SOURCE, seconds=(1, 60))),
                    frozenset({"seed"}),
                ),
            ),
            prompt=Prompt.AWAITED,
            charged_for=ChargedFor.SOURCE,
            charged_block=10,
            made_of=frozenset({Product.VIDEO}),
        ),
    )


class Imagining(Compose):
    """Composes for a service that no provider has; what providers can do is not asked."""

    def check(self, request: GenerationRequest) -> None:
        self._catalog.check(request, ())

    def _usable(self, operation: Operation) -> tuple[Model, ...]:
        return self._catalog.without_choice(operation)


@pytest.fixture
async def compose(bare, relight) -> Imagining:
    await bare.open()
    known = bare.services.compose
    row = DUBBING.model_copy(update={"operations": (relight,), "references": 1})
    catalog = Catalog((), (), (row,))
    return Imagining(
        catalog=lambda: catalog,
        pool=known._pool,
        defaults=known._defaults,
        voices=known.voices,
        effects=known.effects,
    )


def test_an_imaginary_operation_is_composed_and_priced_by_its_row(compose, relight):
    inputs = Inputs(Images(references=(IMAGE,)), source=SOURCE)
    typed = ParsedPrompt("at dusk", {"seed": 7, "sound": True})
    request = compose.compose(relight, inputs, typed)
    assert (request.operation, request.model, request.prompt) == (relight, "dub-1", "at dusk")
    assert (request.references, request.source, request.seed, request.sound) == ((IMAGE,), SOURCE, 7, False)
    assert compose._catalog.price(request) == 3 + 2 * 20


@pytest.mark.parametrize(
    ("inputs", "prompt", "key"),
    [
        (Inputs(source=SOURCE), "at dusk", "error.request.one_picture"),
        (Inputs(Images(references=(IMAGE,)), source=SOURCE), "", "error.request.needs_prompt"),
        (
            Inputs(Images(references=(IMAGE,)), source=SOURCE.model_copy(update={"duration_ms": 90_000})),
            "at dusk",
            "error.request.source_length",
        ),
    ],
)
def test_an_imaginary_operation_refuses_by_its_row(compose, relight, inputs, prompt, key):
    with pytest.raises(UserError) as caught:
        compose.compose(relight, inputs, ParsedPrompt(prompt))
    assert caught.value.key == key


COMMANDS = sorted({way.command for operation in Operation for way in operation.row.ways} - {""})


@pytest.mark.parametrize("command", COMMANDS)
def test_whatever_comes_with_a_command_one_of_its_operations_is_meant(command):
    for number in range(8):
        inputs = Inputs(Images(references=(IMAGE,) * number))
        assert Compose.operation_for(command, inputs) in [operation for operation, _ in made_by(command)]


@pytest.mark.parametrize("operation", list(Operation))
def test_a_stored_operation_is_read_by_its_id_alone(operation):
    assert Operation(operation.value) is operation
    assert str(operation) == operation.value
