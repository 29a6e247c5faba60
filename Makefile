# The two commands of the README. Needs Python 3.11 or newer with venv, and nothing else.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint clean

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

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv runs .pytest_cache .mypy_cache .ruff_cache
