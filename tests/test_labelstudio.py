"""What real exports contain, good and bad; offsets in the data are written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infer.document import Document, Span
from infer.labelstudio import LabelStudioError, Problem, Task, read_tasks, reject_text, to_task
from infer.schema import Schema

TEXT = "Мэр Калуги принял делегацию из Китая."
KALUGA = {"start": 4, "end": 10, "text": "Калуги", "labels": ["PARTNER"]}
CHINA = {"start": 31, "end": 36, "text": "Китая", "labels": ["PARTNER"]}


class Export:
    """Writes an export and reads it back."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path, self.schema = path, schema

    def read(self, content: Any) -> tuple[list[Task], list[Problem]]:
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        self.path.write_text(text, encoding="utf-8", newline="")
        return read_tasks(self.path, self.schema)

    def spans(self, text: str, *values: dict[str, Any]) -> tuple[Span, ...] | None:
        """The spans of a one-annotation task, None when the annotation was refused."""
        tasks, _ = self.read([task(text, *values)])
        return tasks[0].annotations[0].spans if tasks[0].annotations else None

    def problems(self, *items: Any) -> list[str]:
        return [problem.reason for problem in self.read(list(items))[1]]


@pytest.fixture
def export(tmp_path: Path, schema: Schema) -> Export:
    return Export(tmp_path / "export.json", schema)


def region(value: Any, kind: str = "labels") -> dict[str, Any]:
    return {"from_name": "spans", "to_name": "text", "type": kind, "value": value}


def choices(*names: str) -> dict[str, Any]:
    return {"from_name": "event", "to_name": "text", "type": "choices", "value": {"choices": list(names)}}


def task(text: Any, *values: Any, number: int = 1, events: tuple[str, ...] = ()) -> dict[str, Any]:
    result = [*map(region, values), *([choices(*events)] if events else [])]
    return {"id": number, "data": {"text": text}, "annotations": [{"completed_by": 1, "result": result}]}


def mark(start: Any, end: Any, text: str | None = None, label: str = "PARTNER") -> dict[str, Any]:
    return {"start": start, "end": end, "labels": [label]} | ({} if text is None else {"text": text})


# --- what a good export gives


def test_a_task_gives_its_spans_events_annotator_and_meta(export: Export) -> None:
    item = {
        "id": 7,
        "data": {"text": TEXT, "url": "https://example.org/7"},
        "annotations": [
            {
                "completed_by": {"id": 2, "email": "anna@example.org"},
                "updated_at": "2026-01-02T03:04:05Z",
                "result": [region(CHINA), choices("agreement", "visit"), region(KALUGA)],
            }
        ],
    }
    (read,), problems = export.read([item])
    (annotation,) = read.annotations
    assert not problems
    assert (read.id, read.text, read.meta) == ("7", TEXT, {"url": "https://example.org/7"})
    assert annotation.spans == (Span(4, 10, "PARTNER"), Span(31, 36, "PARTNER"))
    assert annotation.events == ("visit", "agreement"), "in the schema's order"
    assert (annotation.annotator, annotation.updated) == ("anna@example.org", "2026-01-02T03:04:05Z")


def test_an_id_of_ones_own_in_data_goes_before_the_servers(export: Export) -> None:
    item = task(TEXT, number=5)
    item["data"]["id"] = "news/1.txt"
    (read,), _ = export.read([item])
    assert read.id == "news/1.txt"
    assert "id" not in read.meta


def test_every_annotator_is_kept(export: Export) -> None:
    item = task(TEXT, KALUGA)
    item["annotations"].append({"completed_by": 2, "result": [region(CHINA)]})
    (read,), problems = export.read([item])
    assert not problems
    assert [(a.annotator, a.spans[0].start) for a in read.annotations] == [("1", 4), ("2", 31)]


def test_a_region_with_two_labels_is_two_spans_and_a_repeated_one_is_one(export: Export) -> None:
    both = {**KALUGA, "labels": ["PARTNER", "SECTOR"]}
    assert export.spans(TEXT, both) == (Span(4, 10, "PARTNER"), Span(4, 10, "SECTOR"))
    assert export.spans(TEXT, KALUGA, KALUGA) == (Span(4, 10, "PARTNER"),)


