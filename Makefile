# `make` lists what there is. PYTHON chooses the interpreter that .venv is made of (3.11 or later): the distribution's where
# it will do, as that is compiled with profile-guided optimisation: simulations took a fifth longer on pyenv's default.
PYTHON ?= $(firstword $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3) python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
# What `make sim` takes: options of `python -m tests.simulation`, in capitals and from its command line only.
SIM := TIER SEEDS HOURS FIRST SEED KEEP WITHOUT SECONDS MEMBERS LOAD MUTANT

.PHONY: help venv run check static unit test soak sim mutants bench tools proto format clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target what; do \
		printf '  make %-8s %s\n' "$$target" "$$what"; done

venv: $(INSTALLED) ## build .venv from requirements/dev.txt, and this project into it

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ostraka needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(INSTALLED) ## start a cluster of three nodes in the foreground; its data is kept in ./data
	@$(BIN)/ostraka dev --nodes 3 --data-dir ./data

check: static unit ## format, lint, types, import contracts and unit tests (under 2 minutes)

static: $(INSTALLED) ## the part of `check` that runs no test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: $(INSTALLED) ## the tests but for simulation, fuzzing and end-to-end
	$(BIN)/python -m pytest -q -n auto -m 'not simulation and not fuzz and not e2e'

test: static ## everything: `check`, simulation, fuzzing and end-to-end tests (under 20 minutes); what CI runs
	scripts/tools missing
	$(BIN)/python -m pytest -n auto -m 'not e2e'
	$(BIN)/python -m pytest -m e2e # one at a time: they start clusters, and some look at the time that these take

soak: $(INSTALLED) ## every promise at full size, or PARTS="kill-leader fuzz"; writes bench/SOAK.md (hours)
	$(BIN)/python -m scripts.soak $(PARTS)

sim: $(INSTALLED) ## simulate SEEDS=300, or HOURS=10 of them, or SEED=17 alone
	$(BIN)/python -m tests.simulation $(foreach name,$(SIM),$(if $(findstring command,$(origin $(name))),--$(shell echo $(name) | tr A-Z a-z) '$($(name))'))

mutants: $(INSTALLED) ## put bugs in, see whether the simulator finds them, and tell the README
	$(BIN)/python -m tests.simulation.mutants --publish

bench: $(INSTALLED) ## load on a cluster of its own; LOAD="--mix put=50,get=50 --rate 2000" (LOAD=--help tells more)
	$(BIN)/python -m bench.load $(LOAD)

tools: ## install the Debian packages that the end-to-end tests use
	scripts/tools install

proto: $(INSTALLED) ## generate the stubs in client/ostraka/v1 and server/ostraka_server/wire
	scripts/generate-stubs

format: $(INSTALLED) ## rewrite the sources as `check` wants them, where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove caches and builds; .venv and data stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find client server tests bench scripts -name __pycache__ -type d -exec rm -rf {} +
