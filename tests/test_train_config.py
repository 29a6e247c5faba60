"""Shipped configs load; wrong ones say where and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.config import ConfigError, TrainConfig, load_config

CONFIGS = Path("configs")


@pytest.mark.parametrize("name", ["default", "rubert-base", "rubert-tiny2"])
def test_shipped_config_loads_and_every_value_has_a_why(name: str) -> None:
    path = CONFIGS / f"{name}.yaml"
    load_config(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    explained = sum(line.strip().startswith("#") for line in lines)
    assert explained >= 12


def test_default_config_says_every_key() -> None:
    """A newcomer sees all there is to set, and nothing is decided where it can't be seen."""
    import yaml

    def keys(values: object, prefix: str = "") -> set[str]:
        if not isinstance(values, dict):
            return {prefix}
        return {key for name, value in values.items() for key in keys(value, f"{prefix}.{name}")}

    written = keys(yaml.safe_load((CONFIGS / "default.yaml").read_text(encoding="utf-8")))
    assert keys(TrainConfig().model_dump()) - written == {".data.limit"}


def test_overrides_reach_into_sections_and_keep_types() -> None:
    config = load_config(CONFIGS / "default.yaml", ["fit.learning_rate=1e-5", "seed=7", "backbone=a/b"])
    assert (config.fit.learning_rate, config.seed, config.backbone) == (1e-5, 7, "a/b")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("fit.epohcs=3", "unknown key fit.epohcs; allowed there: epochs, min_steps"),
        ("sed=3", "unknown key sed; allowed there: backbone, seed"),
        ("fit.epochs=many", "fit.epochs: .*(found 'many')"),
        (
            "data.annotators=first",
            "data.annotators: must be latest, majority, all or adjudicator:NAME .found 'first'",
        ),
        ("data.annotators=adjudicator:", "data.annotators: must be latest"),
        ("windows.overlap=400", "overlap 400 must be at most half of size 512"),
        ("fit.epochs", "an override looks like"),
        ("seed.x=1", "seed is a value, not a section"),
    ],
)
def test_wrong_override_is_explained(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(CONFIGS / "default.yaml", [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [1", "not readable as YAML"), ("- 1", "expected keys and values, found list")],
)
def test_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"broken.yaml: {message}"):
        load_config(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: no such config"):
        load_config(tmp_path / "none.yaml")
