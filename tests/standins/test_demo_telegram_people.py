"""People at the stand-in for Telegram: what they do, which updates the bot gets of it, and what the page's API tells."""

import asyncio
import json

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Update

from bot.demo.serving import serve
from bot.demo.telegram.text import find_entities, parse_html, utf16_length
from tests.world.media import film, image
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN


@pytest.fixture
async def page(demo):
    async with httpx.AsyncClient(base_url=demo.address) as http:
        yield http


# -- updates -----------------------------------------------------------------------------------------


async def test_what_is_not_confirmed_comes_again_and_what_is_confirmed_does_not(demo):
    for text in ("one", "two", "three"):
        await demo.telegram.say(ADA, text)
    first = await demo.bot.get_updates(limit=2, timeout=0)
    assert [update.message.text for update in first] == ["one", "two"]
    assert await demo.bot.get_updates(limit=2, timeout=0) == first
    (last,) = await demo.bot.get_updates(offset=first[-1].update_id + 1, timeout=0)
    assert last.message.text == "three"


async def test_a_poll_waits_until_somebody_writes(demo):
    poll = asyncio.create_task(demo.bot.get_updates(timeout=20))
    await demo.telegram.state.updates.changed()
    await demo.telegram.say(ADA, "a")
    assert [update.message.text for update in await poll] == ["a"]


async def test_a_poll_ends_when_the_stand_in_closes(demo):
    poll = asyncio.create_task(demo.bot.get_updates(timeout=20))
    await demo.telegram.state.updates.changed()
    await demo.telegram.close()
    assert await poll == ()


async def test_only_the_kinds_that_were_asked_for_are_queued(demo):
    await demo.bot.get_updates(timeout=0, allowed_updates=[Update.EDITED_MESSAGE])
    said = await demo.telegram.say(ADA, "a")
    demo.telegram.acting.edit(ADA, ADA, said["message_id"], "b")
    assert [update.edited_message.text for update in await demo.updates()] == ["b"]


async def test_a_webhook_gets_the_updates_in_order_until_it_answers(demo):
    taken, refused, asked = [], [], asyncio.Queue()

    async def webhook(request: Request) -> Response:
        body = await request.json()
        await asked.put(request.headers["x-telegram-bot-api-secret-token"])
        if not refused:
            refused.append(body)
            return Response(status_code=503)
        taken.append(body["message"]["text"])
        return Response()

    async with serve(Starlette(routes=[Route("/hook", webhook, methods=["POST"])])) as address:
        await demo.bot.set_webhook(f"{address}/hook", secret_token="quiet")
        for text in ("one", "two"):
            await demo.telegram.say(ADA, text)
        secrets = [await asyncio.wait_for(asked.get(), 10) for _ in range(3)]
    assert (taken, set(secrets)) == (["one", "two"], {"quiet"})
    info = await demo.bot.get_webhook_info()
    assert (info.url.endswith("/hook"), "503" in info.last_error_message) == (True, True)
    await demo.bot.delete_webhook(drop_pending_updates=True)
    assert (await demo.bot.get_webhook_info()).url == ""


# -- what people do ----------------------------------------------------------------------------------


async def test_an_album_of_a_person_has_its_caption_on_the_first(demo):
    await demo.telegram.send_album(ADA, [image(), image()], "both")
    messages = [update.message for update in await demo.updates()]
    assert len({message.media_group_id for message in messages}) == 1
    assert [message.caption for message in messages] == ["both", None]


async def test_an_edit_keeps_the_message_and_changes_the_words(demo):
    said = await demo.telegram.send_photo(ADA, image(), "one")
    demo.telegram.acting.edit(ADA, ADA, said["message_id"], "/two")
    edited = (await demo.updates())[-1].edited_message
    assert (edited.caption, len(edited.photo), edited.caption_entities[0].type) == ("/two", 2, "bot_command")


async def test_a_message_may_come_from_another_time(demo):
    await demo.telegram.say(ADA, "a", date=1_700_000_000)
    (update,) = await demo.updates()
    assert update.message.date.timestamp() == 1_700_000_000


async def test_a_person_quotes_the_bot(demo):
    sent = await demo.bot.send_message(ADA, "a fox in the snow")
    await demo.telegram.say(ADA, "why?", reply_to=sent.message_id, quote="fox")
    message = (await demo.updates())[0].message
    assert (message.reply_to_message.message_id, message.quote.text) == (sent.message_id, "fox")


