"""Who did what, for those who answer for it."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import StringConstraints

from coordinator.errors import Forbidden, Invalid, Unauthorised
from coordinator.model.audit_log import AuditEntry, ChainCheck, check_chain
from coordinator.model.roles import Permission
from coordinator.store import audit_log
from coordinator.store.engine import Tx
from coordinator.web import rendering
from coordinator.web.access import needs
from coordinator.web.dependencies import Here
from coordinator.web.problem import documented

router = APIRouter()

_ANSWERS = documented(Unauthorised, Forbidden, Invalid)
_PAGE = 100

Word = Annotated[str, StringConstraints(max_length=120)]
Head = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Who = Annotated[Word, Query(description="All of a name")]
What = Annotated[Word, Query(description="How an act begins, such as `address.`")]
Which = Annotated[Word, Query(alias="on", description="How a subject begins, such as `need/n-k7m2p9xqrt`")]
Before = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Entries older than this one")]


@router.get("/api/audit-log", tags=["audit log"], summary="Who did what", responses=_ANSWERS)
@needs(Permission.AUDIT_LOG)
def entries(
    services: Here,
    by: Who = "",
    act: What = "",
    subject: Which = "",
    before: Before = None,
    most: Annotated[int, Query(ge=1, le=1000)] = _PAGE,
) -> list[AuditEntry]:
    """Newest first. For the next ones, `before` is the last one's number."""
    return services.read(audit_log.page, by=by, act=act, on=subject, before=before, most=most)


@router.get(
    "/api/audit-log/chain", tags=["audit log"], summary="Whether the audit log is whole", responses=_ANSWERS
)
@needs(Permission.AUDIT_LOG)
def chain(
    services: Here, head: Annotated[Head, Query(description="A head that was kept elsewhere")] = ""
) -> ChainCheck:
    """Follows every hash from the first entry on; `first` is where the chain breaks."""
    return services.read(_chain, head)


@router.get("/audit-log", include_in_schema=False)
@needs(Permission.AUDIT_LOG)
def page(
    services: Here,
    request: Request,
    by: Who = "",
    act: What = "",
    subject: Which = "",
    before: Annotated[str, Query(pattern=r"^[0-9]{0,9}$")] = "",
) -> Response:
    """The audit log, a page at a time."""
    shown = services.read(
        audit_log.page, by=by, act=act, on=subject, before=int(before or 0) or None, most=_PAGE + 1
    )
    return rendering.page(
        request,
        "audit_log.html",
        entries=shown[:_PAGE],
        more=shown[_PAGE - 1].number if len(shown) > _PAGE else None,
        wanted={"by": by, "act": act, "on": subject},
        moment=_moment,
    )


def _chain(tx: Tx, head: str) -> ChainCheck:
    return check_chain(audit_log.every(tx), head=head)


def _moment(at: float) -> str:
    return f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%d %H:%M:%S}"
