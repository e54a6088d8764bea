"""Names in prompts through all that changes a draft: what is sent names everything that it holds, or it is refused."""

import json
import re
from functools import cache
from typing import Any

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.library.asset import Names
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.effects import load_effects
from bot.domain.requests.naming import list_nameable, name_at_end, show_prompt
from bot.domain.requests.operations import Operation
from bot.domain.requests.presets import load_voices
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.references import TOKEN, Kind, count_of
from bot.domain.requests.request import GenerationRequest, SourceVideo
from bot.errors import UserError
from bot.i18n import NAMES, for_language
from bot.kling import dialects
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.pool import ProviderPool
from bot.kling.provider import Provider
from bot.kling.wire import SubmitContext
from bot.services.compose import Compose, Images
from bot.settings import sections
from tests.clock import ManualClock
from tests.fuzz.target import target
from tests.operations import BYTES, IMAGES, SOURCE
from tests.unit.kling.test_references import unnamed

CLOCK = ManualClock()
CONTEXT = SubmitContext("klingbot-1", BYTES, None, {})
MINE = Names(
    {"fox": 160, "foxy-lady": 161, "张": 162, "张三": 163, "image": 164},
    {"ada": "v-ada", "ad": "v-ad"},
    {"lady-ann": "v-lady"},
    frozenset({"lady-ann"}),
)
DIALECTS = ("official", "unified", "prefixed", "generic", "omnimaas", "flat")
MODELS = {
    "official": [row.id for row in catalogs.load().known()],
    "omnimaas": ["kling-v2-5-turbo", "kling-v2-5-turbo-pro", "kling-v2-6"],
}
MAIL = "ada@fox.com"

PARTS = st.one_of(
    st.sampled_from(["a fox", "跑", "🦊", "it runs; it jumps", MAIL, f"write to {MAIL}, please"]),
    st.sampled_from(
        ["@Fox", "@foxy-lady", "＠张三在跑", "看@张", "@160", "@1000001", "@1", "@图2", "@image1"]
    ),
    st.sampled_from(
        ["@Ada", "@ad", "@image", "@image3", "@video1", "@voice2", "@element_2", "@lady Ann", "@image_12"]
    ),
    st.sampled_from(
        [
            *("<<<image_1>>>", "<<<image_9>>>", "<<<image_100>>>", "<<<element_1>>>", "<<<video_0>>>"),
            *(
                "<<<voice_1>>>",
                "<<<voice_2>>>",
                "<<<",
                ">>>",
                "@",
                "@🦊",
                "image_1",
                "@image_1x",
                "x" * 2_480,
            ),
            *("--sound", "--pro", "10s", "--element fox", "--voice ada", "--shots auto", "--no blur"),
            *('--shots "2s @Fox wakes | 3s @1 runs"', '--shots "2s it wakes | 3s it runs"'),
        ]
    ),
    st.text(max_size=6),
)
"""What people type; the first two rows are what they mean to."""
CHANGES = st.one_of(
    st.tuples(
        st.just("toggle"), st.sampled_from([(Kind.ELEMENT, "160", "Fox"), (Kind.VOICE, "v-ada", "Ada")])
    ),
    st.tuples(st.just("model"), st.integers(0, 20)),
    st.tuples(st.just("name"), st.integers(0, 20)),
    # What an assistant makes of the words: some are gone, and some names with them.
    st.tuples(st.just("improve"), st.integers(0, 2**12)),
    st.tuples(st.just("answer"), st.lists(PARTS, max_size=3)),
    st.tuples(st.just("frames"), st.integers(1, 4)),
    st.tuples(st.just("references"), st.integers(1, 10)),
    st.tuples(st.just("films"), st.integers(0, 3)),
)


class Shop(Compose):
    """Composes for one provider that sells everything in a dialect."""

    def __init__(self, dialect: str) -> None:
        speaks = dialects.get(dialect)
        models = [model for model in MODELS.get(dialect, MODELS["official"]) if speaks.has_model(model)]
        config = Provider.model_validate(
            {"name": dialect, "base_url": "http://127.0.0.1:9", "key": "sk", "models": models}
        )
        catalog = catalogs.load(dialect=dialect)
        self.client = KlingClient(
            config, speaks, Signer("bearer", "sk-1"), httpx.AsyncClient(), CLOCK, catalog=lambda: catalog
        )
        super().__init__(
            catalog=lambda: catalog,
            pool=ProviderPool([self.client], CLOCK),
            defaults=sections.Models(),
            voices=load_voices(),
            effects=load_effects(),
            hands_out_videos=True,
        )


shop = cache(Shop)