def test_hypertext_regions_are_read(export: Export) -> None:
    item = task(TEXT)
    value = {"start": 4, "end": 10, "hypertextlabels": ["PARTNER"]}
    item["annotations"][0]["result"] = [region(value, "hypertextlabels")]
    (read,), _ = export.read([item])
    assert read.annotations[0].spans == (Span(4, 10, "PARTNER"),)


def test_cancelled_annotations_drafts_and_predictions_are_no_annotations(export: Export) -> None:
    item = task(TEXT)
    item["annotations"] = [{"was_cancelled": True, "result": [region(KALUGA)]}]
    item["drafts"] = [{"result": [region(KALUGA)]}]
    item["predictions"] = [{"result": [region(CHINA)]}, 17]
    (read,), problems = export.read([item])
    assert read.annotations == ()
    assert not problems


def test_an_empty_annotation_is_an_answer(export: Export) -> None:
    (read,), problems = export.read([task("Русский текст с 🤝 и\r\nабзацем")])
    (annotation,) = read.annotations
    assert (annotation.spans, annotation.events, problems) == ((), (), [])


def test_a_task_nobody_annotated_is_still_a_task(export: Export) -> None:
    tasks, problems = export.read([{"id": 1, "data": {"text": TEXT}}, {"id": 2, "data": {"text": TEXT}}])
    assert [(t.id, t.annotations) for t in tasks] == [("1", ()), ("2", ())]
    assert not problems


def test_other_kinds_of_result_are_left_out_and_reported(export: Export) -> None:
    item = task(TEXT, KALUGA)
    item["annotations"][0]["result"] += [
        {"type": "textarea", "from_name": "note", "value": {"text": ["проверить"]}},
        {"type": "rating", "from_name": "stars", "value": {"rating": 5}},
        {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["of"]},
    ]
    (read,), (problem,) = export.read([item])
    assert read.annotations[0].spans == (Span(4, 10, "PARTNER"),)
    assert problem.reason.startswith("results of type rating, relation, textarea are not read")


def test_a_byte_order_mark_does_not_matter(export: Export) -> None:
    export.path.write_bytes(b"\xef\xbb\xbf" + json.dumps([task(TEXT, KALUGA)]).encode())
    (read,), _ = read_tasks(export.path, export.schema)
    assert read.annotations[0].spans == (Span(4, 10, "PARTNER"),)


# --- offsets: code points, UTF-16 units, collapsed CRLF


def test_code_points_after_emoji_are_taken_as_they_are(export: Export) -> None:
    text = "🤝👍 Китай"
    assert export.spans(text, mark(3, 8, "Китай")) == (Span(3, 8, "PARTNER"),)
    assert export.problems(task(text, mark(3, 8, "Китай"))) == []


def test_utf16_offsets_after_emoji_are_repaired_and_reported(export: Export) -> None:
    item = task("🤝👍 Китай", mark(5, 10, "Китай"))
    (read,), (problem,) = export.read([item])
    assert read.annotations[0].spans == (Span(3, 8, "PARTNER"),)
    assert problem == Problem("export.json", "1", "repaired: its offsets count UTF-16 units")


def test_utf16_reaches_the_very_end_and_the_emoji_itself(export: Export) -> None:
    assert export.spans("Да 🤝 🤝", mark(3, 5, "🤝"), mark(6, 8, "🤝")) == (
        Span(3, 4, "PARTNER"),
        Span(5, 6, "PARTNER"),
    )


def test_only_characters_past_ffff_are_two_utf16_units(export: Export) -> None:
    assert export.spans("🤝 № — 北京 Китай", mark(10, 15, "Китай")) == (Span(9, 14, "PARTNER"),)


def test_half_a_surrogate_pair_is_no_offset(export: Export) -> None:
    assert export.spans("🤝Да", mark(0, 4, "🤝Да")) == (Span(0, 3, "PARTNER"),)
    assert export.spans("🤝Да", mark(1, 4, "🤝Да")) is None


