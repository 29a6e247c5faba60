"""A Label Studio server as the loop needs it; every fault becomes a sentence for the person at the keyboard.

Articles are known by the `data.id` that we give them, never by the server's task ids: those of deleted tasks
come back. What fails because the server is away (`AwayError`) may be tried again by `persist`; everything
else is a StudioError at once. The SDK's own retries are off: it would send an import again that the server
had already taken.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from infer.schema import Schema, SchemaError, parse_schema

T = TypeVar("T")
WAITS = (1, 2, 4, 8, 15, 30)  # seconds before each new attempt; a restarting server is back within a minute
TIMEOUT = 600  # seconds; a server on SQLite exports 10,000 articles in about 40
PAGE = 1000  # articles in one answer
POLL = 1.0  # seconds between looks at an export that the server makes in the background
HIDDEN = (  # columns that the Data Manager doesn't show in a tab that it makes itself
    *(
        "inner_id",
        "annotations_results",
        "annotations_ids",
        "predictions_score",
        "predictions_model_versions",
    ),
    *("predictions_results", "file_upload", "storage_filename", "created_at", "updated_at", "updated_by"),
    *("avg_lead_time", "draft_exists"),
)
COLUMNS = {"hiddenColumns": {view: [f"tasks:{name}" for name in HIDDEN] for view in ("explore", "labeling")}}
WHERE = "in Label Studio at the top right, Account & Settings"
ONCE = {"max_retries": 0}


class StudioError(Exception):
    """The command can't go on; the message says why and what to do."""


class AwayError(StudioError):
    """The server doesn't answer, or only with errors of its own."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project as the server describes it."""

    id: int
    title: str
    config: str


class Server:
    """A connection; `url` and `key` are LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY."""

    def __init__(self, url: str | None, key: str | None) -> None:
        if not url:
            raise StudioError("LABEL_STUDIO_URL is not set; set it, for example to http://localhost:8080")
        if not re.match(r"https?://[^/\s]", url):
            raise StudioError(f"LABEL_STUDIO_URL is {url!r}; it must be like http://localhost:8080")
        if not key:
            raise StudioError(f"LABEL_STUDIO_API_KEY is not set; {_advise(None)}")
        try:
            from label_studio_sdk import LabelStudio
        except ImportError:
            raise StudioError("label-studio-sdk is not installed; pip install -e '.[studio]'") from None
        self.url, self._key = url.rstrip("/"), key.strip()
        with self._faults():
            self._client = LabelStudio(base_url=self.url, api_key=self._key, timeout=TIMEOUT)

    def find_projects(self, title: str) -> list[Project]:
        """The projects of exactly this title."""
        with self._faults():
            found = self._client.projects.list(title=title, request_options=ONCE)
            return [Project(one.id, one.title, one.label_config) for one in found if one.title == title]

    def create_project(self, title: str, config: str, instruction: str) -> Project:
        """A new project; the instruction is HTML."""
        with self._faults():
            made = self._client.projects.create(
                title=title,
                label_config=config,
                expert_instruction=instruction,
                show_instruction=True,
                request_options=ONCE,
            )
        return Project(made.id, title, config)

    def get_project(self, project: int) -> Project:
        """A project; when it isn't there, the message lists those that are."""
        with self._faults(f"project {project} is not on {self.url}; see the number in its address there"):
            found = self._client.projects.get(id=project, request_options=ONCE)
            return Project(project, found.title, found.label_config)

    def show_predictions(self, project: int, version: str) -> None:
        """Pre-annotate with these predictions; a project shows those of one version."""
        with self._faults():
            self._client.projects.update(id=project, model_version=version, request_options=ONCE)

    def list_articles(self, project: int, key: str) -> dict[str, str]:
        """The digest of each article's text by its `data.id`; `key` is where in `data` the text stands."""
        return {name: digest_of(text) for name, text in self.list_texts(project, key).items()}

    def list_texts(self, project: int, key: str) -> dict[str, str]:
        """Each article's text by its `data.id`."""
        found = [task["data"] for task in self.list_tasks(project)]
        return {str(data["id"]): str(data.get(key)) for data in found if data.get("id")}

    def list_tasks(self, project: int) -> list[dict[str, Any]]:
        """Each task's number and data, as `id` and `data`."""
        with self._faults():
            tasks = self._client.tasks.list(
                project=project,
                fields="task_only",
                include="id,data",
                page_size=PAGE,
                resolve_uri=False,
                request_options=ONCE,
            )
            return [{"id": task.id, "data": task.data} for task in tasks]

    def put_tab(self, project: int, title: str, filters: dict[str, Any]) -> int:
        """The number of the Data Manager's tab of this title, which now has these filters, and no twin.

        A project without any saved tab gets its "Default" as well: the Data Manager shows either all saved
        tabs or that one.
        """
        views = self._client.views
        with self._faults():
            saved = views.list(project=project, request_options=ONCE)
            if not saved:
                views.create(project=project, data={"title": "Default", **COLUMNS}, request_options=ONCE)
            own = sorted((v for v in saved if v.data.get("title") == title), key=lambda view: view.id)
            for twin in own[1:]:
                views.delete(str(twin.id), request_options=ONCE)
            data = {**(own[0].data if own else COLUMNS), "title": title, "filters": filters}
            if own:
                views.update(str(own[0].id), project=project, data=data, request_options=ONCE)
                return int(own[0].id)
            return int(views.create(project=project, data=data, request_options=ONCE).id)

    def import_tasks(self, project: int, tasks: Sequence[dict[str, Any]]) -> None:
        """Add tasks, all or none."""
        with self._faults():
            self._client.projects.import_tasks(
                id=project, request=tasks, return_task_ids=False, request_options=ONCE
            )

    def export(self, project: int) -> list[dict[str, Any]]:
        """All tasks at one moment, with annotations, who made them, and predictions, not only their ids."""
        whole = {"only_id": False}
        options = {"predictions": whole, "annotations__completed_by": whole}
        exports = self._client.projects.exports
        with self._faults():
            made = exports.create(
                id=project, title="vizitka", serialization_options=options, request_options=ONCE
            )
            state = made.status
            while state in ("created", "in_progress"):
                time.sleep(POLL)
                state = exports.get(id=project, export_pk=made.id, request_options=ONCE).status
            if state != "completed":
                raise StudioError(f"the server could not export project {project} ({state}); see its log")
            parts = exports.download(id=project, export_pk=made.id, export_type="JSON", request_options=ONCE)
            tasks: list[dict[str, Any]] = json.loads(b"".join(parts))
            exports.delete(id=project, export_pk=made.id, request_options=ONCE)
        return tasks

    @contextmanager
    def _faults(self, absent: str = "") -> Iterator[None]:
        """What the SDK raises, as StudioError; `absent` is said of what isn't there."""
        import httpx
        from label_studio_sdk.core.api_error import ApiError

        try:
            yield
        except httpx.TransportError as error:
            raise AwayError(f"{self.url} does not answer ({error}); is Label Studio running?") from None
        except json.JSONDecodeError:
            raise StudioError(self._stranger()) from None
        except ApiError as error:
            raise self._explain(error.status_code or 0, error.body, absent) from None

    def _explain(self, status: int, body: Any, absent: str) -> StudioError:
        detail = body.get("detail", "") if isinstance(body, dict) else ""
        if status == 401:
            return StudioError(self._refused(str(detail)))
        if status >= 500 or status in (408, 409, 429):
            return AwayError(f"{self.url} answers with error {status}; see the server's log")
        if status == 404 and absent and isinstance(body, dict):
            return StudioError(absent)
        if status == 413:
            return StudioError(f"a proxy before {self.url} takes no request of this size; raise its limit")
        if not isinstance(body, dict):
            return StudioError(self._stranger())
        if status == 403:
            return StudioError(f"{self.url} forbids this to the token's owner ({detail}); use another token")
        said = json.dumps(body.get("validation_errors") or detail, ensure_ascii=False)
        return StudioError(f"{self.url} refuses the request with error {status}: {said}")

    def _refused(self, detail: str) -> str:
        if "legacy token authentication has been disabled" in detail:
            return f"{self.url} takes no legacy tokens; {_advise('Personal Access Token')}"
        kind = "personal access" if self._key.startswith("ey") else "legacy"
        advice = _advise("Personal Access Token" if kind == "personal access" else None)
        return (
            f"{self.url} refuses the {kind} token in LABEL_STUDIO_API_KEY: it is expired, revoked or another "
            f"server's; {advice}"
        )

    def _stranger(self) -> str:
        return f"{self.url} does not answer as Label Studio does; correct LABEL_STUDIO_URL"


