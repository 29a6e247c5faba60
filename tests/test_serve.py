"""`python -m infer.serve`: what can't start, and a real server in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from infer.serve import is_loopback, main

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIZITKA_TOKEN", raising=False)


def ask(url: str, body: object = None, token: str = "") -> tuple[int, dict[str, object]]:
    """Status and JSON of an answer; with a body it is a POST."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        with urlopen(Request(url, data, headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.slow
def test_a_real_server_starts_answers_and_ends(model: Path) -> None:
    options = ["--model", str(model), "--port", "0", "--device", "cpu"]
    with subprocess.Popen(
        [sys.executable, "-m", "infer.serve", *options],
        cwd=ROOT,
        env=os.environ | {"VIZITKA_TOKEN": "secret"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            assert url.startswith("http://127.0.0.1:")
            assert ask(f"{url}/health")[0] == 401
            assert ask(f"{url}/health", token="secret")[0] == 200
            status, answer = ask(f"{url}/extract", {"texts": ["Посол Индии 👍"]}, "secret")
            assert status == 200
            assert answer["records"][0]["text"] == "Посол Индии 👍"
            assert ask(f"{url}/predict", {"tasks": [{"data": {}}]}, "secret")[0] == 200
        finally:
            server.send_signal(signal.SIGINT)
            said = server.communicate(timeout=60)[1]
    assert server.returncode == 0, said
    assert "GET /health: refused (401)" in said
    assert "task ?: no prediction" in said
    assert "Traceback" not in said
    assert "secret" not in said


def test_a_missing_model_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", str(tmp_path / "nowhere"), "--port", "0"]) == 2
    assert "serve: " in (said := capsys.readouterr().err)
    assert "nowhere: no model folder" in said


def test_a_device_that_does_not_exist_is_a_message(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", str(model), "--port", "0", "--device", "abacus"]) == 2
    assert "abacus" in capsys.readouterr().err


def test_a_busy_port_and_a_foreign_address_are_messages(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["--model", str(model), "--port", port]) == 2
    assert f"can't listen at 127.0.0.1, port {port}" in capsys.readouterr().err
    assert main(["--model", str(model), "--port", "70000"]) == 2
    assert "port 70000" in capsys.readouterr().err
    assert main(["--model", str(model), "--host", "203.0.113.1", "--token", "x"]) == 2
    assert "can't listen at 203.0.113.1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["'unclosed", " "])
def test_a_retraining_command_that_is_none_is_exit_code_2(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--retrain", command])
    assert caught.value.code == 2
    assert "--retrain" in capsys.readouterr().err


def test_others_are_let_in_only_with_a_token(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", str(model), "--host", "0.0.0.0"]) == 2
    assert "set VIZITKA_TOKEN" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_the_service_imports_nothing_of_training() -> None:
    script = (
        "import sys, infer.serve, infer.service\n"
        "tops = {name.split('.')[0] for name in sys.modules}\n"
        "print(*sorted(tops & {'train', 'datasets', 'label_studio_sdk', 'sklearn'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_help_does_not_wait_for_torch() -> None:
    script = (
        "import sys\n"
        "from infer.serve import build_parser\n"
        "build_parser().format_help()\n"
        "assert not {'torch', 'fastapi', 'uvicorn', 'pydantic'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
