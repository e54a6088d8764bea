"""A person's own video in the real process: kept through kills, handed to Kling afterwards, and gone in the end."""

from pathlib import Path
from urllib.parse import urlsplit

from tests.world.media import a_clip
from tests.world.process import BotProcess
from tests.world.proxy import behind_a_proxy
from tests.world.telegram import ADA

MODELS = '["kling-v3-omni"]'


def kept(world: BotProcess) -> list[Path]:
    return sorted((world.directory / "work" / "videos").glob("*"))


async def test_a_video_survives_a_kill_and_is_fetched_by_kling_afterwards(world):
    async with behind_a_proxy(world, models=MODELS, daily=2000) as proxy:
        # Kling takes nothing, so that the task waits in line with its video.
        world.kling.behaviour.refuse.extend([5001] * 3)
        await world.telegram.send_film(ADA, a_clip(), caption="/edit make it night")
        await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks") and kept(world))
        await world.kill()
        (file,) = kept(world)
        assert file.read_bytes() == a_clip()
        stray = file.with_name("0" * 64 + ".mp4")
        stray.write_bytes(b"left by a crash")
        half = world.directory / "work" / "video-half"
        half.mkdir()
        (half / "video").write_bytes(b"left by a crash")
        await world.start()
        await world.telegram.wait_video(ADA)
        await world.ended()
        assert kept(world) == [file]
        assert not half.exists()
        order = [
            request.body["video_list"][0]["video_url"]
            for request in world.kling.requests
            if (request.method, request.path) == ("POST", "/v1/videos/omni-video")
        ][-1]
        assert (urlsplit(order).path, 200) in proxy.answers
        assert not any(order in line for line in world.output)
