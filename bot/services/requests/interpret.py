"""What a message means: one decision, made of facts about it, the open draft and the open questions.

Nothing else decides it; the handlers only do what was decided.
"""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from bot.domain.requests.question import Content, Question
from bot.services.requests.card import FORWARDED, STALE

ORDERS = Content.TEXT | Content.PHOTO | Content.SOUND | Content.VIDEO
"""The caption of any other file is no order: nothing can be made of the file."""


class Author(Enum):
    """In whose name a message was written."""

    PERSON = auto()
    CHAT = auto()
    """An anonymous admin, or somebody who writes as a channel: Telegram shows one user for all of them."""
    CHANNEL = auto()
    """A channel's own post."""
    INLINE = auto()
    """A person shared it through this bot, for the others in the chat."""


class Typed(Enum):
    """The command that a message begins with."""

    NONE = auto()
    MAKING = auto()
    """One of ours that makes something."""
    OTHER = auto()
    """Another one of ours."""
    UNKNOWN = auto()
    """No command of ours, or another bot's."""


class Replied(Enum):
    """What a message replies to."""

    NOTHING = auto()
    DRAFT = auto()
    """The person's own card."""
    RESULT = auto()
    """A video made here, or a question about a result."""
    PHOTO = auto()
    FILM = auto()
    """A video that was not made here."""
    WORDS = auto()
    UNUSABLE = auto()
    """A file, story or result that a text cannot be about."""


class Meaning(StrEnum):
    """What is to be done about a message."""

    IGNORE = auto()
    ANSWER_QUESTION = auto()
    CHANGE_DRAFT = auto()
    """With a text."""
    ADD_PHOTOS = auto()
    """To the draft."""
    ADD_LATE_PHOTOS = auto()
    """To the draft, which began with the other parts of the same album."""
    ASK_WHICH_DRAFT = auto()
    """Ask whether a text changes the draft or begins another one."""
    CONTINUE_RESULT = auto()
    """With a text."""
    DUB_RESULT = auto()
    """With a sound."""
    OFFER_FILM = auto()
    """Offer what can be made of a video of the person's own."""
    CHANGE_REQUEST = auto()
    """The message of a request was edited."""
    RUN_COMMAND = auto()
    NEW_PROMPT = auto()
    """A new request of a text alone."""
    NEW_REQUEST = auto()
    """A new request of photos, or of a text about a photo."""
    EXPLAIN = auto()
    """Say how to begin: the message has nothing to make a video of."""
    REFUSE_UNSUPPORTED = auto()
    REFUSE_REPLY = auto()
    """What is replied to cannot be used with a text."""
    REFUSE_UNKNOWN_COMMAND = auto()
    REFUSE_FORWARDED_COMMAND = auto()
    """A command that somebody else wrote and that makes nothing: it may not act for whoever forwards it."""
    REFUSE_ANONYMOUS = auto()
    """A command or request in the name of a chat, which has no account to charge."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The person's open card. It is `current` where nothing else was said since; `question` is what it asks."""

    takes_text: bool = True
    takes_photos: bool = True
    current: bool = True
    question: Question | None = None

    def asks_for(self, content: Content) -> bool:
        """Whether its question accepts such an answer."""
        return self.question is not None and bool(self.question.accepts & content)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about a message, or about an album as one message. `says` means a text or caption.

    `has_links` are links to photos; `has_words` says that a text without links remains. `has_made` says that a task
    was made of it, `completes_draft` that the draft began with other parts of its album, `replies_to_source` that
    it replies to the photo that the draft began with. `question` is the one that it replies to.
    """

    content: Content = Content.TEXT
    private: bool = True
    author: Author = Author.PERSON
    typed: Typed = Typed.NONE
    names_command: bool = False
    """The command has the bot's name, as in /video@bot."""
    names_bot: bool = False
    says: bool = True
    has_words: bool = True
    has_links: bool = False
    edited: bool = False
    has_made: bool = False
    stale: bool = False
    forwarded: bool = False
    replied: Replied = Replied.NOTHING
    replies_to_source: bool = False
    completes_draft: bool = False
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """What a message means: `question` is the one to answer, `ask_first` what to ask before anything is spent."""

    meaning: Meaning
    question: Question | None = None
    ask_first: str | None = None


IGNORED = Intent(Meaning.IGNORE)


def interpret(facts: Facts, draft: Draft | None = None, asked: Question | None = None) -> Intent:
    """What a message means, with the person's draft and what they were `asked` to send next in this chat."""
    if facts.author in {Author.CHANNEL, Author.INLINE}:
        return IGNORED
    if facts.edited:
        # No new order: whoever edits a prompt must not pay twice.
        can_redo = facts.says and facts.has_made and facts.author is Author.PERSON
        is_prompt = facts.typed in {Typed.NONE, Typed.MAKING}
        return Intent(Meaning.CHANGE_REQUEST) if can_redo and is_prompt else IGNORED
    intent = _interpret_new(facts, draft, asked)
    if intent is IGNORED:
        return intent
    if facts.completes_draft and draft is not None and draft.takes_photos:
        return Intent(Meaning.ADD_LATE_PHOTOS)
    return replace(intent, ask_first=STALE if facts.stale else FORWARDED if facts.forwarded else None)


