import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.requests.prompt import parse, tidy
from bot.domain.requests.request import NEGATIVE_LIMIT, PROMPT_LIMIT
from bot.domain.requests.values import Vocabulary
from bot.errors import UserError

MODELS = Vocabulary.of_models(["kling-v2-6", "kling-v2-5-turbo", "kling-v1"])


def read(text):
    parsed = parse(text, MODELS)
    return parsed.prompt, dict(parsed.options)


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
        ("a fox 720x1280 10s", "a fox", {"duration": 10, "aspect_ratio": "9:16"}),
        ("a fox --ratio 1280×720 --fps 30", "a fox", {"aspect_ratio": "16:9", "fps": 30}),
        ("a fox in 1234x567", "a fox in 1234x567", {}),
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
        ("rain 5.5s", "rain", {"duration": 5.5}),
        ("rain 5,5 s", "rain", {"duration": 5.5}),
        ("rain --duration 5.0", "rain", {"duration": 5}),
        ("rain --duration 3.50", "rain", {"duration": 3.5}),
        ("-- 10s --pro is a fine prompt", "10s --pro is a fine prompt", {}),
        ("a fox — and then it snows", "a fox — and then it snows", {}),
        ("a fox --duration=10 --n 2 --sound", "a fox", {"duration": 10, "count": 2, "sound": True}),
        (
            "a fox --duration：10 --ratio:9:16 --sound=off",
            "a fox",
            {"duration": 10, "aspect_ratio": "9:16", "sound": False},
        ),
        ("a fox --sound off", "a fox", {"sound": False}),
        ("--sound on a hill", "on a hill", {"sound": True}),
        ("a fox --pro 10 s", "a fox", {"mode": "pro", "duration": 10}),
        (
            "a fox --10s --9:16 —v2.6",
            "a fox",
            {"duration": 10, "aspect_ratio": "9:16", "model": "kling-v2-6"},
        ),
        ("a fox －－时长：１０秒 ９：１６", "a fox", {"duration": 10, "aspect_ratio": "9:16"}),
        ("a fox --cfg ０．７ ｐｒｏ", "a fox", {"cfg_scale": 0.7, "mode": "pro"}),
        ("一只狐狸，10秒，竖屏，高品质", "一只狐狸", {"duration": 10, "aspect_ratio": "9:16", "mode": "pro"}),
        ("高清 一只狐狸", "一只狐狸", {"mode": "pro"}),
        ("一只狐狸 --不要 模糊，文字 有声", "一只狐狸", {"negative_prompt": "模糊，文字", "sound": True}),
        (
            "一只狐狸 --不要 「模糊 文字」 方形",
            "一只狐狸",
            {"negative_prompt": "模糊 文字", "aspect_ratio": "1:1"},
        ),
        ("a fox, 10s, 9:16, hd", "a fox", {"duration": 10, "aspect_ratio": "9:16", "mode": "pro"}),
        ("10s, a fox", "a fox", {"duration": 10}),
        ("a fox in the snow. 10s.", "a fox in the snow.", {"duration": 10}),
        ("pro 10s a fox", "a fox", {"mode": "pro", "duration": 10}),
        ("Pro\na fox", "a fox", {"mode": "pro"}),
        ("a fox PRO", "a fox", {"mode": "pro"}),
        ("a fox --pro --std", "a fox", {"mode": "std"}),
        ("a fox 5s 10s", "a fox", {"duration": 10}),
        ("a fox 5s --duration 10", "a fox", {"duration": 10}),
        ("a fox --no blur --no “words, logos”", "a fox", {"negative_prompt": "blur, words, logos"}),
        ("--no ‘it’s blurred’ a fox", "a fox", {"negative_prompt": "it’s blurred"}),
        ("a fox --no it is blurred pro", "a fox", {"negative_prompt": "it is blurred", "mode": "pro"}),
        ('"a fox --pro" 5s', "a fox --pro", {"duration": 5}),
        ("「一只狐狸 10秒」 5秒", "一只狐狸 10秒", {"duration": 5}),
        ("--pro -- 10s a fox", "10s a fox", {"mode": "pro"}),
        ("a fox --4k", "a fox", {"mode": "4k"}),
        ("a fox --element 7,8", "a fox", {"elements": (7, 8)}),
        ("", "", {}),
        ("--pro", "", {"mode": "pro"}),
        ("10s", "", {"duration": 10}),
        ("pro 9:16", "", {"mode": "pro", "aspect_ratio": "9:16"}),
    ],
)
def test_what_people_type(text, prompt, options):
    assert read(text) == (prompt, options)


@pytest.mark.parametrize(
    "text",
    [
        "80s synthwave city",
        "a city in the 80s",
        "10 seconds of rain",
        "5s later it snows",
        "9:16 in the morning, a man wakes",
        "the clock shows 9:16",
        "pro skater's board, close up",
        "pro skater, on a ramp",
        "he turned pro",
        "a MacBook Pro",
        "a fight between amateur and pro",
        "hd photo of a cat",
        "4k 60fps footage of rain",
        "masterpiece, highly detailed, 4k",
        "masterpiece, highly detailed, hd",
        "杰作，细节丰富，高清",
        "a man -- tired -- walks",
        "an arrow --> here ---- there",
        "it was dark —not black— outside",
        "a well-known half–finished house",
        "“Open” says the sign and “closed” the door",
        "'tis the season",
        "the year 1984 in 24 fps",
        "a fox\n\n  in the snow",
    ],
)
def test_words_that_belong_to_a_sentence_stay_in_it(text):
    assert read(text) == (text, {})


