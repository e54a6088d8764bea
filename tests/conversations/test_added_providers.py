"""Providers that an admin adds in the chat: tried first, kept sealed, changed and removed."""

from tests.world.telegram import ADA, BOSS

KEY = "sk-demo-generic"
OTHER = "sk-demo-newapi"


async def ask_for_new(bot) -> None:
    await bot.telegram.say(BOSS, "/providers")
    await bot.telegram.wait_text(BOSS, "Providers added in the chat")
    await bot.telegram.press_labelled(BOSS, "Add provider")
    await bot.telegram.wait_text(BOSS, "Send name, address and API key")


async def add(bot, words: str) -> dict:
    await ask_for_new(bot)
    return await bot.telegram.say(BOSS, words)


def is_deleted(bot, message: dict) -> bool:
    return message["message_id"] in [
        call["message_id"] for name, call in bot.to_telegram.calls if name == "deleteMessage"
    ]


def said_by_bot(bot) -> str:
    return str(bot.telegram.replies(BOSS)) + str(bot.output)


async def test_a_provider_is_tried_added_and_used_and_its_key_is_never_shown(bot):
    sent = await add(bot, f"gateway {bot.kling_url} {KEY}")
    await bot.telegram.wait_text(BOSS, "gateway is added")
    assert is_deleted(bot, sent)
    assert KEY not in said_by_bot(bot)
    assert KEY.encode() not in bot.database.read_bytes()
    assert not [row for (row,) in bot.rows("SELECT payload FROM inbox") if KEY in row]
    text = bot.config.read_text("utf-8").replace('name = "stand-in"', 'name = "stand-in"\nenabled = false')
    bot.config.write_text(text, "utf-8")
    await bot.restart()
    await bot.telegram.say(ADA, "/video a fox in the snow")
    await bot.telegram.wait_video(ADA)
    assert [row for (row,) in bot.rows("SELECT provider FROM tasks")] == ["gateway"]
    assert KEY not in said_by_bot(bot)
    await bot.telegram.say(BOSS, "/audit")
    assert "added a provider" in (await bot.telegram.wait_text(BOSS, "Log, newest first"))["text"]


async def test_what_cannot_be_used_is_not_added_and_the_message_is_deleted_all_the_same(bot):
    for words, told in [
        (f"gateway {bot.kling_url} sk-unknown-key", "The account doesn't answer"),
        (f"gate.way {bot.kling_url} {KEY}", "This can't be used: name"),
        (f"gateway http://far.example {KEY}", "This can't be used: base_url"),
        (f"stand-in {bot.kling_url} {KEY}", "already a provider called stand-in"),
        ("gateway", "Send name, address and key"),
    ]:
        sent = await add(bot, words)
        await bot.telegram.wait_text(BOSS, told)
        assert is_deleted(bot, sent)
    assert bot.rows("SELECT key FROM settings WHERE key LIKE 'provider:%'") == []
    assert "sk-unknown-key" not in said_by_bot(bot)


async def test_key_and_models_are_changed_and_a_provider_is_removed(bot):
    await add(bot, f"gateway {bot.kling_url} {KEY}")
    await bot.telegram.wait_text(BOSS, "gateway is added")
    await bot.restart()

    async def open_it() -> None:
        await bot.telegram.say(BOSS, "/providers")
        await bot.telegram.wait_text(BOSS, "Providers added in the chat")
        await bot.telegram.press_labelled(BOSS, "gateway")
        await bot.telegram.wait_text(BOSS, f"gateway · {bot.kling_url}")

    await open_it()
    await bot.telegram.press_labelled(BOSS, "Models")
    await bot.telegram.wait_text(BOSS, "Send its models")
    await bot.telegram.say(BOSS, "kling-v2-6")
    await bot.telegram.wait_text(BOSS, "gateway is changed. Models: kling-v2-6")
    await open_it()
    await bot.telegram.press_labelled(BOSS, "Change key")
    await bot.telegram.wait_text(BOSS, "Send the new API key")
    sent = await bot.telegram.say(BOSS, OTHER)
    await bot.telegram.wait_for(lambda: len(bot.written(BOSS, "gateway is changed")) == 2)
    assert is_deleted(bot, sent)
    await open_it()
    await bot.telegram.press_labelled(BOSS, "Remove")
    await bot.telegram.wait_text(BOSS, "gateway is removed")
    assert bot.rows("SELECT key FROM settings WHERE key LIKE 'provider:%'") == []
