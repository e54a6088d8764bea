# Everything that a person or CI runs. `make` alone lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
CASES  ?= 100000
# Wheels that were fetched before (`make wheels`) are enough to install without a network.
OFFLINE := $(if $(wildcard wheels/*.whl),--no-index --find-links wheels,)

# The tests start the bot some three hundred times: without compiled modules each start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo run test test-flows test-image faults fuzz docs screenshots lint format bench lock release wheels clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed  ## create .venv with everything in it

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(OFFLINE) -e '.[dev,docs]'
	@touch $@

demo: install  ## the whole bot on this machine, no account needed: opens a chat page
	$(BIN)/klingbot demo $(ARGS)

run: install  ## run the bot with config.toml
	$(BIN)/klingbot run --config config.toml $(ARGS)

# Many tests wait for a server or a disk, so there are more of them at once than cores.
test: install  ## run the tests that need no process and no browser
	$(BIN)/python -m pytest -n 4 --dist worksteal --ignore tests/faults --ignore tests/web --ignore tests/image/test_image.py $(ARGS)

test-flows: install  ## run the tests of the chat page
	$(BIN)/python -m pytest -n 3 tests/web $(ARGS)

test-image: install  ## perform the steps of deploy/Dockerfile without an engine, and run what comes of it (as root)
	$(BIN)/python -m pytest tests/image $(ARGS)

# Most of them wait, some for a minute: whoever is done takes over what waits for others.
# LONG=1 takes hours: every point, every row of docs/faults.md, 300 kills, a million cases.
FAULTS := $(if $(LONG),FAULT_LONG=1 FAULT_KILLS=300 FUZZ_CASES=1000000)
faults: install  ## break things on purpose: kills, and faults on the way; LONG=1 takes hours and fuzzes too
	$(FAULTS) $(BIN)/python -m pytest -n 4 --dist worksteal $(if $(LONG),--timeout 0 tests/fuzz) tests/faults $(ARGS)

fuzz: install  ## fuzzing with CASES cases, other ones each time; `make test` tries a few, the same each time
	FUZZ_CASES=$(CASES) $(BIN)/python -m pytest -n 2 tests/fuzz $(ARGS)

docs: install  ## build the documents as a site into site/; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)

screenshots: install  ## pictures of the chat page in both languages, to look at
	$(BIN)/python -m tests.screenshots

lint: install  ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install  ## benchmarks: ratios measured side by side
	$(BIN)/python -m pytest tests/bench --override-ini 'python_files=bench_*.py' -s $(ARGS)

lock: install  ## write deploy/requirements.lock with hashes
	$(BIN)/python deploy/lock.py deploy/requirements.lock

release: install  ## build the wheel, the source and the notes of a release into dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python deploy/release.py dist

wheels:  ## fetch every wheel, so that `make install` needs no network
	$(PYTHON) -m pip download --quiet --dest wheels '.[dev,docs]' 'hatchling>=1.27,<2' 'editables>=0.5'

clean:  ## remove what was installed and built
	rm -rf $(VENV) .foreign .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist site
