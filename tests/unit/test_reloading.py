"""Which accounts are still asked after the settings were read again: each that is gone, once."""

from dataclasses import dataclass, field

from bot.reloading import Reloading
from bot.settings.config import Settings, load

SETTINGS = """
[telegram]
token = "123456789:token-from-BotFather"

"""


@dataclass
class Files:
    """A settings file that is read again, written anew each time."""

    tmp_path: object
    reloading: Reloading | None = None
    logged: list[Settings] = field(default_factory=list)

    def read(self) -> Settings:
        """What the file says."""
        return load(self.tmp_path / "config.toml", {})

    def write(self, *providers: str) -> None:
        """Let the file name providers, each as `name key`, with `off` behind one that is disabled."""
        text = SETTINGS
        for provider in providers:
            name, key, *off = provider.split()
            text += (
                f'[[providers]]\nname = "{name}"\nkey = "{key}"\nmodels = ["kling-v2-6"]\n'
                f'base_url = "https://gateway.example/v1"\nenabled = {str(not off).lower()}\n\n'
            )
        (self.tmp_path / "config.toml").write_text(text)

    async def former(self, *providers: str) -> list[str]:
        """Read the file with these providers; the keys of the accounts of before, the newest first."""
        self.write(*providers)
        if self.reloading is None:
            log = lambda settings, secrets: self.logged.append(settings)  # noqa: E731
            self.reloading = Reloading(self.read(), self.read, log, self.tmp_path / "klingbot.db")
        else:
            assert await self.reloading.take_up()
        return [provider.key.get_secret_value() for provider in self.reloading.former]


async def test_each_account_that_is_gone_is_kept_once(tmp_path):
    files = Files(tmp_path)
    assert await files.former("a sk-1", "b sk-b") == []
    assert await files.former("a sk-2", "b sk-b") == ["sk-1"]
    assert await files.former("a sk-1", "b sk-b") == ["sk-2"]
    assert await files.former("a sk-3") == ["sk-1", "sk-b", "sk-2"]
    assert await files.former("a sk-3", "c sk-c") == ["sk-1", "sk-b", "sk-2"]
    assert await files.former("a sk-3", "b sk-b") == ["sk-c", "sk-1", "sk-2"]


async def test_what_is_disabled_stays_in_the_settings_and_is_no_former_account(tmp_path):
    files = Files(tmp_path)
    assert await files.former("a sk-1", "b sk-b") == []
    assert await files.former("a sk-1 off", "b sk-b") == []
    assert await files.former("a sk-1 off", "b sk-c") == ["sk-b"]
    assert await files.former("a sk-1 off", "b sk-d") == ["sk-c", "sk-b"]