async def test_reactions_are_told_to_a_bot_that_asked_for_them(demo):
    await demo.bot.get_updates(timeout=0, allowed_updates=[Update.MESSAGE_REACTION])
    sent = await demo.bot.send_message(ADA, "a")
    demo.telegram.acting.react(ADA, ADA, sent.message_id, "🔥")
    (update,) = await demo.updates()
    assert [one.emoji for one in update.message_reaction.new_reaction] == ["🔥"]
    assert update.message_reaction.user.id == ADA


async def test_blocking_the_bot_is_told_once_and_then_there_is_silence(demo):
    demo.telegram.acting.block(ADA)
    await demo.telegram.say(ADA, "a")
    (update,) = await demo.updates()
    assert update.my_chat_member.new_chat_member.status == "kicked"


async def test_a_group_with_privacy_mode_shows_the_bot_only_what_concerns_it(demo):
    sent = await demo.bot.send_message(GROUP, "hello")
    for text in (
        "hello all",
        "/video a",
        "/video@kling_demo_bot b",
        "/video@other_bot c",
        "@Kling_Demo_Bot d",
    ):
        await demo.telegram.say(ADA, text, chat=GROUP)
    await demo.telegram.say(ADA, "e", chat=GROUP, reply_to=sent.message_id)
    heard = [update.message.text for update in await demo.updates()]
    assert heard == ["/video a", "/video@kling_demo_bot b", "@Kling_Demo_Bot d", "e"]


async def test_an_administrator_bot_hears_everything(demo):
    demo.telegram.acting.set_bot_status(BOSS, GROUP, "administrator")
    await demo.telegram.say(ADA, "hello all", chat=GROUP)
    changed, heard = await demo.updates()
    assert (changed.my_chat_member.new_chat_member.status, heard.message.text) == (
        "administrator",
        "hello all",
    )


async def test_a_topic_makes_the_group_a_forum(demo):
    topic = demo.telegram.open_topic("Foxes")
    await demo.telegram.say(ADA, "/video a", chat=GROUP, thread=topic)
    opened, asked = [update.message for update in await demo.updates()]
    assert (opened.forum_topic_created.name, opened.message_thread_id) == ("Foxes", topic)
    assert (asked.message_thread_id, asked.is_topic_message, asked.chat.is_forum) == (topic, True, True)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda telegram: telegram.say(ADA, "  "), "empty"),
        (lambda telegram: telegram.say(ADA, "a" * 4097), "4096"),
        (lambda telegram: telegram.say(ADA, "a", chat=XIAOLIN), "no such chat"),
        (lambda telegram: telegram.say(ADA, "a", chat=GROUP, thread=9), "no such topic"),
        (lambda telegram: telegram.send_photo(ADA, b"no picture"), "as a photo"),
        (lambda telegram: telegram.press(ADA, ADA, 99, "a"), "the message is gone"),
        (lambda telegram: telegram.press_labelled(ADA, "Go"), "no button"),
    ],
)
async def test_what_nobody_can_do_is_said_in_a_sentence(demo, act, words):
    with pytest.raises(ValueError, match=words):
        await act(demo.telegram)


async def test_waiting_for_what_does_not_come_ends(demo):
    with pytest.raises(TimeoutError):
        await demo.telegram.wait_text(ADA, "never", timeout_seconds=0.01)


# -- the page's API ----------------------------------------------------------------------------------


async def test_the_page_and_its_parts_are_served_without_foreign_sources(page):
    index = await page.get("/")
    assert "default-src 'self'" in index.headers["content-security-policy"]
    assert "http://" not in index.text.replace("http://www.w3.org/2000/svg", "")
    for name in (
        "app.js",
        "composer.js",
        "dom.js",
        "messages.js",
        "panel.js",
        "style.css",
        "text.js",
        "words.js",
    ):
        assert (await page.get(f"/{name}")).status_code == 200
    assert (await page.get("/../standin.py")).status_code == 404


async def test_the_page_is_told_who_there_is_and_what_happens(demo, page):
    world = (await page.get("/demo/api/world")).json()
    assert [one["id"] for one in world["people"]] == [ADA, XIAOLIN, BOSS]
    assert [one["id"] for one in world["groups"]] == [GROUP]
    waiting = asyncio.create_task(page.get("/demo/api/events", params={"since": world["since"]}))
    await demo.bot.send_message(ADA, "a")
    heard = (await waiting).json()
    assert [(event["kind"], event["message"]["text"]) for event in heard["events"]] == [("message", "a")]
    messages = (await page.get("/demo/api/messages", params={"chat": ADA})).json()["messages"]
    assert [message["text"] for message in messages] == ["a"]


