# Every command of the project. `make` alone prints this list.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
NODE := node_modules/.package-lock.json

PROFILE ?= default
EXPERIMENT ?=
MODES ?=
TRANSPORTS ?=
SCENARIOS ?=
OUT ?=
BASE ?=
HEAD ?=
MODE ?= gevent
PORT ?= 5000
ARGS ?=

# What was typed reaches a command as it is, through the environment: here make is kept from expanding
# a "$" in it, and a shell expands "$OUT" in a recipe, and not what is in that.
TYPED := PROFILE EXPERIMENT MODES TRANSPORTS SCENARIOS OUT BASE HEAD MODE PORT
$(foreach name,$(TYPED),$(eval override $(name) := $$(value $(name))))
export $(TYPED)

PROFILES := $(sort $(basename $(notdir $(wildcard loadtests/experiments/*.toml))))
SPACE := $(subst ,, )

.PHONY: help setup bench report compare gate selfcheck calibrate docs site bench-client node test test-all test-long lint format demo lock clean

help: ## print this list
	@echo "transport-bench: eventlet, gevent or plain Flask? WebSocket or long-polling?"
	@echo
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/' \
	  | while IFS='|' read -r name text; do printf '%-20s %s\n' "$$name" "$$text"; done
	@echo
	@echo "bench takes  PROFILE=$(subst $(SPACE),|,$(PROFILES))  or  EXPERIMENT=file.toml,"
	@echo "             MODES=gevent,threading  TRANSPORTS=websocket  SCENARIOS=echo,broadcast  OUT=folder"
	@echo "             ARGS='--generators 2'  or another option of python -m loadtests run"
	@echo "compare takes  BASE=folder  HEAD=folder  OUT=folder"
	@echo "gate takes  BASE=ref  HEAD=ref  EXPERIMENT=file.toml  MODES=  TRANSPORTS=  SCENARIOS=  OUT=folder"
	@echo "demo takes   MODE=eventlet|gevent|threading|gunicorn-gevent|gunicorn-threads|gevent-websocket|uwsgi-gevent  PORT=5000"

setup: $(READY) ## make the virtual environment (bench and test do it by themselves)

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is too old: Python 3.11 or later is needed; make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "$(PYTHON) cannot make virtual environments; on Debian: apt install python3-venv"; exit 2; }
	@echo "installing the pinned packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

node: $(NODE) ## install the official JavaScript client (bench, bench-client, demo and test do it by themselves)

# Without npm, what needs it says so in its own place.
$(NODE): package.json package-lock.json
	@if command -v npm > /dev/null; then \
	  echo "installing the official Socket.IO packages into node_modules ..."; \
	  { npm ci --loglevel=error && touch $@; } || echo "npm could not: the official JavaScript client is left out"; \
	else echo "npm is not installed: the official JavaScript client is left out"; fi

bench: $(READY) $(NODE) ## measure every mode and transport, then write the report
	@$(BIN)/python -m loadtests run \
	  $${MODES:+--modes "$$MODES"} \
	  $${TRANSPORTS:+--transports "$$TRANSPORTS"} \
	  $${SCENARIOS:+--scenarios "$$SCENARIOS"} \
	  $${OUT:+--out "$$OUT"} $(ARGS) \
	  -- "$${EXPERIMENT:-$$PROFILE}"

report: $(READY) ## make the report of a run again (OUT=folder; the latest run if not given)
	@$(BIN)/python -m reports build -- "$${OUT:-reports/runs/latest}"

compare: $(READY) ## hold one run against another (BASE=folder HEAD=folder, OUT=folder for the page)
	@[ -n "$$BASE" ] && [ -n "$$HEAD" ] \
	  || { echo "make compare BASE=folder HEAD=folder: two run folders, or their result.json"; exit 2; }
	@$(BIN)/python -m reports compare $${OUT:+--out "$$OUT"} -- "$$BASE" "$$HEAD"

gate: $(READY) ## is the application slower than at BASE=ref? (HEAD=ref, EXPERIMENT=, OUT=; ARGS= goes to it)
	@[ -n "$$BASE" ] || { echo "make gate BASE=ref: a commit, a branch or a tag"; exit 2; }
	@$(BIN)/python -m loadtests gate --base "$$BASE" $${HEAD:+--head "$$HEAD"} \
	  $${MODES:+--modes "$$MODES"} \
	  $${TRANSPORTS:+--transports "$$TRANSPORTS"} \
	  $${SCENARIOS:+--scenarios "$$SCENARIOS"} \
	  $${OUT:+--out "$$OUT"} $(ARGS) -- "$${EXPERIMENT:-ci}"

selfcheck: $(READY) ## the gate's own error rates here: real gates, identical and slowed (hours; goes on where it was)
	@$(BIN)/python -m tests.selfcheck $${OUT:+--out "$$OUT"} $(ARGS)

calibrate: $(READY) ## measure the load generator itself, then how small a difference this machine can tell
	@$(BIN)/python -m loadtests calibrate $(ARGS)
	@$(BIN)/python -m loadtests noise

bench-client: $(READY) $(NODE) ## compare our client with python-socketio's, Locust's and the official one
	@$(BIN)/python -m loadtests bench-client $(ARGS)

# Three at a time, since tests wait more than they compute. pytest's 5: ARGS chose none of these.
TOGETHER := -n 3 --dist worksteal

test: $(READY) $(NODE) ## run the tests that a change needs, in minutes (ARGS= goes to pytest, by the shell)
	@$(BIN)/python -m pytest $(TOGETHER) -m "not timing and not full and not long" $(ARGS)

test-all: $(READY) $(NODE) ## run every test; those that keep time run last, alone (ARGS= goes to pytest)
	@$(BIN)/python -m pytest $(TOGETHER) -m "not timing and not long" $(ARGS) || [ $$? = 5 ]
	@$(BIN)/python -m pytest -m "timing and not long" $(ARGS) || [ $$? = 5 ]

test-long: $(READY) $(NODE) ## run the tests that prove at length what others prove in short, alone
	@$(BIN)/python -m pytest -m long $(ARGS)

lint: $(READY) ## ruff, mypy, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(READY) ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

demo: $(READY) $(NODE) ## serve the application under test, with a page to click on (MODE=, PORT=)
	@$(BIN)/python -m servers --port "$$PORT" -- "$$MODE"

docs: $(READY) ## write what README and docs/ have of docs/results again
	@$(BIN)/python -m reports docs

site: $(READY) ## the same results as pages to publish (OUT=folder, site if not given)
	@$(BIN)/python -m reports site -- "$${OUT:-site}"

lock: ## pin the newest versions that pyproject.toml allows (needs uv)
	uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --extra browser --group dev pyproject.toml --output-file requirements.lock

clean: ## remove the virtual environment and caches; runs stay
	rm -rf $(VENV) node_modules .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
