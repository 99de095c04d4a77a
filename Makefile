PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# More options of the demo: make demo DEMO="--seed 1 --out runs/other"
DEMO   ?=
# Two torch processes with all threads each slow one another ten-fold: parallel tests get one thread.
QUICK  := OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadscope -m "not slow and not browser and not gpu and not network"
SLOW   := OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist worksteal -m "slow and not browser and not gpu and not network"
# A browser, a server and a student share the cores already: one after the other.
BROWSE := $(BIN)/pytest -q -m "browser and not gpu and not network"

.PHONY: help setup demo test test-py312 quick lint data notebooks screenshots bench gpu-check clean

help:  ## this list
	@grep -E '^[a-z0-9-]+:.*##' Makefile | sed 's/:.*##/\t/'

setup: $(READY)  ## create .venv, or bring it up to date

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[lab,dev,champ]"
	@touch $(READY)

demo: setup  ## pool, curate, distil, evaluate, report: into runs/demo
	$(BIN)/workbench demo $(DEMO)

test: lint  ## everything that needs no GPU and no Hub
	$(QUICK)
	$(SLOW)
	$(BROWSE)

test-py312:  ## the same tests on Python 3.12, Colab's version, in .venv-py312
	@command -v python3.12 >/dev/null || { echo "python3.12 is not on the PATH; install it, or leave this out"; exit 1; }
	$(MAKE) VENV=.venv-py312 PYTHON=python3.12 test

quick: lint  ## the tests that need no weights
	$(QUICK)

lint: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

data: setup  ## make what data/ holds: sample, student, recorded comparisons (12 minutes)
	$(BIN)/python -m tools.make_data

notebooks: setup  ## bring notebooks/*.ipynb in step with the .py beside each
	$(BIN)/ruff format --quiet notebooks
	$(BIN)/python -m tools.notebooks

screenshots: setup  ## take the README's pictures of notebook and app, with Chromium
	$(BIN)/python -m tools.screenshots

bench: setup  ## measure the engine against what a user would pick instead
	$(BIN)/python -m tests.benchmarks

gpu-check: setup  ## on a CUDA machine: the tests for it, then a short distillation with and without Unsloth
	$(BIN)/pytest -q -m gpu
	$(BIN)/python -m tests.benchmarks.gpu

clean:  ## remove .venv and all runs
	rm -rf $(VENV) runs
