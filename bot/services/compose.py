"""From what a person said and sent to one checked request: defaults filled in, everything refused that cannot be.

Nothing is kept and nothing costs anything here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from bot.domain.catalog import Catalog, Model, speech_seconds
from bot.domain.choices import fitted
from bot.domain.effects import Effects
from bot.domain.options import Options
from bot.domain.preferences import Preferences
from bot.domain.prompt import ParsedPrompt, Vocabulary, parse
from bot.domain.request import (
    VIDEO_MODEL_OPERATIONS,
    AudioRef,
    Expansion,
    ImageRef,
    Operation,
    SourceVideo,
    Speech,
    VideoRequest,
)
from bot.domain.units import Credits
from bot.domain.voices import Voices, language_of
from bot.errors import UserError
from bot.kling.pool import Pool

log = structlog.get_logger(__name__)

T = TypeVar("T")

LARGEST_RATIO = 3.0
"""How many times its area a picture may get (see `Expansion`)."""

EVEN_EXPANSION = 0.25
"""How far a picture grows on every side where no shape was asked for: 1.5 × 1.5 of it."""

SOUND_SECONDS = 5

SHORTEST_SPEECH = 2
"""Seconds that Kling wants to hear at least (Lip-Sync, Avatar); a text's are estimated."""

NOTHING_PREFERRED = Preferences()

