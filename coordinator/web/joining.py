"""What agents ask over HTTP: to join, the next certificate, and the files that their manifests name."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response

from coordinator import acts
from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Slow
from coordinator.rate_limit import WrongTries
from coordinator.web.dependencies import Agents, Here
from coordinator.web.problem import TooLong, documented
from coordinator.web.shapes import Digest, Id, Token
from wire import enrolment, release

router = APIRouter(tags=["agents"])

_A = TypeVar("_A", enrolment.EnrolmentRequest, enrolment.Renewal)


def _asked(properties: dict[str, str]) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": list(properties),
                        "properties": {
                            name: {"type": "string", "description": says} for name, says in properties.items()
                        },
                    }
                }
            },
        }
    }


@router.post(
    enrolment.PATH,
    summary="An agent joins with its invite",
    responses=documented(Forbidden, Missing, Conflict, TooLong, Invalid, Slow),
    openapi_extra=_asked(
        {
            "code": "The invite's one-time code",
            "name": "What the agent wants to be called",
            "csr": "A PKCS #10 request in PEM",
        }
    ),
    response_class=Response,
)
async def enrol(services: Here, request: Request) -> Response:
    """Needs no key: the invite's code is good once. `wire/enrolment.py` has the shapes of both sides."""
    return await _admit(request, enrolment.EnrolmentRequest, partial(acts.agents.enrol, services))


@router.post(
    enrolment.RENEWAL_PATH,
    summary="An agent asks for its next certificate",
    responses=documented(Forbidden, Missing, Conflict, TooLong, Invalid, Slow),
    openapi_extra=_asked(
        {
            "certificate": "The present certificate in PEM",
            "csr": "A PKCS #10 request in PEM, with the next key",
            "proof": "The present key's signature over the request, in Base64",
        }
    ),
    response_class=Response,
)
async def renew(services: Here, request: Request) -> Response:
    """Needs no key: the present certificate's key signs it."""
    return await _admit(request, enrolment.Renewal, partial(acts.agents.renew, services))


async def _admit(request: Request, shape: type[_A], act: Callable[[_A], object]) -> Response:
    invites: WrongTries = request.app.state.invites
    address = request.client.host if request.client else ""
    invites.enter(address)
    body = await request.body()
    if len(body) > enrolment.LIMIT:
        raise TooLong(f"an enrolment has at most {enrolment.LIMIT} bytes")
    try:
        asked = msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"this is not an enrolment: {error}") from None
    try:
        answer = await run_in_threadpool(act, asked)
    except Forbidden:
        invites.missed(address)
        raise
    return Response(msgspec.json.encode(answer), media_type="application/json")


@router.head("/files/{attempt}/{token}", include_in_schema=False)
@router.get(
    "/files/{attempt}/{token}",
    summary="The file behind a manifest",
    responses=documented(Missing, Invalid),
    response_class=FileResponse,
)
def body(conversation: Agents, attempt: Id, token: Token) -> FileResponse:
    """Needs no key: the token is in the path. Ranges are served, so that a download resumes."""
    path = conversation.body(attempt, token)
    if not path.is_file():
        raise Missing("the file is not kept any more: the attempt will be granted anew")
    return FileResponse(path, media_type="text/plain; charset=us-ascii")


@router.get(
    release.PATH + "/{digest}",
    summary="The document of an approved part version",
    responses=documented(Missing, Invalid),
    response_class=Response,
)
def definition(services: Here, digest: Digest) -> Response:
    """Needs no key: it is named by its SHA-256, and holds nothing but a part's shape."""
    return Response(services.plates.definition(digest), media_type="text/plain; charset=utf-8")
