"""Who may import whom. The arrows are those of ARCHITECTURE.md."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path

import pytest
from telegram import Bot, Message

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("bot", "handlers")
    for path in (ROOT / package).rglob("*.py")
}
LAYERS = {
    # The innermost know nothing but the standard library, pydantic and each other.
    "bot.errors": (),
    "bot.clock": ("bot.domain.types",),
    "bot.domain": ("bot.domain", "bot.errors"),
    "bot.media": ("bot.media", "bot.errors"),
    "bot.i18n": ("bot.errors",),
    "bot.masking": (),
    "bot.log": ("bot.masking",),
    "bot.proxies": (),
    "bot.tunnels": ("bot.proxies",),
    "bot.network": ("bot.proxies", "bot.tunnels"),
    "bot.archives": ("bot.errors",),
    "bot.serving": (),
    # Declarations, and the port of those who measure.
    "bot.metrics": (),
    "bot.kling.wire": ("bot.domain",),
    "bot.kling.errors": ("bot.domain",),
    "bot.kling.dialects": ("bot.kling.dialects", "bot.kling.wire", "bot.kling.errors", "bot.domain"),
    "bot.kling.abilities": (
        "bot.kling.dialects",
        "bot.kling.wire",
        "bot.kling.errors",
        "bot.kling.provider",
        "bot.domain",
        "bot.clock",
    ),
    "bot.kling": (
        "bot.kling",
        "bot.domain",
        "bot.clock",
        "bot.errors",
        "bot.metrics",
        "bot.network",
        "bot.proxies",
    ),
    "bot.store": ("bot.store", "bot.domain", "bot.errors"),
    "bot.store.engine": ("bot.store.engine", "bot.domain", "bot.errors"),
    "bot.services": (
        "bot.services",
        "bot.domain",
        "bot.kling",
        "bot.store",
        "bot.media",
        "bot.archives",
        "bot.settings",
        "bot.clock",
        "bot.errors",
        "bot.i18n",
        "bot.metrics",
    ),
    "bot.services.container": (
        "bot.services",
        "bot.settings.config",
        "bot.settings.sections",
        "bot.store",
        "bot.domain.operations.business",
        "bot.domain.types",
        "bot.clock",
    ),
    # What happens by itself: `bot.app` hands over what the services have of Telegram.
    "bot.background": (
        "bot.clock",
        "bot.domain.people.access",
        "bot.domain.types",
        "bot.kling.callback",
        "bot.kling.pool",
        "bot.media.worker",
        "bot.metrics",
        "bot.scheduler",
        "bot.services",
        "bot.settings.config",
        "bot.store",
        "bot.web",
    ),
    "bot.web": ("bot.clock", "bot.domain", "bot.errors", "bot.kling.callback", "bot.serving"),
    "bot.monitoring.export": ("bot.errors", "bot.masking", "bot.metrics", "bot.proxies"),
    "bot.monitoring": (
        "bot.clock",
        "bot.domain.types",
        "bot.monitoring",
        "bot.metrics",
        "bot.services.operations.vitals",
        "bot.store",
        "bot.web",
    ),
    # The shell asks the services, as the handlers do; only its desk knows the settings and the store.
    "bot.cli": ("bot.cli", "bot.services", "bot.domain", "bot.errors", "bot.i18n"),
    "bot.cli.catalog_table": ("bot.domain", "bot.i18n"),
    "bot.cli.init": (
        "bot.cli.checks",
        "bot.clock",
        "bot.domain.requests.catalog",
        "bot.domain.types",
        "bot.i18n",
        "bot.kling.provider",
        "bot.network",
        "bot.proxies",
        "bot.settings",
    ),
    # The settings of a running process are read by it, and asked for by a shell.
    "bot.reloading": ("bot.errors", "bot.kling.provider", "bot.settings"),
    "bot.cli.reload": ("bot.reloading", "bot.store"),
    "bot.cli.proxies": ("bot.network", "bot.proxies", "bot.settings"),
    # What depends on servers and on the machine is looked at from outside, beside the bot.
    "bot.cli.checks": (
        "bot.cli.availability",
        "bot.cli.checks",
        "bot.cli.health",
        "bot.cli.proxies",
        "bot.proxies",
        "bot.domain",
        "bot.settings",
        "bot.services.added_providers",
        "bot.services.container",
        "bot.clock",
        "bot.masking",
        "bot.media.charts",
        "bot.network",
        "bot.store",
        "bot.kling",
        "bot.errors",
    ),
    # Copies are files: no service works with them.
    "bot.cli.backup": (
        "bot.archives",
        "bot.domain.types",
        "bot.errors",
        "bot.services.requests.videos",
        "bot.settings.config",
        "bot.store",
    ),
    "bot.cli.context": (
        "bot.cli.reload",
        "bot.settings.config",
        "bot.log",
        "bot.kling.pool",
        "bot.kling.trial",
        "bot.masking",
        "bot.network",
        "bot.services.container",
        "bot.store",
        "bot.services",
        "bot.domain",
        "bot.clock",
        "bot.errors",
        "bot.i18n",
    ),
    # An independent reading of the wire facts: sharing code with the client would share its mistakes.
    "bot.demo": ("bot.demo", "bot.app", "bot.serving", "bot.settings.config", "bot.log"),
    "handlers": (
        "handlers",
        "bot.services",
        "bot.domain",
        "bot.clock",
        "bot.errors",
        "bot.i18n",
        "bot.metrics",
        "bot.network",
        "bot.settings.sections",
    ),
}
SUBJECTS = {
    "bot.domain": {
        "requests": (),
        "people": (),
        "tasks": ("requests",),
        "credits": ("requests",),
        "library": ("requests", "tasks"),
        "operations": ("requests", "tasks"),
    },
    "bot.services": {
        "compose": (),
        "people": (),
        "credits": ("people",),
        "tasks": ("compose", "credits", "people"),
        "library": ("compose", "people", "tasks"),
        "requests": ("compose", "credits", "library", "people", "tasks"),
        "operations": ("credits", "people", "tasks"),
    },
}
"""Which folders of a layer each folder imports; what imports a folder stands below it."""

SCREENS = {
    "chat": ("sending",),
    "sending": ("admin", "chat", "library", "results"),
    "making": ("chat", "sending"),
    "results": ("chat", "library", "making", "sending"),
    "library": ("chat", "making", "sending"),
    "shop": ("chat", "sending"),
    "account": ("chat", "sending", "shop"),
    "admin": ("account", "chat", "results", "sending"),
    "guide": ("admin", "chat", "library", "making", "results", "sending"),
}
"""Which folders of the handlers each of them may import: `chat` and `sending` are what all of them stand on."""

SQL = re.compile(
    r"\b(?:SELECT\b.+\bFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE|PRAGMA)\b", re.DOTALL
)
ADAPTER = frozenset(f"handlers.sending.{name}" for name in ("chat", "downloads", "requests", "stars"))
STARTING = "handlers.connection"
"""Waits at the start until Telegram can be reached."""

READING = "handlers.updates"
"""Makes the library's error of what is no answer of the Bot API."""

