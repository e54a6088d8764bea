"""What there is to choose from, and how admins see and steer the providers, through the real process."""

from tests.world.telegram import ADA, BOSS, XIAOLIN


async def test_models_are_shown_with_what_they_can_do_and_their_prices(bot):
    await bot.telegram.say(ADA, "/models")
    shown = await bot.telegram.wait_text(ADA, "kling-v2-6")
    assert "standard, pro · 5, 10 s · 16:9, 9:16, 1:1" in shown["text"]
    assert "Credits a second: standard 3, pro 5" in shown["text"]
    assert "kling-v2-5-turbo" in shown["text"]
    assert "kling-v1-6" not in shown["text"]
    assert "/lipsync 1 a second + 1" in shown["text"]


async def test_a_gateway_without_the_extras_does_not_promise_them(world):
    world.configure(dialect="generic", key="sk-demo-generic")
    await world.start()
    await world.telegram.say(ADA, "/models")
    shown = await world.telegram.wait_text(ADA, "kling-v2-6")
    assert "/lipsync" not in shown["text"]
    await world.telegram.say(ADA, "/effects")
    await world.telegram.wait_text(ADA, "This bot doesn't offer this")


async def test_voices_are_those_of_the_readers_language_or_of_the_one_that_is_asked_for(bot):
    await bot.telegram.say(XIAOLIN, "/voices")
    await bot.telegram.wait_text(XIAOLIN, "阳光少年")
    await bot.telegram.say(ADA, "/voices")
    english = await bot.telegram.wait_text(ADA, "Melody")
    assert "Newsman" not in english["text"]
    await bot.telegram.say(ADA, "/voices zh")
    await bot.telegram.wait_text(ADA, "Newsman")
    await bot.telegram.say(ADA, "/voices fr")
    await bot.telegram.wait_text(ADA, "There are no voices for fr")


async def test_effects_are_shown_by_category_and_searched_in_both_languages(bot):
    await bot.telegram.say(ADA, "/effects")
    await bot.telegram.wait_text(ADA, "218 in all")
    await bot.telegram.press_labelled(ADA, "For two (10)")
    await bot.telegram.wait_text(ADA, "Kiss kiss_pro · two photos · 15")
    await bot.telegram.press_labelled(ADA, "Back")
    await bot.telegram.wait_text(ADA, "218 in all", 2)
    await bot.telegram.say(ADA, "/effects hug")
    found = await bot.telegram.wait_text(ADA, "of 218")
    assert "hug_pro" in found["text"]
    await bot.telegram.say(XIAOLIN, "/effects 科目三")
    await bot.telegram.wait_text(XIAOLIN, "科目三 subject_3_dance · 20")
    await bot.telegram.say(ADA, "/effects <zzz>")
    await bot.telegram.wait_text(ADA, "No effect is called “<zzz>”")


async def test_only_admins_see_the_providers(bot):
    await bot.telegram.say(ADA, "/providers")
    await bot.telegram.wait_text(ADA, "Only admins")
    await bot.telegram.say(BOSS, "/providers")
    shown = await bot.telegram.wait_text(BOSS, "stand-in")
    assert "Open" in shown["text"]
    assert "Running: 0 (5 of each model at most)" in shown["text"]
    assert "left" in shown["text"]


async def test_a_provider_stays_paused_over_a_restart_until_an_admin_resumes_it(bot):
    await bot.telegram.say(BOSS, "/providers")
    await bot.telegram.wait_text(BOSS, "Account: ")
    answer = await bot.telegram.wait_answer(await bot.telegram.press_labelled(BOSS, "Pause"))
    assert answer["text"] == "stand-in is paused."
    await bot.telegram.wait_text(BOSS, "Paused by an admin")

    await bot.restart()
    await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_text(ADA, "Kling isn't available right now")
    assert not any(request.method == "POST" for request in bot.kling.requests)

    await bot.telegram.press_labelled(BOSS, "Resume")
    await bot.telegram.wait_video(ADA)
    await bot.telegram.say(BOSS, "/providers")
    await bot.telegram.wait_text(BOSS, "(0 %)")


async def test_a_provider_that_an_empty_account_has_closed_can_be_opened_at_once(bot):
    bot.kling.behaviour.refuse.append(1101)
    await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_text(BOSS, "has no balance left")
    await bot.telegram.say(BOSS, "/providers")
    shown = await bot.telegram.wait_text(BOSS, "Closed until")
    assert "no balance is left" in shown["text"]
    await bot.telegram.wait_answer(await bot.telegram.press_labelled(BOSS, "Resume"))
    await bot.telegram.say(ADA, "/video another fox")
    await bot.telegram.wait_video(ADA)


async def test_an_empty_image_pack_stops_images_and_nothing_else(bot):
    bot.kling.book("demo-access").left["image"] = 0.0
    await bot.telegram.say(ADA, "/image a fox")
    await bot.telegram.wait_text(BOSS, "No image units left at stand-in")
    await bot.telegram.say(ADA, "/image another fox")
    await bot.telegram.wait_text(ADA, "nothing was charged")
    await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_video(ADA)
    await bot.telegram.say(BOSS, "/providers")
    shown = await bot.telegram.wait_text(BOSS, "Images: closed until")
    assert "Open" in shown["text"]
