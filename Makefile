SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WEB := $(wildcard api/web/package-lock.json)
LOCK := uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11

.PHONY: help setup demo test fuzz lint bench lock clean packages
help: ## what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

.venv/made: requirements-build.txt pyproject.toml
	test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	$(PIP) install --require-hashes -r requirements-build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

.venv/made-dev: requirements-dev.txt .venv/made
	$(PIP) install --require-hashes -r requirements-dev.txt
	touch $@

.venv/made-map: .venv/made geodata/web/package-lock.json geodata/web/copy.mjs
	cd geodata/web && npm ci --silent && npm run --silent build
	touch $@

.venv/made-web: .venv/made $(WEB) $(shell find api/web -path api/web/node_modules -prune -o -type f -print 2>/dev/null)
	if [ -n "$(WEB)" ]; then cd api/web && npm ci --silent && npm run --silent build; fi
	touch $@

setup: .venv/made-map .venv/made-web ## the environment in .venv, and the web view

demo: setup ## the demonstration city on http://127.0.0.1:8000
	$(BIN)/tianzhang demo

packages:
	@need=(); ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 || need+=(postgresql-15-postgis-3); \
	command -v chromium >/dev/null || need+=(chromium); \
	[ -x /usr/sbin/nginx ] || need+=(nginx-light); \
	command -v strace >/dev/null || need+=(strace); \
	if [ $${#need[@]} -gt 0 ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${need[@]}"; \
	  else echo "The tests need these packages; install them and run make test again: $${need[*]}" >&2; exit 1; fi; fi

test: setup .venv/made-dev packages ## all tests, on SQLite and on PostGIS
	$(BIN)/python -m pytest -n 2 --dist loadfile

fuzz: setup .venv/made-dev packages ## every operation of the API, asked at random for half an hour, otherwise each time
	TIANZHANG_FUZZ_EXAMPLES=$${TIANZHANG_FUZZ_EXAMPLES:-200} TIANZHANG_FUZZ_SEED=$${TIANZHANG_FUZZ_SEED:-$$RANDOM} \
	  $(BIN)/python -m pytest tests/test_openapi.py

lint: .venv/made-dev ## ruff, mypy and the order of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

bench: setup .venv/made-dev packages ## speed, as ratios within one run: docs/benchmarks.md
	$(BIN)/python -m bench

lock: ## recompile the pinned requirements (needs uv)
	$(LOCK) --extra dev pyproject.toml -o requirements-dev.txt
	$(LOCK) --extra build pyproject.toml -c requirements-dev.txt -o requirements-build.txt
	$(LOCK) pyproject.toml -c requirements-build.txt -o requirements.txt

clean: ## remove all that was made
	rm -rf .venv build *.egg-info api/static api/web/node_modules geodata/web/node_modules geodata/data/leaflet geodata/data/fonts
