from handlers.questions import REMEMBERED, Questions

ADA, CHAT = 1001, -5


def test_an_open_question_is_taken_once():
    questions = Questions()
    questions.asked(ADA, CHAT, 7)
    assert questions.take(ADA, CHAT) == 7
    assert questions.take(ADA, CHAT) is None


def test_the_newest_question_counts():
    questions = Questions()
    questions.asked(ADA, CHAT, 7)
    questions.asked(ADA, CHAT, 8)
    assert questions.take(ADA, CHAT) == 8
    assert questions.take(ADA, CHAT) is None


def test_everybody_in_every_chat_is_asked_apart():
    questions = Questions()
    questions.asked(ADA, CHAT, 7)
    questions.asked(ADA + 1, CHAT, 8)
    questions.asked(ADA, CHAT + 1, 9)
    assert questions.take(ADA + 1, CHAT) == 8
    assert questions.take(ADA, CHAT + 1) == 9
    assert questions.take(ADA, CHAT) == 7


def test_questions_that_nobody_answers_are_forgotten_in_the_end():
    questions = Questions()
    for person in range(REMEMBERED + 1):
        questions.asked(person, CHAT, 7)
    assert questions.take(0, CHAT) is None
    assert questions.take(1, CHAT) == 7
