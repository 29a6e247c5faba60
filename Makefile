# The commands of the README. Needs Python 3.11 or newer with venv, and nothing else.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint studio-test cluster-test clean

demo: .venv/installed
	$(BIN)/python -m train
	$(BIN)/python -m infer annotations/inbox --format jsonl xlsx html --output runs/demo
	@echo "scores      -> runs/latest/report.html"
	@echo "extractions -> runs/demo/extractions.jsonl, .xlsx, .html"

test: lint
	$(BIN)/python -m pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The loop against a real server, which gets an environment of its own (1 GB): it pins what we use, too.
studio-test: .venv-studio/installed
	LABEL_STUDIO=$(CURDIR)/.venv-studio/bin/label-studio $(BIN)/python -m pytest -m studio

# The run on a Ray cluster of three machines on loopback, one of which is killed (another 240 MB).
cluster-test: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev,cluster]"
	$(BIN)/python -m pytest tests/test_cluster.py

.venv-studio/installed: .venv/installed .venv-studio/bin/label-studio
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev,studio]"
	@touch $@

.venv-studio/bin/label-studio:
	$(PYTHON) -m venv .venv-studio
	.venv-studio/bin/python -m pip install --quiet --disable-pip-version-check label-studio==1.23.2

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv .venv-studio runs .pytest_cache .mypy_cache .ruff_cache
