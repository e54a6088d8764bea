"""What is done with a finished video, and what is to be said or heard in it."""

from pydantic import ValidationError

from bot.domain.requests.catalog import speech_seconds
from bot.domain.requests.presets import language_of
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import AudioRef, ImageRef, Operation, SourceVideo, Speech, VideoRequest
from bot.errors import UserError
from bot.services.compose.offered import Offered, fitting

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
