"""Cards: requests that people compose step by step. Nothing costs anything before one is submitted."""

from dataclasses import replace

from bot.clock import Clock
from bot.domain.library.asset import NO_NAMES, Names
from bot.domain.requests.camera import read_shots
from bot.domain.requests.choices import Choice, Preferences, choices, list_choosable
from bot.domain.requests.naming import list_nameable, name_at_end, names_images
from bot.domain.requests.operations import CHOSEN_BY_MODEL, COMPOSED, IMAGE_MODEL_OPERATIONS
from bot.domain.requests.options import Option
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.references import Kind, Reference
from bot.domain.requests.request import NEGATIVE_LIMIT, GenerationRequest, ImageRef, SourceVideo
from bot.domain.requests.rules import fit_with, suit
from bot.domain.requests.values import SEED_LIMIT
from bot.errors import UserError
from bot.services.compose import NOTHING_PREFERRED, Compose, Images
from bot.services.requests.card import (
    FRAMES,
    READY,
    REFERENCES,
    TWO_PHOTOS,
    WITH_WORDS,
    Card,
    as_given,
    choose_question,
    list_uses,
)
from bot.services.requests.saved_cards import SavedCards
from bot.services.requests.swaps import find_swap
from bot.store import Store


class Cards(SavedCards):
    """Opens cards and changes them. Methods that change one return the new card, which is not saved yet."""

    def __init__(self, *, store: Store, compose: Compose, clock: Clock) -> None:
        super().__init__(store=store, clock=clock)
        self._compose = compose

    def question(self, card: Card) -> str:
        """The key of what stands above a card, as its model and options are now."""
        asked = WITH_WORDS.get(card.question)
        return card.question if asked is None or self._compose.goes_without_words(card.request) else asked

    # -- composing -----------------------------------------------------------------------------------

    def start(
        self,
        card_name: str,
        parsed: ParsedPrompt,
        images: tuple[ImageRef, ...],
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> Card:
        """A new card; it asks what two pictures are for where that is open.

        Raises:
            UserError: no model on offer can do that.

        """
        return self.note_usual(self._started(card_name, parsed, images, preferences), parsed, preferences)

    def _started(
        self, card_name: str, parsed: ParsedPrompt, images: tuple[ImageRef, ...], preferences: Preferences
    ) -> Card:
        if images and names_images(parsed, len(images)):
            references = Images(references=images)
            return Card(card_name, self._compose.video_draft(parsed, references, preferences))
        if self._compose.takes_in_order(parsed, len(images), preferences):
            request = self._compose.video_draft(parsed, Images.in_order(images), preferences)
            if request.prompt:
                return Card(card_name, request)
            return Card(card_name, request, "card.photos", images=images, new_images=len(images))
        if len(images) != 2:
            request = self._compose.video_draft(parsed, as_given(images), preferences)
            return Card(card_name, request, READY if request.prompt else choose_question(request))
        frames = Images(first=images[0], last=images[1])
        try:
            request = self._compose.video_draft(parsed, frames, preferences)
        except UserError:
            request = self._compose.video_draft(parsed, as_given(images), preferences)
        request = self._as_asked(request, parsed, images, preferences)
        asking = Card(card_name, request, TWO_PHOTOS, images=images, new_images=2)
        uses = self.uses(asking, preferences)
        return asking if len(uses) > 1 else self.use_images(asking, next(iter(uses), FRAMES), preferences)

    def _as_asked(
        self,
        request: GenerationRequest,
        parsed: ParsedPrompt,
        images: tuple[ImageRef, ...],
        preferences: Preferences,
    ) -> GenerationRequest:
        """A draft of two frames with the quality and the duration that were asked for.

        Two frames may need better ones: what they are for is open yet, and must not cost more for it.
        """
        try:
            asked = self._compose.video_draft(parsed, as_given(images[:1]), preferences)
        except UserError:
            return request
        if asked.model != request.model:
            return request
        return request.model_copy(update={"mode": asked.mode, "duration": asked.duration})

    def start_image(
        self,
        card_name: str,
        parsed: ParsedPrompt,
        images: tuple[ImageRef, ...] = (),
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> Card:
        """A new card for images that are made of words, and of other images.

        Raises:
            UserError: no model on offer can do that.

        """
        request = self._compose.image_draft(parsed, images, preferences)
        card = Card(card_name, request, READY if request.prompt else choose_question(request))
        return self.note_usual(card, parsed, preferences)

    def note_usual(
        self, card: Card, parsed: ParsedPrompt, preferences: Preferences = NOTHING_PREFERRED
    ) -> Card:
        """A new card, with what stands in for the model that was typed, or is preferred, or usual."""
        of_images = card.request.operation.row.on_image_model
        wanted = self._compose.wanted_model(parsed.options, preferences, of_images=of_images)
        return self.note_wanted(card, wanted)

    def note_wanted(self, card: Card, wanted: str) -> Card:
        """A new card, with what stands in for the model that its person wants."""
        return replace(card, swap=find_swap(self._compose, wanted, card.request))

    def _note_swap(self, before: Card, after: Card) -> Card:
        """A changed card, with what stands in for the model that it had before it was changed for its person."""
        wanted = before.request.model if before.swap is None else before.swap.model
        return replace(after, swap=find_swap(self._compose, wanted, after.request, before.request))

    def go_back(self, card: Card) -> Card:
        """The card with the model that another stands in for, and as much of the rest as that takes.

        Raises:
            UserError: there is no way back, or no longer.

        """
        back = None if card.swap is None else card.swap.back
        if back is None:
            raise UserError("error.card.choice")
        said = back.model_copy(
            update={name: getattr(card.request, name) for name in ("prompt", "negative_prompt")}
        )
        request = next((each for each in (said, back) if self._compose.possible(each)), None)
        if request is None:
            raise UserError("error.card.choice")
        question = READY if request.prompt else choose_question(request)
        return replace(card, request=request, question=question, images=(), new_images=0, swap=None)

    def reopen(
        self,
        card_name: str,
        request: GenerationRequest,
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> Card:
        """A card of an earlier request as it can be made now."""
        restored = self.restore(request, preferences)
        return Card(card_name, restored, swap=find_swap(self._compose, request.model, restored, request))

    def blank(self, preferences: Preferences = NOTHING_PREFERRED) -> GenerationRequest:
        """A request that still waits for everything; another model where the usual one needs a picture."""
        return self._compose.video_draft(ParsedPrompt(""), None, preferences)

    def restore(
        self, request: GenerationRequest, preferences: Preferences = NOTHING_PREFERRED
    ) -> GenerationRequest:
        """An earlier request as it can be made now: its model or a setting may be gone."""
        if self._compose.possible(request) or request.operation not in CHOSEN_BY_MODEL:
            return request
        defaults = self.blank(preferences).model
        other = self._compose.replacement(request.model)
        models = dict.fromkeys(
            (request.model, other, defaults, *(row.id for row in self._compose.offers_for(request)))
        )
        offered = {row.id for row in self._compose.offers_for(request)}
        ways = (self._compose.fit(request, model) for model in models if model in offered)
        return next((way for way in ways if way is not None), request)

    def renew(self, card: Card, preferences: Preferences = NOTHING_PREFERRED) -> Card | None:
        """The card with another model where nobody has its own any more; None: it is as good as it was, or no other will do."""
        if self._compose.has(card.request):
            return None
        request = self.restore(card.request, preferences)
        if request == card.request:
            return None
        return self._note_swap(card, replace(card, request=request))

    def list_choosable(self, request: GenerationRequest) -> tuple[Option, ...]:
        """What there is to choose."""
        try:
            rows = self._compose.rows_for(request)
        except UserError:
            return ()
        return list_choosable(request, rows, self._compose.offers_for(request), self._compose.possible)

    def choices(self, request: GenerationRequest, option: Option) -> tuple[Choice, ...]:
        """What an option can be set to."""
        rows = self._compose.rows_for(request)
        return choices(option.row, request, rows, self._compose.offers_for(request), self._compose.possible)

    def choose(self, card: Card, option: Option, key: str) -> Card:
        """The card with an option set.

        Raises:
            UserError: that is no longer on offer.

        """
        for choice in self.choices(card.request, option):
            if choice.key == key:
                chosen = replace(card, request=choice.request)
                return replace(chosen, swap=None) if option is Option.MODEL else chosen
        raise UserError("error.card.choice")

    def answer(self, card: Card, text: str, names: Names = NO_NAMES) -> Card:
        """The card with the prompt and the options of a text.

        Raises:
            UserError: it cannot be used; the card stays as it is.

        """
        request, swap = card.request, card.swap
        parsed = self._compose.parse(text, names, images=request.operation.row.on_image_model)
        options = parsed.options
        if "model" in options:
            swap = None
        if "model" in options and request.operation in CHOSEN_BY_MODEL:
            rows = [row for row in self._compose.offers_for(request) if row.id == options["model"]]
            # One that cannot be used is refused below, as in a command.
            if rows:
                suited = next((way for row in rows if (way := suit(request, row)) is not None), request)
                request = self._compose.fit(request, rows[0].id) or suited
                options = {name: value for name, value in options.items() if name != "model"}
        said = replace(parsed, prompt=parsed.prompt or request.words, options=options)
        completed = self._compose.complete(request, said)
        question = READY if completed.prompt and not card.images else card.question
        return replace(card, request=completed, question=question, swap=swap)

    def toggle_asset(
        self, card: Card, kind: Kind, asset: tuple[str, str], preferences: Preferences = NOTHING_PREFERRED
    ) -> Card:
        """The card with one more element or voice, by its id and name, or without it where it has it.

        Raises:
            UserError: no model on offer takes it.

        """
        changed = self._compose.with_asset(card.request, kind, asset, preferences)
        return self._note_swap(card, replace(card, request=changed))

    def add_video(self, card: Card, video: SourceVideo, preferences: Preferences = NOTHING_PREFERRED) -> Card:
        """The card that refers to one more video, whatever its photos are for.

        Raises:
            UserError: no model on offer takes it.

        """
        changed = self._compose.with_video(card.request, video, preferences)
        return self._note_swap(card, replace(card, request=changed))

    def name(self, card: Card, kind: Kind, number: int) -> Card:
        """The card whose prompt names one of its inputs at the end, or no longer.

        Raises:
            UserError: it has no such input, or its prompt would be too long.

        """
        reference = Reference(kind, number)
        if reference not in list_nameable(card.request):
            raise UserError("error.card.choice")
        request = name_at_end(card.request, reference)
        if request.prompt:
            self._compose.check(request)
        question = READY if request.prompt and not card.images else card.question
        return replace(card, request=request, question=question)

    def set_prompt(
        self, card: Card, prompt: str, names: Names = NO_NAMES, *, keeps_assets: bool = False
    ) -> Card:
        """The card with another prompt, without reading options in it; it may use the person's `names`.

        Where it `keeps_assets`, elements and voices stay that only the words before named.

        Raises:
            UserError: it can't be made with that; the card stays as it is.

        """
        vocabulary = self._compose.vocabulary(names)
        parsed = ParsedPrompt(prompt, vocabulary=vocabulary)
        completed = self._compose.complete(card.request, parsed, keeps_assets=keeps_assets)
        return replace(card, request=completed, question=READY)

    def set_typed(self, card: Card, option: Option, text: str, names: Names = NO_NAMES) -> Card:
        """The card with a typed seed, with shots, or with what its video is to be without.

        Raises:
            UserError: it cannot be used; the card stays as it is.

        """
        if option is Option.SEED:
            digits = text.strip()
            if not (digits.isascii() and digits.isdigit()) or int(digits[:12]) > SEED_LIMIT:
                raise UserError("error.card.seed", limit=SEED_LIMIT)
            return self._with(card, seed=int(digits))
        if option is Option.SHOTS:
            wanted = {"shots": read_shots(text), "auto_shots": False}
            prompt = ParsedPrompt(card.request.prompt, wanted, self._compose.vocabulary(names))
            return replace(card, request=self._compose.complete(card.request, prompt))
        if len(text) > NEGATIVE_LIMIT:
            raise UserError("error.prompt.negative_too_long", count=len(text), limit=NEGATIVE_LIMIT)
        return self._with(card, negative_prompt=text.strip())

    @staticmethod
    def _with(card: Card, **values: object) -> Card:
        return replace(card, request=card.request.model_copy(update=values))

    # -- pictures ------------------------------------------------------------------------------------

    def set_image(
        self,
        card: Card,
        option: Option,
        images: tuple[ImageRef, ...],
        preferences: Preferences = NOTHING_PREFERRED,
    ) -> Card:
        """The card with a last frame, a scene or a style.

        Raises:
            UserError: it is more than one image, or no model on offer can do that.

        """
        if len(images) != 1:
            raise UserError("error.request.one_picture")
        if option is not Option.END_FRAME:
            rows = self._compose.rows_for(card.request)
            ways = (fit_with(card.request, row, option.row.field, images[0]) for row in rows)
            changed = next((way for way in ways if way is not None and self._compose.possible(way)), None)
            if changed is None:
                raise UserError("error.card.choice")
            return replace(card, request=changed)
        given = replace(Images.of(card.request), last=images[0])
        changed = self._compose.rearrange(card.request, given, preferences)
        return self._note_swap(card, replace(card, request=changed))

    def add_images(
        self, card: Card, new: tuple[ImageRef, ...], preferences: Preferences = NOTHING_PREFERRED
    ) -> Card:
        """The card with more pictures; it asks what they are for where that is open.

        Raises:
            UserError: no model on offer takes so many, or takes them in this way.

        """
        of_images = card.request.operation in IMAGE_MODEL_OPERATIONS
        every = (*(card.request.references if of_images else card.request.images), *new)
        asking = replace(card, images=every, new_images=len(new))
        uses = self.uses(asking, preferences)
        if card.request.references and REFERENCES in uses:
            return self.use_images(asking, REFERENCES, preferences)
        if len(uses) > 1:
            return replace(asking, question=TWO_PHOTOS if len(every) == 2 else "card.photos")
        # Where nothing goes, what is said is about the usual use of so many.
        usual = REFERENCES if len(every) > 2 else next(iter(list_uses(asking)))
        return self.use_images(asking, next(iter(uses), usual), preferences)

    def uses(self, card: Card, preferences: Preferences = NOTHING_PREFERRED) -> tuple[str, ...]:
        """What the pictures in question may be for, of what somebody here can do."""
        return tuple(
            use
            for use, images in list_uses(card).items()
            if self._arranged(card, images, preferences) is not None
        )

    def use_images(self, card: Card, use: str, preferences: Preferences = NOTHING_PREFERRED) -> Card:
        """The card with its pictures in question used in one way of `uses`.

        Raises:
            UserError: that is not possible, or there are none.

        """
        images = list_uses(card).get(use)
        if images is None:
            raise UserError("error.card.choice")
        changed = self._compose.rearrange(card.request, images, preferences)
        question = READY if changed.prompt else choose_question(changed)
        after = replace(card, request=changed, question=question, images=(), new_images=0)
        return self._note_swap(card, after)

    def _arranged(self, card: Card, images: Images, preferences: Preferences) -> GenerationRequest | None:
        try:
            return self._compose.rearrange(card.request, images, preferences)
        except UserError:
            return None


def replace_prompt(
    compose: Compose, request: GenerationRequest, parsed: ParsedPrompt, preferences: Preferences
) -> GenerationRequest:
    """A request with another prompt and its options, and the same pictures.

    Raises:
        UserError: it cannot be done.

    """
    if request.operation not in COMPOSED or request.source is not None:
        return compose.complete(request, parsed)
    return compose.video(parsed, Images.of(request), preferences, try_on=request.try_on)