def _interpret_new(facts: Facts, draft: Draft | None, asked: Question | None) -> Intent:
    typed = facts.typed if facts.content & ORDERS else Typed.NONE
    if facts.author is Author.CHAT:
        # As of a person, a forwarded command without the bot's name was written for another bot.
        is_ours = typed in {Typed.MAKING, Typed.OTHER} and (facts.names_command or not facts.forwarded)
        is_addressed = typed is Typed.NONE and facts.replied is not Replied.NOTHING and facts.names_bot
        return Intent(Meaning.REFUSE_ANONYMOUS) if is_ours or is_addressed else IGNORED
    if typed is not Typed.NONE:
        return _command(facts, typed)
    return _in_private(facts, draft, asked) if facts.private else _in_group(facts, draft)


def _command(facts: Facts, typed: Typed) -> Intent:
    if typed is Typed.UNKNOWN:
        # In a group it may be for another bot, in private nobody else is there.
        return Intent(Meaning.REFUSE_UNKNOWN_COMMAND) if facts.private else IGNORED
    if facts.forwarded and not facts.private and not facts.names_command:
        return IGNORED
    if facts.forwarded and typed is not Typed.MAKING:
        return Intent(Meaning.REFUSE_FORWARDED_COMMAND) if facts.private else IGNORED
    return Intent(Meaning.RUN_COMMAND)


def _in_group(facts: Facts, draft: Draft | None) -> Intent:
    """In groups only replies to what is ours count: the rest is people's conversation."""
    if not facts.content & (Content.TEXT | Content.PHOTO):
        return _answer(facts.question) if _accepts(facts.question, facts.content) else IGNORED
    if facts.says and _accepts(facts.question, Content.TEXT):
        return _answer(facts.question)
    if facts.says and facts.names_bot and facts.replied is Replied.RESULT:
        return Intent(Meaning.CONTINUE_RESULT)
    if facts.names_bot and facts.replied in {Replied.UNUSABLE, Replied.FILM}:
        return Intent(Meaning.REFUSE_REPLY)
    if draft is None or facts.replied is not Replied.DRAFT:
        return IGNORED
    if facts.content & Content.PHOTO or facts.has_links:
        return _add_photos(draft) if draft.takes_photos else IGNORED
    return _change(draft) if draft.takes_text or draft.asks_for(Content.TEXT) else IGNORED


def _in_private(facts: Facts, draft: Draft | None, asked: Question | None) -> Intent:
    # Images come before what is not supported: they are files and stickers too.
    if facts.content & Content.PHOTO:
        return _answer(asked) if _accepts(asked, Content.PHOTO) else _photos(facts, draft)
    if facts.content & Content.SOUND:
        return _sound(facts, asked)
    if not facts.content & Content.TEXT:
        if facts.content & Content.VIDEO:
            return _answer(asked) if _accepts(asked, Content.VIDEO) else Intent(Meaning.OFFER_FILM)
        return Intent(Meaning.REFUSE_UNSUPPORTED) if facts.content else IGNORED
    # A text about a result comes before an answer to a question, and before a prompt.
    if _accepts(facts.question, Content.TEXT):
        return _answer(facts.question)
    if facts.replied is Replied.RESULT:
        return Intent(Meaning.CONTINUE_RESULT)
    if facts.replied is Replied.FILM:
        return Intent(Meaning.OFFER_FILM)
    if facts.replied is Replied.UNUSABLE:
        return Intent(Meaning.REFUSE_REPLY)
    # What somebody else wrote answers nothing that was asked of whoever forwards it.
    if _accepts(asked, Content.TEXT) and not facts.forwarded:
        return _answer(asked)
    # A photo that is replied to counts more than a draft, unless the draft began with it.
    if facts.has_links or (facts.replied is Replied.PHOTO and not facts.replies_to_source):
        return _photos(facts, draft)
    if draft is not None and (draft.takes_text or draft.asks_for(Content.TEXT)):
        return _change(draft) if _is_meant(facts, draft) else Intent(Meaning.ASK_WHICH_DRAFT)
    return Intent(Meaning.NEW_PROMPT if facts.has_words else Meaning.EXPLAIN)


def _photos(facts: Facts, draft: Draft | None) -> Intent:
    # Photos for a forgotten draft begin another one, which says how to bring that one back.
    if draft is None or not draft.takes_photos or not _is_meant(facts, draft):
        return Intent(Meaning.NEW_REQUEST)
    if facts.has_words and not draft.asks_for(Content.PHOTO):
        return Intent(Meaning.NEW_REQUEST)
    return _add_photos(draft)


def _sound(facts: Facts, asked: Question | None) -> Intent:
    if _accepts(facts.question, Content.SOUND):
        return _answer(facts.question)
    if _accepts(asked, Content.SOUND):
        return _answer(asked)
    is_about_words = facts.replied in {Replied.NOTHING, Replied.DRAFT, Replied.WORDS}
    return Intent(Meaning.REFUSE_UNSUPPORTED if is_about_words else Meaning.DUB_RESULT)


def _add_photos(draft: Draft) -> Intent:
    return _answer(draft.question) if draft.asks_for(Content.PHOTO) else Intent(Meaning.ADD_PHOTOS)


def _change(draft: Draft) -> Intent:
    return _answer(draft.question) if draft.asks_for(Content.TEXT) else Intent(Meaning.CHANGE_DRAFT)


def _is_meant(facts: Facts, draft: Draft) -> bool:
    """Whether it is surely for the draft: that is current, or replied to."""
    return facts.replied is Replied.DRAFT or draft.current


def _accepts(question: Question | None, content: Content) -> bool:
    return question is not None and bool(question.accepts & content)


def _answer(question: Question | None) -> Intent:
    return Intent(Meaning.ANSWER_QUESTION, question)
