"""ChangeFeed for open pages, as server-sent events: that something changed, so that they look again."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import StringConstraints

from coordinator.changes import Listener
from coordinator.model.roles import Permission
from coordinator.web.access import Auth, Who, again, needs
from coordinator.web.dependencies import Changes

router = APIRouter()

Subject = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,16}(/[A-Za-z0-9_-]{1,64}){0,2}$")]


@router.get(
    "/events",
    response_class=EventSourceResponse,
    tags=["live"],
    summary="Hear that something changed, as server-sent events",
)
@needs(Permission.LOOK)
async def events(
    who: Who,
    changes: Changes,
    auth: Auth,
    request: Request,
    on: Annotated[
        list[Subject],
        Query(min_length=1, max_length=8, description="Such as `need`, `need/n1`, `printer`, `hospital`"),
    ],
) -> AsyncIterator[ServerSentEvent]:
    """`hello` once, then `news`; look again after either. What changed is told to the machine's administrator only."""

    def may() -> bool:
        return again(request, auth).may(Permission.LOOK)

    with changes.listen(*on) as listener:
        async for event in told(listener, may, silent=not who.everywhere):
            yield event


async def told(
    listener: Listener, may: Callable[[], bool], *, silent: bool = False
) -> AsyncIterator[ServerSentEvent]:
    """What a listener hears, as long as they `may`; `silent` keeps the subjects to ourselves.

    A stream outlives log-outs, new links and lost roles: so it is asked again before each event.

    The greeting comes after the listening began: who looks again on it has missed nothing in between.
    """
    yield ServerSentEvent(event="hello", data=[], retry=2000)
    async for subjects in listener:
        if not await run_in_threadpool(may):
            return
        yield ServerSentEvent(event="news", data=[] if silent else sorted(subjects))