def persist(action: Callable[[], T]) -> T:
    """Do it again while the server is away, for about a minute; then the last AwayError."""
    for wait in WAITS:
        try:
            return action()
        except AwayError as error:
            print(f"studio: {error} Trying again in {wait} s", file=sys.stderr)
            time.sleep(wait)
    return action()


def check_config(project: Project, schema: Schema, owner: str) -> None:
    """Raise StudioError saying what differs between a project's labeling config and `owner`'s schema."""
    try:
        found = parse_schema(project.config)
    except SchemaError as error:
        raise StudioError(f"project {project.id} ({project.title}): {error}") from None
    differing = list(_compare(found, schema))
    if differing:
        raise StudioError(
            f"project {project.id} ({project.title}) has another labeling config than {owner}: "
            f"{'; '.join(differing)}. Change it in the project's settings (Labeling Interface, Code), "
            "or give the project's own config with --labeling-config"
        )


def digest_of(text: object) -> str:
    """A short name for a text."""
    return sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _compare(project: Schema, ours: Schema) -> Iterator[str]:
    for what, theirs, wanted in (
        ("labels", project.labels, ours.labels),
        ("choices", project.events, ours.events),
    ):
        if set(theirs) != set(wanted):
            yield f"its {what} are {', '.join(theirs) or 'none'}, not {', '.join(wanted) or 'none'}"
    for what, name, expected in (
        ("<Labels> tag", project.spans_name, ours.spans_name),
        ("<Choices> tag", project.events_name, ours.events_name),
        ("<Text> tag", project.text_name, ours.text_name),
    ):
        if name != expected:
            yield f"its {what} is named {name!r}, not {expected!r}"
    if project.text_key != ours.text_key:
        yield f"its text stands under {project.text_key!r}, not {ours.text_key!r}"
    if project.multiple != ours.multiple:
        yield f"it takes {'several choices' if project.multiple else 'one choice'}"


def _advise(kind: str | None) -> str:
    """Where a token is got."""
    if kind is None:
        kind = "Personal Access Token or, where the server allows them, Legacy Token"
    return f"make one {WHERE}, {kind}, and set LABEL_STUDIO_API_KEY to it"
