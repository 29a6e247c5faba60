"""The loop with a server that tests play: what is sent, what is pulled, what is said of faults."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infer import bundle as bundles
from infer.bundle import Bundle
from infer.document import Document
from infer.failure import Failure
from infer.labelstudio import read_tasks
from infer.schema import Schema
from train import push as pushing
from train import server as serving
from train.pull import merge, pull, split, write
from train.push import push, select
from train.server import AwayError, Project, Server, StudioError, check_config, digest_of, persist
from train.studio import format_guidelines, main

CONFIG = Path(__file__).resolve().parent.parent / "annotations/labeling_config.xml"
VISIT = {"from_name": "event", "to_name": "text", "type": "choices", "value": {"choices": ["visit"]}}
LONG = "Делегация провинции Хэйлунцзян посетила завод в Калуге и подписала соглашение о поставках номер"


class FakeServer:
    """Holds tasks as the server does, ids of deleted ones used again; fails where a test says so."""

    url = "http://studio"

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.version: str | None = None
        self.fail: Callable[[str], None] = lambda action: None  # may raise, before and after an action

    def get_project(self, project: int) -> Project:
        return Project(project, "Пилот", CONFIG.read_text(encoding="utf-8"))

    def list_articles(self, project: int, key: str) -> dict[str, str]:
        return {name: digest_of(text) for name, text in self.list_texts(project, key).items()}

    def list_texts(self, project: int, key: str) -> dict[str, str]:
        self.fail("list")
        return {task["data"]["id"]: task["data"][key] for task in self.tasks if "id" in task["data"]}

    def import_tasks(self, project: int, tasks: list[dict[str, Any]]) -> None:
        self.fail("import")
        for task in tasks:
            self.tasks.append({"id": len(self.tasks) + 1, "annotations": [], **task})
        self.fail("imported")

    def show_predictions(self, project: int, version: str) -> None:
        self.version = version

    def export(self, project: int) -> list[dict[str, Any]]:
        self.fail("export")
        return json.loads(json.dumps(self.tasks))

    def annotate(self, name: str, *result: dict[str, Any], **fields: Any) -> None:
        (task,) = [task for task in self.tasks if task["data"].get("id") == name]
        task["annotations"].append({"completed_by": {"email": "a@b.c"}, "result": list(result), **fields})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    made = FakeServer()
    monkeypatch.setattr("train.studio.connect", lambda: made)
    monkeypatch.setattr(serving.time, "sleep", lambda seconds: None)
    return made


def documents(*numbers: int) -> list[Document | Failure]:
    return [Document(f"n{number}", f"Делегация номер {number}") for number in numbers]


def names(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["data"]["id"] for task in tasks]


def raw(name: str, text: str, *result: dict[str, Any]) -> dict[str, Any]:
    return {"id": 1, "data": {"id": name, "text": text}, "annotations": [{"result": list(result)}]}


# --- push


def test_a_push_sends_each_article_once(server: FakeServer, schema: Schema) -> None:
    done = push(server, 1, schema, documents(1, 2))
    assert (done.sent, done.present, done.failures) == (2, 0, ())
    assert server.tasks[0] == {"id": 1, "annotations": [], "data": {"id": "n1", "text": "Делегация номер 1"}}
    done = push(server, 1, schema, documents(1, 2, 3))
    assert (done.sent, done.present) == (1, 2)
    assert names(server.tasks) == ["n1", "n2", "n3"]
    assert server.version is None


def test_pre_annotations_carry_scores_and_the_version(
    server: FakeServer, schema: Schema, bundle: Bundle, tmp_path: Path
) -> None:
    bundles.save(bundle, tmp_path / "model")
    model = pushing.load_model(tmp_path / "model", server.get_project(1))
    push(server, 1, schema, [Document("a", LONG)], model)
    ((prediction,),) = [task["predictions"] for task in server.tasks]
    spans = [item for item in prediction["result"] if item["type"] == "labels"]
    assert spans
    assert prediction["score"] == min(item["score"] for item in spans)
    assert prediction["model_version"] == model.version == server.version
    assert model.version.startswith("vizitka-")


def test_a_model_folder_that_cannot_be_read_is_said(server: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="nothing"):
        pushing.load_model(tmp_path / "nothing", server.get_project(1))


@pytest.mark.parametrize("moment", ["import", "imported"])
def test_a_lost_answer_adds_nothing_twice(
    server: FakeServer, schema: Schema, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whether the server had taken the batch or not is asked before it is sent again."""
    monkeypatch.setattr(pushing, "BATCH", 2)
    failures = iter([False, True, True, False, True])

    def fail(action: str) -> None:
        if action == moment and next(failures, False):
            raise AwayError("away.")

    server.fail = fail
    assert push(server, 1, schema, documents(1, 2, 3, 4, 5)).sent == 5
    assert names(server.tasks) == ["n1", "n2", "n3", "n4", "n5"]


