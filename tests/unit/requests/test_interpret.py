"""What a message means: the table of situations, and that every situation means exactly one thing."""

from dataclasses import fields, replace
from enum import Enum
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.requests.question import NEXT_MESSAGE, NO_CONTENT, Content, Question
from bot.services.requests.card import FORWARDED, STALE
from bot.services.requests.interpret import (
    Author,
    Draft,
    Facts,
    Intent,
    Meaning,
    Replied,
    Typed,
    interpret,
)
from tests.builders import ADA, ADAS_CHAT, NOW

TEXT, PHOTO, SOUND, VIDEO, OTHER = Content.TEXT, Content.PHOTO, Content.SOUND, Content.VIDEO, Content.OTHER


def asks(kind: str, accepts: Content = TEXT) -> Question:
    return Question(ADAS_CHAT, NEXT_MESSAGE, ADA, kind, "", accepts, NOW)


SPEECH = asks("speak", TEXT | SOUND)
NEXT = asks("extend")
NAME = asks("template_name")
ONE_PHOTO = asks("template_run", PHOTO)
PHOTO_OR_FILM = asks("element_photos", PHOTO | VIDEO)
RECORDING = asks("voice_sound", SOUND)
SEED = asks("card")
END_FRAME = asks("card", PHOTO)
SUGGESTION = asks("suggestion", NO_CONTENT)

DRAFT = Draft()
OLD_DRAFT = Draft(current=False)
EFFECT_DRAFT = Draft(takes_text=False, takes_photos=False)
EXTENSION_DRAFT = Draft(takes_photos=False)
ASKS_SEED = Draft(question=SEED)
ASKS_END_FRAME = Draft(question=END_FRAME)

text = Facts()
photo = Facts(PHOTO, says=False, has_words=False)
captioned = Facts(PHOTO)
voice = Facts(SOUND, says=False, has_words=False)
video = Facts(VIDEO, says=False, has_words=False)
link = Facts(has_links=True, has_words=False)
link_and_text = Facts(has_links=True)
name_only = Facts(has_words=False, names_bot=True)


def reply(facts: Facts, replied: Replied, question: Question | None = None, **other: object) -> Facts:
    return replace(facts, replied=replied, question=question, **other)


def group(facts: Facts, **other: object) -> Facts:
    return replace(facts, private=False, **other)


def typed(command: Typed, facts: Facts = text, **other: object) -> Facts:
    return replace(facts, typed=command, **other)


M = Meaning
MAKING, ACCOUNT, UNKNOWN = Typed.MAKING, Typed.OTHER, Typed.UNKNOWN
TO_DRAFT, TO_RESULT, TO_PHOTO = Replied.DRAFT, Replied.RESULT, Replied.PHOTO
TO_WORDS, TO_FILE, TO_FILM = Replied.WORDS, Replied.UNUSABLE, Replied.FILM