CHANGING = ("send_", "edit_", "delete_", "set_", "answer_", "copy_", "forward_", "pin_", "create_", "refund_")
PURE = ("bot.domain", "bot.kling.abilities", "bot.kling.dialects", "bot.kling.wire", "bot.kling.errors")
IMPURE = frozenset(
    {"httpx", "asyncio", "os", "random", "time", "sqlite3", "sqlite_utils", "socket", "telegram"}
)


def is_under(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Everything in the syntax tree of a file."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The modules that a file imports."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield deeper if deeper in MODULES else str(node.module)


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if is_under(name, "bot", "handlers")}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_lies_below_it(layer):
    narrower = [other for other in LAYERS if is_under(other, layer) and other != layer]
    for name, path in MODULES.items():
        if is_under(name, layer) and not is_under(name, *narrower):
            stray = {used for used in ours(path) if not is_under(used, *LAYERS[layer])}
            assert not stray, f"{name} imports {sorted(stray)}"


def test_only_the_composition_root_knows_the_handlers():
    knowing = {
        name for name, path in MODULES.items() if any(is_under(used, "handlers") for used in ours(path))
    }
    assert {name for name in knowing if is_under(name, "bot")} == {"bot.app"}


def test_only_the_store_knows_its_engine():
    knowing = {
        name
        for name, path in MODULES.items()
        if any(is_under(used, "bot.store.engine") for used in ours(path))
    }
    assert {name for name in knowing if not is_under(name, "bot.store")} == set()


