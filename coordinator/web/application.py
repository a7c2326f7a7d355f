"""The coordinator's web: API, pages, files and streams, put together."""

import secrets
from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

from coordinator.acts.services import Services
from coordinator.changes import ChangeFeed
from coordinator.conversation import Conversation
from coordinator.errors import Missing
from coordinator.idempotency import Idempotency
from coordinator.rate_limit import INVITES, LINKS, WrongTries
from coordinator.web import (
    account,
    agents,
    api,
    audit_log,
    courier,
    field_docs,
    joining,
    links,
    login,
    maker,
    middleware,
    pages,
    people,
    privacy,
    problem,
    reference,
    rendering,
    stream,
    tracking,
)
from coordinator.web.access import judge

ROUTERS = (
    audit_log,
    links,
    privacy,
    courier,
    agents,
    api,
    people,
    joining,
    tracking,
    maker,
    stream,
    login,
    account,
    pages,
    reference,
)

Metrics = Callable[[], tuple[bytes, str]]
"""The metrics as text, and its media type."""

_ABOUT = """
Muster calls up volunteers' 3D printers and gets hospitals what they need. This is what the pages can do, for programs.

**Getting in**: `Authorization: Bearer TOKEN` with a token that you made on your account's page; it may do what its role
may in its cluster. Or with the access key of the coordinator's machine: then `Muster-By: NAME` says who acts, for
the records. A hospital's link (`/api/track/…`) needs no key, it is one.

**Sent twice, done once**: with an `Idempotency-Key` of your own (any unique word), a request that gets no answer can be
sent again: within a day it is done once, and answered alike.

**The way of a unit**: `POST /api/needs` → *promised* → *printing* → *printed* → `/attempts/{id}/cleared` →
`/inspect` → `/collect` → `POST /api/parcels` → `/send` → the hospital's `/receive`.

**Errors** are `application/problem+json`: `type` is stable, `detail` says what to do.

Times are seconds since 1970, UTC.
"""


def create(
    services: Services,
    conversation: Conversation,
    changes: ChangeFeed,
    *,
    version: str,
    metrics: Metrics | None = None,
    secret: bytes | None = None,
    public_url: str = "",
) -> FastAPI:
    """The web application.

    `secret` seals what is kept of requests that may be sent again: without it each process makes its own.
    `public_url` is how people reach the pages, where that is not the address that their requests carry (a proxy).
    """
    app = FastAPI(
        title="Muster",
        version=version,
        description=_ABOUT,
        openapi_url="/api/openapi.json",
        openapi_tags=[{"name": name, "description": text} for name, text in reference.TAGS.items()],
        docs_url=None,  # the usual viewers load scripts from elsewhere: ours is `reference`
        redoc_url=None,
        dependencies=[Depends(judge)],
    )
    clock = services.clock
    app.state.services = services
    app.state.conversation = conversation
    app.state.changes = changes
    app.state.idempotency = Idempotency(services.units, secret or secrets.token_bytes(32))
    app.state.invites = WrongTries(clock, INVITES, "try again")
    app.state.links = WrongTries(clock, LINKS, "try again, or ask your coordinator for a new link")
    app.state.public_url = public_url.rstrip("/")
    app.add_middleware(
        middleware.AuthenticationMiddleware, authenticator=services.authenticator, public_url=public_url
    )
    problem.install(app)
    for room in ROUTERS:
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=rendering.HOUSE / "static"))

    @app.get("/healthz", tags=["health"], summary="Whether it runs")
    def healthz() -> dict[str, str]:
        return {"status": "ok", "version": version}

    @app.get("/metrics", include_in_schema=False)
    def exposition() -> Response:
        if metrics is None:
            raise Missing("this process keeps no metrics")
        body, media_type = metrics()
        return Response(body, media_type=media_type)

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                tags=app.openapi_tags,
                routes=app.routes,
            )
            middleware.describe(app.openapi_schema)
            reference.tell_who_may(app.openapi_schema, app.routes)
            field_docs.add(app.openapi_schema)
        return app.openapi_schema

    app.openapi = openapi
    return app