def test_the_tasks_other_spans_decide_where_one_alone_could_not(export: Export) -> None:
    # "КК": code points [2, 3) and UTF-16 [2, 3) are both К; the second span fits UTF-16 only.
    text = "🤝КК мир"
    assert export.spans(text, mark(2, 3, "К")) is None
    assert export.spans(text, mark(2, 3, "К"), mark(5, 8, "мир")) == (
        Span(1, 2, "PARTNER"),
        Span(4, 7, "PARTNER"),
    )


def test_offsets_that_can_be_read_in_two_ways_are_refused_with_both_named(export: Export) -> None:
    item = task("🤝 Китай и Индия", mark(2, 4))
    (read,), (problem,) = export.read([item])
    assert read.annotations == ()
    assert "code points or as UTF-16 units" in problem.reason
    assert "mark it again" in problem.reason


def test_without_emoji_or_crlf_no_copy_of_the_text_is_needed(export: Export) -> None:
    assert export.spans(TEXT, mark(4, 10)) == (Span(4, 10, "PARTNER"),)


def test_crlf_counting_as_two_is_taken_as_it_is(export: Export) -> None:
    text = "Визит\r\n\r\nКитай"
    assert export.spans(text, mark(9, 14, "Китай")) == (Span(9, 14, "PARTNER"),)


def test_offsets_of_a_text_with_crlf_collapsed_are_repaired_and_reported(export: Export) -> None:
    text = "Визит\r\n\r\nКитай\r\n"
    (read,), (problem,) = export.read([task(text, mark(7, 12, "Китай"))])
    assert read.annotations[0].spans == (Span(9, 14, "PARTNER"),)
    assert read.text == text, "the text itself stays"
    assert problem.reason == "repaired: its offsets count a text with CRLF collapsed"


def test_a_span_over_a_crlf_survives_either_counting(export: Export) -> None:
    text = "ООО\r\n«Фуяо»"
    for end in (11, 10):
        assert export.spans(text, mark(0, end, r"ООО\n«Фуяо»")) == (Span(0, 11, "PARTNER"),)


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("мэр  Калуги", "мэр Калуги"),  # double space collapsed
        ("мэр\u00a0Калуги", "мэр Калуги"),  # no-break space made plain
        ("мэр\nКалуги", r"мэр\nКалуги"),  # a line break as backslash-n
        ("мэр\r\nКалуги", r"мэр\n\nКалуги"),  # CRLF as two of them
        ("мэр\r\nКалуги", r"мэр\r\nКалуги"),
        ("мэр\nКалуги", "мэр\nКалуги"),
        ("мэр\tКалуги", "мэр Калуги "),
        (r"мэр\nКалуги", r"мэр\nКалуги"),  # the text itself has backslash-n
    ],
)
def test_white_space_that_label_studio_changes_in_the_copy_is_no_conflict(
    export: Export, text: str, copy: str
) -> None:
    assert export.spans(text, mark(0, len(text), copy)) == (Span(0, len(text), "PARTNER"),)


def test_a_backslash_r_of_the_text_itself_is_no_conflict(export: Export) -> None:
    text = r"диск C:\reports"
    assert export.spans(text, mark(5, 15, r"C:\reports")) == (Span(5, 15, "PARTNER"),)


@pytest.mark.parametrize(
    "value",
    [
        mark(4, 99, "Калуги"),  # past the end
        mark(4, 99),
        mark(-1, 3),
        mark(10, 4),
        mark(4, 4),
        mark(5, 11, "Калуги"),  # one off
        mark(4, 10, "Калуга"),  # another word
        mark(None, None, "Калуги"),
        mark("4", "10", "Калуги"),
        mark(4.0, 10.0, "Калуги"),
        mark(True, 10),
        {"labels": ["PARTNER"]},
    ],
)
def test_offsets_that_fit_nowhere_cost_the_annotation_and_are_reported(
    export: Export, value: dict[str, Any]
) -> None:
    (read,), (problem,) = export.read([task(TEXT, CHINA, value)])
    assert read.annotations == (), "half of an annotation would teach that the rest is nothing"
    assert "fit its text in no known counting" in problem.reason
    assert str(problem).startswith("export.json, task 1: ")


