import re
import tomllib
from base64 import b64encode
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from bot.errors import ConfigError
from bot.kling.provider import PriceTables
from bot.masking import Mask
from bot.network import Network
from bot.settings.config import Settings, load
from bot.settings.places import did_you_mean, keys_at, lines_of, secrets_of
from bot.settings.sources import of_kubernetes, variables

ROOT = Path(__file__).parent.parent.parent.parent
EXAMPLE = ROOT / "config.example.toml"

GOOD = """
[telegram]
token = "123456:a-token-for-tests"

[[providers]]
name = "official"
base_url = "https://api-singapore.klingai.com"
key = "access|secret-of-tests"
models = ["kling-v2-6"]
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def problems(path: Path | None, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    return caught.value.problems


def keys_of(model: type[BaseModel]) -> list[tuple[str, ...]]:
    """Every key of the settings, whether it stands in a section, a list of tables or a table of tables."""
    found: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        inner = [
            part
            for part in (field.annotation, *get_args(field.annotation))
            if isinstance(part, type) and issubclass(part, BaseModel)
        ]
        # The columns of prices are those of the catalog.
        if inner and inner[0] is not PriceTables:
            found += [(name, *rest) for rest in keys_of(inner[0])]
        else:
            found.append((name,))
    return found


# -- what is read ------------------------------------------------------------------------------------


def test_the_example_is_a_settings_file_that_works():
    settings = load(EXAMPLE, {})
    assert settings.providers[0].name == "official"


def test_the_example_shows_every_key():
    example = tomllib.loads(EXAMPLE.read_text("utf-8"))

    def stands_there(place: tuple[str, ...]) -> bool:
        found = example
        for part in place:
            if isinstance(found, list):
                found = found[0]
            if place[0] == "plans" and part == place[-1]:
                found = found["free"]
            if part not in found:
                return False
            found = found[part]
        return True

    assert [place for place in keys_of(Settings) if not stands_there(place)] == []


def test_the_example_shows_the_defaults(written):
    shown, least = load(EXAMPLE, {}), load(written(GOOD), {})
    for section in ("store", "storage", "polling", "quota", "models", "logging", "web"):
        assert getattr(shown, section) == getattr(least, section), section
    assert shown.max_upload_bytes == least.max_upload_bytes
    assert shown.plans["free"] == least.plans["free"]


def test_the_example_tells_of_every_secret_file():
    text = EXAMPLE.read_text("utf-8")
    assert [key for _, key in secrets_of(Settings) if f"{key}_file" not in text] == []


def test_a_byte_order_mark_does_no_harm(written):
    assert load(written("\ufeff" + GOOD), {}).polling.retries == 4


def test_the_environment_goes_over_the_file(written):
    settings = load(
        written(GOOD),
        {
            "KLINGBOT_POLLING__TIMEOUT": "60",
            "KLINGBOT_TELEGRAM__ADMINS": "[1, 2]",
            "KLINGBOT_PROVIDERS__0__PRIORITY": "7",
            "KLINGBOT_TELEGRAM__LOCAL_MODE": "true",
            "OTHER": "x",
        },
    )
    assert settings.polling.timeout == 60
    assert settings.telegram.admins == (1, 2)
    assert settings.providers[0].priority == 7
    assert settings.max_upload_bytes == 2_000_000_000


def test_the_environment_alone_is_enough():
    settings = load(
        None,
        {
            "KLINGBOT_TELEGRAM__TOKEN": "123456:a-token-for-tests",
            "KLINGBOT_PROVIDERS__0__NAME": "gateway",
            "KLINGBOT_PROVIDERS__0__BASE_URL": "https://gateway.example",
            "KLINGBOT_PROVIDERS__0__KEY": "sk-of-tests",
            "KLINGBOT_PROVIDERS__0__MODELS": '["kling-v2-6"]',
        },
    )
    assert settings.providers[0].models == ("kling-v2-6",)


def test_secrets_come_out_of_files_beside_the_settings(written, tmp_path):
    (tmp_path / "token").write_text("123456:from-a-file\n")
    (tmp_path / "key").write_text("access|from-a-file\n")
    text = GOOD.replace('token = "123456:a-token-for-tests"', 'token_file = "token"')
    settings = load(written(text.replace('key = "access|secret-of-tests"', 'key_file = "key"')), {})
    assert settings.telegram.token.get_secret_value() == "123456:from-a-file"
    assert settings.providers[0].key.get_secret_value() == "access|from-a-file"


def test_a_secret_file_named_by_the_environment_goes_over_the_file(written, tmp_path):
    (tmp_path / "token").write_text("123456:from-a-file")
    settings = load(written(GOOD), {"KLINGBOT_TELEGRAM__TOKEN_FILE": str(tmp_path / "token")})
    assert settings.telegram.token.get_secret_value() == "123456:from-a-file"


# -- what is refused ---------------------------------------------------------------------------------


def test_every_problem_is_told_at_once_with_its_key_and_what_is_allowed(written):
    path = written(
        """