def test_only_the_store_speaks_sql():
    for name, path in MODULES.items():
        if not is_under(name, "bot.store"):
            strings = [
                node.value
                for node in nodes(path)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            assert [text for text in strings if SQL.search(text)] == [], name


def test_the_only_protocol_of_the_store_is_its_engine():
    protocols = [
        node.name
        for name, path in MODULES.items()
        if is_under(name, "bot.store")
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases)
    ]
    assert protocols == ["Engine"]


def test_only_the_handlers_know_telegram():
    for name, path in MODULES.items():
        if is_under(name, "bot"):
            assert not any(is_under(used, "telegram") for used in imports(path)), name


def test_only_the_adapter_calls_telegrams_methods_and_only_it_knows_their_errors():
    methods = {name for name in dir(Bot) if name.startswith(CHANGING)} | {"get_file"}
    methods |= {name for name in dir(Message) if name.startswith("reply_")} - {
        "reply_to_message",
        "reply_markup",
        "reply_to_story",
    }
    for name, path in MODULES.items():
        if is_under(name, "handlers") and name not in ADAPTER:
            called = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)} & methods
            assert not called, f"{name} calls {sorted(called)}"
            named = {node.name for node in nodes(path) if isinstance(node, ast.alias)}
            assert "ParseMode" not in named, name
            if name not in {STARTING, READING}:
                assert "telegram.error" not in imports(path), name


def test_only_the_connection_knows_how_the_library_handles_updates():
    knowing = [name for name, path in MODULES.items() if "telegram.ext" in imports(path)]
    assert knowing == [STARTING]


@pytest.mark.parametrize("package", PURE)
def test_what_is_pure_does_no_input_or_output(package):
    for name, path in MODULES.items():
        if is_under(name, package):
            used = {module.partition(".")[0] for module in imports(path)} & IMPURE
            assert used <= ({"random"} if is_under(name, "bot.domain") else set()), f"{name} imports {used}"


def places(wanted: Callable[[ast.AST], bool], *packages: str) -> list[str]:
    """The modules under the packages with a node of their syntax trees that is wanted, once for each node."""
    return [
        name
        for name, path in MODULES.items()
        if is_under(name, *packages)
        for node in nodes(path)
        if wanted(node)
    ]


def calls(name: str) -> Callable[[ast.AST], bool]:
    return lambda node: isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name


def says(text: str) -> Callable[[ast.AST], bool]:
    return lambda node: isinstance(node, ast.Constant) and node.value == text


DECIDED_BEFORE_HANDLERS = {
    "forward_origin",
    "is_automatic_forward",
    "media_group_id",
    "entities",
    "caption_entities",
    "quote",
    "external_reply",
    "reply_to_message",
    "names_bot",
    "is_forwarded",
}
"""What a message says, whose words these are and what it points at: decided once, for all handlers alike."""
DECIDING = ("handlers.chat", "handlers.sending", "handlers.dispatcher", "handlers.updates")


def test_no_handler_decides_by_itself_whose_words_a_message_holds_or_what_it_points_at():
    for name, path in MODULES.items():
        if is_under(name, "handlers") and not is_under(name, *DECIDING):
            read = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
            assert not read & DECIDED_BEFORE_HANDLERS, name


