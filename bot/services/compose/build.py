"""One checked request of a prompt and its inputs; what was not said is filled in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from bot.domain.requests.choices import Preferences
from bot.domain.requests.effects import Effect
from bot.domain.requests.model import Model
from bot.domain.requests.naming import resolve
from bot.domain.requests.operations import Operation, Prompt, Role, Way, made_by
from bot.domain.requests.options import BY_FIELD, Option, OptionRow, Options
from bot.domain.requests.presets import language_of
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import (
    PLACEHOLDER,
    AudioRef,
    Continued,
    GenerationRequest,
    ImageRef,
    SourceVideo,
    Speech,
)
from bot.domain.requests.rules import durations_of, nearest
from bot.domain.requests.values import Vocabulary
from bot.domain.types import Credits
from bot.errors import UserError
from bot.services.compose.inputs import (
    PLACES,
    Images,
    Inputs,
    edit_of,
    expansion_of,
    orientation_of,
    places_of,
)
from bot.services.compose.offered import fitting
from bot.services.compose.usual import NOTHING_PREFERRED, Usual, names_assets, operation_with
from bot.settings import sections

SHORTEST_SPEECH = 2
"""Seconds that Kling wants to hear at least (Lip-Sync, Avatar); a text's are estimated."""

SAMPLE_PROMPT = "on" * 20
"""Long enough to be spoken."""


