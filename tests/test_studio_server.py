"""The loop against a real Label Studio server: `make studio-test`.

The server is the command in the variable LABEL_STUDIO (or `label-studio` on the path); without it, or
without its SDK, these tests are skipped. It gets a data folder of its own and a free port on loopback.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infer import bundle as bundles
from infer.bundle import Bundle
from infer.document import Document, Span
from infer.labelstudio import read_tasks, to_task
from infer.schema import Schema
from train import server as module
from train.predictions import write_answers
from train.server import Server
from train.studio import main
from train.suspects import main as find_suspects
from train.tabs import show_articles

SDK = pytest.importorskip("label_studio_sdk")
COMMAND = os.environ.get("LABEL_STUDIO") or shutil.which("label-studio")
pytestmark = [
    pytest.mark.studio,
    pytest.mark.slow,
    pytest.mark.skipif(COMMAND is None, reason="no label-studio here; make studio-test installs it"),
]

LABELING_CONFIG = "annotations/labeling_config.xml"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
USER = ("admin@example.com", "studio-password")
TEXT = "👍🏽 Визит\r\n\r\nМэр Калуги принял делегацию из Китая."


class Studio:
    """A server process on one data folder and port, which can be stopped and started again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers: a minute with an empty data folder, else some seconds."""
        assert COMMAND
        environment = {
            "PATH": f"{Path(COMMAND).parent}:/usr/bin:/bin",
            "HOME": str(self.data),
            "LANG": "C.UTF-8",
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.data),
            "LABEL_STUDIO_PORT": str(self.port),
            "LABEL_STUDIO_USERNAME": USER[0],
            "LABEL_STUDIO_PASSWORD": USER[1],
            "LABEL_STUDIO_USER_TOKEN": TOKEN,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
        }
        with (self.data / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [COMMAND, "start", "--no-browser", "--internal-host", "127.0.0.1"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 600
        while not self._answers():
            log = (self.data / "server.log").read_text(errors="replace")
            assert self._process.poll() is None, log[-2000:]
            assert time.monotonic() < deadline, "the server doesn't come up"
            time.sleep(0.5)

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait(60)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return bool(json.load(answer)["status"] == "UP")
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Studio]:
    """The first start fills an empty database, which takes a minute or more; later sessions copy that."""
    cache = request.config.cache
    assert cache
    template = cache.mkdir("label-studio") / "data"
    if not template.exists():
        fresh = tmp_path_factory.mktemp("fresh")
        first = Studio(fresh)
        first.start()
        first.stop()
        shutil.copytree(fresh, template.with_suffix(".partial"), dirs_exist_ok=True)
        template.with_suffix(".partial").rename(template)
    server = Studio(tmp_path_factory.mktemp("studio"))
    shutil.copytree(template, server.data, dirs_exist_ok=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK's client, for what annotators do; the command's environment is set as well."""
    monkeypatch.setenv("LABEL_STUDIO_URL", studio.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    return SDK.LabelStudio(base_url=studio.url, api_key=TOKEN)


@pytest.fixture
def project(client: Any, request: pytest.FixtureRequest) -> int:
    title = request.node.name[:50]
    assert main(["create", "--title", title]) == 0
    (found,) = [one for one in client.projects.list(title=title) if one.title == title]
    return int(found.id)


@pytest.fixture
def articles(tmp_path: Path) -> Callable[..., Path]:
    def write(**texts: str) -> Path:
        folder = tmp_path / "articles"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.txt").write_text(text, encoding="utf-8", newline="")
        return folder

    return write


def tasks_of(client: Any, project: int) -> dict[str, Any]:
    tasks = list(client.tasks.list(project=project))
    assert len({task.data["id"] for task in tasks}) == len(tasks), "an article is there twice"
    return {task.data["id"]: task for task in tasks}


def region(text: str, part: str, label: str = "PARTNER") -> dict[str, Any]:
    start = text.index(part)
    value = {"start": start, "end": start + len(part), "text": part, "labels": [label]}
    return {"from_name": "spans", "to_name": "text", "type": "labels", "value": value}


def visit() -> dict[str, Any]:
    return {"from_name": "event", "to_name": "text", "type": "choices", "value": {"choices": ["visit"]}}


def log_in(browser: Any, studio: Studio) -> None:
    from selenium.webdriver import Keys
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    wait = WebDriverWait(browser, 120)
    browser.set_window_size(1400, 1000)
    browser.get(f"{studio.url}/user/login/")
    for field, value in zip(("email", "password"), USER, strict=True):
        wait.until(lambda _, name=field: browser.find_elements(By.NAME, name))[0].send_keys(value)
    browser.find_element(By.NAME, "password").send_keys(Keys.ENTER)
    wait.until(lambda _: "/login" not in browser.current_url)


def test_create_finds_what_it_made(
    client: Any, project: int, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["create", "--title", request.node.name[:50]]) == 0
    assert f"project {project} " in capsys.readouterr().out
    made = client.projects.get(id=project)
    assert "Как размечать статьи" in made.expert_instruction
    assert made.show_instruction


def test_the_whole_loop(
    client: Any,
    project: int,
    articles: Callable[..., Path],
    bundle: Bundle,
    schema: Schema,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundles.save(bundle, tmp_path / "model")
    folder = articles(a=TEXT, b="Посол Индии Раджеш Шарма приехал в Калугу.")
    push = ["push", str(folder), "--project", str(project), "--model", str(tmp_path / "model")]
    assert main(push) == 0
    assert "2 articles sent, 0 were there" in capsys.readouterr().out
    assert main(push) == 0
    assert "0 articles sent, 2 were there" in capsys.readouterr().out

    tasks = tasks_of(client, project)
    assert tasks["a.txt"].data["text"] == TEXT, "emoji and CRLF as they were"
    (prediction,) = client.predictions.list(task=tasks["a.txt"].id)
    assert prediction.model_version.startswith("vizitka-")
    assert client.projects.get(id=project).model_version == prediction.model_version
    spans = [item for item in prediction.result if item["type"] == "labels"]
    assert spans
    assert prediction.score == pytest.approx(min(item["score"] for item in spans))
    for item in spans:
        value = item["value"]
        assert TEXT[value["start"] : value["end"]] == value["text"]

    output = tmp_path / "pulled" / "train.json"
    pull = ["pull", "--project", str(project), "--output", str(output)]
    assert main(pull) == 0
    assert "nothing is annotated yet" in capsys.readouterr().out
    assert not output.exists()

    for who in (1, 1):
        client.annotations.create(
            id=tasks["a.txt"].id, result=[region(TEXT, "Китая"), visit()], completed_by=who, lead_time=5
        )
    client.annotations.create(id=tasks["b.txt"].id, result=[], was_cancelled=True)
    assert main(pull) == 0
    said = capsys.readouterr().out
    assert "2 articles, 1 annotated, 1 skipped" in said
    assert "new since the last pull: 1: a.txt" in said
    assert "No findings" in said
    (raw,) = json.loads(output.read_text(encoding="utf-8"))
    assert raw["predictions"][0]["result"], "predictions are inlined"
    (read,), problems = read_tasks(output, schema)
    assert not problems
    assert [annotation.annotator for annotation in read.annotations] == [USER[0]] * 2
    (span,) = read.annotations[0].spans
    assert read.text[span.start : span.end] == "Китая"
    assert read.annotations[0].events == ("visit",)

    client.annotations.create(id=tasks["b.txt"].id, result=[region(tasks["b.txt"].data["text"], "Индии")])
    main(pull)
    said = capsys.readouterr().out
    assert "new since the last pull: 1: b.txt" in said
    assert "annotated anew: 0" in said


def test_a_queue_is_sorted_by_the_data_manager(
    client: Any, project: int, articles: Callable[..., Path], bundle: Bundle, tmp_path: Path
) -> None:
    bundles.save(bundle, tmp_path / "model")
    texts = [f"Делегация номер {n} из города {'ё' * n} посетила завод {n * n}." for n in range(1, 12)]
    folder = articles(**{f"n{number}": text for number, text in enumerate(texts)})
    queue = ["queue", str(folder), "--project", str(project), "--model", str(tmp_path / "model"), "--push"]
    assert main([*queue, "--top", "11"]) == 0
    assert main([*queue, "--top", "11"]) == 0
    tasks = tasks_of(client, project)
    assert len(tasks) == 11
    numbers = (0.05, 0.5, 1, 0.0001)  # told apart as numbers, whatever their length
    others = [{"data": {"id": f"{number}", "text": "Текст.", "priority": number}} for number in numbers]
    client.projects.import_tasks(id=project, request=others)
    for data in ({}, {"columnsDisplayType": {"tasks:data.priority": "Number"}}):
        view = client.views.create(project=project, data={"ordering": ["-tasks:data.priority"], **data})
        found = [task.data["priority"] for task in client.tasks.list(view=view.id)]
        assert len(found) == 15
        assert found == sorted(found, reverse=True)
    predictions = client.predictions.list(task=tasks["n0.txt"].id)
    assert [prediction.model_version for prediction in predictions] == [
        client.projects.get(id=project).model_version
    ]


def test_ids_of_deleted_tasks_come_back_and_confuse_nothing(
    client: Any,
    project: int,
    articles: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "train.json"
    assert main(["push", str(articles(a=TEXT)), "--project", str(project)]) == 0
    old = tasks_of(client, project)["a.txt"]
    client.annotations.create(id=old.id, result=[region(TEXT, "Китая")])
    assert main(["pull", "--project", str(project), "--output", str(output)]) == 0
    client.tasks.delete(id=str(old.id))
    (tmp_path / "articles/a.txt").unlink()
    other = "Делегация Монголии посетила завод."
    assert main(["push", str(articles(c=other)), "--project", str(project)]) == 0
    new = tasks_of(client, project)["c.txt"]
    assert new.id == old.id, "the case that this test is for"
    client.annotations.create(id=new.id, result=[region(other, "Монголии")])
    capsys.readouterr()
    assert main(["pull", "--project", str(project), "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert "new since the last pull: 1: c.txt" in said
    assert "kept, without an annotation in the project: 1" in said
    assert [task["data"]["id"] for task in json.loads(output.read_text())] == ["a.txt", "c.txt"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_in_the_middle_of_a_push(
    client: Any,
    studio: Studio,
    project: int,
    articles: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    how: int,
) -> None:
    """The server dies right after it has taken the second batch, whose answer is lost."""
    monkeypatch.setattr("train.push.BATCH", 4)
    folder = articles(**{f"n{number:02}": f"Делегация номер {number}." for number in range(10)})
    import_tasks, calls = Server.import_tasks, []

    def interrupted(self: Server, *arguments: Any) -> None:
        import_tasks(self, *arguments)
        calls.append(arguments)
        if len(calls) == 2:
            studio.stop(how)
            threading.Thread(target=studio.start).start()
            raise module.AwayError("the answer is lost.")

    monkeypatch.setattr(Server, "import_tasks", interrupted)
    assert main(["push", str(folder), "--project", str(project)]) == 0
    assert "10 articles sent" in capsys.readouterr().out
    assert len(tasks_of(client, project)) == 10


def test_a_server_that_stays_away(
    client: Any,
    studio: Studio,
    project: int,
    articles: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("train.push.BATCH", 2)
    monkeypatch.setattr(module, "WAITS", (0, 0))
    folder = articles(**{f"n{number}": f"Делегация номер {number}." for number in range(5)})
    import_tasks, calls = Server.import_tasks, []

    def stopping(self: Server, *arguments: Any) -> None:
        if len(calls) == 1:
            studio.stop()
        calls.append(arguments)
        import_tasks(self, *arguments)

    monkeypatch.setattr(Server, "import_tasks", stopping)
    try:
        assert main(["push", str(folder), "--project", str(project)]) == 2
    finally:
        studio.start()
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "the same command goes on from here" in said.lower()
    assert "Traceback" not in said
    assert main(["push", str(folder), "--project", str(project)]) == 0
    assert "3 articles sent, 2 were there" in capsys.readouterr().out
    assert len(tasks_of(client, project)) == 5


def test_someone_annotates_while_a_pull_runs(
    client: Any,
    project: int,
    articles: Callable[..., Path],
    tmp_path: Path,
    schema: Schema,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is saved after the snapshot comes with the next pull; what was in it is whole."""
    output = tmp_path / "train.json"
    folder = articles(a=TEXT, b="Делегация Монголии посетила завод.")
    assert main(["push", str(folder), "--project", str(project)]) == 0
    tasks = tasks_of(client, project)
    client.annotations.create(id=tasks["a.txt"].id, result=[region(TEXT, "Китая")])
    export = Server.export

    def meanwhile(self: Server, number: int) -> Any:
        exported = export(self, number)
        text = tasks["b.txt"].data["text"]
        client.annotations.create(id=tasks["b.txt"].id, result=[region(text, "Монголии")])
        client.annotations.create(id=tasks["a.txt"].id, result=[])
        return exported

    pull = ["pull", "--project", str(project), "--output", str(output)]
    with monkeypatch.context() as patch:
        patch.setattr(Server, "export", meanwhile)
        assert main(pull) == 0
    assert [len(task.annotations) for task in read_tasks(output, schema)[0]] == [1]
    main(pull)
    assert [len(task.annotations) for task in read_tasks(output, schema)[0]] == [2, 1]


def test_an_annotator_corrects_a_prediction_in_the_browser(
    client: Any, studio: Studio, project: int, schema: Schema, tmp_path: Path
) -> None:
    """Emoji and CRLF before the spans: what is highlighted, corrected and pulled are the same words."""
    pytest.importorskip("selenium")
    from selenium.webdriver import ActionChains, Keys
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    from tests.browser import open_browser

    spans = tuple(
        Span(TEXT.index(word), TEXT.index(word) + len(word), "PARTNER", 0.9) for word in ("Калуги", "Китая")
    )
    predicted = to_task(Document("a.txt", TEXT, spans), schema, model_version="v1")
    client.projects.import_tasks(id=project, request=[predicted])
    task = tasks_of(client, project)["a.txt"]
    with open_browser() as browser:
        wait = WebDriverWait(browser, 120)

        def find(selector: str) -> Any:
            return wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, selector))

        log_in(browser, studio)
        browser.get(f"{studio.url}/projects/{project}/data?task={task.id}")
        marks = find(".htx-highlight")
        assert [mark.text for mark in marks] == ["Калуги", "Китая"]

        marks[0].click()  # select, and give it another label
        ActionChains(browser).send_keys("2").perform()
        wait.until(lambda _: "OFFICIAL" in find(".htx-highlight")[0].get_attribute("data-label"))
        find(".htx-highlight")[1].click()
        ActionChains(browser).send_keys(Keys.BACKSPACE).perform()
        wait.until(lambda _: len(find(".htx-highlight")) == 1)
        find("[data-testid=bottombar-submit-button]")[0].click()
        wait.until(lambda _: client.annotations.list(id=task.id))

    output = tmp_path / "train.json"
    assert main(["pull", "--project", str(project), "--output", str(output)]) == 0
    (read,), problems = read_tasks(output, schema)
    assert not problems
    assert read.text == TEXT
    assert [(read.text[s.start : s.end], s.label) for s in read.annotations[0].spans] == [
        ("Калуги", "OFFICIAL")
    ]


def test_exports_do_not_pile_up(
    client: Any, project: int, articles: Callable[..., Path], tmp_path: Path
) -> None:
    assert main(["push", str(articles(a=TEXT)), "--project", str(project)]) == 0
    assert main(["pull", "--project", str(project), "--output", str(tmp_path / "train.json")]) == 0
    assert list(client.projects.exports.list(id=project)) == []


def test_tokens(client: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def make_jwt(expires: float) -> str:
        parts = ({"alg": "HS256", "typ": "JWT"}, {"exp": expires, "token_type": "refresh"}, {})
        cut = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
        return b".".join(cut).decode()

    for token, kind in (
        ("f" * 40, "legacy token"),
        (make_jwt(time.time() - 60), "personal access token"),
        (make_jwt(time.time() + 600), "personal access token"),
    ):
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", token)
        assert main(["push", "annotations/inbox", "--project", "1"]) == 2
        said = capsys.readouterr().err
        assert f"refuses the {kind} in LABEL_STUDIO_API_KEY" in said
        assert "Account & Settings" in said
        assert token not in said


def test_a_personal_access_token_is_taken_until_it_is_revoked(
    client: Any, project: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    personal = client.tokens.create().token
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", personal)
    pull = ["pull", "--project", str(project), "--output", "nowhere/train.json"]
    assert main(pull) == 0
    client.tokens.blacklist(refresh=personal)
    assert main(pull) == 2
    assert "refuses the personal access token" in capsys.readouterr().err


def test_a_server_that_takes_no_legacy_tokens(
    client: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    personal = SDK.LabelStudio(base_url=os.environ["LABEL_STUDIO_URL"], api_key=client.tokens.create().token)
    days = client.jwt_settings.get().api_token_ttl_days
    change = personal.jwt_settings.update
    change(api_token_ttl_days=days, api_tokens_enabled=True, legacy_api_tokens_enabled=False)
    try:
        assert main(["pull", "--project", "1", "--output", "nowhere/train.json"]) == 2
    finally:
        change(api_token_ttl_days=days, api_tokens_enabled=True, legacy_api_tokens_enabled=True)
    said = capsys.readouterr().err
    assert "takes no legacy tokens" in said
    assert "Personal Access Token" in said


def test_a_project_that_is_not_there(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "--project", "98765", "--output", "nowhere/train.json"]) == 2
    assert "project 98765 is not on http" in capsys.readouterr().err


def test_a_project_with_another_config(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    config = (
        '<View><Labels name="spans" toName="text"><Label value="PARTNER"/><Label value="PERSON"/></Labels>'
        '<Text name="text" value="$text"/></View>'
    )
    other = client.projects.create(title="Other config", label_config=config).id
    for command in (["push", "annotations/inbox"], ["pull", "--output", "nowhere/train.json"]):
        assert main([*command, "--project", str(other)]) == 2
        said = capsys.readouterr().err
        assert "its labels are PARTNER, PERSON, not PARTNER, OFFICIAL, SECTOR" in said
        assert "its choices are none, not visit, agreement, exhibition" in said


def test_ten_thousand_articles(
    client: Any,
    project: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("train.push.BATCH", 500)
    texts = tmp_path / "many.jsonl"
    with texts.open("w", encoding="utf-8") as file:
        for number in range(10_000):
            text = f"Делегация номер {number} посетила завод. " * 40
            file.write(json.dumps({"id": f"n{number}", "text": text}) + "\n")
    push = ["push", str(texts), "--project", str(project)]
    assert main(push) == 0
    assert "10000 articles sent, 0 were there" in capsys.readouterr().out
    assert main(push) == 0
    assert "0 articles sent, 10000 were there" in capsys.readouterr().out
    assert main(["pull", "--project", str(project), "--output", str(tmp_path / "train.json")]) == 0
    assert "10000 articles, 0 annotated" in capsys.readouterr().out


def test_a_tab_shows_the_articles_named_and_is_never_doubled(
    client: Any, project: int, schema: Schema, studio: Studio
) -> None:
    names = [f"2024/Копия ({number}) [+а].txt" for number in range(300)]
    tasks = [{"data": {"id": name, "text": f"Текст {name}"}} for name in names]
    others = [{"data": {"text": "Без имени"}}, {"data": {"id": 77, "text": "Число"}}]
    client.projects.import_tasks(id=project, request=[*tasks, *others])
    server, nameless = Server(studio.url, TOKEN), f"text-{module.digest_of('Без имени')}"

    def show(*wanted: str) -> list[Any]:
        tab = show_articles(server, project, schema, "Suspects", wanted)
        view = int(tab.address.rpartition("=")[2])
        return [task.data.get("id") for task in client.tasks.list(project=project, view=view)]

    assert show(*names[:200], nameless, "77", "absent") == [*names[:200], None, 77]
    client.views.create(project=project, data={"title": "Suspects"})
    assert show(names[7]) == [names[7]]
    assert show() == []
    titles = [view.data["title"] for view in client.views.list(project=project)]
    assert sorted(titles) == ["Default", "Suspects"]


def test_suspects_in_the_browser(
    client: Any,
    studio: Studio,
    project: int,
    articles: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A Data Manager opens no tab at all where it doesn't know a filter's operator; this one it knows."""
    pytest.importorskip("selenium")
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    from tests.browser import open_browser

    folder = articles(a=TEXT, b="Делегация Монголии посетила завод.", c="Посол Индии приехал в Калугу.")
    assert main(["push", str(folder), "--project", str(project)]) == 0
    for task in tasks_of(client, project).values():
        client.annotations.create(id=task.id, result=[])
    output = tmp_path / "train.json"
    main(["pull", "--project", str(project), "--output", str(output)])
    answers = [
        Document(name, text, event_scores={"visit": score}, events=("visit",) if score > 0.5 else ())
        for name, text, score in (
            ("a.txt", TEXT, 0.1),
            ("b.txt", "Делегация Монголии посетила завод.", 0.99),
            ("c.txt", "Посол Индии приехал в Калугу.", 0.2),
        )
    ]
    raw = json.loads(output.read_text(encoding="utf-8"))
    raw[0]["annotations"][0]["result"] = [visit()]  # the class needs somebody to be compared with
    output.write_text(json.dumps(raw), encoding="utf-8")
    run = tmp_path / "run"
    run.mkdir()
    config = {"train": str(output), "labeling_config": LABELING_CONFIG, "annotators": "latest"}
    (run / "manifest.json").write_text(json.dumps({"config": {"data": config}}), encoding="utf-8")
    write_answers(run / "predictions.jsonl", answers)
    assert find_suspects([str(run), "--project", str(project)]) == 0
    said = capsys.readouterr().out
    address = said.split("are in the tab Suspects: ")[1].split()[0]
    with open_browser() as browser:
        wait = WebDriverWait(browser, 120)
        log_in(browser, studio)
        browser.get(address)
        wait.until(lambda _: "Tasks: " in browser.find_element(By.TAG_NAME, "body").text)
        shown = browser.find_element(By.TAG_NAME, "body").text
        assert "Suspects" in shown
        assert "b.txt" in shown
        assert "c.txt" not in shown