def test_only_the_facts_of_a_message_reach_the_one_function_that_says_what_it_means():
    assert places(calls("interpret"), "bot", "handlers") == ["handlers.chat.facts"]
    assert places(calls("interpret_message"), "bot", "handlers") == ["handlers.dispatcher"]


def test_a_task_is_found_moved_on_and_refunded_in_one_place():
    outside = ("bot.services", "bot.store", "bot.web", "bot.cli", "bot.app", "bot.background", "handlers")
    assert places(calls("transition"), *outside) == ["bot.services.tasks.lifecycle"]
    assert places(says("error.task.unknown"), "bot", "handlers") == ["bot.services.tasks.lifecycle"]
    refunds = "await self._store.credits.refund"
    stored = places(lambda node: isinstance(node, ast.Attribute) and node.attr == "REFUND", *outside)
    assert not [name for name in stored if not is_under(name, "bot.store", "bot.demo")]
    calling = places(
        lambda node: isinstance(node, ast.Await) and ast.unparse(node).startswith(refunds), "bot"
    )
    assert calling == ["bot.services.tasks.lifecycle"]


def test_no_docstring_says_who_may_do_something_where_access_is_declared():
    """Only what asks for a permission names one: a command, button or action declares its own."""
    told = re.compile(r"UserError: the (?:actor|sender|user)(?: may not| lacks| is no | is not (?:an|among))")

    def tells(node: ast.AST) -> bool:
        documented = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        return documented and told.search(ast.get_docstring(node) or "") is not None

    assert set(places(tells, "bot", "handlers")) <= {"bot.services.operations.actions"}


def test_what_is_shown_of_time_takes_one_value_for_now_and_its_time_zone():
    """A `datetime` that knows its zone; the pair of both is for the windows of quotas."""
    both = {"zone", "now"}

    def takes_both(node: ast.AST) -> bool:
        return isinstance(node, ast.FunctionDef) and both <= {each.arg for each in node.args.args}

    assert not places(takes_both, "handlers", "bot.i18n")


def test_what_differs_between_kinds_of_media_stands_in_their_tables():
    """Their rows are beside `Product`, and what Telegram does with them is in `handlers/sending/media.py`."""

    def compares(node: ast.AST) -> bool:
        return isinstance(node, (ast.Compare, ast.MatchValue)) and "Product.VIDEO" in ast.unparse(node)

    assert len(set(places(compares, "bot", "handlers"))) <= 3
    told = places(
        lambda node: isinstance(node, ast.Attribute) and node.attr.startswith("UPLOAD_"), "handlers"
    )
    assert set(told) == {"handlers.sending.media"}


def test_who_counts_as_a_person_is_decided_in_one_place():
    """And whoever merely talks where the bot reads is kept nowhere."""
    facts = {"is_bot", "is_automatic_forward", "777000"}

    def asks(node: ast.AST) -> bool:
        value = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
        return str(value) in facts and isinstance(node, (ast.Attribute, ast.Constant))

    product = ("bot.services", "bot.store", "bot.app", "bot.background", "handlers")
    assert set(places(asks, *product)) == {"handlers.chat.people"}
    assert places(calls("touch_user"), *product) == ["handlers.chat.turn"]
    assert places(calls("save_user"), *product) == ["bot.services.people.accounts"]


POINTING = {
    "pointed_at",
    "replied_to",
    "is_reply",
    "reply_to_message",
    "external_reply",
    "reply_to_story",
    "file_unique_id",
}
"""By what a message points at another one."""

RESOLVING = {"handlers.chat.pointers", "handlers.chat.turn"}


def test_no_handler_decides_by_itself_what_a_message_points_at():
    stray = {
        (name, node.attr)
        for name, path in MODULES.items()
        if is_under(name, "handlers") and name not in RESOLVING
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in POINTING
    }
    assert stray == {
        # Where an update goes, what is known again later, and whether a reply gave anything to work on.
        ("handlers.chat.facts", "is_reply"),
        ("handlers.sending.delivery", "file_unique_id"),
        ("handlers.chat.inputs", "is_reply"),
    }
    # What makes something says what it takes: nothing else that is pointed at is passed over.
    reading = [
        node
        for name, path in MODULES.items()
        if is_under(name, "handlers")
        for node in nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "read_inputs"
    ]
    assert len(reading) > 4
    takes = [ast.unparse(node.args[1]) for node in reading]
    assert all("Medium." in each or each.startswith("media_of(kinds") for each in takes)


