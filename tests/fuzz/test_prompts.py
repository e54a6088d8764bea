"""What people type behind a command, and how it becomes a request: read, or a sentence that says what is wrong."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people.access import read_invite_code
from bot.domain.requests import options
from bot.domain.requests.prompt import parse
from bot.domain.requests.request import PROMPT_LIMIT
from bot.domain.requests.values import Vocabulary
from bot.errors import UserError
from bot.services.requests.attachments import split_links
from tests.fuzz.mutations import TEXTS, WORDS
from tests.fuzz.target import target

VOCABULARY = Vocabulary.of_models(["kling-v2-6", "kling-v2-5-turbo", "kling-v3-omni", "kling-v1"])
PARTS = st.one_of(
    st.sampled_from(
        sorted([*(f"--{name}" for name in [*options.WORDS.flags, *options.WORDS.valued]), "--", "—", "－－"])
    ),
    st.sampled_from([*"=：:,，、;\"'“”「」 \n", "10s", "9:16", "竖屏", "pro", "10秒", "@1", "<<<image_1>>>"]),
    st.sampled_from(["https://x.example/a.jpg", "http://[::1", "v2.6", "--seed 99999999999", "1e999", "²"]),
    st.sampled_from(TEXTS),
    WORDS,
    st.integers().map(str),
    st.floats().map(str),
)


BETWEEN = ("", " ", "\n")
"""What stands between the parts of a text."""


@target(share=0.3, usual=100, cases_each=len(BETWEEN))
@given(parts=st.lists(PARTS, max_size=8))
def test_a_text_is_a_prompt_with_options_or_an_error_that_says_why(tried, part, parts):
    for between in BETWEEN:
        text = between.join(parts)
        tried()
        split_links(text)
        read_invite_code(text)
        try:
            parsed = parse(text, VOCABULARY)
        except UserError as error:
            assert error.key.startswith("error.")
            continue
        assert len(parsed.prompt) <= PROMPT_LIMIT