class Builder(Usual):
    """Builds requests and checks them. Every method raises `UserError`, with what can be done instead."""

    @staticmethod
    def operation_for(command: str, inputs: Inputs) -> Operation:
        """The operation of a command that takes these inputs; where none does, the last says what is wrong."""
        able = [operation for operation, way in made_by(command) if inputs.suit(way)]
        return able[0] if able else made_by(command)[-1][0]

    def compose(
        self,
        operation: Operation,
        inputs: Inputs,
        prompt: ParsedPrompt,
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> GenerationRequest:
        """What an operation makes of some inputs, as the operator has it where nothing was typed.

        Where it makes an effect, or lets a face speak, the prompt is its name or what is said. Images are made as
        the person prefers.
        """
        if operation.row.on_image_model:
            return self.image(prompt, inputs.images.references, preferences)
        if refers(operation):
            prompt = resolve(prompt, len(inputs.images.references))
        settings = self.settings(operation, inputs, prompt)
        way = next((way for way in operation.row.ways if inputs.suit(way)), operation.row.ways[0])
        defaults = self._usual_for(NOTHING_PREFERRED)

        def fill(row: Model) -> GenerationRequest:
            self._check_number(row, len(inputs.images.references))
            return self._fill(operation, way, row, inputs, prompt, defaults, settings)

        return _first(self._rows_for(operation, inputs, prompt.options), fill, self.check)

    def settings(self, operation: Operation, inputs: Inputs, prompt: ParsedPrompt) -> dict[str, Any]:
        """What an operation is told beside its files: it follows from the prompt and the pictures.

        A source may be missing still: it is looked for after everything else was found to be right.
        """
        row, images = operation.row, inputs.images.references
        if row.limits(Role.EFFECT)[1]:
            return {"effect": self._effect(prompt.prompt, images), "prompt": ""}
        if row.limits(Role.REFERENCES) == (1, 1) and len(images) != 1:
            raise UserError("error.request.one_picture")
        if row.prompt in {Prompt.AWAITED, Prompt.REQUIRED} and not prompt.prompt:
            raise UserError("error.request.needs_prompt")
        if row.limits(Role.SPEECH)[1]:
            speech = self.speech(prompt, inputs.sound)
            return {"speech": speech, "prompt": _said_beside(operation, prompt, speech)}
        if row.limits(Role.EDIT)[1]:
            return {"edit": edit_of(images, prompt.options)}
        if row.limits(Role.EXPANSION)[1]:
            return {"expansion": expansion_of(images[0], prompt.options.get("aspect_ratio"))}
        if prompt.prompt and operation in (Option.PART.row.operations or ()):
            # It takes no other words.
            return {"part": Option.PART.row.read(prompt.prompt, prompt.vocabulary or Vocabulary({}))}
        return (
            {"orientation": orientation_of(inputs.source, prompt.options)}
            if row.limits(Role.ORIENTATION)[1]
            else {}
        )

    def sample(self, operation: Operation, inputs: Inputs) -> GenerationRequest:
        """A request like those that an operation makes of such inputs: to be priced, never sent."""
        row = operation.row
        words = "" if row.prompt is Prompt.NONE else SAMPLE_PROMPT
        if row.limits(Role.EFFECT)[1]:
            words = self.effects.search("", 1)[0].scene
        if row.limits(Role.REFERENCES)[1]:
            inputs = replace(inputs, images=Images(references=(PLACEHOLDER,)))
        return self.compose(operation, inputs, ParsedPrompt(words))

    def price_effects(self, effects: Iterable[Effect]) -> list[tuple[Effect, Credits]]:
        """Some effects with what each costs.

        Composing takes milliseconds, and effects differ in their scene and their number of images only.
        """
        priced, samples = [], dict[int, GenerationRequest]()
        for effect in effects:
            if effect.images not in samples:
                inputs = Inputs(Images(references=(PLACEHOLDER,) * effect.images))
                samples[effect.images] = self.compose(Operation.EFFECT, inputs, ParsedPrompt(effect.scene))
            request = samples[effect.images].model_copy(update={"effect": effect.scene})
            priced.append((effect, self.price(request)))
        return priced

    def _effect(self, name: str, images: Sequence[ImageRef]) -> str:
        """The scene of an effect, on one picture or two; a name of one word may be newer than our list."""
        if not name:
            raise UserError("error.effect.which")
        if " " in name:
            self.effects.check(name)
        if not images:
            raise UserError("error.request.one_picture")
        effect = self.effects.find(name, len(images))
        if len(images) != effect.images:
            raise UserError("error.effect.pictures", effect=effect.scene, number=effect.images)
        return effect.scene

    def _rows_for(self, operation: Operation, inputs: Inputs, said: Options) -> tuple[Model, ...]:
        """The rows of the model or service that an operation runs on, with each provider."""
        if not operation.row.on_video_model:
            usual = self._usual(operation)
            return tuple(row for row in self._usable(operation) if row.id == usual.id) or (usual,)
        if operation.row.like_source and inputs.source is not None:
            return self.rows_of(inputs.source.model)
        able = self._able(operation)
        if not able and not inputs.images:
            raise UserError("error.request.operation", operation=operation)
        return self.rows_of(said.get("model") or (able or self._pool.models())[0])

    def _fill(
        self,
        operation: Operation,
        way: Way,
        row: Model,
        inputs: Inputs,
        prompt: ParsedPrompt,
        defaults: sections.Models,
        settings: Mapping[str, object],
    ) -> GenerationRequest:
        """A request with the options that were typed, then what is preferred, then what the row has first."""
        said, images = prompt.options, inputs.images
        seconds = operation.row.seconds
        values: dict[str, Any] = {
            "duration": row.durations[0] if seconds is None else seconds,
            "aspect_ratio": None,
            "prompt": "" if operation.row.prompt is Prompt.NONE else prompt.prompt,
        }
        if operation.row.like_source and inputs.source_mode:
            values["mode"] = inputs.source_mode
        values |= self._preferred(way, row, images, defaults)
        typed = self._typed(operation, (way,), said)
        if typed.get("voices"):
            values |= for_voices(row, operation, values)
        values |= {**typed, **settings}
        built = self._build(
            **{
                **values,
                "operation": operation,
                "model": row.id,
                "first_frame": images.first,
                "middle_frames": images.middle,
                "last_frame": images.last,
                "references": images.references,
                "source": inputs.source,
            }
        )
        request = self._marked(built)
        if "duration" not in typed and "duration" in way.preferred:
            # What it may last can depend on everything else.
            seconds = nearest(durations_of(row, request), request.duration)[0]
            request = request.model_copy(update={"duration": seconds})
        return request

    def _preferred(
        self, way: Way, row: Model, images: Images, defaults: sections.Models
    ) -> Mapping[str, object]:
        """What is preferred where nothing was typed, as far as the row has it; a first frame decides on the ratio."""
        found: dict[str, object] = {}
        if "mode" in way.preferred:
            found["mode"] = self._mode(row, images, defaults)
        if "duration" in way.preferred:
            found["duration"] = nearest(row.durations, defaults.default_duration)[0]
        if "aspect_ratio" in way.preferred and not images.frames:
            found["aspect_ratio"] = fitting(defaults.default_aspect_ratio, row.ratios)
        if "resolution" in way.preferred:
            found["resolution"] = fitting(defaults.default_image_resolution, row.resolutions)
        return found

    def video(
        self,
        parsed: ParsedPrompt,
        images: Images | None = None,
        preferences: Preferences = NOTHING_PREFERRED,
        *,
        try_on: bool = False,
        features: tuple[SourceVideo, ...] = (),
    ) -> GenerationRequest:
        """A video from words, from frames, or from references; what was not said is as the person prefers.

        `features` are videos that the prompt refers to.
        """
        request = self.video_draft(parsed, images, preferences, try_on=try_on, features=features)
        self.check(request)
        return request

    def video_draft(
        self,
        parsed: ParsedPrompt,
        images: Images | None = None,
        preferences: Preferences = NOTHING_PREFERRED,
        *,
        try_on: bool = False,
        continues: Continued | None = None,
        features: tuple[SourceVideo, ...] = (),
    ) -> GenerationRequest:
        """As `video`, for pictures whose words may still come."""
        given = images or Images()
        parsed = resolve(parsed, len(given.references), len(features))
        said = parsed.options
        defaults = self._usual_for(preferences)
        model = (
            said.get("model")
            or self._with_others(given, said, defaults, len(features))
            or self._model(given, defaults)
        )
        settings = {"try_on": try_on, "continues": continues, "features": features}

        def fill(row: Model) -> GenerationRequest:
            self._check_number(row, len(given.references))
            self._check_features(row, len(features))
            operation = operation_with(row, given, has_others=names_assets(said) or bool(features))
            way = operation.row.ways[0]
            return self._fill(operation, way, row, Inputs(given), parsed, defaults, settings)

        return _first(self.rows_of(model), fill, self._check_but_words)

    def image(
        self,
        parsed: ParsedPrompt,
        references: tuple[ImageRef, ...] = (),
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> GenerationRequest:
        """Images of words, and of images; what was not said is as the person prefers."""
        request = self.image_draft(parsed, references, preferences)
        self.check(request)
        return request

    def image_draft(
        self,
        parsed: ParsedPrompt,
        references: tuple[ImageRef, ...] = (),
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> GenerationRequest:
        """As `image`, where the words may still come: with the usual model, or the first that can do it."""
        said, mine = parsed.options, self._defaults
        defaults = mine.model_copy(
            update={
                "default_aspect_ratio": preferences.image_aspect_ratio or mine.default_aspect_ratio,
                "default_image_resolution": preferences.image_resolution or mine.default_image_resolution,
            }
        )
        places = places_of(references, said)
        subjects = tuple(image for image in references if image not in places.values())
        parsed = resolve(parsed, len(subjects))
        said = parsed.options
        finds_ratio = bool(references) and preferences.image_aspect_ratio is None
        rows = self._image_rows(said.get("model"), preferences)
        taking = [row for row in rows if len(subjects) <= row.references]
        if not taking:
            self._check_number(max(rows, key=lambda row: row.references), len(subjects))

        def build(row: Model) -> GenerationRequest:
            operation = row.image_operation_for(references=len(subjects), extras=bool(places))
            settings: dict[str, object] = dict(places)
            if finds_ratio and row.auto_ratio and "aspect_ratio" not in said:
                # It follows the images that it is made of.
                settings["aspect_ratio"] = None
            inputs = Inputs(Images(references=subjects))
            return self._fill(operation, operation.row.ways[0], row, inputs, parsed, defaults, settings)

        return _first(taking, build, self._check_but_words, _wrong_in_itself)

    def _typed(self, operation: Operation, ways: Sequence[Way], options: Options) -> dict[str, Any]:
        """The fields of a request that typed options set, as far as one of the ways takes them.

        One that is for some other operations only is refused. A brush is no word: what it moves is marked in a photo.
        """
        if Option.BRUSH.row.field in options:
            raise UserError("error.brush.photo")
        for option in options.keys() & BY_FIELD.keys():
            _check_for(operation, BY_FIELD[option])
        taken = {name: value for name, value in options.items() if any(way.takes(name) for way in ways)}
        fields = {name: value for name, value in taken.items() if name in GenerationRequest.model_fields}
        for place in PLACES:
            fields.pop(place, None)
        if options.get("sound") is False and any(way.takes("keep_sound") and way.options for way in ways):
            # Of what is made of a video, `--mute` is about the sound that it has.
            fields.setdefault("keep_sound", False)
        if fields.get("shots"):
            fields["duration"] = sum(shot.duration for shot in fields["shots"])
        if "voice" in taken:
            typed = self.voices.find(taken["voice"], options.get("language", "en")).id
            fields["voices"] = tuple(dict.fromkeys((*fields.get("voices", ()), typed)))
        if "elements" in fields or "voices" in fields:
            fields["asset_names"] = options.get("asset_names", ())
        return fields

    def speech(self, parsed: ParsedPrompt, audio: AudioRef | None = None) -> Speech:
        """What is to be said: a sound, or a text with the voice that was named, in its language."""
        if audio is not None:
            return Speech(audio=audio)
        if not parsed.prompt:
            raise UserError("error.request.nothing_to_say")
        said = parsed.options
        language = said.get("language") or language_of(parsed.prompt)
        voice = self.voices.find(said.get("voice", ""), language)
        try:
            speech = Speech.model_validate(
                {
                    "text": parsed.prompt,
                    "voice": voice.id,
                    "language": language,
                    "speed": said.get("speed", 1),
                }
            )
        except ValidationError:
            raise UserError("error.request.too_much_to_say", count=len(parsed.prompt)) from None
        if speech.seconds < SHORTEST_SPEECH:
            raise UserError("error.request.too_little_to_say", seconds=SHORTEST_SPEECH)
        return speech


def _first(
    rows: Iterable[Model],
    build: Callable[[Model], GenerationRequest],
    check: Callable[[GenerationRequest], None],
    choose: Callable[[Sequence[UserError]], UserError] = lambda refusals: refusals[0],
) -> GenerationRequest:
    """The first request built for one of the rows that passes a check; where none does, one refusal is chosen to say why."""
    refusals: list[UserError] = []
    for row in rows:
        try:
            check(request := build(row))
        except UserError as error:
            refusals.append(error)
        else:
            return request
    raise choose(refusals)


def _wrong_in_itself(refusals: Sequence[UserError]) -> UserError:
    """What is wrong whichever model makes it, whatever the first lacks beside; where there is nothing, that."""
    return next((each for each in refusals if not each.key.startswith("error.model.")), refusals[0])


def _said_beside(operation: Operation, parsed: ParsedPrompt, speech: Speech) -> str:
    """The prompt beside a speech: how a picture moves while it speaks; of a video it is what people find it by.

    Where a sound says what is said, what was written beside it says how.
    """
    if operation is not Operation.AVATAR:
        return speech.text
    moves: str = parsed.options.get(Option.MOVES.row.field, "")
    return moves or (parsed.prompt if speech.audio is not None else "")


def _check_for(operation: Operation, option: OptionRow) -> None:
    """Refuse an option that is for other operations, naming their commands."""
    if option.operations is not None and operation not in option.operations:
        commands = dict.fromkeys(f"/{way.command}" for each in option.operations for way in each.row.ways)
        raise UserError(
            "error.request.option_elsewhere", option=f"--{option.name_in_words}", commands=", ".join(commands)
        )


def refers(operation: Operation) -> bool:
    """Whether its prompt may name elements and voices."""
    return any(way.takes("elements") for way in operation.row.ways)


def for_voices(row: Model, operation: Operation, values: Mapping[str, Any]) -> Mapping[str, object]:
    """What voices need, where nothing else was typed: sound, and a mode that has them."""
    modes = row.voices.get(operation, ())
    if not modes:
        return {}
    return {"sound": True, **({} if values.get("mode") in modes else {"mode": modes[0]})}
