"""From what a person typed and sent to one checked request, and from one draft to the next."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.requests.choices import Preferences
from bot.domain.requests.naming import ASSETS, resolve, toggle_asset, without_named
from bot.domain.requests.operations import CHOSEN_BY_MODEL, Operation, Role
from bot.domain.requests.options import Option
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.references import Kind, named_in
from bot.domain.requests.request import (
    BRUSH_PLACEHOLDER,
    Continued,
    GenerationRequest,
    ImageRef,
    MotionBrush,
    SourceVideo,
)
from bot.domain.requests.rules import fit, fit_with, suit
from bot.errors import UserError
from bot.services.compose.build import Builder, for_voices, refers
from bot.services.compose.inputs import Images, places_of
from bot.services.compose.usual import NOTHING_PREFERRED


class Compose(Builder):
    """Builds requests, and changes drafts of them. Every method raises `UserError`, with what can be done instead."""

    def onward(
        self,
        parsed: ParsedPrompt,
        frame: ImageRef,
        continues: Continued | None,
        like: GenerationRequest | None = None,
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> GenerationRequest:
        """A draft of what goes on from the last frame of a video, with the model, quality and sound that made it, where that can be.

        Its words may still come. `like` is the request that made the video; None: it is a person's own.
        """
        if like is not None and like.operation.row.on_video_model:
            preferences = preferences.model_copy(update={"model": like.model, "mode": like.mode})
        images = Images(first=frame)
        draft = self.video_draft(parsed, images, preferences, continues=continues)
        if like is None or not like.sound or "sound" in parsed.options:
            return draft
        ways = (fit_with(draft, row, "sound", True) for row in self.rows_of(draft.model))
        return next((way for way in ways if way is not None and self.possible(way)), draft)

    def complete(
        self, draft: GenerationRequest, parsed: ParsedPrompt, *, keeps_assets: bool = False
    ) -> GenerationRequest:
        """A draft with its words, and the options that came with them.

        What the words that go had named goes with them, unless it `keeps_assets`; what was added by a button stays.
        """
        if refers(draft.operation) and parsed.vocabulary is not None:
            kept = draft if keeps_assets or parsed.prompt == draft.prompt else without_named(draft)
            assets = {name: value for name in ASSETS if (value := getattr(kept, name))}
            parsed = resolve(replace(parsed, options={**assets, **parsed.options}), len(draft.references))
            draft = draft.model_copy(update=dict.fromkeys(ASSETS, ()))
        said = self._typed(draft.operation, draft.operation.row.ways, parsed.options)
        if said.get("voices"):
            said = {
                **for_voices(self.rows_of(draft.model)[0], draft.operation, {"mode": draft.mode}),
                **said,
            }
        if places := places_of(draft.references, parsed.options):
            subjects = tuple(image for image in draft.references if image not in places.values())
            said |= {**places, "references": subjects}
        said["prompt"] = parsed.prompt
        if draft.speech is not None and draft.speech.text:
            said["speech"] = {**draft.speech.model_dump(), "text": parsed.prompt or draft.speech.text}
            if draft.operation is Operation.AVATAR:
                said["prompt"] = parsed.options.get(Option.MOVES.row.field, draft.prompt)
        completed = self._marked(self._build(**{**draft.model_dump(), **said}))
        if completed.operation in CHOSEN_BY_MODEL:
            # Some models are asked in another way where there is more to refer to, or nothing any longer.
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
                # What begins with another picture goes on from nothing.
                "continues": request.continues if images.first == request.first_frame else None,
                # What moves was marked in one photo, which is alone.
                "brush": request.brush if images == Images.of(request) else None,
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

    def brushable(
        self, parsed: ParsedPrompt, photo: ImageRef, preferences: Preferences = NOTHING_PREFERRED
    ) -> GenerationRequest:
        """A draft of a video of a photo in which parts can be marked that move, as the person wants it elsewise.

        Another model than the usual one where that takes no brush, but not than one that was typed.
        """
        field = Option.BRUSH.row.field
        said = {name: value for name, value in parsed.options.items() if name != field}
        draft = self.video_draft(replace(parsed, options=said), Images(first=photo), preferences)
        others = () if "model" in said else self._pool.models()
        kept = (field, *said)
        for model in dict.fromkeys((draft.model, *others)):
            way = self._brushed(draft.model_copy(update={"model": model}), BRUSH_PLACEHOLDER, kept)
            if way is not None:
                return way.model_copy(update={field: None})
        self._check_but_words(draft.model_copy(update={field: BRUSH_PLACEHOLDER}))
        raise UserError("error.card.choice")

    def takes_brush(self, request: GenerationRequest) -> bool:
        """Whether parts of the photo of a draft can be marked that move, with its model and without giving anything up."""
        if request.brush is not None:
            return True
        kept = (Option.BRUSH.row.field, Option.CAMERA.row.field)
        return (
            request.operation is Operation.IMAGE_TO_VIDEO
            and request.first_frame is not None
            and request.number(Role.FRAMES) == 1
            and self._brushed(request, BRUSH_PLACEHOLDER, kept) is not None
        )

    def brush(self, request: GenerationRequest, brush: MotionBrush | None) -> GenerationRequest:
        """A draft with a motion brush, in a quality and length that take it, or without one."""
        field = Option.BRUSH.row.field
        wanted = request.model_copy(update={field: brush})
        if brush is None:
            return wanted
        way = self._brushed(wanted, brush, (field,))
        if way is None:
            self._check_but_words(wanted)
        return way or wanted

    def _brushed(
        self, request: GenerationRequest, brush: MotionBrush, kept: Sequence[str]
    ) -> GenerationRequest | None:
        """A draft with a brush as its model can do it with some provider, changed in nothing that is `kept`."""
        wanted = request.model_copy(update={Option.BRUSH.row.field: brush})
        ways = (fit(wanted, row, kept) for row in self.rows_of(request.model))
        return next((way for way in ways if way is not None and self.possible(way)), None)

    def takes_in_order(
        self, parsed: ParsedPrompt, number: int, preferences: Preferences = NOTHING_PREFERRED
    ) -> bool:
        """Whether so many pictures become the frames of a video in their order: the prompt names none, and the model takes them."""
        model = parsed.options.get("model") or self._usual_for(preferences).default
        named = Kind.IMAGE in {reference.kind for reference in named_in(parsed.prompt)}
        return not named and any(0 < number - 2 <= row.middle_frames for row in self.rows_of(model))

    def with_video(
        self, request: GenerationRequest, video: SourceVideo, preferences: Preferences = NOTHING_PREFERRED
    ) -> GenerationRequest:
        """A draft that refers to one more video; another model where its own does not take it.

        Raises:
            UserError: none on offer does, or nobody could fetch the video from here.

        """
        self.check_hands_out()
        wanted = request.model_copy(update={"features": (*request.features, video)})
        for row in (*self.rows_of(request.model), *self._in_turn(self._usual_for(preferences))):
            way = fit(wanted, row, ("features",))
            if way is not None and self.possible(way):
                return way
        self._check_but_words(wanted)
        return wanted

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
        wanted = self._marked(toggle_asset(request, kind, *asset))
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
