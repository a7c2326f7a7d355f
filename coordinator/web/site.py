"""The coordinator's web: API, pages, files and streams, put together over one desk."""

import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

from coordinator.desk import Desk
from coordinator.errors import Missing
from coordinator.guesses import Guesses
from coordinator.web import (
    api,
    courier,
    doors,
    gate,
    joining,
    links,
    look,
    maker,
    pages,
    privacy,
    problem,
    stream,
    tracking,
    trail,
)
from coordinator.web.access import Access

Metrics = Callable[[], tuple[bytes, str]]
"""The metrics as text, and its media type."""

_ABOUT = """
Muster calls up volunteers' 3D printers and gets hospitals what they need. This is what the pages can do, for programs.

**Getting in**: `Authorization: Bearer KEY` with the coordinator's access key; `Muster-By: NAME` says who acts, as it
will stand in the records. A hospital's link (`/api/track/…`) needs no key, it is one.

**The way of a unit**: `POST /api/needs` → *promised* → *printing* → *printed* → `/attempts/{id}/cleared` →
`/inspect` → `/collect` → `POST /api/parcels` → `/send` → the hospital's `/receive`.

**Errors** are `application/problem+json`: `type` is stable, `detail` says what to do.

Times are seconds since 1970, UTC.
"""


def create(
    desk: Desk,
    *,
    version: str,
    metrics: Metrics | None = None,
    clock: Callable[[], float] = time.time,
    secret: bytes | None = None,
    public_url: str = "",
) -> FastAPI:
    """The web application; `app.state.access` is its `Access`, for one-time login links.

    `secret` signs the sessions: without it each process makes its own, and a restart logs everyone out.
    `public_url` is how people reach the pages, where that is not the address that their requests carry (a proxy).
    """
    app = FastAPI(
        title="Muster",
        version=version,
        description=_ABOUT,
        openapi_url="/api/openapi.json",
        docs_url=None,  # the usual viewers load scripts from elsewhere
        redoc_url=None,
    )
    app.state.desk = desk
    app.state.access = Access(desk.check_key, clock, secret or secrets.token_bytes(32))
    app.state.guesses = Guesses(clock)
    app.state.public_url = public_url.rstrip("/")
    app.add_middleware(gate.Gate, access=app.state.access, host=urlsplit(public_url).netloc)
    problem.install(app)
    for room in (trail, links, privacy, courier, api, joining, tracking, maker, stream, doors, pages):
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=look.HOUSE / "static"))

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
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            gate.describe(app.openapi_schema)
        return app.openapi_schema

    app.openapi = openapi
    return app