def test_no_handler_looks_up_again_what_decided_what_a_message_means():
    """It is handed on as `Found`; a command is looked up nothing for, and reads it by itself."""
    assert set(places(calls("result_replied_to"), "handlers")) == {
        "handlers.chat.facts",
        "handlers.library.templates",
    }
    assert set(places(calls("of_request"), "handlers")) == {"handlers.chat.facts", "handlers.making.late"}


def edges(layer: str, folders: Collection[str]) -> dict[str, set[str]]:
    """The folders of a layer that each of its folders imports."""
    found: dict[str, set[str]] = {folder: set() for folder in folders}
    for name, path in MODULES.items():
        folder, _, inside = name.removeprefix(f"{layer}.").partition(".")
        if is_under(name, layer) and name != layer and (inside or path.name == "__init__.py"):
            within = (used.removeprefix(f"{layer}.") for used in ours(path) if is_under(used, layer))
            found[folder] |= {used.partition(".")[0] for used in within} & set(folders) - {folder}
    return found


@pytest.mark.parametrize("layer", SUBJECTS)
def test_a_folder_imports_only_the_folders_above_it(layer):
    allowed = SUBJECTS[layer]
    assert edges(layer, allowed) == {folder: set(above) for folder, above in allowed.items()}
    seen: set[str] = set()
    for folder, above in allowed.items():
        assert set(above) <= seen, f"{folder} is listed before what it imports"
        seen.add(folder)


def test_no_folder_of_the_handlers_imports_another_than_it_may():
    for folder, used in edges("handlers", SCREENS).items():
        assert used <= set(SCREENS[folder]), folder


@pytest.mark.parametrize(
    "layer", ["bot.domain", "bot.services", "bot.store", "bot.kling", "bot.cli", "handlers"]
)
def test_no_two_modules_of_a_layer_have_the_same_name(layer):
    names = Counter(path.stem for name, path in MODULES.items() if is_under(name, layer))
    assert {stem for stem, count in names.items() if count > 1} <= {"__init__"}


def test_a_service_takes_its_parts_by_name():
    for name, path in MODULES.items():
        if not is_under(name, "bot.services"):
            continue
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                assert len(node.args.args) <= 3, f"{name}, line {node.lineno}"


ALONE = {"Assistant", "Copies", "Intake", "Limits", "Links", "Vitals", "Watchdog", "WatchedUpdates"}
"""Services that stand on no other service: their own tests may make them."""


def test_a_service_is_made_in_one_file_of_the_product_and_in_no_test():
    services = {
        node.name
        for name, path in MODULES.items()
        if name.startswith("bot.services.")
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
    }
    roots = (MODULES["bot.app"], MODULES["bot.background"], MODULES["bot.services.container"])
    # Each kind of work has a pool of workers, which is no service.
    others = {"Services", "Administration", "WorkerPool"}
    made = {name for path in roots for name in _called(path) & services} - others
    assert {"Accounts", "Access", "DeliveryWorker", "Dispatch", "Poll", "Providers"} <= made
    # The store and the demo have parts of the same names.
    product = [path for name, path in MODULES.items() if not is_under(name, "bot.store", "bot.demo")]
    # The shell has no chat to show a task in, so that its tasks are made of fewer parts.
    for name in made - {"Tasks", "TaskAdmin"}:
        assert len([path for path in product if name in _called(path)]) == 1, name
    for path in (ROOT / "tests").rglob("*.py"):
        assert not _called(path) & (made - ALONE), path