def test_a_push_that_was_killed_goes_on(
    server: FakeServer, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "BATCH", 1)

    def stop(action: str) -> None:
        if action == "imported" and len(server.tasks) == 2:
            raise KeyboardInterrupt

    server.fail = stop
    with pytest.raises(KeyboardInterrupt):
        push(server, 1, schema, documents(1, 2, 3))
    server.fail = lambda action: None
    assert push(server, 1, schema, documents(1, 2, 3)).sent == 1
    assert names(server.tasks) == ["n1", "n2", "n3"]


def test_what_cannot_be_a_task_is_a_failure(schema: Schema) -> None:
    found: list[Document | Failure] = [
        Failure("broken.txt", "is broken", "mend it"),
        Document("url", "https://example.org/a.txt"),
        Document("empty", " \n"),
        Document("half", "Делегация \ud83d"),
        Document("nul", "Делегация\x00"),
        Document("nan", "Делегация", meta={"x": float("nan")}),
        Document("date", "Делегация", meta={"x": time}),
        Document("same", "Делегация"),
        Document("same", "Делегация"),
        Document("other", "Делегация"),
        Document("other", "Другая делегация"),
        Document("there", "Третья делегация"),
    ]
    chosen, failures, known = select(found, {"there": digest_of("Прежний текст")}, schema)
    assert [document.id for document in chosen] == ["same", "other"]
    assert [failure.id for failure in failures] == [
        *("broken.txt", "url", "empty", "half", "nul", "nan", "date", "other", "there")
    ]
    assert "another text has this id" in failures[-1].reason
    assert known == 0


