"""What may not be asked for: the operator's words, their own service, and breaks after several refusals."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.serving import serve
from tests.world.telegram import ADA, BOSS, XIAOLIN

WORDS = """
[moderation]
words = {{ en = ["grumble"], zh_Hans = ["禁词"] }}
strikes = {strikes}
{more}
"""


async def test_forbidden_words_are_refused_and_several_refusals_bring_a_break(world):
    world.configure(extra=WORDS.format(strikes=3, more=""))
    await world.start()
    telegram = world.telegram
    await telegram.say(ADA, "/video a ｇ r u m b l e in the wood")
    await telegram.wait_text(ADA, "against the rules of this bot")
    await telegram.say(XIAOLIN, "/video 一个禁\u200b词")
    await telegram.wait_text(XIAOLIN, "违反了本机器人的规定")
    assert not world.kling.requests
    await telegram.say(ADA, "/video something forbidden")  # the provider refuses this one
    await telegram.wait_text(ADA, "content rules")
    await world.wait_for(lambda: world.rows("SELECT count(*) FROM strikes WHERE user_id = ?", ADA) == [(2,)])
    await telegram.say(ADA, "/video a GRUMBLE")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM standings WHERE paused_until > 0"))
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_text(ADA, "so there is a break until")
    await telegram.say(BOSS, "/strikes @ada")
    log = (await telegram.wait_text(BOSS, "Refused for what they hold"))["text"]
    assert "en:grumble" in log
    assert "something forbidden" in log
    await telegram.press_labelled(BOSS, "Unpause")
    await telegram.wait_text(BOSS, "Refused for what they hold")
    await telegram.wait_for(lambda: "Unpause" not in str(telegram.messages(BOSS)))
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_video(ADA)
    await telegram.say(ADA, "/strikes")
    await telegram.wait_text(ADA, "Only admins")


async def test_the_operators_own_service_is_asked_and_its_silence_is_answered_as_configured(world):
    asked: list[str] = []
    answers: list[Response] = [
        JSONResponse({"allowed": False, "reason": "brands"}),
        JSONResponse({"results": [{"flagged": False}]}),
        JSONResponse({"error": "down"}, 503),
    ]

    async def judge(request: Request) -> Response:
        asked.append((await request.json())["input"])
        return answers.pop(0)

    async with serve(Starlette(routes=[Route("/", judge, methods=["POST"])])) as address:
        more = f'hook_url = "{address}/"\nhook_key = "hook-secret-key"\nhook_fail = "closed"'
        world.configure(extra=WORDS.format(strikes=9, more=more))
        await world.start()
        telegram = world.telegram
        await telegram.say(ADA, "/video a can of cola")
        await telegram.wait_text(ADA, "against the rules of this bot")
        await telegram.say(ADA, "/video a fox")
        await telegram.wait_video(ADA)
        await telegram.say(ADA, "/video an owl")
        await telegram.wait_text(ADA, "I can't check requests right now")
        assert asked == ["a can of cola", "a fox", "an owl"]
        assert world.rows("SELECT source, rule FROM strikes") == [("hook", "brands")]
    assert "hook-secret-key" not in repr(world.output)