def test_another_annotators_good_offsets_are_kept_beside_bad_ones(export: Export) -> None:
    item = task(TEXT, mark(4, 99))
    item["annotations"].append({"completed_by": 2, "result": [region(KALUGA)]})
    (read,), problems = export.read([item])
    assert [a.annotator for a in read.annotations] == ["2"]
    assert len(problems) == 1


def in_utf16(text: str, point: int) -> int:
    return len(text[:point].encode("utf-16-le")) // 2


def in_collapsed(text: str, point: int) -> int:
    return len(text[:point].replace("\r\n", "\n"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.sampled_from("аб 🤝👍 \r\nв\u0306"), min_size=1, max_size=20).map(
        lambda text: text.replace("\n", "\r\n")
    ),
    count=st.sampled_from([lambda _, point: point, in_utf16, in_collapsed]),
    data=st.data(),
)
def test_a_repair_is_never_a_wrong_guess(export: Export, text: str, count: Any, data: st.DataObject) -> None:
    """Whatever the counting: the true span, or one that quotes the same words, or a reported refusal."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    value = mark(count(text, start), count(text, end), text[start:end])
    (read,), problems = export.read([task(text, value)])
    if read.annotations:
        (span,) = read.annotations[0].spans
        assert text[span.start : span.end].split() == text[start:end].split()
    else:
        assert problems


# --- what is left out, and said


def test_a_region_without_labels_is_left_out_and_reported(export: Export) -> None:
    for value in ({"start": 4, "end": 10, "text": "Калуги"}, {**KALUGA, "labels": []}):
        (read,), (problem,) = export.read([task(TEXT, value, CHINA)])
        assert read.annotations[0].spans == (Span(31, 36, "PARTNER"),)
        assert "region at 4 has no label" in problem.reason


@pytest.mark.parametrize("data", [{}, {"text": None}, {"text": 5}, {"text": ["а", "б"]}, {"body": TEXT}])
def test_a_task_without_text_is_reported_and_the_rest_read(export: Export, data: dict[str, Any]) -> None:
    bad = {"id": 3, "data": data, "annotations": []}
    (read,), (problem,) = export.read([bad, task(TEXT, KALUGA, number=4)])
    assert read.id == "4"
    assert (problem.task, problem.reason) == ("3", 'its data has no text under "text"')


@pytest.mark.parametrize("address", ["https://example.org/a.txt", "s3://bucket/a", "/data/upload/1/a.txt"])
def test_a_text_that_is_an_address_is_reported(export: Export, address: str) -> None:
    tasks, (problem,) = export.read([task(address)])
    assert not tasks
    assert f"its text is an address ({address})" in problem.reason


@pytest.mark.parametrize("text", ["s3://", "https://", "http:// - это начало адреса", "/data/", "/data/ да"])
def test_a_text_about_addresses_is_a_text(export: Export, text: str) -> None:
    (read,), problems = export.read([task(text)])
    assert (read.text, problems) == (text, [])


def test_a_text_that_only_begins_with_an_address_is_a_text(export: Export) -> None:
    tasks, problems = export.read([task("https://example.org сообщает: Китай")])
    assert len(tasks) == 1
    assert not problems


def test_of_two_tasks_with_one_id_the_later_is_left_out_and_reported(export: Export) -> None:
    (read,), (problem,) = export.read([task(TEXT, KALUGA, number=9), task("Другой", number=9)])
    assert read.text == TEXT
    assert problem.task == "9"
    assert "stands earlier" in problem.reason


def test_one_text_under_two_ids_is_two_tasks(export: Export) -> None:
    tasks, _ = export.read([task(TEXT, number=1), task(TEXT, number=2)])
    assert [t.id for t in tasks] == ["1", "2"]


# --- what stops the whole file


def test_an_unknown_label_names_itself_the_file_the_task_and_the_known_ones(export: Export) -> None:
    with pytest.raises(LabelStudioError) as caught:
        export.read([task(TEXT, KALUGA), task(TEXT, mark(0, 3, "Мэр", "PERSON"), number=2)])
    for part in (str(export.path), "task 2", "label 'PERSON'", '"spans"', "PARTNER, OFFICIAL, SECTOR"):
        assert part in str(caught.value)


def test_an_unknown_choice_names_itself_the_file_the_task_and_the_known_ones(export: Export) -> None:
    with pytest.raises(LabelStudioError) as caught:
        export.read([task(TEXT, events=("visit", "concert"), number=8)])
    for part in (str(export.path), "task 8", "choice 'concert'", '"event"', "visit, agreement, exhibition"):
        assert part in str(caught.value)


def test_a_cancelled_annotation_may_hold_anything(export: Export) -> None:
    item = task(TEXT, mark(0, 3, "Мэр", "PERSON"))
    item["annotations"][0]["was_cancelled"] = True
    tasks, problems = export.read([item])
    assert (len(tasks), problems) == (1, [])


def test_truncated_json_names_the_file_and_the_line(export: Export) -> None:
    whole = json.dumps([task(TEXT, KALUGA)], ensure_ascii=False, indent=1)
    lines = whole.splitlines()
    with pytest.raises(LabelStudioError, match=rf"export\.json, line {len(lines) - 2}, .*cut off"):
        export.read("\n".join(lines[:-2]))


@pytest.mark.parametrize("content", ["", "null", "5", '"text"', "[1, 2]", '[["a"]]', "true"])
def test_what_is_no_list_of_tasks_is_refused_by_name(export: Export, content: str) -> None:
    with pytest.raises(LabelStudioError, match=r"export\.json"):
        export.read(content)


def test_a_single_task_needs_no_list_around_it(export: Export) -> None:
    (read,), _ = export.read(task(TEXT, KALUGA))
    assert read.annotations[0].spans == (Span(4, 10, "PARTNER"),)


def test_an_empty_list_is_an_empty_export(export: Export) -> None:
    assert export.read([]) == ([], [])


def test_a_missing_file_and_another_encoding_are_said(export: Export) -> None:
    with pytest.raises(LabelStudioError, match=r"export\.json: no such file"):
        read_tasks(export.path, export.schema)
    export.path.write_bytes(json.dumps([task(TEXT)], ensure_ascii=False).encode("cp1251"))
    with pytest.raises(LabelStudioError, match=r"export\.json: not UTF-8"):
        read_tasks(export.path, export.schema)


def test_a_task_whose_data_is_no_object_is_named(export: Export) -> None:
    with pytest.raises(LabelStudioError, match='task 6: has no "data"'):
        export.read([task(TEXT), {"id": 6, "data": "Китай"}])


def test_null_where_lists_are_expected_is_nothing(export: Export) -> None:
    items = [
        {"id": 1, "data": {"text": TEXT}, "annotations": None},
        {"id": 2, "data": {"text": TEXT}, "annotations": [None, {"result": None}]},
        {"id": 3, "data": {"text": TEXT}, "annotations": [{"result": [{"type": "labels", "value": None}]}]},
    ]
    tasks, problems = export.read(items)
    assert [len(t.annotations) for t in tasks] == [0, 1, 1]
    assert len(problems) == 1


BAD_SHAPES = {
    "a result is a string": {"annotations": [{"result": ["labels"]}]},
    "result is an object": {"annotations": [{"result": {"type": "labels"}}]},
    "value is a string": {"annotations": [{"result": [region("Калуги")]}]},
    "a label is an object": {"annotations": [{"result": [region({**KALUGA, "labels": [{}]})]}]},
    "labels is a number": {"annotations": [{"result": [region({**KALUGA, "labels": 5})]}]},
    "choices is a number": {"annotations": [{"result": [{"type": "choices", "value": {"choices": 5}}]}]},
    "annotations is a number": {"annotations": 5},
}


@pytest.mark.parametrize("broken", BAD_SHAPES.values(), ids=BAD_SHAPES.keys())
def test_results_of_another_shape_are_reported_or_refused_by_name(
    export: Export, broken: dict[str, Any]
) -> None:
    try:
        said = [str(problem) for problem in export.read([{"id": 1, "data": {"text": TEXT}, **broken}])[1]]
    except LabelStudioError as error:
        said = [str(error)]
    assert said
    assert "export.json" in said[0]


@pytest.mark.parametrize("content", ["[" * 100_000, "[" + "1" * 5000 + "]"], ids=["deep", "long number"])
def test_json_that_python_will_not_parse_is_refused_by_name(export: Export, content: str) -> None:
    with pytest.raises(LabelStudioError, match=r"export\.json"):
        export.read(content)


# --- JSON_MIN: a flat record per annotation


def test_json_min_with_a_bare_choice(export: Export) -> None:
    record = {
        "id": 4,
        "text": TEXT,
        "spans": [KALUGA],
        "event": "visit",
        "annotator": 3,
        "updated_at": "2026",
    }
    (read,), problems = export.read([record])
    (annotation,) = read.annotations
    assert not problems
    assert (read.id, read.text) == ("4", TEXT)
    assert (annotation.spans, annotation.events) == ((Span(4, 10, "PARTNER"),), ("visit",))
    assert (annotation.annotator, annotation.updated) == ("3", "2026")


def test_json_min_with_wrapped_choices(export: Export) -> None:
    (read,), problems = export.read([{"id": 4, "text": TEXT, "event": {"choices": ["exhibition", "visit"]}}])
    assert read.annotations[0].events == ("visit", "exhibition")
    assert not problems


def test_json_min_records_of_one_task_are_one_task_again(export: Export) -> None:
    records = [
        {"id": 1, "text": TEXT, "spans": [CHINA], "event": "agreement", "annotator": 2, "annotation_id": 12},
        {"id": 2, "text": "Другой текст", "annotator": 1, "annotation_id": 13},
        {"id": 1, "text": TEXT, "spans": [KALUGA], "event": "visit", "annotator": 1, "annotation_id": 11},
    ]
    tasks, problems = export.read(records)
    assert [t.id for t in tasks] == ["1", "2"]
    assert [(a.annotator, a.spans[0].start, a.events) for a in tasks[0].annotations] == [
        ("2", 31, ("agreement",)),
        ("1", 4, ("visit",)),
    ]
    assert tasks[1].annotations[0].spans == (), "absent keys are an empty answer"
    assert not problems


def test_json_min_keeps_the_tasks_own_data_as_meta(export: Export) -> None:
    record = {"id": 1, "text": TEXT, "url": "https://example.org", "annotator": 1, "lead_time": 2.5}
    (read,), _ = export.read([record])
    assert read.meta == {"url": "https://example.org"}


def test_json_min_does_not_put_the_answer_into_meta(export: Export) -> None:
    (read,), _ = export.read([{"id": 1, "text": TEXT, "event": "visit"}])
    assert read.meta == {}


def test_json_min_offsets_are_checked_too(export: Export) -> None:
    record = {"id": 1, "text": "🤝👍 Китай", "spans": [mark(5, 10, "Китай")]}
    (read,), (problem,) = export.read([record])
    assert read.annotations[0].spans == (Span(3, 8, "PARTNER"),)
    assert "UTF-16" in problem.reason


@pytest.mark.parametrize(
    "record",
    [
        {"id": 1, "text": TEXT, "event": "concert"},
        {"id": 1, "text": TEXT, "event": {"choices": ["visit", "concert"]}},
        {"id": 1, "text": TEXT, "spans": [{**KALUGA, "labels": ["concert"]}]},
    ],
)
def test_json_min_unknown_names_are_refused(export: Export, record: dict[str, Any]) -> None:
    with pytest.raises(LabelStudioError, match=r"export\.json, task 1: .*'concert'"):
        export.read([record])


# --- the suite of corruptions: docs/studio.md has its table, a row for each case

BROKEN = "👍 Визит\r\n\r\nКитай и Индия"  # code points: Китай [11, 16), Индия [19, 24)
GOOD = ((11, 16),)
CHINA_MIN = {"start": 11, "end": 16, "text": "Китай", "labels": ["PARTNER"]}
# What the file holds; the spans of each task read, None for an annotation left out; words of each remark.
SUITE: dict[str, tuple[list[dict[str, Any]], list[Any], list[str]]] = {
    "offsets in UTF-16 units": ([task(BROKEN, mark(12, 17, "Китай"))], [GOOD], ["repaired", "UTF-16 units"]),
    "offsets of a text with CRLF collapsed": (
        [task(BROKEN, mark(9, 14, "Китай"))],
        [GOOD],
        ["repaired", "CRLF collapsed"],
    ),
    "offsets that fit two countings": (
        [task("🤝 Китай и Индия", mark(2, 4))],
        [None],
        ["code points or as UTF-16 units", "mark it again"],
    ),
    "line breaks as a literal backslash-n in value.text": (
        [task(BROKEN, mark(2, 16, r"Визит\n\n\n\nКитай"))],
        [((2, 16),)],
        [],
    ),
    "no value.text": ([task("Да, Китай", mark(4, 9))], [((4, 9),)], []),
    "a region without labels": (
        [task(BROKEN, {"start": 19, "end": 24, "text": "Индия"}, CHINA_MIN)],
        [GOOD],
        ["has no label and is left out"],
    ),
    "a span past the end": (
        [task(BROKEN, CHINA_MIN, mark(19, 240, "Индия"))],
        [None],
        ["no known counting", "mark it again"],
    ),
    "a task without text": ([{"id": 1, "data": {"body": BROKEN}}], [], ['no text under "text"']),
    "a text that is an address": ([task("https://example.org/a.txt")], [], ["is an address"]),
    "results of other types": (
        [{**task(BROKEN), "annotations": [{"result": [region(CHINA_MIN), {"type": "rating"}]}]}],
        [GOOD],
        ["results of type rating are not read"],
    ),
    "two tasks with one id": (
        [task(BROKEN, CHINA_MIN), task("Другой текст")],
        [GOOD],
        ["stands earlier in the file", "left out"],
    ),
    "JSON_MIN with a bare choice": (
        [{"id": 1, "text": BROKEN, "spans": [CHINA_MIN], "event": "visit"}],
        [GOOD],
        [],
    ),
    "JSON_MIN with wrapped choices": (
        [{"id": 1, "text": BROKEN, "spans": [CHINA_MIN], "event": {"choices": ["visit", "agreement"]}}],
        [GOOD],
        [],
    ),
    "data of another shape": (
        [{"id": 1, "data": {"text": BROKEN}, "annotations": 5}],
        [],
        ["not written as Label Studio writes tasks"],
    ),
}


@pytest.mark.parametrize(("items", "spans", "words"), SUITE.values(), ids=SUITE.keys())
def test_every_corruption_is_repaired_or_listed(
    export: Export, items: list[dict[str, Any]], spans: list[Any], words: list[str]
) -> None:
    tasks, problems = export.read(items)
    found = [
        tuple((span.start, span.end) for span in read.annotations[0].spans) if read.annotations else None
        for read in tasks
    ]
    assert found == spans
    assert len(problems) == bool(words), "one remark, or none where nothing is wrong"
    for word in words:
        assert word in problems[0].reason


def test_one_corrupt_task_costs_no_other(export: Export) -> None:
    items = [item for listed, _, _ in SUITE.values() for item in listed if "data" in item]
    numbered = [{**item, "id": number} for number, item in enumerate([*items, task(BROKEN, CHINA_MIN)])]
    tasks, problems = export.read(numbered)
    assert {t.id for t in tasks} | {p.task for p in problems} == {str(item["id"]) for item in numbered}


def test_the_docs_have_a_row_for_each_corruption() -> None:
    docs = (Path(__file__).resolve().parent.parent / "docs/studio.md").read_text(encoding="utf-8")
    table = docs.split("| what an export holds |")[1].split("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert rows == list(SUITE)


# --- to_task


DOCUMENT = Document(
    "folder/a.txt",
    "🤝 Мэр\r\nКалуги и\u0306 Китай",
    (Span(2, 5, "OFFICIAL"), Span(7, 13, "PARTNER"), Span(7, 13, "SECTOR")),
    ("visit", "exhibition"),
    meta={"url": "https://example.org", "n": 1},
)


def test_to_task_and_read_tasks_are_inverse(export: Export) -> None:
    (read,), problems = export.read([to_task(DOCUMENT, export.schema)])
    (annotation,) = read.annotations
    assert not problems
    assert (read.id, read.text, read.meta) == (DOCUMENT.id, DOCUMENT.text, DOCUMENT.meta)
    assert (annotation.spans, annotation.events) == (DOCUMENT.spans, DOCUMENT.events)


def test_a_document_with_nothing_in_it_comes_back_as_an_empty_answer(export: Export) -> None:
    (read,), _ = export.read([to_task(Document("a", TEXT), export.schema)])
    assert [(a.spans, a.events) for a in read.annotations] == [((), ())]


def test_to_task_names_the_configs_tags_and_keys(tmp_path: Path) -> None:
    schema = Schema(("A",), ("x",), True, "ner", "kind", "article", "body")
    made = to_task(Document("a", "Да нет", (Span(3, 6, "A"),), ("x",)), schema)
    spans, event = made["annotations"][0]["result"]
    assert made["data"] == {"body": "Да нет", "id": "a"}
    assert (spans["from_name"], spans["to_name"], spans["type"]) == ("ner", "article", "labels")
    assert spans["value"] == {"start": 3, "end": 6, "text": "нет", "labels": ["A"]}
    assert (event["from_name"], event["to_name"], event["type"]) == ("kind", "article", "choices")
    assert event["value"] == {"choices": ["x"]}


def test_regions_have_ids_of_their_own(schema: Schema) -> None:
    result = to_task(DOCUMENT, schema)["annotations"][0]["result"]
    assert len({item["id"] for item in result}) == len(result) == 4


def test_predictions_carry_scores_and_are_no_annotations(export: Export) -> None:
    document = Document("a", TEXT, (Span(4, 10, "PARTNER", 0.9), Span(31, 36, "PARTNER", 0.6)), ("visit",))
    made = to_task(document, export.schema, model_version="v1")
    (prediction,) = made["predictions"]
    assert "annotations" not in made
    assert (prediction["model_version"], prediction["score"]) == ("v1", 0.6), "the least certain span's"
    assert [item.get("score") for item in prediction["result"]] == [0.9, 0.6, None]
    (read,), _ = export.read([made])
    assert read.annotations == ()


def test_an_uncertain_span_has_a_note(export: Export) -> None:
    spans = (Span(4, 10, "PARTNER", 0.9), Span(31, 36, "PARTNER", 0.3, uncertain=True))
    sure, uncertain = to_task(Document("a", TEXT, spans), export.schema, "v1")["predictions"][0]["result"]
    assert "meta" not in sure
    assert uncertain["meta"] == {"text": ["uncertain"]}


def test_meta_never_replaces_the_text_or_the_id(schema: Schema) -> None:
    made = to_task(Document("a", TEXT, meta={"text": "другой", "id": "b"}), schema)
    assert (made["data"]["text"], made["data"]["id"]) == (TEXT, "a")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), data=st.data())
def test_any_text_survives_the_way_there_and_back(export: Export, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    document = Document("a", text, (Span(start, end, "SECTOR"),))
    tasks, problems = export.read([to_task(document, export.schema)])
    if reject_text(text, "text"):  # an address where a text should be
        assert (tasks, len(problems)) == ([], 1)
        return
    (read,) = tasks
    assert read.text == text
    if read.annotations:  # refused where the same words stand at both countings' places
        assert (
            text[start:end].split()
            == "".join(text[s.start : s.end] for s in read.annotations[0].spans).split()
        )
    else:
        assert problems