async def test_the_page_sends_every_file_as_a_phone_would(demo, page):
    files = [
        ("file", ("a.jpg", image(), "image/jpeg")),
        ("file", ("a.mp4", film(), "video/mp4")),
        ("file", ("a.txt", b"a", "text/plain")),
    ]
    for one in files:
        answer = await page.post(
            "/demo/api/send", data={"user": ADA, "chat": ADA, "text": "look"}, files=[one]
        )
        assert answer.status_code == 200
    album = await page.post("/demo/api/send", data={"user": ADA, "chat": ADA}, files=[files[0], files[0]])
    assert album.status_code == 200
    messages = [update.message for update in await demo.updates()]
    assert [bool(one) for one in (messages[0].photo, messages[1].video, messages[2].document)] == [True] * 3
    assert messages[3].media_group_id == messages[4].media_group_id is not None
    shown = await page.get(f"/demo/file/{messages[1].video.file_id}", headers={"Range": "bytes=0-99"})
    assert (shown.status_code, shown.headers["content-type"]) == (206, "video/mp4")


async def test_the_page_edits_reacts_presses_and_pays(demo, page):
    said = await demo.telegram.say(ADA, "a")
    here = {"user": ADA, "chat": ADA, "message_id": said["message_id"]}
    assert (await page.post("/demo/api/edit", json={**here, "text": "b"})).status_code == 200
    assert (await page.post("/demo/api/react", json={**here, "emoji": "👍"})).status_code == 200
    pressed = await page.post("/demo/api/press", json={**here, "data": "x"})
    assert (await demo.updates())[-1].callback_query.id == pressed.json()["query"]
    paid = await page.post("/demo/api/pay", json=here)
    assert (paid.status_code, paid.json()["error"]) == (400, "this message is no invoice")
    (shown,) = demo.telegram.messages(ADA)
    assert (shown["text"], shown["reactions"]) == ("b", ["👍"])


@pytest.mark.parametrize(
    "body",
    [
        {"user": 5, "chat": 5, "text": "a"},
        {"chat": ADA, "text": "a"},
        {"user": ADA, "chat": XIAOLIN, "text": "a"},
    ],
)
async def test_what_the_page_cannot_do_is_told_to_it(page, body):
    answer = await page.post(
        "/demo/api/send", files={name: (None, str(value)) for name, value in body.items()}
    )
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


# -- texts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "text", "found"),
    [
        ("<b>a <i>b</i></b>", "a b", [("bold", 0, 3), ("italic", 2, 1)]),
        ("🦊<u>a</u><s>b</s>", "🦊ab", [("underline", 2, 1), ("strikethrough", 3, 1)]),
        ("<tg-spoiler>a</tg-spoiler>", "a", [("spoiler", 0, 1)]),
        ("<blockquote expandable>a</blockquote>", "a", [("expandable_blockquote", 0, 1)]),
        ('<a href="https://a.example/?b=1&amp;c=2">a</a>', "a", [("text_link", 0, 1)]),
        ('<pre><code class="language-py">a</code></pre>', "a", [("pre", 0, 1)]),
        ("a &lt; b &amp;&#33; &copy;", "a < b &! &copy;", []),
        ("<b></b>a", "a", []),
    ],
)
def test_html_becomes_text_with_entities(html, text, found):
    parsed, entities = parse_html(html)
    shown = sorted(((one["type"], one["offset"], one["length"]) for one in entities), key=lambda one: one[1])
    assert (parsed, shown) == (text, found)


def test_links_and_languages_are_kept():
    _, (link,) = parse_html('<a href="https://a.example/?b=1&amp;c=2">a</a>')
    _, (code,) = parse_html('<pre><code class="language-py">a</code></pre>')
    _, (person,) = parse_html('<a href="tg://user?id=1001">Ada</a>')
    assert link["url"] == "https://a.example/?b=1&c=2"
    assert code["language"] == "py"
    assert (person["type"], person["user"]["id"]) == ("text_mention", 1001)


def test_what_telegram_marks_by_itself_is_found():
    text = "🦊 /start@a_bot_x see https://a.example/b. or @somebody, mail a@b.example #fox a/b"
    found = {
        one["type"]: text.encode("utf-16-le")[2 * one["offset"] :][: 2 * one["length"]].decode("utf-16-le")
        for one in find_entities(text)
    }
    assert found == {
        "bot_command": "/start@a_bot_x",
        "url": "https://a.example/b",
        "mention": "@somebody",
        "email": "a@b.example",
        "hashtag": "#fox",
    }
    assert utf16_length("🦊a") == 3
    assert json.dumps(find_entities("nothing here")) == "[]"