colour = "red"
[telegram]
token = "not-a-token"
admins = 5
[[providers]]
name = "Official!"
base_url = "http://gateway.example"
key = "a key with spaces"
models = []
auth = "basic"
[[providers]]
name = "twice"
base_url = "https://gateway.example"
key = "sk-tests"
auth = "jwt"
models = ["kling-v2-6"]
[[providers]]
name = "twice"
base_url = "https://gateway.example:99999"
key = "sk-tests"
models = "kling-v2-6"
[store]
url = "mysql://somewhere"
[polling]
min_interval = 20
max_interval = 10
retries = "many"
[quota]
timezone = "Mars/Olympus"
default_plan = "gold"
[models]
default = "kling-v9"
"""
    )
    told = problems(path)
    for start, words in {
        "colour": "there is no such key",
        "telegram.token": "123456789:AA",
        "telegram.admins": "must be a list",
        "providers[0].name": "[a-z0-9_-]",
        "providers[0].base_url": "must begin with https://",
        "providers[0].key": "access_key|secret_key",
        "providers[0].models": "at least one",
        "providers[0].auth": "'jwt', 'bearer' or 'raw'",
        "providers[1].auth": "access_key|secret_key",
        "providers[2].name": "once only",
        "providers[2].base_url": "port",
        "providers[2].models": "must be a list",
        "store.url": "sqlite:///",
        "polling.max_interval": "min_interval",
        "polling.retries": "whole number",
        "quota.timezone": "Europe/Berlin",
        "quota.default_plan": "free",
        "models.default": "kling-v2-6",
    }.items():
        (line,) = [line for line in told if line.startswith(f"{start} (")]
        assert words in line, line
        # The line that it stands on is told, and is the right one.
        where = re.match(rf"{re.escape(start)} \({re.escape(str(path))}, line (\d+)\): ", line)
        assert where, line
        assert (
            path.read_text("utf-8").splitlines()[int(where[1]) - 1].startswith(re.split(r"[.\]]", start)[-1])
        )
    assert len(told) == 18


@pytest.mark.parametrize("place", sorted(set(lines_of(EXAMPLE.read_text("utf-8")))))
def test_every_key_of_the_example_is_found_on_its_line_and_known_when_it_is_mistyped(place):
    text = EXAMPLE.read_text("utf-8")
    line = text.splitlines()[lines_of(text)[place] - 1]
    names = [part for part in place if not part.isdigit()]
    assert names[-1] in line
    allowed = keys_at(Settings, place[:-1])
    if allowed and not place[-1].isdigit():
        assert did_you_mean(f"{place[-1]}s", allowed) == f"; did you mean {place[-1]}?"


def test_lines_are_told_also_of_values_over_several_lines_and_of_every_kind_of_key():
    text = """# telegram = 1