def test_the_push_command(server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("Делегация приехала.", encoding="utf-8")
    (tmp_path / "b.txt").write_text(" ", encoding="utf-8")
    command = ["push", str(tmp_path), "--project", "7", "--labeling-config", str(CONFIG)]
    assert main(command) == 1
    printed = capsys.readouterr()
    assert "1 articles sent, 0 were there: http://studio/projects/7" in printed.out
    assert "studio: b.txt: " in printed.err
    assert main([*command[:1], str(tmp_path / "none"), *command[2:]]) == 2


# --- queue


@pytest.fixture
def queue(bundle: Bundle, tmp_path: Path) -> list[str]:
    """The command over a folder of four articles, two of them the same release."""
    bundles.save(bundle, tmp_path / "model")
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in (("a", LONG), ("b", LONG), ("c", "Выставка открылась в Уфе."), ("d", "Посол Индии.")):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return ["queue", str(folder), "--model", str(tmp_path / "model")]


def test_a_queue_needs_no_server(
    queue: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    output = tmp_path / "new/queue.jsonl"
    assert main([*queue, "--output", str(output)]) == 0
    records = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert sorted(record["id"] for record in records) == ["a.txt", "c.txt", "d.txt"]
    assert [record["rank"] for record in records] == [1, 2, 3]
    said = capsys.readouterr().out
    assert "3 of 4 articles; 0 more are in the project already" in said
    for record in records:
        assert f"{record['priority']:.4f}  {record['id']}: {record['why']}" in said
    assert main([*queue, "--top", "1"]) == 0
    assert "1 of 4 articles" in capsys.readouterr().out


def test_a_queue_is_pushed_once_with_priorities_and_predictions(
    queue: list[str], server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    again = [*queue, "--project", "1", "--push", "--top", "2"]
    assert main(again) == 0
    assert len(server.tasks) == 2
    for task in server.tasks:
        assert 0 <= task["data"]["priority"] <= 1
        assert task["predictions"][0]["model_version"] == server.version
    assert main(again) == 0
    assert "1 of 2 articles; 2 more are in the project already" in capsys.readouterr().out
    assert main(again) == 0
    assert len({task["data"]["text"] for task in server.tasks}) == len(server.tasks) == 3


def test_what_a_queue_cannot_do_is_said(
    queue: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*queue, "--push"]) == 2
    assert "--push needs --project" in capsys.readouterr().err
    assert main(["queue", queue[1], "--model", str(tmp_path)]) == 2
    (tmp_path / "articles/e.txt").write_text(" ", encoding="utf-8")
    assert main(queue) == 1
    assert "e.txt" in capsys.readouterr().err


# --- pull


def test_a_pull_writes_what_is_annotated(server: FakeServer, schema: Schema, tmp_path: Path) -> None:
    push(server, 1, schema, documents(1, 2, 3))
    output = tmp_path / "new" / "train.json"
    assert pull(server, 1, schema, output, 0.0, 0).annotated == 0
    assert not output.exists()
    server.annotate("n1", VISIT)
    server.annotate("n1", was_cancelled=True)
    server.annotate("n2", was_cancelled=True)
    done = pull(server, 1, schema, output, 0.0, 0)
    assert (done.tasks, done.annotated, done.skipped, done.train, done.heldout) == (3, 1, 1, 1, 0)
    assert done.changes.new == ("n1",)
    written = json.loads(output.read_text(encoding="utf-8"))
    assert len(written[0]["annotations"]) == 2, "every annotation is kept"
    (task,), problems = read_tasks(output, schema)
    assert (task.annotations[0].annotator, task.annotations[0].events, problems) == ("a@b.c", ("visit",), [])


def test_a_second_pull_says_what_is_new_and_loses_nothing(
    server: FakeServer, schema: Schema, tmp_path: Path
) -> None:
    output = tmp_path / "train.json"
    write(output, [raw("own", "Прежняя статья", VISIT), raw("n2", "Делегация номер 2", VISIT)])
    push(server, 1, schema, documents(1, 2))
    done = pull(server, 1, schema, output, 0.0, 0)
    assert done.changes.kept == ("own", "n2"), "an article without annotation in the project keeps its own"
    server.annotate("n1")
    server.annotate("n2")
    done = pull(server, 1, schema, output, 0.0, 0)
    assert (done.changes.new, done.changes.changed, done.changes.kept) == (("n1",), ("n2",), ("own",))
    assert names(json.loads(output.read_text())) == ["own", "n2", "n1"]
    done = pull(server, 1, schema, output, 0.0, 0)
    assert (done.changes.new, done.changes.changed) == ((), ())


def test_an_article_that_somebody_else_imported_goes_by_its_text(
    server: FakeServer, schema: Schema, tmp_path: Path
) -> None:
    output = tmp_path / "train.json"
    server.tasks = [{"id": 5, "data": {"text": "Первый"}, "annotations": [{"result": []}]}]
    pull(server, 1, schema, output, 0.0, 0)
    server.tasks = [{"id": 5, "data": {"text": "Второй"}, "annotations": [{"result": []}]}]
    pull(server, 1, schema, output, 0.0, 0)
    tasks, problems = read_tasks(output, schema)
    assert [task.text for task in tasks] == ["Первый", "Второй"], "the server used the id again"
    assert not problems


def test_one_id_for_two_texts_stops_a_pull(server: FakeServer, schema: Schema, tmp_path: Path) -> None:
    output = tmp_path / "train.json"
    write(output, [raw("n1", "Совсем другой текст")])
    before = output.read_bytes()
    push(server, 1, schema, documents(1))
    server.annotate("n1")
    with pytest.raises(StudioError, match="article n1 has another text"):
        pull(server, 1, schema, output, 0.0, 0)
    assert output.read_bytes() == before


def test_duplicate_tasks_of_a_project_are_both_kept(schema: Schema) -> None:
    twice = [raw("a", "Текст", VISIT), raw("a", "Текст")]
    merged, changes = merge([], twice, schema)
    assert merged == twice, "the audit lists them"
    assert changes.new == ("a",)


def test_a_pull_without_news_leaves_the_file_as_it_was(
    server: FakeServer, schema: Schema, tmp_path: Path
) -> None:
    shipped = CONFIG.with_name("heldout.json").read_bytes()
    (tmp_path / "train.json").write_bytes(shipped)
    done = pull(server, 1, schema, tmp_path / "train.json", 0.5, 0)
    assert len(done.changes.kept) == done.train > 100
    assert (tmp_path / "train.json").read_bytes() == shipped
    assert not (tmp_path / "heldout.json").exists()


def test_half_a_surrogate_pair_is_written(tmp_path: Path) -> None:
    tasks = [raw("a", "Текст \ud83d")]
    write(tmp_path / "a.json", tasks)
    assert json.loads((tmp_path / "a.json").read_bytes()) == tasks


def test_the_pull_command(server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--labeling-config", str(CONFIG)]
    command = ["pull", "--project", "7", "--output", str(tmp_path / "train.json"), *config]
    assert main(command) == 0
    assert "nothing is annotated yet" in capsys.readouterr().out
    server.import_tasks(7, [{"data": {"id": "a", "text": LONG}}])
    server.annotate("a", VISIT)
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "1 articles, 1 annotated, 0 skipped" in printed
    assert "new since the last pull: 1: a" in printed
    assert "No findings" in printed, "the audit follows"
    server.tasks.append({"id": 2, **{k: v for k, v in server.tasks[0].items() if k != "id"}})
    assert main(command) == 1
    assert "a task with this id stands earlier" in capsys.readouterr().out
    (tmp_path / "train.json").write_text("[{", encoding="utf-8")
    assert main(command) == 2
    assert "not valid JSON" in capsys.readouterr().err
    assert main([*command[:4], str(tmp_path / "heldout.json"), *config]) == 2


# --- the held-out split

KINDS = ("held", "trained")


def families(ids: Iterable[str]) -> set[str]:
    return {name.split("-")[0] for name in ids}


def articles(*numbers: int) -> list[dict[str, Any]]:
    """Articles of which no two are near-duplicates."""
    return [raw(f"n{n}", " ".join(f"слово{n}x{word}" for word in range(30))) for n in numbers]


def test_the_split_depends_on_texts_and_seed_alone(schema: Schema) -> None:
    tasks = articles(*range(200))
    train, heldout = split(tasks, set(), set(), schema, 0.2, 1)
    assert 20 < len(heldout) < 60
    assert len(train) + len(heldout) == 200
    assert split(tasks[::-1], set(), set(), schema, 0.2, 1)[1] == heldout[::-1]
    assert split(tasks, set(), set(), schema, 0.2, 2)[1] != heldout
    assert split(tasks, set(), set(), schema, 0.0, 1)[1] == []


def test_once_held_out_always_held_out_and_once_trained_on_always_trained_on(schema: Schema) -> None:
    tasks = articles(*range(50))
    train, heldout = split(tasks, set(), set(), schema, 0.3, 1)
    held, trained = set(names(heldout)), set(names(train))
    more = articles(*range(50, 100))
    later, apart = split([*tasks, *more], held, trained, schema, 0.9, 7)
    assert held < set(names(apart))
    assert trained <= set(names(later))


def test_near_duplicates_follow_what_is_held_out(schema: Schema) -> None:
    held, reprint = raw("held", LONG + " один"), raw("reprint", LONG + " два")
    (other,) = articles(1)
    train, heldout = split([held, reprint, other], {"held"}, {"reprint"}, schema, 0.0, 1)
    assert names(train) == ["n1"]
    assert names(heldout) == ["held", "reprint"], "out of training, too"
    train, heldout = split([held, reprint], set(), {"held"}, schema, 0.99, 1)
    assert names(train) == ["held", "reprint"], "a reprint of what was trained on is not held out"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 3)), st.sampled_from([*KINDS, "new"])),
    fraction=st.sampled_from([0.0, 0.3, 0.9]),
    seed=st.integers(0, 3),
    order=st.randoms(use_true_random=False),
)
def test_every_split_keeps_what_is_settled(
    schema: Schema, known: dict[tuple[int, int], str], fraction: float, seed: int, order: Random
) -> None:
    """Reprints are on one side; the side is the held-out one's, else the trained-on one's, else drawn."""
    tasks = [raw(f"{f}-{c}", f"{articles(f)[0]['data']['text']} копия{c}") for f, c in known]
    held, trained = ({f"{f}-{c}" for (f, c), given in known.items() if given == kind} for kind in KINDS)
    train, heldout = split(tasks, held, trained, schema, fraction, seed)
    assert sorted(names(train) + names(heldout)) == sorted(names(tasks))
    learnt, apart = families(names(train)), families(names(heldout))
    assert not learnt & apart
    assert families(held) <= apart
    assert families(trained) - families(held) <= learnt
    order.shuffle(tasks)
    again = split(tasks, held, trained, schema, fraction, seed)
    assert set(names(again[1])) == set(names(heldout))


