from __future__ import annotations

import json
from pathlib import Path

import pytest

from infer.schema import Schema, SchemaError, parse_schema, read_schema

LABELS = '<Labels name="spans" toName="text"><Label value="PARTNER"/><Label value="SECTOR"/></Labels>'
CHOICES = '<Choices name="event" toName="text"><Choice value="visit"/><Choice value="agreement"/></Choices>'
TEXT = '<Text name="text" value="$text"/>'


def view(*tags: str) -> str:
    return f"<View>{''.join(tags)}</View>"


def test_the_repository_config_gives_its_labels_and_events_in_order(schema: Schema) -> None:
    assert schema == Schema(
        labels=("PARTNER", "OFFICIAL", "SECTOR"),
        events=("visit", "agreement", "exhibition"),
        multiple=True,
        spans_name="spans",
        events_name="event",
        text_name="text",
        text_key="text",
    )


def test_names_and_the_text_key_come_from_the_config() -> None:
    xml = view(
        '<Text name="article" value="$body"/>',
        '<Labels name="ner" toName="article"><Label value="A"/></Labels>',
        '<Choices name="kind" toName="article" choice="multiple"><Choice value="x"/></Choices>',
    )
    assert parse_schema(xml) == Schema(("A",), ("x",), True, "ner", "kind", "article", "body")


@pytest.mark.parametrize(
    ("attribute", "multiple"), [("", False), (' choice="single"', False), (' choice="multiple"', True)]
)
def test_choices_are_single_unless_multiple_is_said(attribute: str, multiple: bool) -> None:
    xml = view(TEXT, f'<Choices name="event" toName="text"{attribute}><Choice value="visit"/></Choices>')
    assert parse_schema(xml).multiple is multiple


def test_hypertext_tags_are_read_like_text_ones() -> None:
    xml = view(
        '<HyperText name="page" value="$html"/>',
        '<HyperTextLabels name="spans" toName="page"><Label value="A"/></HyperTextLabels>',
    )
    schema = parse_schema(xml)
    assert (schema.labels, schema.text_name, schema.text_key) == (("A",), "page", "html")


def test_a_choice_is_named_by_its_alias_since_results_hold_that() -> None:
    xml = view(
        TEXT,
        '<Choices name="event"><Choice value="Визит" alias="visit"/><Choice value="agreement"/></Choices>',
    )
    assert parse_schema(xml).events == ("visit", "agreement")


def test_labels_alone_and_choices_alone_are_enough() -> None:
    assert parse_schema(view(TEXT, LABELS)).events == ()
    assert parse_schema(view(TEXT, CHOICES)).labels == ()


def test_tags_are_found_at_any_depth_and_after_an_xml_declaration() -> None:
    xml = f'\n<?xml version="1.0" encoding="UTF-8"?><View><View>{TEXT}<View>{LABELS}</View></View></View>'
    assert parse_schema(xml).labels == ("PARTNER", "SECTOR")


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("<View>", "not well-formed XML"),
        ("", "not well-formed XML"),
        (view(LABELS, CHOICES), "no <Text"),
        (view(TEXT), "neither <Labels> nor <Choices>"),
        (view(TEXT, LABELS, LABELS), "2 <Labels> tags"),
        (view(TEXT, CHOICES, CHOICES), "2 <Choices> tags"),
        (view(TEXT, TEXT, LABELS), "2 <Text> tags"),
        (view(TEXT, '<Labels name="spans"/>'), "<Label> tags, each with a value"),
        (view(TEXT, '<Labels name="spans"><Label value="A"/><Label/></Labels>'), "each with a value"),
        (view(TEXT, '<Labels name="spans"><Label value="A"/><Label value="A"/></Labels>'), "twice: A"),
        (view(TEXT, '<Choices name="event"><Choice value=""/></Choices>'), "<Choice> tags"),
    ],
)
def test_an_unusable_config_says_what_is_wrong(xml: str, says: str) -> None:
    with pytest.raises(SchemaError, match=says):
        parse_schema(xml)


def test_a_missing_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"nowhere\.xml: no labeling config.*copy it from Label Studio"):
        read_schema(tmp_path / "nowhere.xml")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.xml"
    path.write_text("<View>", encoding="utf-8")
    with pytest.raises(SchemaError, match=r"config\.xml: .*not well-formed"):
        read_schema(path)
    path.write_bytes("<View>Метка</View>".encode("cp1251"))
    with pytest.raises(SchemaError, match=r"config\.xml: "):
        read_schema(path)


def test_a_schema_survives_json(schema: Schema) -> None:
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    single = Schema((), ("a", "b"), multiple=False, text_key="body")
    assert Schema.from_dict(json.loads(json.dumps(single.to_dict()))) == single


def test_an_unknown_schema_field_is_refused() -> None:
    with pytest.raises(TypeError, match="labbels"):
        Schema.from_dict({"labbels": ["A"], "events": []})