def _called(path: Path) -> set[str]:
    """The names that a file calls."""
    return {
        node.func.id for node in nodes(path) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_no_two_modules_import_each_other_in_a_circle():
    graph = {name: ours(path) & set(MODULES) - {name} for name, path in MODULES.items()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for used in graph[name]:
                walk(used, (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())


CALLED_BY_A_FRAMEWORK = {
    "emit": "logging",
    "capture_signals": "uvicorn",
    "startup": "uvicorn",
    "main_loop": "uvicorn",
    "list_commands": "click",
    "get_command": "click",
    "parse_json_payload": "python-telegram-bot",
    "check_key_length": "PyJWT",
    "model_config": "pydantic",
}
READ_BY_NAME = {
    "AUDITED": "the texts of all audited actions are compared with it",
    "TIMERS": "the schema is compared with it",
    "DATES": "the schema is compared with it",
}
"""Public names that no product code mentions, and why they are there."""

DECLARATIONS = {"BUTTONS", "COMMANDS", "EVENTS", "QUESTIONS"}
"""What modules of the handlers declare; `handlers/__init__.py` reads them by these names."""


def declared(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """The public functions, classes and constants of a module, and the methods and constants of its classes."""
    tree = nodes(path)[0]
    assert isinstance(tree, ast.Module)
    members = [
        node
        for each in tree.body
        if isinstance(each, ast.ClassDef) and "StrEnum" not in map(ast.unparse, each.bases)
        for node in each.body
    ]
    for node in (*tree.body, *members):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and node in tree.body:
            names = [ast.unparse(node.target)]
        else:
            continue
        yield from ((node, name) for name in names if not name.startswith("_"))


def is_called_by_decoration(node: ast.stmt) -> bool:
    """Whether a decorator hands a function to click or pydantic, which call it."""
    decorators = map(ast.unparse, getattr(node, "decorator_list", ()))
    return any(re.search(r"\.command\(|validator\(|serializer\(", each) for each in decorators)


def test_the_product_uses_everything_that_it_declares():
    """What only tests use is not kept for them."""
    product = {name: path for name, path in MODULES.items() if not is_under(name, "bot.demo")}
    attributes: dict[str, list[tuple[Path, int]]] = {}
    names: dict[str, list[tuple[Path, int]]] = {}
    for path in product.values():
        for node in nodes(path):
            match node:
                case ast.Attribute(attr=name, ctx=ast.Load()):
                    attributes.setdefault(name, []).append((path, node.lineno))
                case ast.Name(id=name, ctx=ast.Load()):
                    names.setdefault(name, []).append((path, node.lineno))
                case ast.alias(name=name):
                    names.setdefault(name.rpartition(".")[2], []).append((path, node.lineno))
    excepted = CALLED_BY_A_FRAMEWORK.keys() | READ_BY_NAME.keys() | DECLARATIONS

    def is_used(path: Path, node: ast.stmt, name: str) -> bool:
        """A method is used as an attribute only; what merely calls itself is not used."""
        is_method = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.col_offset > 0
        places = [*attributes.get(name, ()), *(() if is_method else names.get(name, ()))]
        return any(
            place != path or not node.lineno <= line <= (node.end_lineno or 0) for place, line in places
        )

    unused = {
        (module, name)
        for module, path in product.items()
        for node, name in declared(path)
        if name not in excepted and not is_called_by_decoration(node) and not is_used(path, node, name)
    }
    assert unused == set()


def test_the_code_stays_within_the_sizes_that_a_newcomer_can_survey():
    product = {name: path for name, path in MODULES.items() if not is_under(name, "bot.demo")}
    lines = {name: len(path.read_text("utf-8").splitlines()) for name, path in product.items()}
    assert len(product) <= 360
    assert len([name for name, path in product.items() if lines[name] < 60 and path.stem != "__init__"]) <= 25
    assert sum(lines[name] for name in product if is_under(name, "bot.store")) <= 6_650
    folders = Counter(path.parent for path in product.values() if path.stem != "__init__")
    assert max(folders.values()) <= 20, folders.most_common(1)