@pytest.mark.parametrize(
    ("text", "key", "params"),
    [
        ("a fox --durration 10", "error.prompt.unknown_option", {"nearest": "--duration"}),
        ("a fox --duration 90", "error.prompt.bad_value", {"allowed": "1–60", "nearest": "60"}),
        ("a fox --duration 5.55", "error.prompt.bad_value", {"allowed": "1–60"}),
        ("a fox 120s", "error.prompt.bad_value", {"option": "--duration", "value": "120"}),
        ("a fox --sound=loud", "error.prompt.bad_value", {"option": "--sound", "allowed": "on, off"}),
        ("a fox --n 12", "error.prompt.bad_value", {"option": "--n", "nearest": "9"}),
        ("a fox --series 12", "error.prompt.bad_value", {"allowed": "2–10, auto", "nearest": "10"}),
        ("a fox --ratio", "error.prompt.option_without_value", {"option": "--ratio"}),
        ("一只狐狸 --时间长 10", "error.prompt.unknown_option", {"nearest": "--时长"}),
        ("a fox --ratio 10:16", "error.prompt.bad_value", {"nearest": "2:3"}),
        ("a fox --cfg 7", "error.prompt.bad_value", {"allowed": "0–1", "nearest": "1"}),
        ("a fox --mode ultra", "error.prompt.bad_value", {"option": "--mode"}),
        ("a fox --seed -4", "error.prompt.bad_value", {"nearest": "0"}),
        ("a fox --model kling-v2-7", "error.model.unknown", {"nearest": "kling-v2-6"}),
        ("a fox --duration", "error.prompt.option_without_value", {"option": "--duration"}),
        ("a fox --pro running", "error.prompt.stray_word", {"word": "running"}),
        (
            "x" * (PROMPT_LIMIT + 1),
            "error.prompt.too_long",
            {"count": PROMPT_LIMIT + 1, "limit": PROMPT_LIMIT},
        ),
        (
            "a fox --no " + "x" * (NEGATIVE_LIMIT + 1),
            "error.prompt.negative_too_long",
            {"limit": NEGATIVE_LIMIT},
        ),
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


def test_what_cannot_be_is_refused_with_the_nearest_that_can():
    for text, allowed, nearest in [
        ("a fox --mode 8k", "std, pro, 4k", "4k"),
        ("a fox --ratio 5:1", "16:9, 9:16, 1:1, 4:3, 3:4, 3:2, 2:3, 21:9", "21:9"),
        ("a fox 90s", "1–60", "60"),
        ("a fox --duration 0", "1–60", "1"),
    ]:
        with pytest.raises(UserError) as caught:
            parse(text, MODELS)
        assert (caught.value.params["allowed"], caught.value.params["nearest"]) == (allowed, nearest), text


def test_a_shortened_name_never_takes_the_full_name_of_another_model():
    vocabulary = Vocabulary.of_models(["kling-v2-5-turbo", "kling-v2-5", "kling-v2-6-pro"])
    assert vocabulary.models["v2.5"] == "kling-v2-5"
    assert vocabulary.models["2.5-turbo"] == "kling-v2-5-turbo"
    assert vocabulary.models["2.6"] == "kling-v2-6-pro"


def test_an_error_repeats_only_the_beginning_of_what_was_typed():
    for text in ["a fox --" + "x" * 500, "a fox --mode " + "x" * 500, "a fox --pro " + "x" * 500]:
        with pytest.raises(UserError) as caught:
            parse(text, MODELS)
        assert max(len(str(value)) for name, value in caught.value.params.items() if name != "allowed") < 50


# fmt: off
PIECES = st.lists(st.sampled_from([
    "a", "fox", "the", "of", "pro", "hd", "std", "Pro", "4k", "80s", "10s", "10", "s", "秒", "９：１６", "9:16",
    "v2.6", "kling-v1", ",", "，", "、", ".", "10s,", "pro,", "竖屏，", "高清", "狐狸", "--", "—", "--pro", "—no",
    "--no", "--no=", "--duration", "--duration=", "--cfg", "0.7", "--seed", "7", "--ratio=", "--sound",
    "off", "“", "”", '"', "'", "‘", "’", "「", "」", "²", "-1", "nan", "inf", "--model", "--x", "--mode=4k",
]), max_size=12)
# fmt: on


@given(st.one_of(st.text(max_size=200), PIECES.map(" ".join), PIECES.map("".join)))
def test_any_text_is_read_or_refused_politely(text):
    try:
        prompt = parse(text, MODELS).prompt
    except UserError:
        return
    assert prompt in tidy(text)
    assert prompt == prompt.strip()


@given(PIECES.map(" ".join))
def test_what_is_left_as_prompt_holds_no_more_options(text):
    assume(not set(text) & set("“”\"'‘’「」") and "--" not in text.split() and "—" not in text.split())
    try:
        prompt, _ = read(text)
    except UserError:
        assume(False)
    assert read(prompt) == (prompt, {})


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