def test_pulls_keep_the_split(server: FakeServer, schema: Schema, tmp_path: Path) -> None:
    output, beside = tmp_path / "train.json", tmp_path / "heldout.json"
    for first in (0, 40):
        tasks = [{"data": task["data"]} for task in articles(*range(first, first + 40))]
        server.import_tasks(1, tasks)
        for task in tasks:
            server.annotate(task["data"]["id"])
        done = pull(server, 1, schema, output, 0.25, 3)
        held = set(names(json.loads(beside.read_text())))
        assert done.heldout == len(held)
        if first == 0:
            early = held
    assert 0 < len(early) < len(held)
    assert early < held
    pull(server, 1, schema, output, 0.0, 0)
    assert set(names(json.loads(beside.read_text()))) == held, "also without the option"
    assert not held & set(names(json.loads(output.read_text())))


# --- faults


def test_persist_gives_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(serving.time, "sleep", waited.append)

    def away() -> None:
        raise AwayError("away.")

    with pytest.raises(AwayError):
        persist(away)
    assert tuple(waited) == serving.WAITS
    assert 45 <= sum(waited) <= 120, "a restart takes up to a minute"


def test_faults_end_in_sentences(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("Делегация приехала.", encoding="utf-8")
    command = ["push", str(tmp_path), "--project", "7", "--labeling-config", str(CONFIG)]
    for error, code, said in (
        (AwayError("it is away."), 2, "the same command goes on from here"),
        (StudioError("wrong token"), 2, "studio: wrong token"),
        (KeyboardInterrupt(), 130, "the same command goes on from here"),
    ):

        def fail(action: str, error: BaseException = error) -> None:
            raise error

        server.fail = fail
        assert main(command) == code
        assert said in capsys.readouterr().err.replace("The same", "the same")


def test_another_config_is_told_apart(schema: Schema) -> None:
    own = CONFIG.read_text(encoding="utf-8")
    check_config(Project(1, "Пилот", own), schema, "ours")
    for old, new, said in (
        (
            'value="OFFICIAL"',
            'value="PERSON"',
            "its labels are PARTNER, PERSON, SECTOR, not",
        ),
        ('value="visit"', 'value="trip"', "its choices are trip, agreement, exhibition, not visit"),
        ('name="spans"', 'name="ner"', "its <Labels> tag is named 'ner', not 'spans'"),
        ('value="$text"', 'value="$body"', "its text stands under 'body', not 'text'"),
        ('choice="multiple"', "", "it takes one choice"),
        ("<View>", "<View", "not well-formed XML"),
    ):
        with pytest.raises(StudioError) as caught:
            check_config(Project(1, "Пилот", own.replace(old, new)), schema, "ours")
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        (None, "k", "LABEL_STUDIO_URL is not set"),
        ("localhost:8080", "k", "must be like http://localhost:8080"),
        ("http://localhost:8080", None, "Account & Settings"),
    ],
)
def test_the_environment_is_checked(url: str | None, key: str | None, said: str) -> None:
    with pytest.raises(StudioError, match=said):
        Server(url, key)


