"""The demo's page in a real browser, with the real bot behind it."""

import base64
import re
import shutil

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, async_playwright, expect

from bot.demo.script import sample_picture
from bot.demo.telegram.text import formatted
from tests.world.process import BotProcess, open_demo
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN

BROWSERS = ("/usr/bin/chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(BROWSER is None, reason=f"there is no browser here: none of {', '.join(BROWSERS)}"),
]

PHOTO = {"name": "boat.jpg", "mimeType": "image/jpeg", "buffer": sample_picture()}
PLAYS = """video => new Promise(done => video.addEventListener("timeupdate", () => {
    if (video.currentTime > 0.2 && video.readyState >= 2 && video.videoWidth) done(true);
}))"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory):
    async with open_demo(tmp_path_factory.mktemp("page"), daily=1000) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser():
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(world, browser):
    """Open the page in a browser of its own; at the end nothing may have gone wrong in it."""
    world.kling.behaviour.render_seconds = 0.5
    contexts, problems = [], []

    async def opener(**options) -> Page:
        usual = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"}
        context = await browser.new_context(**usual | options)
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(world.telegram_url)
        # The last thing that the page does when it opens; on a phone the panel is not in sight.
        await page.locator("#panel:not([hidden])").wait_for(state="attached")
        return page

    yield opener
    for context in contexts:
        await context.close()
    assert problems == []


@pytest_asyncio.fixture(loop_scope="module")
async def page(open_page):
    return await open_page()


async def be(page: Page, person: int) -> None:
    await page.locator(f"#people [data-person='{person}']").click()
    await expect(page.locator(f"#people [data-person='{person}']")).to_have_attribute("aria-selected", "true")


async def write(page: Page, words: str) -> None:
    await page.locator("#text").fill(words)
    await page.locator("#text").press("Enter")


def told(world: BotProcess, chat: int, html: str, **more) -> dict:
    """Put a message of the bot into a chat."""
    text, entities = formatted(html, "HTML", None, limit=4096)
    state = world.telegram.state
    content = {"text": text, "entities": entities} | more
    return state.add_message(state.chats[chat], state.bot, content).body


def message(page: Page, body: dict) -> Locator:
    return page.locator(f"#m{body['message_id']}")


# -- the main job ------------------------------------------------------------------------------------


async def test_words_become_a_video_that_plays_after_a_status_that_changes(world, page):
    world.kling.behaviour.render_seconds = 2.5
    await write(page, "/video a fox in the snow")
    status = page.locator(".row:not(.mine)", has_text="working on it")
    await expect(status.locator(".meta")).to_contain_text("edited", timeout=15_000)
    video = page.locator(".row", has_text="a fox in the snow").locator("video")
    await expect(video).to_be_visible(timeout=20_000)
    assert await video.evaluate(PLAYS)
    await expect(status).to_have_count(0)


async def test_a_photo_becomes_a_video_that_plays(page):
    await be(page, XIAOLIN)
    await page.locator("#file").set_input_files(PHOTO)
    await expect(page.locator(".chip img")).to_be_visible()
    await write(page, "让小船航行")
    await expect(page.locator(".mine img.media")).to_be_visible()
    video = page.locator(".row:not(.mine)", has_text="让小船航行").locator("video")
    await expect(video).to_be_visible(timeout=20_000)
    assert await video.evaluate(PLAYS)


async def test_a_pasted_photo_without_words_is_asked_about_and_a_button_makes_the_video(page):
    await be(page, BOSS)
    await page.locator("#text").evaluate(
        """(box, data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "boat.jpg", { type: "image/jpeg" }));
            box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, cancelable: true }));
        }""",
        base64.b64encode(PHOTO["buffer"]).decode(),
    )
    await page.locator("#go").click()
    await page.locator(".keys button", has_text="Generate").click()
    await expect(page.locator("video")).to_be_visible(timeout=20_000)


# -- who one is --------------------------------------------------------------------------------------


async def test_everybody_has_chats_of_their_own_and_unread_marks(world, page):
    await be(page, BOSS)
    told(world, ADA, "for Ada")
    badge = page.locator(f"#people [data-person='{ADA}'] .badge")
    await expect(badge).to_have_text("1")
    await be(page, ADA)
    await expect(page.locator(".row", has_text="for Ada")).to_be_visible()
    await expect(badge).to_be_hidden()
    told(world, GROUP, "for all")
    chat = page.locator(f"#chats [data-chat='{GROUP}']")
    await expect(chat.locator(".badge")).to_have_text("1")
    await chat.click()
    await expect(page.locator(".row .who")).to_have_text("Kling videos")
    await expect(chat.locator(".badge")).to_be_hidden()


async def test_the_bot_speaks_the_language_of_who_writes(page):
    await be(page, XIAOLIN)
    await write(page, "/start")
    await expect(page.locator(".row:not(.mine)", has_text="你好").first).to_be_visible()


async def test_the_menu_shows_the_commands_of_the_person_and_completes_them(page):
    commands = page.locator("#menu button b")
    await page.locator("#slash").click()
    await expect(commands.filter(has_text="/video")).to_be_visible()
    await expect(commands.filter(has_text="/grant")).to_have_count(0)
    await page.locator("#text").fill("/ta")
    await expect(commands).to_have_text(["/tasks"])
    await page.locator("#text").press("Tab")
    await expect(page.locator("#text")).to_have_value("/tasks ")
    await be(page, BOSS)
    await expect(page.locator("#text")).to_have_value("")
    await page.locator("#text").fill("/gran")
    await expect(commands).to_have_text(["/grant"])
    await page.locator("#text").fill("/hel")
    await page.locator("#text").press("ArrowDown")
    await page.locator("#text").press("Enter")
    await expect(page.locator(".mine", has_text="/help").last).to_be_visible()


# -- messages ----------------------------------------------------------------------------------------


async def test_every_entity_looks_like_what_it_is(world, page):
    lines = "\n".join(["line"] * 8)
    body = told(
        world,
        ADA,
        "<b>b</b> <i>i</i> <s>s</s> <code>c</code> <tg-spoiler>secret</tg-spoiler> "
        '<a href="https://a.example/">l</a><pre><code class="language-py">print()</code></pre>'
        f"<blockquote expandable>{lines}</blockquote>/help",
    )
    row = message(page, body)
    for tag, words in {"b": "b", "i": "i", "s": "s", "code": "c", "pre": "print()"}.items():
        await expect(row.locator(f".words {tag}")).to_have_text(words)
    await expect(row.locator("a.text_link")).to_have_attribute("href", "https://a.example/")
    await expect(row.locator(".pre-head span")).to_have_text("py")
    spoiler = row.locator(".spoiler")
    await spoiler.click()
    await expect(spoiler).to_have_class(re.compile("open"))
    quote = row.locator("blockquote")
    await expect(quote).to_have_class(re.compile("long"))
    closed = await quote.evaluate("node => node.clientHeight")
    await quote.click(position={"x": 5, "y": 5})
    assert await quote.evaluate("node => node.clientHeight") > closed


async def test_a_press_that_a_message_comes_between_is_one_still(world, page):
    boss = page.locator(f"#people [data-person='{BOSS}']")
    await boss.hover()
    await page.mouse.down()
    told(world, BOSS, "a word in between")
    await expect(boss.locator(".badge")).to_be_visible()
    await page.mouse.up()
    await expect(boss).to_have_attribute("aria-selected", "true")


async def test_an_album_is_a_grid_and_an_own_message_is_answered_and_edited(world, page):
    await page.locator("#file").set_input_files([PHOTO] * 3)
    await write(page, "three boats")
    await expect(page.locator(".mine .grid.n3 img")).to_have_count(3)
    said = await world.telegram.say(BOSS, "frist")
    await be(page, BOSS)
    own = message(page, said)
    await own.locator(".bubble").click(button="right")
    await page.locator("#context button", has_text="Edit").click()
    await expect(page.locator("#text")).to_have_value("frist")
    await write(page, "first")
    await expect(own.locator(".meta")).to_contain_text("edited")
    await own.locator(".bubble").click(button="right")
    await page.locator("#context button", has_text="Reply").click()
    await write(page, "and second")
    await expect(page.locator(".mine", has_text="and second").locator(".quote")).to_contain_text("first")
    await own.locator(".bubble").click(button="right")
    await page.locator("#context .emoji button").first.click()
    await expect(own.locator(".reactions")).to_have_text("👍")


async def test_buttons_have_styles_and_their_answers_are_shown(world, page):
    keys = [
        {"text": "Stop", "callback_data": "1:forged", "style": "danger"},
        {"text": "Copy", "copy_text": {"text": "/video a fox"}},
        {"text": "Site", "url": "https://a.example/"},
    ]
    row = message(page, told(world, ADA, "choose", reply_markup={"inline_keyboard": [keys[:1], keys[1:]]}))
    await expect(row.locator(".keys button.danger")).to_have_text("Stop")
    await row.locator(".keys button", has_text="Stop").click()
    await expect(page.locator("#toast, #alert").filter(has_text="out of date")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await row.locator(".keys button", has_text="Copy").click()
    await expect(page.locator("#toast")).to_have_text("Copied")
    assert await page.evaluate("() => navigator.clipboard.readText()") == "/video a fox"


# -- the page itself ---------------------------------------------------------------------------------


async def test_the_control_panel_turns_klings_behaviour(world, page):
    behaviour = world.kling.behaviour
    try:
        await page.locator("#k-failure_rate").fill("1")
        await expect(page.locator("#o-failure_rate")).to_have_text("100 %")
        await page.locator("#k-render_seconds").fill("3")
        await expect(page.locator("#o-render_seconds")).to_have_text("3 s")
        for knob in ("throttle", "lose_answers"):
            async with page.expect_response("**/demo/api/kling"):
                await page.locator(f"#k-{knob}").check()
        turned = (
            behaviour.failure_rate,
            behaviour.throttle,
            behaviour.lose_answers,
            behaviour.render_seconds,
        )
        assert turned == (1.0, True, True, 3.0)
    finally:
        assert behaviour.turn({"failure_rate": 0, "throttle": False, "lose_answers": False}) is None


async def test_it_says_that_it_is_a_demo_in_two_languages(page):
    await expect(page.locator("#plain")).to_contain_text("no real Telegram, no real Kling")
    await page.locator("#tongue").click()
    await expect(page.locator("#plain")).to_contain_text("这是本机上的演示")
    await expect(page.locator("main > header .tag")).to_have_text("演示")


async def test_it_is_dark_where_the_system_is_and_the_button_changes_it(open_page):
    page = await open_page(color_scheme="dark")

    async def brightness() -> int:
        colour = await page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3])

    assert await brightness() < 200
    await page.locator("#theme").click()
    assert await brightness() > 700


async def test_a_phone_shows_the_chat_or_the_list_and_nothing_runs_over(open_page):
    page = await open_page(viewport={"width": 390, "height": 844}, has_touch=True)
    await expect(page.locator("#side")).to_be_hidden()
    assert await page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert await page.locator("#chat").evaluate("chat => chat.scrollWidth <= chat.clientWidth")
    await page.locator("#back").click()
    await expect(page.locator("#panel")).to_be_visible()
    await page.locator(f"#chats [data-chat='{GROUP}']").click()
    await expect(page.locator("#title")).to_have_text("Film club")
