"""The report's diagrams: precision against recall, reliability before and after calibration, dev scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from train.charts import Line, draw_lines, percent_axis, step_axis
from train.reliability import ALL, Change, Diagram
from train.scores import Curve, Score
from train.wording import decimal, percent

TOTAL = 7  # the colour of "all" and "micro"
RECALL, PRECISION = percent_axis("полнота (recall), %"), percent_axis("точность (precision), %")
CONFIDENCE, ACCURACY = percent_axis("уверенность (confidence), %"), percent_axis("верно (accuracy), %")
BEFORE, AFTER = 3, 0  # colours
CURVE_NAMES = {"spans": "упоминания (spans)", "events": "события (events)", "score": "среднее (mean)"}


def precision_recall(title: str, curves: Mapping[str, Curve], results: Mapping[str, Score]) -> str:
    """A line per class and one of all; the dot is where the model stands with its thresholds."""
    lines = []
    classes = [name for name in results if name != "micro"]
    for name in curves:
        curve, result = curves[name], results[name]
        average = result.average_precision
        legend = name if average is None else f"{name}, AP {percent(average.value)}"
        colour = classes.index(name) if name in classes else TOTAL
        points = list(zip(curve.recall, curve.precision, strict=True))
        lines.append(Line(legend, points, colour, dot=(result.recall, result.precision)))
    return _figure(title, draw_lines(lines, RECALL, PRECISION)) if lines else ""


def reliability_figure(title: str, changes: Mapping[str, Change]) -> str:
    """All classes together, before and after calibration; the larger a dot, the more answers."""
    if ALL not in changes:
        return ""
    lines = [
        _reliability_line("до калибровки (before)", changes[ALL].before, BEFORE),
        _reliability_line("после (after)", changes[ALL].after, AFTER),
    ]
    return _figure(title, draw_lines(lines, CONFIDENCE, ACCURACY, diagonal=True))


def _reliability_line(name: str, diagram: Diagram, colour: int) -> Line:
    points = [(bin.confidence, bin.accuracy) for bin in diagram.bins]
    return Line(f"{name}, ECE {decimal(diagram.ece, 3)}", points, colour, [bin.count for bin in diagram.bins])


def learning_curve(curve: Sequence[Mapping[str, float]]) -> str:
    """Dev scores by training step."""
    names = [name for name in CURVE_NAMES if all(name in entry for entry in curve)]
    lines = [
        Line(
            CURVE_NAMES[name],
            [(entry["step"], entry[name]) for entry in curve],
            TOTAL if name == "score" else number,
            [1.0] * len(curve),
        )
        for number, name in enumerate(names)
    ]
    steps = step_axis("шаг обучения (step)", curve[-1]["step"])
    best = max(curve, key=lambda entry: entry["score"])
    note = f'<p class="note">Взят шаг {best["step"]:.0f}: среднее {percent(best["score"])}.</p>'
    return _figure("Оценки на dev", draw_lines(lines, steps, percent_axis("F1, %")) + note)


def _figure(title: str, drawing: str) -> str:
    return f"<figure>\n<h3>{title}</h3>\n{drawing}\n</figure>"
