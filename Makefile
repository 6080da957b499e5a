# One command on a fresh machine is enough: every target first sets up .venv, and only when it is out of date.

PYTHON ?= python3
PROFILE ?= quick
WORKERS ?= 2
ONLY ?=
ROWS ?= all
DATASETS ?= mnist cifar10 spoken-digits

BIN := .venv/bin
INSTALLED := .venv/.installed

export NO_MKDOCS_2_WARNING := 1

.PHONY: help setup test lint reproduce-keskar theory report site serve bench data clean

help: ## list the targets (PYTHON, PROFILE, WORKERS, ONLY, ROWS and DATASETS can be set on the command line)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python " + sys.version.split()[0] + \
		" is too old: 3.10 or later is needed; name one, as in `make setup PYTHON=python3.12`.")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[test,docs]'
	@touch $@

setup: $(INSTALLED) ## create .venv and install the tested versions into it

test: setup ## run the tests
	$(BIN)/python -m pytest

lint: setup ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

reproduce-keskar: setup ## train, measure and judge Keskar et al. 2017; ONLY="K1 K3" for some claims, ROWS=primary for a start
	$(BIN)/repro reproduce keskar2017 --profile $(PROFILE) --workers $(WORKERS) $(if $(ONLY),--only $(ONLY)) \
		$(if $(filter primary,$(ROWS)),--primary)

theory: setup ## check every identity of the theory with 500 examples each, and write papers/theory/results
	$(BIN)/repro theory

report: setup ## write docs/results from the evidence
	$(BIN)/repro report

site: report ## build the site into site/
	$(BIN)/mkdocs build --strict

serve: report ## show the site on this machine
	$(BIN)/mkdocs serve

bench: setup ## measure training speed
	$(BIN)/python -m pytest tests/benchmarks --capture=no

data: setup ## fetch and verify the data sets of the laptop profile
	for name in $(DATASETS); do $(BIN)/repro data get $$name || exit 1; done

clean: ## delete .venv, caches and the site; runs and evidence stay
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build site docs/results *.egg-info
