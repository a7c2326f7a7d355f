"""What agents ask over HTTP: to join, and the files that their manifests name."""

import msgspec
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response

from coordinator.errors import Conflict, Forbidden, Invalid, Missing
from coordinator.web.front import Here
from coordinator.web.problem import TooLong, documented
from coordinator.web.shapes import Digest, Id, Token
from wire import enrolment, release

router = APIRouter(tags=["agents"])


@router.post(
    enrolment.PATH,
    summary="An agent joins with its invite",
    responses=documented(Forbidden, Missing, Conflict, TooLong, Invalid),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["code", "name", "csr"],
                        "properties": {
                            "code": {"type": "string", "description": "The invite's one-time code"},
                            "name": {"type": "string", "description": "What the agent wants to be called"},
                            "csr": {"type": "string", "description": "A PKCS #10 request in PEM"},
                        },
                    }
                }
            },
        }
    },
    response_class=Response,
)
async def enrol(desk: Here, request: Request) -> Response:
    """Needs no key: the invite's code is good once. `wire/enrolment.py` has the shapes of both sides."""
    body = await request.body()
    if len(body) > enrolment.LIMIT:
        raise TooLong(f"an enrolment has at most {enrolment.LIMIT} bytes")
    try:
        asked = msgspec.json.decode(body, type=enrolment.Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"this is not an enrolment: {error}") from None
    answer = await run_in_threadpool(desk.enrol, asked)
    return Response(msgspec.json.encode(answer), media_type="application/json")


@router.head("/files/{attempt}/{token}", include_in_schema=False)
@router.get(
    "/files/{attempt}/{token}",
    summary="The file behind a manifest",
    responses=documented(Missing, Invalid),
    response_class=FileResponse,
)
def body(desk: Here, attempt: Id, token: Token) -> FileResponse:
    """Needs no key: the token is in the path. Ranges are served, so that a download resumes."""
    path = desk.body(attempt, token)
    if not path.is_file():
        raise Missing("the file is not kept any more: the attempt will be granted anew")
    return FileResponse(path, media_type="text/plain; charset=us-ascii")


@router.get(
    release.PATH + "/{digest}",
    summary="The document of an approved part version",
    responses=documented(Missing, Invalid),
    response_class=Response,
)
def definition(desk: Here, digest: Digest) -> Response:
    """Needs no key: it is named by its SHA-256, and holds nothing but a part's shape."""
    return Response(desk.definition(digest), media_type="text/plain; charset=utf-8")