def test_guidelines_become_html() -> None:
    assert format_guidelines("# Как\r\n\r\nа < б\nв\n\n\n") == "<p># Как</p><p>а &lt; б<br>в</p>"


@pytest.mark.parametrize("title", ["ab", "т" * 51])
def test_a_title_the_server_would_refuse(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create", "--title", title, "--labeling-config", str(CONFIG)]) == 2
    assert "3 to 50 characters" in capsys.readouterr().err


# --- the connection, through the SDK


class Answers:
    """An HTTP server that answers everything in one way, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, "{}"
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                outer.asked.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                content = outer.body.encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def answers() -> Iterator[Answers]:
    pytest.importorskip("label_studio_sdk", reason="the extra [studio] is not installed")
    made = Answers()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


def make_jwt(expires: float) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"exp": expires, "token_type": "refresh"}, {})
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )


DISABLED = "Authentication token no longer valid: legacy token authentication has been disabled for this"


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, '{"detail": "Invalid token."}', StudioError, "refuses the legacy token"),
        (401, json.dumps({"detail": DISABLED}), StudioError, "takes no legacy tokens; make one .*Personal"),
        (403, '{"detail": "no right"}', StudioError, "forbids this to the token's owner .no right."),
        (404, '{"detail": "none"}', StudioError, "project 3 is not on"),
        (404, "<html>", StudioError, "does not answer as Label Studio does"),
        (413, "<html>", StudioError, "takes no request of this size"),
        (200, "<html>", StudioError, "does not answer as Label Studio does"),
        (302, "", StudioError, "does not answer as Label Studio does"),
        (500, "<html>", AwayError, "answers with error 500"),
        (503, "{}", AwayError, "answers with error 503"),
        (429, "{}", AwayError, "answers with error 429"),
        (400, '{"validation_errors": {"title": ["плохо"]}}', StudioError, '"плохо"'),
    ],
)
def test_answers_become_sentences(
    answers: Answers, status: int, body: str, kind: type[StudioError], said: str
) -> None:
    answers.status, answers.body = status, body
    with pytest.raises(StudioError, match=said) as caught:
        Server(answers.url, "f" * 40).get_project(3)
    assert type(caught.value) is kind
    assert len(answers.asked) == 1, "not again behind our back"


def test_an_import_is_never_sent_again_by_itself(answers: Answers) -> None:
    answers.status = 502
    with pytest.raises(AwayError):
        Server(answers.url, "f" * 40).import_tasks(3, [{"data": {"id": "a", "text": "Текст"}}])
    assert answers.asked == ["POST /api/projects/3/import?return_task_ids=false"]


@pytest.mark.parametrize("age", [-60, 600])
def test_a_personal_access_token_that_is_refused_is_named(answers: Answers, age: float) -> None:
    answers.status, answers.body = 401, '{"detail": "Token is blacklisted"}'
    token = make_jwt(time.time() + age)
    with pytest.raises(
        StudioError, match=r"refuses the personal access token.*, Personal Access Token, and"
    ) as e:
        Server(answers.url, token).get_project(3)
    assert token not in str(e.value)


def test_nobody_there() -> None:
    pytest.importorskip("label_studio_sdk", reason="the extra [studio] is not installed")
    with pytest.raises(AwayError, match="is Label Studio running"):
        Server("http://127.0.0.1:9", "f" * 40).get_project(3)
