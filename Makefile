# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.dev
EXTRAS := $(VENV)/.extras
STORE  := build/store

.DEFAULT_GOAL := help
.PHONY: help review eval test servers bench check lint format types contracts examples record lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Three sets, each on top of the one before: a review, the tests, Spark with the bench. The first is not compiled ahead: a
# review imports a small part of it, which Python compiles and keeps on first use.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(EXTRAS): requirements-extras.lock $(DEV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-extras.lock
	@touch $@

review: $(READY)  ## run both weeks of the sample portfolio; the pages are in build/reviews
	@rm -rf $(STORE) build/reviews
	$(BIN)/saveplay review --data examples/portfolio --as-of 2026-11-16 --backfill 8 --approve all --store $(STORE) --out build/reviews
	$(BIN)/saveplay done --import examples/progress/2026-W47.csv --store $(STORE)
	$(BIN)/saveplay review --data examples/portfolio --as-of 2026-11-23 --approve all --store $(STORE) --out build/reviews

eval: $(DEV)  ## judge the agents against fixtures and known truth; the report is build/eval.html
	$(BIN)/saveplay eval --model replay --html build/eval.html

test: $(DEV)  ## the tests that every change has to pass; needs no network
	$(BIN)/python -m pytest -n 2

servers: $(EXTRAS)  ## PostgreSQL, Spark (needs Java 17), the desk under sign-in, browsers (Chromium) and kill -9, and the long tests
	SAVEPLAY_REQUIRE_POSTGRES=1 SAVEPLAY_REQUIRE_SPARK=1 $(BIN)/python -m pytest -n 2 --dist loadscope --timeout 900 -m 'servers or long' tests

bench: $(EXTRAS)  ## measure up to a million accounts (4 GB of disk, 20 minutes) and write docs/performance.md
	$(BIN)/python -m bench.measure

check: lint types contracts test  ## what CI runs

lint: $(DEV)  ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(DEV)  ## rewrite to the format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(DEV)  ## static types
	$(BIN)/mypy

contracts: $(DEV)  ## who may import whom
	$(BIN)/lint-imports

examples: $(READY)  ## write the sample portfolio anew
	$(BIN)/python -m evals.sample examples

record: $(DEV)  ## ask the real model again (needs a server, see docs/model.md)
	SAVEPLAY_RECORD=new $(BIN)/python -m pytest -n 0 -m long -s tests/recorded
	SAVEPLAY_RECORD=tidy $(BIN)/python -m pytest -n 0 -m long tests/recorded

# What is locked stays as it is where it still fits: uv reads the lock that it writes. The later locks keep to the earlier.
COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 pyproject.toml

lock: $(READY)  ## resolve the dependencies again
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --extra build --output-file requirements.lock
	$(COMPILE) --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --extra spark --extra bench --constraint requirements-dev.lock --output-file requirements-extras.lock

clean:  ## remove what was built
	rm -rf build $(VENV)
