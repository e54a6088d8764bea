"""Pictures of the demo page through one whole conversation in each language, to be looked at by people.

    make screenshots      writes build/screenshots/<language>-<number>-<name>.png

The real bot answers, over the demo's Bot API; every step waits for what it is about to show.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from bot.demo.script import sample_picture
from tests.world.process import BotProcess, open_demo
from tests.world.telegram import ADA, BOSS, XIAOLIN

TARGET = Path(__file__).parent.parent / "build" / "screenshots"
BROWSERS = ("/usr/bin/chromium", "chromium-browser", "google-chrome")
DESK = {"width": 1180, "height": 860}
PHONE = {"width": 400, "height": 860}
MODELS = '["kling-v2-6", "kling-v2-5-turbo", "kling-v1-6", "kling-v3-omni"]'
VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Step:
    """What a person does, what the bot says then (or `VIDEO`), and the name of the picture.

    `do` begins with `+` for a button, with `*` for photos (their number, then a caption), and is text otherwise.
    """

    name: str
    do: str
    then: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person, on one kind of screen."""

    language: str
    person: int
    locale: str
    steps: Sequence[Step]


ENGLISH = Conversation(
    "en",
    ADA,
    "en-GB",
    (
        Step("start", "/start", "Hello"),
        Step("ideas", "/ideas", "Fox in the snow"),
        Step("idea-made", "+Make this", VIDEO),
        Step("video", "/video a paper boat drifts along a rain gutter 9:16", VIDEO),
        Step("photo", "*1", "What should happen"),
        Step("photo-words", "the boat sails away", "the boat sails away"),
        Step("photo-made", "+Generate", VIDEO),
        Step("two-photos", "*2", "First → last"),
        Step("try-on", "*1/tryon", "What should the person wear?"),
        Step("try-on-chosen", "+Elegant suit", "dark suit"),
        Step("wrong-option", "/video a fox --durration 10", "Did you mean --duration?"),
        Step("refused", "/video something forbidden", "content rules"),
        Step("failed", "/video [fail] a fox", "could not make this video"),
        Step("tips", "/tips", "A good prompt"),
        Step("camera", "+Camera words", "slow dolly in"),
        Step("template", "/templates", "no templates yet"),
        Step("settings", "/settings", "Your settings"),
        Step("history", "/history", "a paper boat"),
        Step("quota", "/quota", "credits"),
        Step("models", "/models", "kling-v2-6"),
        Step("help", "/help", "/video"),
    ),
)
CHINESE = Conversation(
    "zh",
    XIAOLIN,
    "zh-CN",
    (
        Step("start", "/start", "你好"),
        Step("ideas", "/ideas", "雪中的狐狸"),
        Step("idea-made", "+做这个", VIDEO),
        Step("video", "/video 一只纸船顺着雨水沟漂流 竖屏", VIDEO),
        Step("photo", "*1", "照片"),
        Step("photo-words", "小船缓缓驶向远方", "小船缓缓驶向远方"),
        Step("photo-made", "+生成", VIDEO),
        Step("two-photos", "*2", "两张"),
        Step("try-on", "*1/tryon", "想让照片里的人穿什么"),
        Step("try-on-chosen", "+正式西装", "穿上正式的西装"),
        Step("wrong-option", "/video 狐狸 --durration 10", "--duration"),
        Step("refused", "/video something forbidden", "内容"),
        Step("failed", "/video [fail] 狐狸", "未能生成"),
        Step("tips", "/tips", "好的提示词"),
        Step("camera", "+镜头用语", "镜头缓缓推近"),
        Step("template", "/templates", "还没有模板"),
        Step("settings", "/settings", "设置"),
        Step("history", "/history", "纸船"),
        Step("quota", "/quota", "积分"),
        Step("models", "/models", "kling-v2-6"),
        Step("help", "/help", "/video"),
    ),
)


