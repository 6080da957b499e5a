# One command on a fresh machine is enough: every target first sets up .venv, and only when it is out of date.

PYTHON ?= python3
PROFILE ?= quick
WORKERS ?= 2
ONLY ?=
ROWS ?= all
DATASETS ?= mnist cifar10 spoken-digits
PEERS := curvlinops-for-pytorch==3.0.1 hessian-eigenthings==1.0.0a5 backpack-for-pytorch==1.7.1 \
	einconv==0.1.0 einops==0.8.2 jaxtyping==0.3.11 linear_operator==0.6.1 opt_einsum==3.4.0 \
	unfoldNd==0.2.3 wadler_lindig==0.1.8

BIN := .venv/bin
INSTALLED := .venv/.installed

export NO_MKDOCS_2_WARNING := 1

.PHONY: help setup test browser lint reproduce-keskar reproduce-hoffer reproduce-smith reproduce-article theory report site serve bench compare-hessian data clean

help: ## list the targets (PYTHON, PROFILE, WORKERS, ONLY, ROWS and DATASETS can be set on the command line)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python " + sys.version.split()[0] + \
		" is too old: 3.10 or later is needed; name one, as in `make setup PYTHON=python3.12`.")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[test,docs]'
	@touch $@

setup: $(INSTALLED) ## create .venv and install the tested versions into it

# --dist=loadfile: a file's tests share what is slow to make; --no-loadscope-reorder: the slow files are early in their order
test: setup ## run the tests; `make browser` first, so that those of the site do not skip
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

browser: setup ## install the Chromium in which the tests look at the site, as root on a Debian machine that has none
	@$(BIN)/python -m tests.site.chromium || { [ -f /etc/debian_version ] && apt-get update && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core; }

lint: setup ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

REPRODUCE = $(BIN)/repro reproduce $(1) --profile $(PROFILE) --workers $(WORKERS) $(if $(ONLY),--only $(ONLY)) \
	$(if $(filter primary,$(ROWS)),--primary)

reproduce-keskar: setup ## train, measure and judge Keskar et al. 2017; ONLY="K1 K3" for some claims, ROWS=primary for a start
	$(call REPRODUCE,keskar2017)

reproduce-hoffer: setup ## the same for Hoffer et al. 2017; ONLY="H1 H3 H4 H5" ROWS=primary for the five columns of Table 1
	$(call REPRODUCE,hoffer2017)

reproduce-smith: setup ## the same for Smith et al. 2018: the batch grows where the learning rate would fall
	$(call REPRODUCE,smith2018)

reproduce-article: setup ## the same for the article: batch and learning rate, cost, contrastive learning
	$(call REPRODUCE,article)

theory: setup ## check every identity of the theory with up to 500 examples, and write papers/theory/results
	$(BIN)/repro theory --workers $(WORKERS)

report: setup ## write the pages and the README's first screen from the evidence
	$(BIN)/repro report

site: report ## build the site into site/
	$(BIN)/mkdocs build --strict

serve: report ## show the site on this machine
	$(BIN)/mkdocs serve

bench: setup ## measure speed: of training, ghost BatchNorm and the Hessian
	$(BIN)/python -m pytest tests/benchmarks --capture=no

# --no-deps: backpack asks for torchvision, which it does not need here and which would replace the tested torch
compare-hessian: setup ## measure tools for the Hessian beside each other, and write docs/hessian-tools.md
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps $(PEERS)
	$(BIN)/python -m tests.benchmarks.compare_hessian

data: setup ## fetch and verify the data sets of the laptop profile
	for name in $(DATASETS); do $(BIN)/repro data get $$name || exit 1; done

clean: ## delete .venv, caches and the site; runs and evidence stay
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build site docs/results *.egg-info
