"""What `automodel serve` answers over HTTP. Nothing of an upload is decoded here: that is the sandbox's part."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from orchestrator.errors import AutoModelError
from orchestrator.predict import top_classes
from orchestrator.serving import WAITING, BusyError
from orchestrator.worker import SlowWorkerError
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.types import Message, Receive

    from orchestrator.serving import Serving
    from orchestrator.worker import Judged

FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "properties": {
                        "images": {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
                    },
                }
            }
        },
    }
}
FIELDS = 16
"""Of a form, beside its files; they are passed over."""
FIELD_BYTES = 4096


class Ranked(BaseModel):
    """A class and its probability."""

    label: str
    probability: float


class Answer(BaseModel):
    """Of one image: its most likely classes, or what is wrong with it."""

    file: str
    """As the upload calls it."""
    label: str | None = None
    probability: float | None = None
    top: list[Ranked] = []
    problem: str | None = None


class Answers(BaseModel):
    """Of a request, in the order of its images."""

    predictions: list[Answer]


class Health(BaseModel):
    """Whether a request would be answered."""

    status: str
    run: str
    classes: list[str]


class Refusal(BaseModel):
    """Why there is no answer, in one sentence."""

    detail: str = Field(examples=["At most 64 images fit into one request: send several."])


class Limits(BaseModel):
    """Of one request."""

    images: int
    megabytes: float
    seconds: float


REFUSALS: dict[int | str, dict[str, Any]] = {
    408: {"model": Refusal, "description": "The upload took too long"},
    413: {"model": Refusal, "description": "Too many images, or too many bytes"},
    422: {"model": Answers | Refusal, "description": "No image, or none that can be read"},
    500: {"model": Refusal, "description": "The model failed"},
    503: {"model": Refusal, "description": "Too many requests wait"},
    504: {"model": Refusal, "description": "The model was too slow, and was restarted"},
}


def make_app(run: str, classes: Sequence[str], serving: Serving, limits: Limits) -> FastAPI:
    """The app; `run` is what the run is called."""
    app = FastAPIOffline(
        title=f"AutoModel: {run}",
        description="Classifies images with the model of a run. Nothing leaves this machine.",
        redoc_url=None,
        swagger_ui_parameters={"validatorUrl": None},  # which would be asked over the network
    )
    entrance = Entrance(WAITING)

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("/docs")

    @app.get("/healthz", responses={503: {"model": Health}}, summary="Whether it answers, and what it knows")
    async def healthz() -> JSONResponse:
        health = Health(status="ok" if serving.ready else "restarting", run=run, classes=list(classes))
        return JSONResponse(health.model_dump(), 200 if serving.ready else 503)

    @app.post("/predict", response_model=Answers, responses=REFUSALS, openapi_extra=FORM, summary="Classify images")
    async def predict(
        request: Request, top: Annotated[int, Query(ge=1, description="how many classes of each image")] = 5
    ) -> JSONResponse:
        async with entrance.passed(), _uploads(request, limits) as uploads:
            judged = await _judge(serving, uploads)
            rows = [_row(upload, each, classes, top) for upload, each in zip(uploads, judged, strict=True)]
        readable = any(row.problem is None for row in rows)
        return JSONResponse(Answers(predictions=rows).model_dump(exclude_none=True), 200 if readable else 422)

    return app


class Entrance:
    """Lets so many requests in at a time: before they are read, so that uploads take a bounded room."""

    def __init__(self, most: int) -> None:
        self._free = most

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """Be in, or be sent away at once."""
        if not self._free:
            raise HTTPException(503, "Too many requests wait already: try again later.", {"Retry-After": "1"})
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


@asynccontextmanager
async def _uploads(request: Request, limits: Limits) -> AsyncIterator[list[UploadFile]]:
    """The files of a form, spooled to disk where they are large, and closed afterwards."""
    bounded = Request(request.scope, _bounded(request, limits.megabytes))
    try:
        async with asyncio.timeout(limits.seconds):
            form = await bounded.form(max_files=limits.images, max_fields=FIELDS, max_part_size=FIELD_BYTES)
    except TimeoutError:
        raise HTTPException(408, f"The upload took more than {limits.seconds:g} s.") from None
    except HTTPException as error:
        if "Too many files" in str(error.detail):
            sentence = f"At most {limits.images} images fit into one request: send several."
            raise HTTPException(413, sentence) from None
        if error.status_code == 400:
            raise HTTPException(422, f"The form cannot be read: {error.detail}") from None
        raise
    try:
        uploads = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if not uploads:
            raise HTTPException(422, "There is no image: send a form (multipart/form-data) with files named `images`.")
        yield uploads
    finally:
        await form.close()


def _bounded(request: Request, megabytes: float) -> Receive:
    """What is sent, up to so many MB, whatever it says of its length."""
    left = int(megabytes * 1e6)

    async def receive() -> Message:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, f"A request may have {megabytes:g} MB: send fewer or smaller images.")
        return message

    return receive


async def _judge(serving: Serving, uploads: Sequence[UploadFile]) -> list[Judged]:
    try:
        return await asyncio.wrap_future(serving.submit([upload.file for upload in uploads]))
    except BusyError as error:
        raise HTTPException(503, str(error), {"Retry-After": "1"}) from None
    except SlowWorkerError as error:
        raise HTTPException(504, str(error)) from None
    except (AutoModelError, SandboxError, OSError) as error:
        raise HTTPException(500, str(error)) from None


def _row(upload: UploadFile, judged: Judged, classes: Sequence[str], top: int) -> Answer:
    file = PurePath(upload.filename or "").name
    if isinstance(judged, str):
        return Answer(file=file, problem=judged)
    ranked = [Ranked(label=label, probability=share) for label, share in top_classes(judged, classes, top)]
    return Answer(file=file, label=ranked[0].label, probability=ranked[0].probability, top=ranked)
