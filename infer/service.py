"""The HTTP service: Label Studio's ML backend protocol, plain JSON, and the state of retraining.

    GET  /health     is it up, with which model
    POST /setup      a project's labeling config against the model's labels
    POST /predict    tasks to predictions, one each, in order
    GET  /versions   the model in service
    POST /webhook    START_TRAINING retrains; every other action is only acknowledged
    POST /extract    texts or documents to the contract's records, one each, in order
    GET  /training   the newest training

Every answer is JSON, an error `{"error": sentence}`, but for a body of more bytes than allowed (413). With a
token every path wants it, /health too: that is where Label Studio tells its user that the password is wrong.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException as AnyHTTPException

from infer.backend import differences, read_task, shares_nothing, to_prediction
from infer.document import Document
from infer.failure import Failure
from infer.records import to_line
from infer.retraining import Retraining
from infer.schema import Schema, SchemaError, parse_schema
from infer.worker import Worker

SHOWN = 5  # mistakes of a request that are named

log = logging.getLogger(__name__)


def _reject_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "the text is empty")
    return text


Text = Annotated[str, AfterValidator(_reject_blank)]


class Article(BaseModel):
    """A document of `/extract`."""

    model_config = ConfigDict(extra="forbid")
    id: str
    text: Text


class ExtractRequest(BaseModel):
    """`{"texts": [...]}` or `{"documents": [...]}`; texts are numbered from 1."""

    model_config = ConfigDict(extra="forbid")
    texts: list[Text] | None = None
    documents: list[Article] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ExtractRequest:
        if (self.texts is None) == (self.documents is None):
            raise PydanticCustomError("either", 'give either "texts" or "documents"')
        return self

    def to_documents(self) -> list[Document]:
        """What is to be extracted."""
        if self.documents is not None:
            return [Document(article.id, article.text) for article in self.documents]
        return [Document(str(number), text) for number, text in enumerate(self.texts or (), 1)]


# Label Studio sends more than these, and other versions other things: what isn't needed isn't looked at.
class SetupRequest(BaseModel):
    """A project that is about to use the model."""

    project: str = ""
    label_config: str = Field(alias="schema")


class PredictRequest(BaseModel):
    """Tasks as the server holds them; without a labeling config they are read as the model's own."""

    tasks: list[Any]
    label_config: str | None = None


class WebhookRequest(BaseModel):
    """Something that happened in a project."""

    action: str
    project: Any = None


class Service:
    """The answers, one method a path."""

    def __init__(self, worker: Worker, retraining: Retraining) -> None:
        self._worker, self._retraining = worker, retraining

    async def health(self) -> Response:
        """Whether the service is up."""
        return reply({"status": "UP", "model_version": self._worker.served.version})

    async def versions(self) -> Response:
        """The versions that predictions may have."""
        return reply({"versions": [self._worker.served.version]})

    async def setup(self, request: SetupRequest) -> Response:
        """Say what differs between project and model; refused when no label is in both."""
        served = self._worker.served
        model, project = served.extractor.bundle.schema, _read_schema(request.label_config)
        found = differences(model, project)
        for sentence in found:
            log.warning("project %s: %s", request.project, sentence)
        if shares_nothing(model, project):
            raise HTTPException(422, f"the labeling config is of another model: {'; '.join(found)}")
        return reply({"model_version": served.version, "differences": found})

    async def predict(self, request: PredictRequest) -> Response:
        """A prediction for each task, in order."""
        served = self._worker.served
        project = served.extractor.bundle.schema
        if request.label_config:
            project = _read_schema(request.label_config)
        found = [read_task(task, project) for task in request.tasks]
        for failure in found:
            if isinstance(failure, Failure):
                log.warning("task %s: no prediction, %s", failure.id, failure.reason)
        documents = [item for item in found if isinstance(item, Document)]
        extracted = iter(await self._worker.run(served.extract, documents))
        answers = (item if isinstance(item, Failure) else next(extracted) for item in found)
        return reply({"results": [to_prediction(answer, project, served.version) for answer in answers]})

    async def extract(self, request: ExtractRequest) -> Response:
        """A record for each text or document, in order."""
        served = self._worker.served
        records = await self._worker.run(served.records, request.to_documents())
        return reply({"model_version": served.version, "records": records})

    async def webhook(self, request: WebhookRequest) -> Response:
        """Start a training when that is what happened."""
        if request.action != "START_TRAINING":
            return reply({"status": "ignored"})
        match request.project:
            case {"id": int(number)} | int(number):
                if not self._retraining.start(number):
                    raise HTTPException(409, "a training is running already; see /training")
                return reply(self._retraining.training.to_dict(), 202)
        raise HTTPException(422, 'START_TRAINING needs {"project": {"id": NUMBER}}')

    async def training(self) -> Response:
        """Where the newest training stands."""
        return reply(self._retraining.training.to_dict())


def build_app(worker: Worker, retraining: Retraining, token: str | None, max_bytes: int) -> FastAPI:
    """The application; it ends the training and the worker when it is shut down."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(retraining.stop)
        worker.close()

    # FastAPI takes only what is declared as JSON, so a web page that a browser shows can't call us unasked.
    app = FastAPI(title="Vizitka", lifespan=lifespan, max_body_size=max_bytes, docs_url=None, redoc_url=None)
    service = Service(worker, retraining)
    app.get("/health")(service.health)
    app.get("/versions")(service.versions)
    app.get("/training")(service.training)
    app.post("/setup")(service.setup)
    app.post("/predict")(service.predict)
    app.post("/webhook")(service.webhook)
    app.post("/extract")(service.extract)

    @app.middleware("http")
    async def authorize(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        if token and not is_authorized(request.headers.get("authorization", ""), token):
            error = "a token is wanted: `Authorization: Token ...`, Bearer, or Basic with it as the password"
            return refuse(request, 401, error, {"WWW-Authenticate": 'Basic realm="vizitka"'})
        return await proceed(request)

    @app.exception_handler(AnyHTTPException)
    async def explain(request: Request, error: AnyHTTPException) -> Response:
        return refuse(request, error.status_code, error.detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def explain_request(request: Request, error: RequestValidationError) -> Response:
        if "json" not in request.headers.get("content-type", ""):
            return refuse(request, 415, "send JSON, with the header `Content-Type: application/json`")
        found = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:SHOWN])
        return refuse(request, 422, "; ".join(found))

    return app


def reply(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, whatever characters the texts hold."""
    return Response(to_line(content), status, headers, media_type="application/json")


def refuse(request: Request, status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that can't be met; Label Studio shows its user no more than the status."""
    log.warning("%s %s: refused (%d), %s", request.method, request.url.path, status, error)
    return reply({"error": error}, status, headers)


def is_authorized(header: str, token: str) -> bool:
    """Whether an Authorization header brings the token; Label Studio sends it as Basic, under any user."""
    scheme, _, value = header.partition(" ")
    given = value.strip().encode()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            return False
    elif scheme.lower() not in ("token", "bearer"):
        return False
    return hmac.compare_digest(given, token.encode())


def _read_schema(xml: str) -> Schema:
    try:
        return parse_schema(xml)
    except SchemaError as error:
        raise HTTPException(422, str(error)) from None
