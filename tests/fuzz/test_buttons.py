"""Data of buttons and payloads of links, changed: acted on, or refused as a button of another version."""

from dataclasses import fields

from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import UserError
from handlers import ROUTES
from handlers.chat.keyboards import LIMIT, VERSION, ButtonData, Signer
from tests.fuzz.mutations import TEXTS, WORDS
from tests.fuzz.target import target
from tests.world.telegram import TOKEN

SIGNER = Signer(TOKEN)
VALUES = st.one_of(
    st.sampled_from([text for text in TEXTS if len(text) < 40]),
    st.sampled_from(["on", "off", "K7Q29F", "1", "video", "kling-v2-6", "9" * 40, "-" + "9" * 40]),
    st.integers().map(str),
    WORDS,
)


@st.composite
def arguments(draw: st.DrawFn) -> tuple[str, str]:
    """An action, and an argument with as many values as it has, more or fewer."""
    press = draw(st.sampled_from(list(ROUTES.buttons.values())))
    action, _, page = press.payload.action.partition(".")
    count = len(fields(press.payload)) + draw(st.integers(-1, 2))
    values = draw(st.lists(VALUES, min_size=max(0, count), max_size=max(0, count)))
    return action, ".".join([page, *values] if page else values)


@target(share=0.1, usual=150)
@example(data=("animate", "x." + "9" * 40))
@given(data=arguments())
def test_an_argument_is_read_or_the_button_is_stale(tried, part, data):
    tried()
    press = ROUTES.button(*data)
    if press is None:
        return
    try:
        button = press.payload.unpack(data[1])
    except UserError as error:
        assert error.key == "error.button.stale"
        return
    for each in fields(button):
        value = getattr(button, each.name)
        # It is asked for in the store.
        assert not isinstance(value, int) or -(2**63) <= value < 2**63


@target(share=0.05, usual=100)
@example(data=("forget", "ask"), at=0, instead="\ud800")
@given(data=arguments(), at=st.integers(0, LIMIT), instead=VALUES | st.binary(max_size=3).map(bytes.hex))
def test_changed_data_presses_nothing(tried, part, data, at, instead):
    tried()
    try:
        written = SIGNER.write(ButtonData(*data))
    except (ValueError, UnicodeError):
        written = f"{VERSION}:{data[0]}:{data[1]}::AAAAAAAA"
    spoiled = written[:at] + instead + written[at + len(instead) :]
    read = SIGNER.read(spoiled)
    assert read is None or spoiled == written