title = '''
[not.a.table]
'''
"a.b" = [
  { inner = 1 }, # ]
  "[[x]]",
]
c.d = {e = "}"}
[[list]]
one = 1
[list.table]
two = 2
[[list]]
one = "# no comment ["
three = 3
"""
    assert lines_of(text) == {
        ("title",): 2,
        ("a.b",): 5,
        ("c",): 9,
        ("c", "d"): 9,
        ("list", "0"): 10,
        ("list", "0", "one"): 11,
        ("list", "0", "table"): 12,
        ("list", "0", "table", "two"): 13,
        ("list", "1"): 14,
        ("list", "1", "one"): 15,
        ("list", "1", "three"): 16,
    }


def test_a_value_that_is_nearly_right_is_suggested_and_no_secret_is(written):
    text = GOOD.replace(
        'name = "official"', 'name = "official"\ndialect = "oficial"\ntokenn = "sk-nobody-sees-it"'
    )
    told = problems(written(text), {"KLINGBOT_LOGGING__LEVEL": "WARNIG"})
    assert any("; did you mean official?" in line for line in told)
    assert any("; did you mean WARNING?" in line for line in told)
    assert not any("sk-nobody" in line or "oficial" in line.replace("official", "") for line in told)


def test_every_secret_can_be_a_file_named_by_the_environment(written, tmp_path):
    environ = {}
    proxies = dict.fromkeys(("proxy", "http_proxy", "hook_proxy"), "socks5://ada:from-a-file@proxy.example")
    values = {
        "token": "123456:from-a-file",
        "webhook_secret": "whsec_" + "c2VjcmV0" * 4,
        "sentry_dsn": "https://from-a-file@sentry.example.org/1",
        **proxies,
    }
    for section, key in secrets_of(Settings):
        (tmp_path / f"{section}-{key}").write_text(values.get(key, f"{section}-{key}-from-a-file") + "\n")
        number = "__0" if section == "providers" else ""
        environ[f"KLINGBOT_{section}{number}__{key}_FILE".upper()] = str(tmp_path / f"{section}-{key}")
    settings = load(written(GOOD), environ)
    assert len(environ) >= 5
    for section, key in secrets_of(Settings):
        found = getattr(settings, section)
        value = getattr(found[0] if section == "providers" else found, key).get_secret_value()
        assert value == values.get(key, f"{section}-{key}-from-a-file")


def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_setting(written):
    environ = {
        "KLINGBOT_SERVICE_HOST": "10.0.0.1",
        "KLINGBOT_SERVICE_PORT": "8080",
        "KLINGBOT_SERVICE_PORT_HTTP": "8080",
        "KLINGBOT_PORT": "tcp://10.0.0.1:8080",
        "KLINGBOT_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "KLINGBOT_PORT_8080_TCP_PROTO": "tcp",
        "KLINGBOT_PORT_8080_TCP_PORT": "8080",
        "KLINGBOT_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert load(written(GOOD), environ).telegram == load(written(GOOD), {}).telegram
    assert of_kubernetes(environ) == sorted(environ)
    assert variables(environ) == []


def test_a_problem_names_the_variable_or_the_file_that_the_value_came_from(written, tmp_path):
    (tmp_path / "key").write_text("a key with spaces")
    told = problems(
        written(GOOD),
        {
            "KLINGBOT_POLLING__RETRIES": "many",
            "KLINGBOT_TELEGRAM__ADMINS": "[1, 2",
            "KLINGBOT_PROVIDERS__0__KEY_FILE": "key",
        },
    )
    assert told == (
        "telegram.admins (environment variable KLINGBOT_TELEGRAM__ADMINS): must be JSON",
        f"providers[0].key (secret file {tmp_path / 'key'}): must be access_key|secret_key or an API key, without spaces",
        "polling.retries (environment variable KLINGBOT_POLLING__RETRIES): must be a whole number",
    )


def test_nothing_at_all_is_told_as_what_is_missing():
    assert problems(None) == (
        "telegram.token: is missing in the environment (or set KLINGBOT_TELEGRAM__TOKEN)",
        "providers: is missing in the environment; at least one is needed (or set KLINGBOT_PROVIDERS__0__NAME …)",
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"[telegram", "is not TOML"), (b"\xff\xfe", "not UTF-8"), (None, "klingbot init")],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content, words):
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    (line,) = problems(path)
    assert line.startswith(str(path))
    assert words in line


def test_a_secret_file_that_is_not_there_is_one_problem(written):
    (line,) = problems(written(GOOD), {"KLINGBOT_TELEGRAM__TOKEN_FILE": "nowhere"})
    assert line.startswith("telegram.token_file (environment variable KLINGBOT_TELEGRAM__TOKEN_FILE): ")
    assert line.endswith("No such file or directory")


@pytest.mark.parametrize(
    "variable",
    [
        "KLINGBOT_PROVIDERS__7__KEY",
        "KLINGBOT_PROVIDERS__FIRST__KEY",
        "KLINGBOT_TELEGRAM__TOKEN__X__Y",
        "KLINGBOT_",
        "KLINGBOT_COLOUR",
    ],
)
def test_a_variable_that_leads_nowhere_is_named(written, variable):
    (line,) = problems(written(GOOD), {variable: "x"})
    assert variable in line


def test_sections_of_the_wrong_kind_are_told_also_under_variables():
    told = problems(
        None, {"KLINGBOT_TELEGRAM": "x", "KLINGBOT_PROVIDERS": "y", "KLINGBOT_PROVIDERS__0__KEY": "z"}
    )
    assert any(line.startswith("telegram (") and line.endswith("must be a table") for line in told)
    assert any(line.startswith("providers (") and "must be a list" in line for line in told)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8081", "http://localhost:8081", "http://[::1]:8081", "http://telegram-api:8081"]
)
def test_plain_http_is_for_this_machine_and_private_networks(written, url):
    settings = load(written(GOOD), {"KLINGBOT_PROVIDERS__0__BASE_URL": url})
    assert settings.providers[0].base_url == url


@pytest.mark.parametrize(
    "url", ["http://93.184.216.34", "ftp://gateway.example", "gateway", "https://a:b@c.example"]
)
def test_other_addresses_are_refused(written, url):
    (line,) = problems(written(GOOD), {"KLINGBOT_PROVIDERS__0__BASE_URL": url})
    assert line.startswith(
        "providers[0].base_url (environment variable KLINGBOT_PROVIDERS__0__BASE_URL): must"
    )


# -- secrets -----------------------------------------------------------------------------------------


def test_secrets_print_as_stars(written):
    # "access" is a word that stands in the settings anyway.
    text = GOOD.replace("access|", "the-public-half|")
    settings = load(written(text), {"KLINGBOT_PROVIDERS__0__WEBHOOK_SECRET": "whsec_b2YtdGVzdHM="})
    for shown in (repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()):
        assert "***" in shown
        for secret in settings.secrets():
            assert secret not in shown


def test_a_problem_never_shows_a_secret(written):
    secrets = ("123456 a-secret", "a secret|key", "a-secret-number-47110815")
    text = GOOD.replace("123456:a-token-for-tests", secrets[0]).replace("access|secret-of-tests", secrets[1])
    told = "\n".join(
        problems(
            written(text),
            {
                "KLINGBOT_PROVIDERS__0__AUTH": "jwt",
                "KLINGBOT_PROVIDERS__0__WEBHOOK_SECRET": f'["{secrets[2]}"]',
            },
        )
    )
    assert all(key in told for key in ("telegram.token", "providers[0].key", "providers[0].webhook_secret"))
    assert [secret for secret in secrets if secret in told] == []


def test_both_halves_of_a_pair_and_of_the_token_are_secrets(written):
    secrets = load(written(GOOD), {}).secrets()
    assert {
        "123456:a-token-for-tests",
        "a-token-for-tests",
        "access|secret-of-tests",
        "secret-of-tests",
    } <= set(secrets)
    assert "" not in secrets


# -- proxies -----------------------------------------------------------------------------------------

EVERYWHERE = {
    "KLINGBOT_NETWORK__PROXY": "socks5h://ada:s%40cret-1@all.example",
    "KLINGBOT_TELEGRAM__PROXY": "http://bob:s%40cret-2@tg.example:3128",
    "KLINGBOT_PROVIDERS__0__PROXY": "direct",
    "KLINGBOT_MODERATION__HOOK_PROXY": "https://:s%40cret-3@hook.example",
}


def test_each_part_has_a_proxy_of_its_own_or_none_or_the_one_for_everything(written):
    settings = load(written(GOOD), EVERYWHERE)
    network = Network(proxies=settings.network.proxies)
    assert {key: str(network.proxies_for(each)) for key, each in settings.proxy_settings.items()} == {
        "network.proxy": "socks5h://***@all.example:1080",
        "network.http_proxy": "socks5h://***@all.example:1080",
        "telegram.proxy": "http://***@tg.example:3128",
        "delivery.proxy": "socks5h://***@all.example:1080",
        "assistant.proxy": "socks5h://***@all.example:1080",
        "moderation.hook_proxy": "https://***@hook.example:443",
        "providers.official.proxy": "direct",
    }


def test_the_login_of_a_proxy_is_a_secret_that_no_server_is_told(written):
    settings = load(written(GOOD), EVERYWHERE)
    for secret in ("s@cret-1", "ada:s@cret-1", "s@cret-2", "s@cret-3"):
        assert secret in settings.secrets()
        assert secret not in settings.told_secrets()
    mask = Mask(settings.secrets())
    for value in EVERYWHERE.values():
        assert "cret-" not in repr(settings) + settings.model_dump_json() + mask(f"through {value}")
    # As it goes over the wire.
    assert mask(f"Basic {b64encode(b'ada:s@cret-1').decode()}") == "Basic ***"


@pytest.mark.parametrize(
    "value", ["socks4://p", "socks5://u:hidden-words@p:99999", "http://u:hidden-words@p/x"]
)
def test_what_is_no_proxy_is_told_with_its_place_and_never_quoted(written, value):
    (told,) = problems(written(GOOD + f'\n[assistant]\nproxy = "{value}"\n'))
    assert re.match(r"assistant\.proxy \(.*config\.toml, line \d+\): must ", told)
    assert "hidden" not in told


def test_the_usual_variables_name_the_proxy_for_everything(written):
    environ = {
        "ALL_PROXY": "socks5://ada:s3cret@all.example",
        "HTTP_PROXY": "plain.example:3128",
        "NO_PROXY": "lan, .x",
    }
    network = load(written(GOOD), environ).network
    assert str(network.proxies) == "socks5://***@all.example:1080 (http: http://plain.example:3128)"
    assert network.proxies.find("https", "a.x") is None
    (told,) = problems(
        written(GOOD), {"ALL_PROXY": "socks4://ada:s3cret@all.example", "HTTP_PROXY": "http://p"}
    )
    assert told.startswith("network.proxy (environment variable ALL_PROXY): must begin with http://")


@pytest.mark.parametrize("said", ['proxy = "direct"', 'http_proxy = "http://own.example"'])
def test_what_the_settings_say_of_proxies_comes_before_the_usual_variables(written, said):
    environ = {"ALL_PROXY": "socks4://never-read", "NO_PROXY": "*"}
    network = load(written(f"{GOOD}\n[network]\n{said}\n"), environ).network
    assert "never" not in str(network.proxies)
    assert network.no_proxy == ()


# -- models and dialects -----------------------------------------------------------------------------


def test_operators_add_models_to_the_catalog(written):
    settings = load(
        written(GOOD + '\n[catalog.models.kling-v9]\noperations = ["text2video"]\nrate = { std = 4 }\n'), {}
    )
    assert settings.catalog.models["kling-v9"]["rate"] == {"std": 4}


def test_a_row_of_the_catalog_that_is_wrong_is_told_with_its_column(written):
    rows = "\n[catalog.models.kling-v2-6]\nvelocity = 9\n\n[catalog.models.kling-v2-1]\nduration = [5]\n"
    path = written(GOOD + rows + "\n[catalog.images.kling-v2-1]\nresolutions = 1\n")
    assert problems(path) == (
        f"catalog.models.kling-v2-6.velocity ({path}, line 12): there is no such key",
        f"catalog.models.kling-v2-1.duration ({path}, line 15): there is no such key; did you mean durations?",
        f"catalog.images.kling-v2-1.resolutions ({path}, line 18): must be a list, such as [1, 2]",
    )


def test_the_newer_standard_takes_no_pair_of_keys(written):
    text = GOOD.replace('name = "official"', 'name = "official"\ndialect = "unified"')
    text = re.sub(r'key = ".*"', 'key = "access|secret"', text)
    (problem,) = problems(written(text))
    assert "API key" in problem


def test_a_provider_may_name_models_and_paths_its_own_way(written):
    more = 'operations = ["effects"]\nmodel_names = { effects = "kling_effects" }\npaths = { effects = "/v1/fx" }'
    provider = load(written(GOOD.replace('name = "official"', f'name = "official"\n{more}')), {}).providers[0]
    assert (provider.operations, provider.model_names, provider.paths) == (
        ("effects",),
        {"effects": "kling_effects"},
        {"effects": "/v1/fx"},
    )


# -- the assistant and ideas -------------------------------------------------------------------------


def test_the_key_of_the_assistant_comes_out_of_a_file_and_is_a_secret(written, tmp_path):
    (tmp_path / "thinks").write_text("sk-thinks\n", "utf-8")
    assistant = '[assistant]\nbase_url = "https://ai.example/v1"\nmodel = "small"\nkey_file = "thinks"\n'
    settings = load(written(GOOD + assistant), {})
    assert settings.assistant.key.get_secret_value() == "sk-thinks"
    assert "sk-thinks" in settings.secrets()
    assert "sk-thinks" not in repr(settings)


def test_an_assistant_and_ideas_that_cannot_work_are_told(written):
    told = problems(
        written(
            GOOD
            + """
