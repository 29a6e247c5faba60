"""`python -m benchmarks.calibration MODEL`: which map makes scores honest when dev has a few dozen articles?

MODEL is a trained folder; its dev articles are found again by its seed. Each map is fitted on four fifths of
them, drawn anew many times, and judged on the rest. The held-out articles choose nothing: they only show, at
the end, what the calibration fitted on all of dev does on them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import ShuffleSplit

from infer.bundle import load
from infer.confidence import calibrate
from infer.config import Calibration, DecodingSettings
from infer.extractor import Extractor
from train.calibration import fit_calibration, fit_line, fit_temperature
from train.config import load_config
from train.corpus import load_corpus, split_dev, strip
from train.reliability import Sample, draw_diagram, event_samples, measure_reliability, pool, span_samples

Floats = NDArray[np.float64]
Fit = Callable[[Sample], Callable[[Floats], Floats]]
SPLITS = 100


def main() -> None:
    """Print log loss, Brier score and calibration error of every map, then the held-out diagrams."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration")
    parser.add_argument("model", type=Path)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    options = parser.parse_args()
    config = load_config(options.config)
    bundle = load(options.model)
    chosen = bundle.settings.decoding
    plain = DecodingSettings(overlapping=chosen.overlapping, half_pairs=chosen.half_pairs)
    bundle = replace(bundle, settings=bundle.settings.model_copy(update={"decoding": plain}))
    extractor, schema = Extractor(bundle), bundle.schema
    documents = load_corpus(config.data.train, schema, config.data.annotators).documents
    _, dev = split_dev(documents, config.data.dev_fraction, bundle.origin["seed"])
    predicted = list(extractor.extract_many(strip(dev)))
    for name, collect in (("spans", span_samples), ("events", event_samples)):
        print(f"{name} of {len(dev)} dev articles      log loss   Brier     ECE")
        rows = [collect([gold], [guess], schema) for gold, guess in zip(dev, predicted, strict=True)]
        for row, values in compare(rows).items():
            print(f"  {row:28}" + "".join(f"{value:9.4f}" for value in values))
    decoding = fit_calibration(dev, predicted, schema, plain)
    print(f"fitted on all of dev: spans {decoding.span_calibration}, events {decoding.event_calibration}")
    bundle = replace(bundle, settings=bundle.settings.model_copy(update={"decoding": decoding}))
    heldout = load_corpus(config.data.heldout, schema).documents
    answers = list(Extractor(bundle).extract_many(strip(heldout)))
    reliability = measure_reliability(heldout, answers, schema, decoding)
    print(f"{len(heldout)} held-out articles        answers   ECE before, after   Brier before, after")
    for kind, changes in (("spans", reliability.spans), ("events", reliability.events)):
        for name, (before, after) in ((n, (c.before, c.after)) for n, c in changes.items()):
            values = (before.ece, after.ece, before.brier, after.brier)
            print(f"  {kind + ' ' + name:28}{before.count:7}" + "".join(f"{value:10.4f}" for value in values))


def compare(rows: Sequence[Mapping[str, Sample]]) -> dict[str, Floats]:
    """Mean log loss, Brier score, ECE of each map on articles not fitted on; rows are articles' samples."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for learnt, tested in ShuffleSplit(SPLITS, test_size=0.2, random_state=0).split(rows):
        fitted = {name: pool({i: rows[i][name] for i in learnt}) for name in rows[0]}
        fresh = {name: pool({i: rows[i][name] for i in tested}) for name in rows[0]}
        for map_name, fit in FITS.items():
            shared = fit(pool(fitted))
            own = {name: fit(sample) if len(sample.scores) else shared for name, sample in fitted.items()}
            for kind, chosen in (("for all", dict.fromkeys(own, shared)), ("for each", own)):
                mapped = pool({n: Sample(chosen[n](s.scores), s.right) for n, s in fresh.items()})
                diagram = draw_diagram(mapped)
                scores = np.clip(mapped.scores, 0.001, 0.999)  # isotonic regression says 0 and 1
                loss = float(log_loss(mapped.right, scores, labels=[False, True]))
                found.setdefault(f"{map_name}, one {kind}", []).append((loss, diagram.brier, diagram.ece))
    return {name: np.mean(values, axis=0) for name, values in found.items()}


def _line(line: Calibration) -> Callable[[Floats], Floats]:
    return lambda scores: np.array([calibrate(score, line) for score in scores])


def _isotonic(sample: Sample) -> Callable[[Floats], Floats]:
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(sample.scores, sample.right)
    return lambda scores: np.asarray(model.predict(scores)) if len(scores) else scores


FITS: dict[str, Fit] = {
    "as it is": lambda _: _line(Calibration()),
    "temperature": lambda sample: _line(fit_temperature(sample)),
    "line": lambda sample: _line(fit_line(sample)),
    "isotonic": _isotonic,
}

if __name__ == "__main__":
    main()