_NEED_WORDS = frozenset(
    {
        Operation.TEXT_TO_VIDEO,
        Operation.REFERENCES_TO_VIDEO,
        Operation.OMNI_VIDEO,
        Operation.REFERENCES_TO_IMAGE,
    }
)
"""These may wait for their words, but are nothing without."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request gets where the person said nothing."""

    model: str
    mode: str
    duration: int
    aspect_ratio: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures that come with a request, by what they are for."""

    first: ImageRef | None = None
    last: ImageRef | None = None
    references: tuple[ImageRef, ...] = ()

    @property
    def frames(self) -> int:
        """How many of them are frames."""
        return sum(frame is not None for frame in (self.first, self.last))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.frames or self.references)


class Compose:
    """Builds requests and checks them. Every method raises `UserError`, with what can be done instead."""

    def __init__(
        self, prices: Callable[[], Catalog], pool: Pool, defaults: Defaults, voices: Voices, effects: Effects
    ) -> None:
        self._prices = prices
        self._pool = pool
        self._defaults = defaults
        self.voices = voices
        self.effects = effects

    @property
    def _catalog(self) -> Catalog:
        """The catalog of this moment: prices change while the bot runs."""
        return self._prices()

    # -- what is on offer ----------------------------------------------------------------------------

    def parse(self, text: str) -> ParsedPrompt:
        """Read what a person typed after a command, or as a caption."""
        return parse(text, self.vocabulary())

    def vocabulary(self) -> Vocabulary:
        """The models that this bot offers, by all their names."""
        return self._catalog.vocabulary(self._pool.models())

    def models(self) -> tuple[str, ...]:
        """The video models that this bot offers, in order of preference."""
        return self._pool.models()

    def rows(self) -> tuple[Model, ...]:
        """What the video models on offer can do."""
        return tuple(self._catalog.model(model) for model in self._pool.models())

    def row(self, request: VideoRequest) -> Model:
        """What the model, or the service, that a request is for can do."""
        return self._catalog.row(request)

    def operations(self) -> frozenset[Operation]:
        """What some provider offers."""
        return self._pool.operations()

    def beside(self) -> dict[Operation, Model]:
        """What is offered beside videos from a model: the usual row of each operation."""
        found = {
            operation: self._catalog.without_choice(operation)
            for operation in Operation
            if operation in self._pool.operations() - VIDEO_MODEL_OPERATIONS
        }
        return {operation: rows[0] for operation, rows in found.items() if rows}

    # -- videos from words and pictures --------------------------------------------------------------

    def video(
        self,
        parsed: ParsedPrompt,
        pictures: Pictures | None = None,
        preferences: Preferences = NOTHING_PREFERRED,
        *,
        try_on: bool = False,
    ) -> VideoRequest:
        """A video from words, from frames, or from references; what was not said is as the person prefers."""
        request = self.video_draft(parsed, pictures, preferences, try_on=try_on)
        self.check(request)
        return request

    def video_draft(
        self,
        parsed: ParsedPrompt,
        pictures: Pictures | None = None,
        preferences: Preferences = NOTHING_PREFERRED,
        *,
        try_on: bool = False,
    ) -> VideoRequest:
        """As `video`, for pictures whose words may still come."""
        given = pictures or Pictures()
        said = parsed.options
        usual = self._usual_for(preferences)
        model = said.model or self._model(given, usual)
        row = self._catalog.model(model)
        self._check_number(row, len(given.references))
        operation = self._operation(model, given)
        shots = said.shots or ()
        duration = (
            sum(shot.duration for shot in shots) or said.duration or _nearest(usual.duration, row.durations)
        )
        framed = operation is Operation.IMAGE_TO_VIDEO or given.first is not None
        draft = self._build(
            operation=operation,
            model=model,
            prompt=parsed.prompt,
            negative_prompt=said.negative_prompt or "",
            mode=said.mode or self._mode(row, given, usual),
            duration=duration,
            aspect_ratio=said.aspect_ratio or (None if framed else _fitting(usual.aspect_ratio, row.ratios)),
            cfg_scale=said.cfg_scale,
            seed=said.seed,
            sound=bool(said.sound),
            watermark=bool(said.watermark),
            spoiler=bool(said.spoiler),
            count=said.count or 1,
            first_frame=given.first,
            last_frame=given.last,
            references=given.references,
            camera=said.camera,
            shots=shots,
            voices=tuple(voice.id for voice in self._cast(said)),
            elements=said.elements or (),
            try_on=try_on,
        )
        self._check_but_words(draft)
        return draft

    def completed(self, draft: VideoRequest, parsed: ParsedPrompt) -> VideoRequest:
        """A draft with its words, and the options that came with them."""
        said = {
            name: value
            for name in Options.__slots__
            if name in VideoRequest.model_fields and (value := getattr(parsed.options, name)) is not None
        }
        if parsed.options.shots:
            said["duration"] = sum(shot.duration for shot in parsed.options.shots)
        if draft.speech is not None and draft.speech.text:
            said["speech"] = {**draft.speech.model_dump(), "text": parsed.prompt}
        completed = self._build(**{**draft.model_dump(), **said, "prompt": parsed.prompt})
        if parsed.prompt:
            self.check(completed)
        else:
            self._check_but_words(completed)
        return completed

    def rearranged(
        self, request: VideoRequest, pictures: Pictures, preferences: Preferences = NOTHING_PREFERRED
    ) -> VideoRequest:
        """A draft whose pictures are for something else; another model where its own cannot do that."""
        usual = self._usual_for(preferences)
        wanted = request.model_copy(
            update={
                "aspect_ratio": None
                if pictures.first is not None
                else request.aspect_ratio or usual.aspect_ratio,
                "first_frame": pictures.first,
                "last_frame": pictures.last,
                "references": pictures.references,
            }
        )
        models = dict.fromkeys((request.model, usual.model, *self._pool.models()))
        ways = [way for model in models if (way := fitted(wanted, self._catalog.model(model))) is not None]
        for way in ways:
            if self.possible(way):
                return way
        if not ways:
            limit = max(row.references for row in self.rows())
            raise UserError("error.pictures.too_many", number=len(wanted.images), limit=limit)
        self._check_but_words(ways[0])
        return ways[0]

    def _operation(self, model: str, pictures: Pictures) -> Operation:
        return self._catalog.operation_for(model, frames=pictures.frames, references=len(pictures.references))

    def _usual_for(self, preferences: Preferences) -> Defaults:
        """What a person gets where they say nothing: what they prefer, else what the operator chose."""
        offered, mine = self._pool.models(), self._defaults
        preferred = preferences.model if preferences.model in offered else None
        return Defaults(
            model=preferred or mine.model or offered[0],
            mode=preferences.mode or mine.mode,
            duration=preferences.duration or mine.duration,
            aspect_ratio=preferences.aspect_ratio or mine.aspect_ratio,
        )

    def _model(self, pictures: Pictures, usual: Defaults) -> str:
        """The usual model, or the first on offer that does what the pictures are for."""
        able = []
        for model in (usual.model, *self._pool.models()):
            row = self._catalog.model(model)
            if self._operation(model, pictures) in row.operations and (
                pictures.last is None or row.end_frame
            ):
                if len(pictures.references) <= row.references:
                    return model
                able.append(row)
        # Where none takes so many pictures, the one that takes most says so.
        return max(able, key=lambda row: row.references).id if able else usual.model

    def _check_number(self, row: Model, number: int) -> None:
        """Refuse more pictures than a model takes, naming those that take so many."""
        if not row.references or number <= row.references:
            return
        others = [other.id for other in self.rows() if other.references >= number]
        raise UserError(
            "error.pictures.too_many_for" if others else "error.pictures.too_many",
            model=row.id,
            limit=row.references,
            number=number,
            models=", ".join(others),
        )

    def _mode(self, row: Model, pictures: Pictures, usual: Defaults) -> str:
        """The usual mode, or the first that takes an end frame where there is one."""
        return _fitting(usual.mode, (pictures.last is not None and row.end_frame) or row.modes)

    def _cast(self, said: Options) -> Sequence[Any]:
        if said.voice is None:
            return ()
        return [self.voices.find(said.voice, said.language or "en")]

    # -- what is done with a finished video ----------------------------------------------------------

    def extension(self, parsed: ParsedPrompt, source: SourceVideo, mode: str) -> VideoRequest:
        """A finished video, some seconds longer."""
        said = parsed.options
        return self._checked(
            operation=Operation.EXTEND,
            model=source.model,
            prompt=parsed.prompt,
            negative_prompt=said.negative_prompt or "",
            cfg_scale=said.cfg_scale,
            mode=mode,
            aspect_ratio=None,
            source=source,
        )

    def edit(self, parsed: ParsedPrompt, source: SourceVideo) -> VideoRequest:
        """A finished video changed as words say, by a model that understands videos."""
        said = parsed.options
        able = self._catalog.able(self._pool.models(), Operation.OMNI_VIDEO)
        if not able:
            raise UserError("error.request.operation", operation=Operation.OMNI_VIDEO)
        model = said.model or able[0]
        return self._checked(
            operation=Operation.OMNI_VIDEO,
            model=model,
            prompt=parsed.prompt,
            negative_prompt=said.negative_prompt or "",
            mode=said.mode or _fitting(self._defaults.mode, self._catalog.model(model).modes),
            duration=self._catalog.model(model).durations[0],
            aspect_ratio=None,
            elements=said.elements or (),
            source=source,
        )

    def lip_sync(self, source: SourceVideo, speech: Speech) -> VideoRequest:
        """A finished video whose face speaks."""
        return self._checked(
            operation=Operation.LIP_SYNC,
            model=self._usual(Operation.LIP_SYNC),
            prompt=speech.text,
            duration=0,
            aspect_ratio=None,
            source=source,
            speech=speech,
        )

    def motion(self, parsed: ParsedPrompt, person: ImageRef, source: SourceVideo) -> VideoRequest:
        """A person in a picture who moves as the one in a finished video does."""
        said = parsed.options
        offered = self._catalog.able(self._pool.models(), Operation.MOTION_CONTROL)
        model = said.model or (offered[0] if offered else self._pool.models()[0])
        return self._checked(
            operation=Operation.MOTION_CONTROL,
            model=model,
            prompt=parsed.prompt,
            mode=said.mode or "std",
            aspect_ratio=None,
            references=(person,),
            source=source,
            orientation="image",
        )

    def speech(self, parsed: ParsedPrompt, audio: AudioRef | None = None) -> Speech:
        """What is to be said: a sound, or a text with the voice that was named, in its language."""
        if audio is not None:
            return Speech(audio=audio)
        if not parsed.prompt:
            raise UserError("error.request.nothing_to_say")
        said = parsed.options
        language = said.language or language_of(parsed.prompt)
        voice = self.voices.find(said.voice or "", language)
        try:
            speech = Speech.model_validate(
                {"text": parsed.prompt, "voice": voice.id, "language": language, "speed": said.speed or 1}
            )
        except ValidationError:
            raise UserError("error.request.too_much_to_say", count=len(parsed.prompt)) from None
        if speech_seconds(speech) < SHORTEST_SPEECH:
            raise UserError("error.request.too_little_to_say", seconds=SHORTEST_SPEECH)
        return speech

    # -- pictures that move, speak or change ---------------------------------------------------------

    def effect(self, name: str, pictures: Sequence[ImageRef]) -> VideoRequest:
        """One of Kling's effects, on one picture or two."""
        effect = self.effects.find(name, len(pictures))
        if len(pictures) != effect.pictures:
            raise UserError("error.effect.pictures", effect=effect.title, number=effect.pictures)
        return self._checked(
            operation=Operation.EFFECT,
            model=self._usual(Operation.EFFECT),
            effect=effect.scene,
            duration=0,
            aspect_ratio=None,
            references=tuple(pictures),
        )

    def avatar(self, parsed: ParsedPrompt, person: ImageRef, speech: Speech) -> VideoRequest:
        """A person in a picture who speaks."""
        return self._checked(
            operation=Operation.AVATAR,
            model=self._usual(Operation.AVATAR),
            mode=parsed.options.mode or "std",
            duration=0,
            aspect_ratio=None,
            references=(person,),
            speech=speech,
        )

    def try_on(self, person: ImageRef, garment: ImageRef) -> VideoRequest:
        """A person who wears what another picture shows, as a picture."""
        return self._checked(
            operation=Operation.TRY_ON,
            model=self._usual(Operation.TRY_ON),
            duration=0,
            aspect_ratio=None,
            references=(person, garment),
        )

    def picture(self, parsed: ParsedPrompt, references: Sequence[ImageRef] = ()) -> VideoRequest:
        """A picture from words, or from words and pictures."""
        said = parsed.options
        operation = Operation.REFERENCES_TO_IMAGE if len(references) > 1 else Operation.IMAGE
        self._check_number(self._catalog.without_choice(operation)[0], len(references))
        return self._checked(
            operation=operation,
            model=self._usual(operation),
            prompt=parsed.prompt,
            negative_prompt=said.negative_prompt or "",
            aspect_ratio=said.aspect_ratio or self._defaults.aspect_ratio,
            resolution=said.resolution or "1k",
            duration=0,
            count=said.count or 1,
            spoiler=bool(said.spoiler),
            references=tuple(references),
        )

    def expansion(self, parsed: ParsedPrompt, picture: ImageRef) -> VideoRequest:
        """A picture with more around it, in the shape that was asked for or a bit larger on every side."""
        said = parsed.options
        return self._checked(
            operation=Operation.EXPAND,
            model=self._usual(Operation.EXPAND),
            prompt=parsed.prompt,
            duration=0,
            aspect_ratio=None,
            count=said.count or 1,
            spoiler=bool(said.spoiler),
            references=(picture,),
            expansion=_expansion(picture, said.aspect_ratio),
        )

    def sound(self, parsed: ParsedPrompt, source: SourceVideo | None = None) -> VideoRequest:
        """A sound from words, or one that goes with a finished video."""
        operation = Operation.TEXT_TO_AUDIO if source is None else Operation.VIDEO_TO_AUDIO
        return self._checked(
            operation=operation,
            model=self._usual(operation),
            prompt=parsed.prompt,
            duration=(parsed.options.duration or SOUND_SECONDS) if source is None else 0,
            aspect_ratio=None,
            source=source,
        )

    def _usual(self, operation: Operation) -> str:
        """The usual image model or service for an operation."""
        return self._catalog.without_choice(operation)[0].id

    # -- checking ------------------------------------------------------------------------------------

    def check(self, request: VideoRequest) -> None:
        """Refuse what cannot be done, before anything is held."""
        self._check_but_words(request)
        if "prompt" in (self._pool.unsupported(request) or ()) or _needs_words(request):
            raise UserError("error.request.needs_prompt")

    def possible(self, request: VideoRequest) -> bool:
        """Whether the request could be accepted, or could be with words."""
        try:
            self._check_but_words(request)
        except UserError:
            return False
        return True

    def _check_but_words(self, request: VideoRequest) -> None:
        self._catalog.check(request, self._pool.models())
        lacking = self._pool.unsupported(request)
        if lacking is None:
            return
        missing = tuple(field for field in lacking if field != "prompt")
        if not lacking:
            raise UserError(
                "error.request.no_provider", model=request.model, models=", ".join(self._pool.models())
            )
        for key in ("operation", "source"):
            if key in missing:
                raise UserError(f"error.request.{key}", operation=request.operation)
        if missing:
            raise UserError("error.request.not_offered", fields=", ".join(missing), model=request.model)

    def price(self, request: VideoRequest) -> Credits:
        """What the request costs in credits."""
        return self._catalog.price(request)

    def _checked(self, **fields: Any) -> VideoRequest:
        request = self._build(**fields)
        self.check(request)
        return request

    @staticmethod
    def _build(**fields: Any) -> VideoRequest:
        try:
            return VideoRequest.model_validate(fields)
        except ValidationError as error:
            if not fields.get("prompt"):
                raise UserError("error.request.needs_prompt") from error
            log.warning(
                "a request that the grammar let through is invalid", errors=error.errors(include_input=False)
            )
            raise UserError("error.request.invalid") from error


