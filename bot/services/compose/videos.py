"""Videos from words and pictures, and what is done with a finished one; what was not said is filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.domain.requests.catalog import speech_seconds
from bot.domain.requests.choices import Preferences, fitted
from bot.domain.requests.model import Model
from bot.domain.requests.operations import Operation
from bot.domain.requests.options import Options
from bot.domain.requests.presets import language_of
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import AudioRef, ImageRef, SourceVideo, Speech, VideoRequest
from bot.errors import UserError
from bot.services.compose.offered import Offered, fitting
from bot.settings import sections

NOTHING_PREFERRED = Preferences()


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


class Videos(Offered):
    """A video from words, from frames, or from references."""

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
        model = said.model or self._with_assets(given, said, usual) or self._model(given, usual)
        row = self._catalog.model(model)
        self._check_number(row, len(given.references))
        operation = self._operation(model, given)
        shots = said.shots or ()
        duration = (
            sum(shot.duration for shot in shots)
            or said.duration
            or _nearest(usual.default_duration, row.durations)
        )
        framed = operation is Operation.IMAGE_TO_VIDEO or given.first is not None
        draft = self._build(
            operation=operation,
            model=model,
            prompt=parsed.prompt,
            negative_prompt=said.negative_prompt or "",
            mode=said.mode or self._mode(row, given, usual),
            duration=duration,
            aspect_ratio=said.aspect_ratio
            or (None if framed else fitting(usual.default_aspect_ratio, row.ratios)),
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
                else request.aspect_ratio or usual.default_aspect_ratio,
                "first_frame": pictures.first,
                "last_frame": pictures.last,
                "references": pictures.references,
            }
        )
        models = dict.fromkeys((request.model, usual.default, *self._pool.models()))
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

    def _usual_for(self, preferences: Preferences) -> sections.Models:
        """What a person gets where they say nothing: what they prefer, else what the operator chose."""
        offered, mine = self._pool.models(), self._defaults
        usual = {
            "default": preferences.model if preferences.model in offered else fitting(mine.default, offered),
            "default_mode": preferences.mode or mine.default_mode,
            "default_duration": preferences.duration or mine.default_duration,
            "default_aspect_ratio": preferences.aspect_ratio or mine.default_aspect_ratio,
        }
        return mine.model_copy(update=usual)

    def _model(self, pictures: Pictures, usual: sections.Models) -> str:
        """The usual model, or the first on offer that does what the pictures are for."""
        able = []
        for model in (usual.default, *self._pool.models()):
            row = self._catalog.model(model)
            if self._operation(model, pictures) in row.operations and (
                pictures.last is None or row.end_frame
            ):
                if len(pictures.references) <= row.references:
                    return model
                able.append(row)
        # Where none takes so many pictures, the one that takes most says so.
        return max(able, key=lambda row: row.references).id if able else usual.default

    def _with_assets(self, pictures: Pictures, said: Options, usual: sections.Models) -> str | None:
        """The usual model, or the first on offer, that takes the elements, or the voice, that were named."""
        if not said.elements and said.voice is None:
            return None
        for model in (usual.default, *self._pool.models()):
            row = self._catalog.model(model)
            operation = self._operation(model, pictures)
            fits = operation in row.operations and len(pictures.references) <= row.references
            elements = row.elements if operation is not Operation.TEXT_TO_VIDEO else 0
            if fits and len(said.elements or ()) <= elements and (said.voice is None or row.voices):
                return model
        return None

    def _mode(self, row: Model, pictures: Pictures, usual: sections.Models) -> str:
        """The usual mode, or the first that takes an end frame where there is one."""
        return fitting(usual.default_mode, (pictures.last is not None and row.end_frame) or row.modes)

    def _cast(self, said: Options) -> Sequence[Any]:
        if said.voice is None:
            return ()
        return [self.voices.find(said.voice, said.language or "en")]


def _nearest(preferred: int, offered: Sequence[int]) -> int:
    """The number of seconds on offer that comes nearest."""
    return min(offered, key=lambda seconds: abs(seconds - preferred))


SOUND_SECONDS = 5

SHORTEST_SPEECH = 2
"""Seconds that Kling wants to hear at least (Lip-Sync, Avatar); a text's are estimated."""


class Finished(Offered):
    """A finished video that goes on, changes, speaks or sounds."""

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
            mode=said.mode or fitting(self._defaults.default_mode, self._catalog.model(model).modes),
            duration=self._catalog.model(model).durations[0],
            aspect_ratio=None,
            elements=said.elements or (),
            source=source,
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
