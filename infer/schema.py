"""The label schema: span labels and event types, read from a Label Studio labeling config.

Contract: the labeling config alone decides what is learnt. One `<Labels>` (or `<HyperTextLabels>`) tag
gives the span labels, one `<Choices>` tag the event types; either may be missing, not both. Choices with
`choice="multiple"` are independent (a probability each), otherwise exactly one holds (they sum to one).
The order in the config is the order of label ids everywhere.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


class SchemaError(ValueError):
    """The labeling config can't be used; the message says why and what to change."""


@dataclass(frozen=True, slots=True)
class Schema:
    """Labels and events with the names that Label Studio results refer to them by."""

    labels: tuple[str, ...]
    events: tuple[str, ...]
    multiple: bool = True
    spans_name: str = "spans"  # name of the <Labels> tag: `from_name` of a span result
    events_name: str = "event"  # name of the <Choices> tag
    text_name: str = "text"  # name of the <Text> tag: `to_name` of both
    text_key: str = "text"  # key of the text in a task's `data`

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Schema:
        """Back from `to_dict` (lists become tuples)."""
        fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**fields)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def read_schema(path: Path) -> Schema:
    """The schema of a labeling config file. Raises SchemaError naming the file and the fix."""
    try:
        return parse_schema(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SchemaError(
            f"{path}: no labeling config there; copy it from Label Studio (project settings, Labeling "
            "Interface, Code) or set data.labeling_config"
        ) from None
    except (UnicodeDecodeError, SchemaError) as error:
        raise SchemaError(f"{path}: {error}") from None


def parse_schema(xml: str) -> Schema:
    """The schema of a labeling config given as text. Raises SchemaError."""
    try:
        root = ElementTree.fromstring(xml.strip())
    except ElementTree.ParseError as error:
        raise SchemaError(f"the labeling config is not well-formed XML ({error})") from None
    texts = [*root.iter("Text"), *root.iter("HyperText")]
    spans = [*root.iter("Labels"), *root.iter("HyperTextLabels")]
    choices = list(root.iter("Choices"))
    for tags, what in ((texts, "<Text>"), (spans, "<Labels>"), (choices, "<Choices>")):
        if len(tags) > 1:
            raise SchemaError(f"the labeling config has {len(tags)} {what} tags; Vizitka reads one")
    if not texts:
        raise SchemaError('the labeling config has no <Text name="text" value="$text"/> tag')
    if not spans and not choices:
        raise SchemaError("the labeling config has neither <Labels> nor <Choices>: there is nothing to learn")
    fields: dict[str, Any] = {"labels": (), "events": ()}
    if spans:
        fields["labels"] = _values(spans[0], "Label", "value")
        fields["spans_name"] = spans[0].get("name", "spans")
    if choices:
        fields["events"] = _values(choices[0], "Choice", "alias", "value")
        fields["multiple"] = choices[0].get("choice", "single") == "multiple"
        fields["events_name"] = choices[0].get("name", "event")
    fields["text_name"] = texts[0].get("name", "text")
    fields["text_key"] = texts[0].get("value", "$text").lstrip("$")
    return Schema(**fields)


def _values(tag: ElementTree.Element, child: str, *attributes: str) -> tuple[str, ...]:
    """The values that results will hold: Label Studio writes a choice's alias where there is one."""
    values = [
        next((item.get(name) for name in attributes if item.get(name)), None) for item in tag.iter(child)
    ]
    found = tuple(value for value in values if value)
    if not found or len(found) < len(values):
        raise SchemaError(f"<{tag.tag}> needs <{child}> tags, each with a value")
    if len(set(found)) < len(found):
        raise SchemaError(f"<{tag.tag}> names a value twice: {', '.join(found)}")
    return found