def _needs_words(request: VideoRequest) -> bool:
    return request.operation in _NEED_WORDS and not (request.prompt or request.shots)


def _expansion(picture: ImageRef, ratio: str | None) -> Expansion:
    """How far a picture grows to get a shape; the whole shape only as far as the area may grow."""
    if ratio is None:
        return Expansion(up=EVEN_EXPANSION, down=EVEN_EXPANSION, left=EVEN_EXPANSION, right=EVEN_EXPANSION)
    width, _, height = ratio.partition(":")
    factor = min(int(width) / int(height) * picture.height / picture.width, LARGEST_RATIO)
    if abs(factor - 1) < 0.01:
        raise UserError("error.request.same_shape", ratio=ratio)
    if factor > 1:
        side = min((factor - 1) / 2, 1.0)
        return Expansion(left=side, right=side)
    side = min((1 / factor - 1) / 2, 1.0)
    return Expansion(up=side, down=side)


def _nearest(preferred: int, offered: Sequence[int]) -> int:
    """The number of seconds on offer that comes nearest."""
    return min(offered, key=lambda seconds: abs(seconds - preferred))


def _fitting(preferred: object, offered: Sequence[T]) -> T:
    """The preferred value where the model offers it, else the first that it does offer."""
    return next((value for value in offered if value == preferred), offered[0])