[assistant]
base_url = "https://ai.example/v1"
[[ideas]]
name = "Fox"
sample = "samples/nothing-here.mp4"
[[ideas]]
name = "Boat"
sample = "http://example.com/boat.mp4"
"""
        )
    )
    for start, words in {
        "assistant": "must name a model",
        "ideas[0].sample": "no such file",
        "ideas[1].sample": "https://",
    }.items():
        assert any(line.startswith(start) and words in line for line in told), (start, told)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("kling-v26", "kling-v26 is no model that is known; did you mean kling-v2-6?"),
        ("Kling-V2-6", "did you mean kling-v2-6?"),
        ("veo", "veo is no model that is known (a new one needs [catalog.models.veo])"),
        ("kling-image-o1", "kling-image-o1 is an image model"),
    ],
)
def test_a_model_that_is_in_no_catalog_is_a_mistake(written, model, words):
    path = written(GOOD.replace('["kling-v2-6"]', f'["kling-v2-6", "{model}"]'))
    (line,) = problems(path)
    assert line.startswith(f"providers[0].models[1] ({path}, line 9): ")
    assert words in line


@pytest.mark.parametrize(
    "row",
    [
        '[catalog.models.veo]\noperations = ["text2video"]',
        "[providers.catalog.models.veo]",
        '[catalog.models."*"]\ndurations = [5]',
    ],
)
def test_a_model_that_the_settings_describe_is_none(written, row):
    path = written(GOOD.replace('"kling-v2-6"', '"veo"') + row)
    assert load(path, {}).providers[0].models == ("veo",)
