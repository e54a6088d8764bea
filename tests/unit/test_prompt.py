import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.prompt import LIMIT, Options, Vocabulary, parse
from bot.errors import UserError

MODELS = Vocabulary.of_models(["kling-v2-6", "kling-v2-5-turbo", "kling-v1"])


def read(text):
    parsed = parse(text, MODELS)
    return parsed.prompt, {
        name: value for name in Options.__slots__ if (value := getattr(parsed.options, name)) is not None
    }


@pytest.mark.parametrize(
    ("text", "prompt", "options"),
    [
        ("a fox in the snow", "a fox in the snow", {}),
        (
            "a fox --pro 10s 9:16 --no blur",
            "a fox",
            {"mode": "pro", "duration": 10, "aspect_ratio": "9:16", "negative_prompt": "blur"},
        ),
        (
            '--model kling-v2-6 --mode pro --duration 10 --ratio 9:16 --no "blur, text" --cfg 0.7 --seed 7 a fox',
            "a fox",
            {
                "model": "kling-v2-6",
                "mode": "pro",
                "duration": 10,
                "aspect_ratio": "9:16",
                "negative_prompt": "blur, text",
                "cfg_scale": 0.7,
                "seed": 7,
            },
        ),
        (
            "a fox 10s pro 9:16 v2.6",
            "a fox",
            {"duration": 10, "mode": "pro", "aspect_ratio": "9:16", "model": "kling-v2-6"},
        ),
        ("10s 9:16 a fox", "a fox", {"duration": 10, "aspect_ratio": "9:16"}),
        ("一只狐狸 10秒 竖屏 高品质", "一只狐狸", {"duration": 10, "aspect_ratio": "9:16", "mode": "pro"}),
        (
            "一只狐狸 --时长 10 --不要 模糊 --比例 9：16",
            "一只狐狸",
            {"duration": 10, "negative_prompt": "模糊", "aspect_ratio": "9:16"},
        ),
        ("a fox —duration 10 —no “blur, text”", "a fox", {"duration": 10, "negative_prompt": "blur, text"}),
        ("a fox --no blur, text 10s", "a fox", {"negative_prompt": "blur, text", "duration": 10}),
        ("--no blur, text a fox", "a fox", {"negative_prompt": "blur, text"}),
        ("a pro skater at 9:16 in the morning", "a pro skater at 9:16 in the morning", {}),
        ("pro skater on a ramp", "pro skater on a ramp", {}),
        ("video of a pro", "video of a pro", {}),
        ("“a fox 10s” 5s", "a fox 10s", {"duration": 5}),
        ("first line\nsecond line --pro", "first line\nsecond line", {"mode": "pro"}),
        ("a fox 10 s", "a fox", {"duration": 10}),
        ("-- 10s --pro is a fine prompt", "10s --pro is a fine prompt", {}),
        ("a fox — and then it snows", "a fox — and then it snows", {}),
        ("a fox --duration=10 --n 2 --sound", "a fox", {"duration": 10, "count": 2, "sound": True}),
        ("", "", {}),
        ("--pro", "", {"mode": "pro"}),
        ("10s", "", {"duration": 10}),
    ],
)
def test_what_people_type(text, prompt, options):
    assert read(text) == (prompt, options)


@pytest.mark.parametrize(
    ("text", "key", "params"),
    [
        ("a fox --durration 10", "error.prompt.unknown_option", {"nearest": "--duration"}),
        ("a fox --duration 90", "error.prompt.bad_value", {"allowed": "1–60"}),
        ("a fox --ratio 10:16", "error.prompt.bad_value", {"nearest": "2:3"}),
        ("a fox --cfg 7", "error.prompt.bad_value", {"allowed": "0–1", "nearest": "1"}),
        ("a fox --mode ultra", "error.prompt.bad_value", {"option": "--mode"}),
        ("a fox --seed -4", "error.prompt.bad_value", {"nearest": "0"}),
        ("a fox --model kling-v2-7", "error.model.unknown", {"nearest": "kling-v2-6"}),
        ("a fox --duration", "error.prompt.option_without_value", {"option": "--duration"}),
        ("a fox --pro running", "error.prompt.stray_word", {"word": "running"}),
        ("x" * (LIMIT + 1), "error.prompt.too_long", {"count": LIMIT + 1, "limit": LIMIT}),
        ("a fox --no " + "x" * (LIMIT + 1), "error.prompt.negative_too_long", {"limit": LIMIT}),
    ],
)
def test_what_cannot_be_read_says_what_is_allowed(text, key, params):
    with pytest.raises(UserError) as caught:
        parse(text, MODELS)
    assert caught.value.key == key
    assert {name: caught.value.params[name] for name in params} == params


@pytest.mark.parametrize("name", ["kling-v2-6", "v2-6", "v2.6", "2.6", "kling-2.6", "KLING-V2-6"])
def test_a_model_has_many_names(name):
    assert read(f"a fox --model {name}")[1] == {"model": "kling-v2-6"}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_politely(text):
    try:
        parsed = parse(text, MODELS)
    except UserError as error:
        assert error.key.startswith("error.")  # noqa: PT017  either outcome is right
    else:
        assert parsed.prompt in text


WORDS = st.lists(
    st.sampled_from(["fox", "snow", "over", "the", "runs", "雪", "狐狸", "pro-am", "10", "ten:ten"]),
    min_size=1,
)


@given(WORDS, st.sampled_from([" ", "\n", "  "]))
def test_text_without_options_survives_to_the_letter(words, space):
    text = space.join(words)
    assert read(text) == (text, {})


@given(WORDS)
def test_reading_a_prompt_again_changes_nothing(words):
    prompt, _ = read(" ".join(words) + " --pro 10s")
    assert read(prompt) == (prompt, {})
