"""The HTTP service in this process: the ML backend protocol, plain JSON, and requests that are wrong."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infer import bundle as bundles
from infer.bundle import Bundle
from infer.document import Document
from infer.extractor import Extractor
from infer.labelstudio import to_task
from infer.normal import Normalizer
from infer.records import to_record
from infer.schema import Schema
from infer.service import is_authorized
from tests.serving import Running, save_other, serving, wait_until

CONFIG = (Path(__file__).parent.parent / "annotations/labeling_config.xml").read_text(encoding="utf-8")
OTHER_CONFIG = """<View><Text name="t" value="$body"/><Labels name="l" toName="t">
<Label value="SECTOR"/><Label value="PLACE"/></Labels></View>"""
FOREIGN_CONFIG = """<View><Text name="t" value="$body"/><Choices name="c" toName="t"><Choice value="x"/>
</Choices></View>"""


@pytest.fixture
def model(bundle: Bundle, tmp_path: Path) -> Path:
    bundles.save(bundle, tmp_path / "runs/first/model")
    return tmp_path / "runs/first/model"


@pytest.fixture
def running(model: Path) -> Iterator[Running]:
    with serving(model) as running:
        yield running


def tasks_of(documents: Iterable[Document]) -> list[dict[str, Any]]:
    return [{"id": n, "data": {"text": d.text}, "meta": {}} for n, d in enumerate(documents)]


# --- Label Studio's protocol


def test_health_versions_and_setup_tell_the_same_version(running: Running) -> None:
    version = running.client.get("/health").json()["model_version"]
    assert version == running.worker.served.version
    assert version.startswith("vizitka-")
    assert running.client.get("/versions").json() == {"versions": [version]}
    asked = {"project": "4.1795321458", "schema": CONFIG, "hostname": "", "access_token": "x"}
    answer = running.client.post("/setup", json=asked | {"extra_params": None})
    assert (answer.status_code, answer.json()) == (200, {"model_version": version, "differences": []})


def test_setup_says_what_differs_and_refuses_what_has_nothing_in_common(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    answer = running.client.post("/setup", json={"project": "4.1", "schema": OTHER_CONFIG})
    assert answer.status_code == 200
    assert any("PARTNER, OFFICIAL" in sentence for sentence in answer.json()["differences"])
    assert "project 4.1: the model knows no label PLACE" in caplog.text
    answer = running.client.post("/setup", json={"project": "4.1", "schema": FOREIGN_CONFIG})
    assert answer.status_code == 422
    assert "another model" in answer.json()["error"]
    assert "POST /setup: refused (422), the labeling config is of another model" in caplog.text


@pytest.mark.parametrize("config", ["", "<View>", "<View></View>", CONFIG.replace("<Text", "<Image")])
@pytest.mark.parametrize("path", ["/setup", "/predict"])
def test_a_labeling_config_that_can_not_be_read_is_a_sentence(
    running: Running, config: str, path: str
) -> None:
    body = {"schema": config, "label_config": config or "<View/>", "tasks": []}
    answer = running.client.post(path, json=body)
    assert answer.status_code == 422
    assert "labeling config" in answer.json()["error"]


def test_predictions_are_the_extractor_s_in_order(
    running: Running, model: Path, schema: Schema, documents: list[Document]
) -> None:
    documents = [document for document in documents if document.text.strip()] * 5  # several turns
    answer = running.client.post("/predict", json={"tasks": tasks_of(documents), "label_config": CONFIG})
    extractor, version = Extractor.load(model), running.worker.served.version
    expected = [
        to_task(extractor.extract(document.text), schema, version)["predictions"][0] for document in documents
    ]
    results = answer.json()["results"]
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert [(r["type"], r["value"]) for r in result["result"]] == [
            (r["type"], r["value"]) for r in wanted["result"]
        ]
        assert result["score"] == pytest.approx(wanted["score"], abs=1e-4)
        assert result["model_version"] == version
    assert any(len(result["result"]) > 5 for result in results)


def test_every_task_is_answered_whatever_it_holds(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    texts = [None, "Делегация Индии", "https://a.b/c", "", 5, "\ud800 Калуга", "a\x00b", "Да"]
    tasks: list[Any] = [{"id": n, "data": {"text": text}} for n, text in enumerate(texts)]
    tasks += [None, {"id": 100}, "Да", tasks[1]]
    body = json.dumps({"tasks": tasks})
    answer = running.client.post("/predict", content=body, headers={"content-type": "application/json"})
    results = answer.json()["results"]
    good = [n for n, result in enumerate(results) if "reason" not in result]
    assert len(results) == len(tasks)
    assert good == [1, 5, 6, 7, 11]
    assert results[1] == results[11]
    assert all(result["result"] == [] for n, result in enumerate(results) if n not in good)
    assert "task 2: no prediction, its text is an address" in caplog.text


def test_predictions_follow_the_project_s_own_config(running: Running, documents: list[Document]) -> None:
    tasks = [{"id": 1, "data": {"body": documents[2].text}}]
    answer = running.client.post("/predict", json={"tasks": tasks, "label_config": OTHER_CONFIG})
    regions = answer.json()["results"][0]["result"]
    assert {(r["from_name"], r["to_name"], *r["value"]["labels"]) for r in regions} == {("l", "t", "SECTOR")}


def test_no_tasks_are_no_predictions(running: Running) -> None:
    assert running.client.post("/predict", json={"tasks": []}).json() == {"results": []}


@pytest.mark.parametrize("action", ["TASKS_CREATED", "PROJECT_UPDATED", "ANNOTATION_CREATED", "UNHEARD_OF"])
def test_other_actions_are_acknowledged(running: Running, action: str) -> None:
    answer = running.client.post("/webhook", json={"action": action, "project": {"id": 3}, "tasks": []})
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})
    assert running.client.get("/training").json()["state"] == "idle"


@pytest.mark.parametrize("project", [None, {}, {"id": "3; rm"}, "3", [3]])
def test_a_training_needs_a_project(running: Running, project: Any) -> None:
    answer = running.client.post("/webhook", json={"action": "START_TRAINING", "project": project})
    assert answer.status_code == 422
    assert "project" in answer.json()["error"]


# --- plain JSON


def test_records_are_the_contract_s(running: Running, model: Path, documents: list[Document]) -> None:
    documents = [document for document in documents if document.text.strip()]
    body = {"documents": [{"id": document.id, "text": document.text} for document in documents]}
    answer = running.client.post("/extract", json=body).json()
    extractor, normalizer = Extractor.load(model), Normalizer()
    expected = [to_record(extractor.extract(document), normalizer) for document in documents]
    assert answer["model_version"] == running.worker.served.version
    assert [list(record) for record in answer["records"]] == [list(record) for record in expected]
    for record, wanted in zip(answer["records"], expected, strict=True):
        assert record["event_scores"] == pytest.approx(wanted["event_scores"], abs=1e-3)
        for span, other in zip(record["spans"], wanted["spans"], strict=True):
            assert {**span, "score": 0} == {**other, "score": 0}
        assert record | {"event_scores": 0, "spans": 0} == wanted | {"event_scores": 0, "spans": 0}
    texts = running.client.post("/extract", json={"texts": [d.text for d in documents]}).json()["records"]
    assert [record["id"] for record in texts] == ["1", "2", "3", "4"]
    assert [r["spans"] for r in texts] == [r["spans"] for r in answer["records"]]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "JSON decode error"),
        ("", "body: Field required"),
        ("[]", "body: "),
        ("[" * 100_000, "parsing"),
        ("{}", 'either "texts" or "documents"'),
        ('{"texts": ["a"], "documents": []}', 'either "texts" or "documents"'),
        ('{"text": "a"}', "body.text: "),
        ('{"texts": "a"}', "body.texts: "),
        ('{"texts": ["a", ""]}', "body.texts.1: the text is empty"),
        ('{"texts": ["a", 5]}', "body.texts.1: "),
        ('{"documents": [{"id": "a", "text": " "}]}', "body.documents.0.text: the text is empty"),
        ('{"documents": [{"text": "a"}]}', "body.documents.0.id: Field required"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(running: Running, body: str, says: str) -> None:
    answer = running.client.post("/extract", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert says in answer.json()["error"]


def test_json_has_to_be_declared_as_such(running: Running) -> None:
    body = '{"action": "START_TRAINING", "project": 1}'
    answer = running.client.post("/webhook", content=body, headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["error"]
    assert running.retraining.training.state == "idle"


def test_an_unknown_path_is_an_error_in_json(running: Running) -> None:
    answer = running.client.get("/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


# --- token and size


def test_with_a_token_nothing_is_answered_without_it(model: Path) -> None:
    with serving(model, token="пароль") as running:
        for path in ("/health", "/training", "/openapi.json", "/nowhere"):
            answer = running.client.get(path)
            assert answer.status_code == 401
            assert "token" in answer.json()["error"]
        assert running.client.post("/extract", json={"texts": ["Да"]}).status_code == 401
        basic = base64.b64encode("anyone:пароль".encode()).decode()
        assert running.client.get("/health", headers={"Authorization": f"Basic {basic}"}).status_code == 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Token s3:cret", True),
        ("token s3:cret", True),
        ("Bearer s3:cret", True),
        ("Basic " + base64.b64encode(b"user:s3:cret").decode(), True),
        ("Basic " + base64.b64encode(b":s3:cret").decode(), True),
        ("Basic " + base64.b64encode(b"s3:cret").decode(), False),
        ("Basic s3:cret", False),
        ("Basic é", False),
        ("Digest s3:cret", False),
        ("Token s3:cre", False),
        ("Token s3:cret2", False),
        ("Token", False),
        ("s3:cret", False),
        ("", False),
    ],
)
def test_the_token_comes_in_three_ways(header: str, expected: bool) -> None:
    assert is_authorized(header, "s3:cret") is expected


@pytest.mark.parametrize("path", ["/extract", "/predict", "/setup", "/webhook"])
def test_a_huge_body_is_refused_declared_or_not(model: Path, path: str) -> None:
    with serving(model, max_bytes=10_000) as running:
        json_type = {"content-type": "application/json"}
        assert running.client.post(path, content=b" " * 10_001, headers=json_type).status_code == 413
        parts = iter([b" " * 6_000, b" " * 6_000])
        assert running.client.post(path, content=parts, headers=json_type).status_code == 413
        assert running.client.post("/extract", json={"texts": ["а" * 1_000]}).status_code == 200


# --- many at once


def test_concurrent_requests_get_their_own_answers_from_one_thread(
    running: Running, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [document.text[:90] for document in documents if document.text.strip()]
    inner, threads = Extractor.extract_many, set()

    def spy(self: Extractor, documents: Iterable[Document]) -> Iterator[Document]:
        threads.add(threading.current_thread().name)
        return inner(self, documents)

    monkeypatch.setattr(Extractor, "extract_many", spy)

    def ask(number: int) -> bool:
        own = [f"{number} {text}" for text in texts for _ in range(3)]
        records = running.client.post("/extract", json={"texts": own}).json()["records"]
        return [record["text"] for record in records] == own

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(16)))
    assert threads == {"model_0"}


def test_a_swap_in_the_middle_never_mixes_models(
    running: Running, bundle: Bundle, tmp_path: Path, documents: list[Document]
) -> None:
    texts = [document.text[:90] for document in documents if document.text.strip()] * 6
    first = running.worker.served.version
    other = save_other(bundle, tmp_path / "other")
    expected = {
        version: [len(Extractor.load(folder).extract(text).spans) for text in texts]
        for version, folder in ((first, running.worker.served.folder), ("other", other))
    }
    assert expected[first] != expected["other"]
    enough, seen = threading.Event(), []

    def ask() -> None:
        while not enough.is_set():
            answer = running.client.post("/extract", json={"texts": texts})
            counts = [len(record["spans"]) for record in answer.json()["records"]]
            seen.append(answer.json()["model_version"])
            assert counts == expected[first if seen[-1] == first else "other"]

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        try:
            wait_until(lambda: first in seen)
            second = running.worker.replace(other).version
            wait_until(lambda: second in seen or any(future.done() for future in asking))
        finally:
            enough.set()
        for future in asking:
            future.result()
    assert set(seen) == {first, second}


def test_an_accident_inside_is_logged_and_the_next_request_answered(
    model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(model) as running, caplog.at_level(logging.ERROR):
        with monkeypatch.context() as broken:
            broken.setattr(Extractor, "extract_many", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):  # TestClient raises what uvicorn logs
                running.client.post("/extract", json={"texts": ["Да"]})
        assert running.client.post("/extract", json={"texts": ["Да"]}).status_code == 200
