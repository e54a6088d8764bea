"""From what a person typed and sent to one checked request; what was not said is filled in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import ValidationError

from bot.domain.requests.catalog import speech_seconds
from bot.domain.requests.choices import Preferences
from bot.domain.requests.effects import Effect
from bot.domain.requests.model import Model
from bot.domain.requests.naming import ASSETS, resolve, toggle_asset, without_named
from bot.domain.requests.operations import Operation, Prompt, Role, Way, made_by
from bot.domain.requests.options import Options
from bot.domain.requests.presets import language_of
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.references import Kind, named_in
from bot.domain.requests.request import (
    PLACEHOLDER,
    AudioRef,
    Expansion,
    GenerationRequest,
    ImageRef,
    SourceVideo,
    Speech,
)
from bot.domain.requests.rules import (
    LONGEST_FOR_AN_IMAGE,
    SOURCE_SLACK,
    durations_of,
    fit,
    nearest,
    suit,
)
from bot.domain.types import SECOND, Credits
from bot.errors import UserError
from bot.services.compose.offered import Capabilities, fitting
from bot.settings import sections

NOTHING_PREFERRED = Preferences()

LARGEST_RATIO = 3.0
"""How many times its area a picture may get (see `Expansion`)."""

EVEN_EXPANSION = 0.25
"""How far a picture grows on every side where no shape was asked for: 1.5 × 1.5 of it."""

SHORTEST_SPEECH = 2
"""Seconds that Kling wants to hear at least (Lip-Sync, Avatar); a text's are estimated."""


PLACES = ("scene", "style")
"""Purposes of one of several images, by the fields of a request."""

SAMPLE_PROMPT = "on" * 20
"""Long enough to be spoken."""