def changed(compose: Compose, draft: GenerationRequest, change: tuple[str, Any]) -> GenerationRequest:
    """A draft after one thing that its person does to it."""
    what, value = change
    match what:
        case "toggle":
            kind, id, name = value
            return compose.with_asset(draft, kind, (id, name))
        case "model":
            models = compose.models()
            return compose.fit(draft, models[value % len(models)]) or draft
        case "name":
            nameable = list_nameable(draft)
            return name_at_end(draft, nameable[value % len(nameable)]) if nameable else draft
        case "improve":
            words = show_prompt(draft).split()
            kept = [word for place, word in enumerate(words) if not value >> place % 12 & 1]
            return compose.complete(
                draft, ParsedPrompt(" ".join(kept), vocabulary=compose.vocabulary(MINE)), keeps_assets=True
            )
        case "answer":
            return compose.complete(draft, compose.parse(" ".join(value), MINE))
        case "frames":
            images = Images(first=IMAGES[0]) if value == 1 else Images.in_order(IMAGES[:value])
            return compose.rearrange(draft, images)
        case "references":
            return compose.rearrange(draft, Images(references=IMAGES[:value]))
        case _:
            films = (SourceVideo.model_validate(SOURCE),) * value
            return compose.fit(draft.model_copy(update={"features": films}), draft.model) or draft


def judge(compose: Shop, request: GenerationRequest) -> None:
    """What may be asked for is sent as its standard reads it."""
    compose.check(request)
    client = compose.client
    assert client.lacks(request) == ()
    if request.operation is Operation.OMNI_VIDEO:
        # Where words and frames have places of their own, they are not taken here.
        row = client.catalog.model(request.model)
        others = request.has_others or request.references or request.source is not None
        assert others or Operation.TEXT_TO_VIDEO not in row.operations
    sent = client.dialect.submit(request, CONTEXT).json
    assert unnamed(sent) == [], request
    native = sent.get("metadata", {})
    body = sent | (json.loads(native) if isinstance(native, str) else native)
    text = json.dumps(body, ensure_ascii=False).replace('\\"', '"')
    for id in (*map(str, request.elements), *request.voices):
        assert id in text
    texts = [item["text"] for item in body.get("contents", ()) if item["type"] == "prompt"]
    texts += [shot["prompt"] for shot in body.get("multi_prompt", ())] or [body.get("prompt", "")]
    is_newer = "settings" in body
    for said in texts:
        named = TOKEN.findall(said)
        assert not (is_newer and named), said
        for kind, number in named:
            frames = sum(frame is not None for frame in (request.first_frame, request.last_frame))
            least, most = (frames, frames) if kind == "image" else (0, 0)
            assert least < int(number) <= most + count_of(request)[Kind(kind)], said
    read = " ".join(shot.prompt for shot in request.shots) or request.prompt
    if is_newer:
        # It has no other place for what is not wanted.
        read += request.negative_prompt
    assert read.count(MAIL) == sum(said.count(MAIL) for said in texts)


FOURTH = MODELS["official"].index("kling-4.0")


@target(share=0.2, usual=150, cases_each=len(DIALECTS))
@given(
    parts=st.lists(PARTS, max_size=6),
    between=st.sampled_from(["", " ", "，"]),
    images=st.integers(0, 10),
    changes=st.lists(CHANGES, max_size=4),
    model=st.integers(0, 20),
)
@example(["@Fox runs"], " ", 0, [("answer", ["a cat sleeps"])], FOURTH)
@example(["@Fox runs"], " ", 0, [("improve", 1)], FOURTH)
@example(
    ["@1 meets @2"], " ", 5, [("toggle", (Kind.ELEMENT, "160", "Fox")), ("films", 3), ("name", 9)], FOURTH
)
def test_what_a_prompt_names_is_sent_or_refused_with_a_sentence(
    tried, part, parts, between, images, changes, model
):
    for dialect in DIALECTS:
        compose = shop(dialect)
        tried()
        chosen = compose.models()[model % len(compose.models())]
        given = Images() if images == 0 else Images(references=IMAGES[:images])
        try:
            draft = compose.video_draft(compose.parse(f"{between.join(parts)} --model {chosen}", MINE), given)
        except UserError as error:
            spoken(error)
            continue
        for change in (None, *changes):
            try:
                draft = draft if change is None else changed(compose, draft, change)
                judge(compose, draft)
            except UserError as error:
                spoken(error)


def spoken(error: UserError) -> None:
    """Whoever is refused reads why, in their language."""
    for language in NAMES:
        said = for_language(language)(error.key, **error.params)
        assert re.search(r"\w", said)
        assert error.key not in said