SALES = """
[plans.pro]
daily_credits = 5000

[[packages]]
name = "small"
credits = 100
stars = 150

[[subscriptions]]
name = "pro"
plan = "pro"
credits = 300
stars = 500
"""
SHOP = Conversation(
    "shop",
    ADA,
    "en-GB",
    (
        Step("offers", "/buy", "Plan pro"),
        Step("subscribe", "+Plan pro", "Subscribe for"),
        Step("subscribed", "+Subscribe for", "is yours until"),
        Step("renews", "/buy", "renews on"),
        Step("ended", "+End the subscription", "does not renew"),
        Step("usage", "/usage", ""),
    ),
)
ADMIN = Conversation(
    "admin",
    BOSS,
    "en-GB",
    (
        Step("home", "/admin", "Your role"),
        Step("settings", "+Settings", "Changes apply immediately"),
        Step("plans", "+plans", "plans"),
        Step("plan", "+free", "plans.free"),
        Step("setting", "+daily_credits", "Configured"),
        Step("number", "+Change", "Send a whole number"),
        Step("wrong", "many", "Send a whole number"),
        Step("changed", "500", "Now: 500"),
        Step("tasks", "/admin", "Your role"),
        Step("people", "+People", "Ada"),
        Step("person", "+Ada", "@ada"),
        Step("audit", "/audit", "Log"),
        Step("stats", "/stats", ""),
        Step("providers", "/providers", "stand-in"),
    ),
)


class Photographer:
    """Plays conversations on the page and takes a picture after every step."""

    def __init__(self, world: BotProcess, browser: Browser, target: Path) -> None:
        self._world = world
        self._browser = browser
        self._target = target

    async def play(self, conversation: Conversation) -> None:
        """Play one conversation; the last picture is taken on a phone.

        Raises:
            TimeoutError: the bot did not say what a step waits for.

        """
        context = await self._browser.new_context(viewport=DESK, locale=conversation.locale)
        page = await context.new_page()
        await page.goto(self._world.telegram_url)
        await page.locator(f"#people [data-person='{conversation.person}']").click()
        videos = 0
        for number, step in enumerate(conversation.steps, 1):
            await self._act(page, step.do)
            if step.then == VIDEO:
                videos += 1
                await self._world.telegram.wait_video(conversation.person, videos)
                await expect(page.locator("#chat video")).to_have_count(videos)
            else:
                await self._wait_for(conversation.person, step.then)
            await self._take(page, f"{conversation.language}-{number:02}-{step.name}")
        await page.set_viewport_size(PHONE)
        # On a phone the list of chats lies above the chat until one is opened.
        await page.evaluate("document.body.classList.remove('listing')")
        await self._take(page, f"{conversation.language}-{len(conversation.steps) + 1:02}-phone")
        await context.close()

    async def _act(self, page: Page, do: str) -> None:
        if do.startswith("+"):
            await page.locator("#chat .keys button, #chat button").filter(has_text=do[1:]).last.click()
            return
        words = do
        if do.startswith("*"):
            photo = {"name": "boat.jpg", "mimeType": "image/jpeg", "buffer": sample_picture()}
            await page.locator("#file").set_input_files([photo] * int(do[1]))
            words = do[2:]
        await page.locator("#text").fill(words)
        await page.locator("#text").press("Enter")

    async def _wait_for(self, chat: int, words: str) -> None:
        """Wait until one of the newest messages says so, or one of their buttons."""

        def said() -> list[str]:
            newest = self._world.telegram.replies(chat)[-3:]
            labels = [
                button["text"]
                for message in newest
                for row in message.get("reply_markup", {}).get("inline_keyboard", [])
                for button in row
            ]
            return [*(message.get("text") or message.get("caption") or "" for message in newest), *labels]

        try:
            await self._world.telegram.wait_for(lambda: any(words in text for text in said()))
        except TimeoutError:
            raise TimeoutError(f"nobody says {words!r}, but: {said()[:3]}") from None

    async def _take(self, page: Page, name: str) -> None:
        # What the page does on the way, such as scrolling, is over within half a second.
        await page.wait_for_timeout(500)
        await page.screenshot(path=self._target / f"{name}.png")
        sys.stdout.write(f"{name}.png\n")


async def main() -> int:
    """Take every picture; 0, or 1 where there is no browser."""
    browser_path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser_path is None:
        sys.stderr.write(f"There is no browser here: none of {', '.join(BROWSERS)}.\n")
        return 1
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="klingbot-screenshots-") as name:
        async with (
            open_demo(Path(name), daily=1000, models=MODELS, extra=SALES) as world,
            async_playwright() as playwright,
        ):
            world.kling.behaviour.render_seconds = 1
            browser = await playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            photographer = Photographer(world, browser, TARGET)
            for conversation in (ENGLISH, CHINESE, SHOP, ADMIN):
                await photographer.play(conversation)
            await browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