# the message, the open draft, what was asked to be sent next, and what is meant
SITUATIONS = {
    # private chat, nothing is open
    "a text": (text, None, None, M.NEW_PROMPT),
    "only the bot's name": (name_only, None, None, M.EXPLAIN),
    "a photo": (photo, None, None, M.NEW_REQUEST),
    "a photo with a caption": (captioned, None, None, M.NEW_REQUEST),
    "an album": (Facts(PHOTO, says=True), None, None, M.NEW_REQUEST),
    "an album with a video in it": (Facts(PHOTO | VIDEO), None, None, M.NEW_REQUEST),
    "a link to a photo": (link, None, None, M.NEW_REQUEST),
    "a link and a text": (link_and_text, None, None, M.NEW_REQUEST),
    "a voice message": (voice, None, None, M.REFUSE_UNSUPPORTED),
    "a video of their own": (video, None, None, M.OFFER_FILM),
    "a contact": (Facts(OTHER, says=False), None, None, M.REFUSE_UNSUPPORTED),
    "a document whose caption is a command": (typed(MAKING, Facts(OTHER)), None, None, M.REFUSE_UNSUPPORTED),
    "news of the chat": (Facts(NO_CONTENT, says=False), None, None, M.IGNORE),
    "a comment with a forwarded photo": (Facts(TEXT | PHOTO), None, None, M.NEW_REQUEST),
    # private chat, replies
    "a text in reply to a text": (reply(text, TO_WORDS), None, None, M.NEW_PROMPT),
    "a text in reply to a photo": (reply(text, TO_PHOTO), None, None, M.NEW_REQUEST),
    "a text in reply to a video made here": (reply(text, TO_RESULT), None, None, M.CONTINUE_RESULT),
    "a text in reply to another video": (reply(text, TO_FILM), DRAFT, None, M.OFFER_FILM),
    "a text in reply to a story": (reply(text, TO_FILE), DRAFT, None, M.REFUSE_REPLY),
    "a photo in reply to a video made here": (reply(photo, TO_RESULT), None, None, M.NEW_REQUEST),
    "a sound in reply to a video made here": (reply(voice, TO_RESULT), None, None, M.DUB_RESULT),
    "a sound in reply to a photo": (reply(voice, TO_PHOTO), None, None, M.DUB_RESULT),
    "a sound in reply to a text": (reply(voice, TO_WORDS), None, None, M.REFUSE_UNSUPPORTED),
    "a sound in reply to the draft": (reply(voice, TO_DRAFT), DRAFT, None, M.REFUSE_UNSUPPORTED),
    "a text answers what to say": (reply(text, TO_RESULT, SPEECH), None, None, SPEECH),
    "a sound answers what to say": (reply(voice, TO_RESULT, SPEECH), None, None, SPEECH),
    "a text answers what happens next": (reply(text, TO_RESULT, NEXT), DRAFT, NAME, NEXT),
    "a sound in reply to what happens next": (reply(voice, TO_RESULT, NEXT), None, None, M.DUB_RESULT),
    # private chat, a draft is open
    "a text for the draft": (text, DRAFT, None, M.CHANGE_DRAFT),
    "a text after something else was said": (text, OLD_DRAFT, None, M.ASK_WHICH_DRAFT),
    "a text in reply to an old draft": (reply(text, TO_DRAFT), OLD_DRAFT, None, M.CHANGE_DRAFT),
    "a text beside a draft without a prompt": (text, EFFECT_DRAFT, None, M.NEW_PROMPT),
    "only the bot's name, with a draft": (name_only, DRAFT, None, M.CHANGE_DRAFT),
    "a photo for the draft": (photo, DRAFT, None, M.ADD_PHOTOS),
    "a link for the draft": (link, DRAFT, None, M.ADD_PHOTOS),
    "a photo with its own prompt": (captioned, DRAFT, None, M.NEW_REQUEST),
    "a photo after something else was said": (photo, OLD_DRAFT, None, M.NEW_REQUEST),
    "a photo in reply to an old draft": (reply(photo, TO_DRAFT), OLD_DRAFT, None, M.ADD_PHOTOS),
    "a photo beside a draft that takes none": (photo, EXTENSION_DRAFT, None, M.NEW_REQUEST),
    "a text in reply to some photo": (reply(text, TO_PHOTO), DRAFT, None, M.NEW_REQUEST),
    "a text in reply to the draft's photo": (
        reply(text, TO_PHOTO, replies_to_source=True),
        DRAFT,
        None,
        M.CHANGE_DRAFT,
    ),
    "a late photo of the draft's album": (
        replace(photo, completes_draft=True),
        DRAFT,
        None,
        M.ADD_LATE_PHOTOS,
    ),
    "a late photo, and the draft is old": (
        replace(photo, completes_draft=True),
        OLD_DRAFT,
        None,
        M.ADD_LATE_PHOTOS,
    ),
    "a late photo for a draft that takes none": (
        replace(photo, completes_draft=True),
        EXTENSION_DRAFT,
        None,
        M.NEW_REQUEST,
    ),
    # private chat, the draft asks for something
    "a text answers for a seed": (text, ASKS_SEED, None, SEED),
    "a text, the seed was asked for long ago": (
        text,
        replace(ASKS_SEED, current=False),
        None,
        M.ASK_WHICH_DRAFT,
    ),
    "a photo instead of a seed": (photo, ASKS_SEED, None, M.ADD_PHOTOS),
    "a photo answers for an end frame": (photo, ASKS_END_FRAME, None, END_FRAME),
    "a captioned photo answers for an end frame": (captioned, ASKS_END_FRAME, None, END_FRAME),
    "a text instead of an end frame": (text, ASKS_END_FRAME, None, M.CHANGE_DRAFT),
    "a text while a better prompt is suggested": (text, Draft(question=SUGGESTION), None, M.CHANGE_DRAFT),
    "a photo answers a template while a better prompt is suggested": (
        photo,
        Draft(question=SUGGESTION),
        ONE_PHOTO,
        ONE_PHOTO,
    ),
    # private chat, something was asked for
    "a text answers for a name": (text, None, NAME, NAME),
    "a text answers for a name before it changes the draft": (text, DRAFT, NAME, NAME),
    "a name in reply to a video made here": (reply(text, TO_RESULT), None, NAME, M.CONTINUE_RESULT),
    "a photo instead of a name": (photo, None, NAME, M.NEW_REQUEST),
    "a photo answers for a photo": (photo, DRAFT, ONE_PHOTO, ONE_PHOTO),
    "a text instead of a photo": (text, None, ONE_PHOTO, M.NEW_PROMPT),
    "a video answers for a photo or a video": (video, None, PHOTO_OR_FILM, PHOTO_OR_FILM),
    "a video instead of a photo": (video, None, ONE_PHOTO, M.OFFER_FILM),
    "a sound answers for a recording": (voice, None, RECORDING, RECORDING),
    "a command instead of an answer": (typed(MAKING), None, NAME, M.RUN_COMMAND),
    # commands
    "/video": (typed(MAKING), DRAFT, None, M.RUN_COMMAND),
    "/video below a photo": (typed(MAKING, captioned), None, None, M.RUN_COMMAND),
    "/extend below a video": (typed(MAKING, Facts(VIDEO)), None, None, M.RUN_COMMAND),
    "/balance": (typed(ACCOUNT), None, None, M.RUN_COMMAND),
    "/nonsense": (typed(UNKNOWN), None, None, M.REFUSE_UNKNOWN_COMMAND),
    "/video in a group": (group(typed(MAKING)), None, None, M.RUN_COMMAND),
    "/nonsense in a group": (group(typed(UNKNOWN)), None, None, M.IGNORE),
    "/balance, forwarded": (typed(ACCOUNT, forwarded=True), None, None, M.REFUSE_FORWARDED_COMMAND),
    "/video, forwarded to a group": (group(typed(MAKING, forwarded=True)), None, None, M.IGNORE),
    "/balance@bot, forwarded to a group": (
        group(typed(ACCOUNT, forwarded=True, names_command=True)),
        None,
        None,
        M.IGNORE,
    ),
    # groups
    "talk": (group(text), None, None, M.IGNORE),
    "talk, and a draft is open": (group(text), DRAFT, None, M.IGNORE),
    "the bot is named": (group(text, names_bot=True), None, None, M.IGNORE),
    "a photo in a group": (group(captioned), DRAFT, None, M.IGNORE),
    "an album in a group": (group(Facts(PHOTO | VIDEO)), None, None, M.IGNORE),
    "a reply to somebody": (group(reply(text, TO_WORDS)), DRAFT, None, M.IGNORE),
    "a reply to the own draft": (group(reply(text, TO_DRAFT)), OLD_DRAFT, None, M.CHANGE_DRAFT),
    "a photo in reply to the own draft": (group(reply(captioned, TO_DRAFT)), DRAFT, None, M.ADD_PHOTOS),
    "a link in reply to the own draft": (group(reply(link_and_text, TO_DRAFT)), DRAFT, None, M.ADD_PHOTOS),
    "a photo in reply to a draft that takes none": (
        group(reply(photo, TO_DRAFT)),
        EXTENSION_DRAFT,
        None,
        M.IGNORE,
    ),
    "a reply to a draft without a prompt": (group(reply(text, TO_DRAFT)), EFFECT_DRAFT, None, M.IGNORE),
    "a reply to a draft that asks for a seed": (group(reply(text, TO_DRAFT)), ASKS_SEED, None, SEED),
    "talk about a video made here": (group(reply(text, TO_RESULT)), None, None, M.IGNORE),
    "a wish about a video made here": (
        group(reply(text, TO_RESULT), names_bot=True),
        None,
        None,
        M.CONTINUE_RESULT,
    ),
    "a wish about another video": (group(reply(text, TO_FILM), names_bot=True), None, None, M.REFUSE_REPLY),
    "talk about another video": (group(reply(text, TO_FILM)), None, None, M.IGNORE),
    "a text answers a question in a group": (group(reply(text, TO_RESULT, NEXT)), None, None, NEXT),
    "a caption answers a question in a group": (group(reply(captioned, TO_RESULT, NEXT)), None, None, NEXT),
    "a bare photo in reply to a question": (group(reply(photo, TO_RESULT, NEXT)), None, None, M.IGNORE),
    "a sound answers a question in a group": (group(reply(voice, TO_RESULT, SPEECH)), None, None, SPEECH),
    "a sound in reply to a video in a group": (group(reply(voice, TO_RESULT)), None, None, M.IGNORE),
    # in the name of a chat, by a channel, by inline mode
    "an anonymous admin talks": (group(text, author=Author.CHAT), None, None, M.IGNORE),
    "an anonymous admin's command": (
        group(typed(MAKING, author=Author.CHAT)),
        None,
        None,
        M.REFUSE_ANONYMOUS,
    ),
    "an anonymous admin's command for another bot": (
        group(typed(UNKNOWN, author=Author.CHAT)),
        None,
        None,
        M.IGNORE,
    ),
    "an anonymous admin forwards a command": (
        group(typed(MAKING, author=Author.CHAT, forwarded=True)),
        None,
        None,
        M.IGNORE,
    ),
    "an anonymous admin's wish about a video": (
        group(reply(text, TO_RESULT), author=Author.CHAT, names_bot=True),
        None,
        None,
        M.REFUSE_ANONYMOUS,
    ),
    "a channel's post": (group(typed(MAKING, author=Author.CHANNEL)), None, None, M.IGNORE),
    "a video shared through the bot": (replace(captioned, author=Author.INLINE), None, None, M.IGNORE),
    # edited
    "the text of a request was edited": (
        replace(text, edited=True, has_made=True),
        None,
        NAME,
        M.CHANGE_REQUEST,
    ),
    "the command of a request was edited": (
        typed(MAKING, edited=True, has_made=True),
        None,
        None,
        M.CHANGE_REQUEST,
    ),
    "a request became /balance": (typed(ACCOUNT, edited=True, has_made=True), None, None, M.IGNORE),
    "a text was edited that made nothing": (replace(text, edited=True), DRAFT, None, M.IGNORE),
    "a photo without a caption was edited": (
        replace(photo, edited=True, has_made=True),
        None,
        None,
        M.IGNORE,
    ),
    "a text in the name of a chat was edited": (
        group(text, edited=True, has_made=True, author=Author.CHAT),
        None,
        None,
        M.IGNORE,
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_message_means(name):
    facts, draft, asked, meant = SITUATIONS[name]
    intent = interpret(facts, draft, asked)
    if isinstance(meant, Question):
        assert (intent.meaning, intent.question) == (Meaning.ANSWER_QUESTION, meant)
    else:
        assert (intent.meaning, intent.question) == (meant, None)


# what is known of the message, and what is asked before anything is spent
DOUBTS = {
    "sent now": (photo, None),
    "waited too long": (replace(photo, stale=True), STALE),
    "forwarded": (replace(captioned, forwarded=True), FORWARDED),
    "a forwarded command of ours": (typed(MAKING, forwarded=True), FORWARDED),
    "forwarded, and waited too long": (replace(text, forwarded=True, stale=True), STALE),
    "forwarded to a group with the bot's name": (
        group(typed(MAKING, forwarded=True, names_command=True)),
        FORWARDED,
    ),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_what_is_doubtful_is_asked_before_anything_is_spent(name):
    facts, question = DOUBTS[name]
    assert interpret(facts).ask_first == question


def test_the_table_has_every_meaning():
    assert {meant for *_, meant in SITUATIONS.values() if isinstance(meant, Meaning)} == set(Meaning) - {
        Meaning.ANSWER_QUESTION
    }
    assert len(SITUATIONS) >= 60


QUESTIONS = (None, *(asks("any", Content(bits)) for bits in range(8)))
FACTS = st.builds(
    Facts,
    **{
        each.name: st.sampled_from(each.type)
        if isinstance(each.type, type) and issubclass(each.type, Enum) and each.name != "content"
        else st.booleans()
        for each in fields(Facts)
        if each.name not in {"content", "question"}
    },
    content=st.integers(0, 31).map(Content),
    question=st.sampled_from(QUESTIONS),
)
DRAFTS = [
    None,
    *(Draft(*flags, question) for flags in product((True, False), repeat=3) for question in QUESTIONS),
]


@settings(max_examples=2_000)
@given(FACTS, st.sampled_from(DRAFTS), st.sampled_from(QUESTIONS))
def test_every_combination_of_facts_means_exactly_one_thing(facts, draft, asked):
    intent = interpret(facts, draft, asked)
    assert isinstance(intent, Intent)
    assert (intent.question is not None) == (intent.meaning is Meaning.ANSWER_QUESTION)
    # What is answered accepts something that the message contains.
    if intent.question is not None:
        contained = facts.content | (Content.TEXT if facts.says else NO_CONTENT)
        assert intent.question.accepts & (
            contained | (Content.PHOTO if facts.has_links else NO_CONTENT) | replied_photo(facts)
        )


def replied_photo(facts: Facts) -> Content:
    return Content.PHOTO if facts.replied is Replied.PHOTO else NO_CONTENT


@given(FACTS, st.sampled_from(DRAFTS), st.sampled_from(QUESTIONS))
def test_a_draft_or_question_that_is_not_there_is_neither_changed_nor_answered(facts, draft, asked):
    alone = interpret(replace(facts, question=None))
    drafts = {Meaning.CHANGE_DRAFT, Meaning.ADD_PHOTOS, Meaning.ADD_LATE_PHOTOS, Meaning.ASK_WHICH_DRAFT}
    assert alone.meaning not in drafts | {Meaning.ANSWER_QUESTION}
    talk = replace(facts, private=False, typed=Typed.NONE, replied=Replied.NOTHING, question=None)
    if not talk.edited and not talk.completes_draft:
        assert interpret(talk, draft, asked).meaning is Meaning.IGNORE


@given(FACTS, st.sampled_from(QUESTIONS))
def test_a_forwarded_text_answers_nothing_that_the_next_message_was_asked_for(facts, asked):
    text = replace(facts, content=TEXT, forwarded=True, question=None)
    assert interpret(text, None, asked).meaning is not Meaning.ANSWER_QUESTION