@dataclass(frozen=True, slots=True)
class Images:
    """The pictures that come with a request, by what they are for."""

    first: ImageRef | None = None
    last: ImageRef | None = None
    references: tuple[ImageRef, ...] = ()
    middle: tuple[ImageRef, ...] = ()

    @classmethod
    def in_order(cls, images: Sequence[ImageRef]) -> Self:
        """Two images or more as the frames of a video: the first, those between, and the last."""
        return cls(first=images[0], middle=tuple(images[1:-1]), last=images[-1])

    @classmethod
    def of(cls, request: GenerationRequest) -> Self:
        """Those of a request."""
        return cls(request.first_frame, request.last_frame, request.references, request.middle_frames)

    @property
    def frames(self) -> int:
        """How many of them are frames."""
        return len(self.middle) + sum(frame is not None for frame in (self.first, self.last))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.frames or self.references)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that comes with a request beside its prompt. `source_mode` is the mode that made the source."""

    images: Images = Images()
    sound: AudioRef | None = None
    source: SourceVideo | None = None
    source_mode: str = ""

    def suit(self, way: Way) -> bool:
        """Whether a way takes exactly these files; a sound can stand in for a text, so it does not matter."""
        numbers = {
            Role.FRAMES: self.images.frames,
            Role.REFERENCES: len(self.images.references),
            Role.SOURCE: int(self.source is not None),
        }
        limits = {role: way.limits(role) for role in numbers}
        return all(limits[role][0] <= number <= limits[role][1] for role, number in numbers.items())


class Compose(Capabilities):
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
        if _refers(operation):
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
            # Of a picture a prompt would say how it moves; of a video it is what people find it by.
            return {"speech": speech, "prompt": "" if images else speech.text}
        if row.limits(Role.EXPANSION)[1]:
            return {"expansion": _expansion(images[0], prompt.options.get("aspect_ratio"))}
        return (
            {"orientation": _orientation(inputs.source, prompt.options)}
            if row.limits(Role.ORIENTATION)[1]
            else {}
        )

    def sample(self, operation: Operation, inputs: Inputs) -> GenerationRequest:
        """A request like those that an operation makes of such inputs: to be priced, never sent."""
        row = operation.row
        words = self.effects.search("", 1)[0].scene if row.limits(Role.EFFECT)[1] else SAMPLE_PROMPT
        if row.limits(Role.REFERENCES)[1]:
            inputs = replace(inputs, images=Images(references=(PLACEHOLDER,)))
        return self.compose(operation, inputs, ParsedPrompt(words))

    def price_effects(self, effects: Iterable[Effect]) -> list[tuple[Effect, Credits]]:
        """Some effects with what each costs."""
        priced = []
        for effect in effects:
            inputs = Inputs(Images(references=(PLACEHOLDER,) * effect.images))
            request = self.compose(Operation.EFFECT, inputs, ParsedPrompt(effect.scene))
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
        typed = self._typed((way,), said)
        if typed.get("voices"):
            values |= _for_voices(row, operation, values)
        values |= {**typed, **settings}
        request = self._build(
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

    # -- videos from a prompt and pictures -----------------------------------------------------------

    def video(
        self,
        parsed: ParsedPrompt,
        images: Images | None = None,
        preferences: Preferences = NOTHING_PREFERRED,
        *,
        try_on: bool = False,
    ) -> GenerationRequest:
        """A video from words, from frames, or from references; what was not said is as the person prefers."""
        request = self.video_draft(parsed, images, preferences, try_on=try_on)
        self.check(request)
        return request

    def video_draft(
        self,
        parsed: ParsedPrompt,
        images: Images | None = None,
        preferences: Preferences = NOTHING_PREFERRED,
        *,
        try_on: bool = False,
    ) -> GenerationRequest:
        """As `video`, for pictures whose words may still come."""
        given = images or Images()
        parsed = resolve(parsed, len(given.references))
        said = parsed.options
        defaults = self._usual_for(preferences)
        model = said.get("model") or self._with_assets(given, said, defaults) or self._model(given, defaults)

        def fill(row: Model) -> GenerationRequest:
            self._check_number(row, len(given.references))
            operation = _operation(row, given, has_assets=_names_assets(said))
            way = operation.row.ways[0]
            return self._fill(operation, way, row, Inputs(given), parsed, defaults, {"try_on": try_on})

        return _first(self.rows_of(model), fill, self._check_but_words)

    # -- images from a prompt and images ---------------------------------------------------------------

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
        places = _places(references, said)
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

    def _image_rows(self, model: str | None, preferences: Preferences) -> list[Model]:
        """The image model that was named, or all that may be used, the preferred one first."""
        rows = self.image_rows() or self._catalog.section("images")
        if model is not None:
            named = self._catalog.image(model)
            return [row for row in rows if row.id == model] or ([] if named is None else [named])
        return sorted(rows, key=lambda row: row.id != preferences.image_model)

    def _typed(self, ways: Sequence[Way], options: Options) -> dict[str, Any]:
        """The fields of a request that typed options set, as far as one of the ways takes them."""
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

    def complete(self, draft: GenerationRequest, parsed: ParsedPrompt) -> GenerationRequest:
        """A draft with its words, and the options that came with them.

        What the words that go had named goes with them; what was added by a button stays.
        """
        if _refers(draft.operation) and parsed.vocabulary is not None:
            kept = draft if parsed.prompt == draft.prompt else without_named(draft)
            assets = {name: value for name in ASSETS if (value := getattr(kept, name))}
            parsed = resolve(replace(parsed, options={**assets, **parsed.options}), len(draft.references))
            draft = draft.model_copy(update=dict.fromkeys(ASSETS, ()))
        said = self._typed(draft.operation.row.ways, parsed.options)
        if said.get("voices"):
            said = {
                **_for_voices(self.rows_of(draft.model)[0], draft.operation, {"mode": draft.mode}),
                **said,
            }
        if places := _places(draft.references, parsed.options):
            subjects = tuple(image for image in draft.references if image not in places.values())
            said |= {**places, "references": subjects}
        if draft.speech is not None and draft.speech.text:
            said["speech"] = {**draft.speech.model_dump(), "text": parsed.prompt}
        completed = self._build(**{**draft.model_dump(), **said, "prompt": parsed.prompt})
        if completed.has_others:
            # Some models are asked for elements and voices in another way.
            completed = suit(completed, self.rows_for(completed)[0]) or completed
        if parsed.prompt:
            self.check(completed)
        else:
            self._check_but_words(completed)
        return completed

    def rearrange(
        self, request: GenerationRequest, images: Images, preferences: Preferences = NOTHING_PREFERRED
    ) -> GenerationRequest:
        """A draft whose pictures are for something else; another model where its own cannot do that."""
        defaults = self._usual_for(preferences)
        of_images = request.operation.row.on_image_model
        ratio = request.aspect_ratio if of_images else request.aspect_ratio or defaults.default_aspect_ratio
        wanted = request.model_copy(
            update={
                "aspect_ratio": None if images.frames else ratio,
                "first_frame": images.first,
                "middle_frames": images.middle,
                "last_frame": images.last,
                "references": images.references,
            }
        )
        if of_images:
            models = dict.fromkeys((request.model, *(row.id for row in self.image_rows())))
            rows = list(self.image_rows())
        else:
            models = dict.fromkeys((request.model, defaults.default, *self._pool.models()))
            rows = [row for model in models for row in self.rows_of(model)]
        for model in models:
            if (way := self.fit(wanted, model)) is not None:
                return way
        unfit = next((way for row in rows if (way := suit(wanted, row)) is not None), None)
        if unfit is None:
            limit = max(row.references for row in rows)
            raise UserError("error.pictures.too_many", number=len(wanted.images), limit=limit)
        self._check_but_words(unfit)
        return unfit

    def takes_in_order(
        self, parsed: ParsedPrompt, number: int, preferences: Preferences = NOTHING_PREFERRED
    ) -> bool:
        """Whether so many pictures become the frames of a video in their order: the prompt names none, and the model takes them."""
        model = parsed.options.get("model") or self._usual_for(preferences).default
        named = Kind.IMAGE in {reference.kind for reference in named_in(parsed.prompt)}
        return not named and any(0 < number - 2 <= row.middle_frames for row in self.rows_of(model))

    def _usual_for(self, preferences: Preferences) -> sections.Models:
        """What a person gets where they say nothing: what they prefer, else what the operator chose."""
        offered, mine = self._pool.models(), self._defaults
        defaults = {
            "default": self.replacement(preferences.model or "")
            or self.replacement(mine.default)
            or offered[0],
            "default_mode": preferences.mode or mine.default_mode,
            "default_duration": preferences.duration or mine.default_duration,
            "default_aspect_ratio": preferences.aspect_ratio or mine.default_aspect_ratio,
        }
        return mine.model_copy(update=defaults)

    def _model(self, images: Images, defaults: sections.Models) -> str:
        """The usual model, or the first on offer that does what the pictures are for."""
        able = []
        for row in self._in_turn(defaults):
            takes_frames = (
                (images.last is None or row.end_frame)
                and len(images.middle) <= row.middle_frames
                and (images.first is not None or not images.frames or row.frames_alone)
            )
            if takes_frames and _operation(row, images) in row.operations:
                if len(images.references) <= row.references:
                    return row.id
                able.append(row)
        # Where none takes so many pictures, the one that takes most says so.
        return max(able, key=lambda row: row.references).id if able else defaults.default

    def _with_assets(self, images: Images, said: Options, defaults: sections.Models) -> str | None:
        """The usual model, or the first on offer, that takes the elements, or the voice, that were named."""
        if not _names_assets(said):
            return None
        for row in self._in_turn(defaults):
            operation = _operation(row, images, has_assets=True)
            fits = operation in row.operations and len(images.references) <= row.references
            elements = row.elements if operation is not Operation.TEXT_TO_VIDEO else 0
            speaks = not {"voice", "voices"} & said.keys() or operation in row.voices
            if fits and len(said.get("elements", ())) <= elements and speaks:
                return row.id
        return None

    def with_asset(
        self,
        request: GenerationRequest,
        kind: Kind,
        asset: tuple[str, str],
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> GenerationRequest:
        """A draft with one more element or voice, by its id and name, or without it where it has it.

        Another model where its own does not take it.

        Raises:
            UserError: none on offer does.

        """
        wanted = toggle_asset(request, kind, *asset)
        if wanted.voices and not request.voices:
            wanted = wanted.model_copy(update={"sound": True})
        kept = ("elements", "voices")
        own = self.rows_of(request.model)
        for row in (*own, *self._in_turn(self._usual_for(preferences))):
            way = fit(wanted, row, kept)
            if way is not None and self.possible(way):
                return way
        self._check_but_words(wanted)
        return wanted

    def _in_turn(self, defaults: sections.Models) -> Iterator[Model]:
        """What the usual model can do with each provider, then what the others on offer can."""
        for model in dict.fromkeys((defaults.default, *self._pool.models())):
            yield from self.rows_of(model)

    def _mode(self, row: Model, images: Images, defaults: sections.Models) -> str:
        """The usual mode, or the first that takes an end frame where there is one."""
        return fitting(defaults.default_mode, (images.last is not None and row.end_frame) or row.modes)

    # -- speech ---------------------------------------------------------------------------------------

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
        if speech_seconds(speech) < SHORTEST_SPEECH:
            raise UserError("error.request.too_little_to_say", seconds=SHORTEST_SPEECH)
        return speech


def _operation(row: Model, images: Images, *, has_assets: bool = False) -> Operation:
    """What a model is asked for with some pictures, and with elements or voices."""
    return row.operation_for(frames=images.frames, references=len(images.references), others=has_assets)


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


def _names_assets(said: Options) -> bool:
    """Whether elements or voices were typed or named; a voice without a name is the first."""
    return "voice" in said or any(said.get(name) for name in ASSETS)


def _refers(operation: Operation) -> bool:
    """Whether its prompt may name elements and voices."""
    return any(way.takes("elements") for way in operation.row.ways)


def _for_voices(row: Model, operation: Operation, values: Mapping[str, Any]) -> Mapping[str, object]:
    """What voices need, where nothing else was typed: sound, and a mode that has them."""
    modes = row.voices.get(operation, ())
    if not modes:
        return {}
    return {"sound": True, **({} if values.get("mode") in modes else {"mode": modes[0]})}


def _orientation(source: SourceVideo | None, said: Options) -> str:
    """How a person turns where it was not typed: as in the picture, where the video is short enough and there is no element."""
    if "orientation" in said:
        return str(said["orientation"])
    long = source is not None and (source.duration_ms or 0) > (LONGEST_FOR_AN_IMAGE + SOURCE_SLACK) * SECOND
    return "video" if long or said.get("elements") else "image"


def _places(references: Sequence[ImageRef], said: Options) -> dict[str, ImageRef]:
    """The images of those that were given whose numbers were typed for a purpose of their own."""
    found: dict[str, ImageRef] = {}
    for place in PLACES:
        if place in said:
            if said[place] > len(references):
                raise UserError("error.request.no_such_photo", number=said[place], given=len(references))
            found[place] = references[said[place] - 1]
    if found and len(set(found.values())) == len(set(references)):
        raise UserError("error.request.no_subject")
    return found


def _expansion(image: ImageRef, ratio: str | None) -> Expansion:
    """How far a picture grows to get a shape; the whole shape only as far as the area may grow."""
    if ratio is None:
        return Expansion(up=EVEN_EXPANSION, down=EVEN_EXPANSION, left=EVEN_EXPANSION, right=EVEN_EXPANSION)
    width, _, height = ratio.partition(":")
    factor = min(int(width) / int(height) * image.height / image.width, LARGEST_RATIO)
    if abs(factor - 1) < 0.01:
        raise UserError("error.request.same_shape", ratio=ratio)
    if factor > 1:
        side = min((factor - 1) / 2, 1.0)
        return Expansion(left=side, right=side)
    side = min((1 / factor - 1) / 2, 1.0)
    return Expansion(up=side, down=side)
