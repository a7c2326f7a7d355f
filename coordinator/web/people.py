"""Who has an account and which roles: for admins, as a page and for programs."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.roles import Permission, Role
from coordinator.people.accounts import PersonView
from coordinator.people.staff import Staff
from coordinator.web import rendering, shapes
from coordinator.web.access import Auth, Who, needs
from coordinator.web.clusters import home_of
from coordinator.web.dependencies import Entered, Repeatable
from coordinator.web.forms import Refused, reveal, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter(responses=documented(Unauthorised, Forbidden, Invalid))


def _staff(auth: Auth) -> Staff:
    return Staff(auth)


Office = Annotated[Staff, Depends(_staff)]


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────


@router.get(
    "/api/people",
    summary="Who has an account, in your clusters",
    tags=["people"],
)
@needs(Permission.PEOPLE)
def everybody(staff: Office, who: Who) -> list[PersonView]:
    """By log-in name."""
    return staff.everybody(who)


@router.post(
    "/api/people",
    status_code=201,
    summary="Take somebody in",
    tags=["people"],
    responses=documented(Conflict),
)
@needs(Permission.PEOPLE)
def add(staff: Office, who: Who, asked: shapes.PersonAsked, once: Repeatable) -> shapes.Welcomed:
    """`path` is a link, good once and for three days, by which they choose a password. It is shown only now."""
    return once(shapes.Welcomed, lambda: _added(staff, who, asked))


@router.post(
    "/api/people/{person}/roles",
    summary="Give a role",
    tags=["people"],
    responses=documented(Missing),
)
@needs(Permission.PEOPLE)
def give(staff: Office, who: Who, person: Id, asked: shapes.RoleAsked) -> PersonView:
    """In one cluster; it counts at once."""
    return staff.give(who, person, home_of(who, Permission.PEOPLE, asked.cluster), asked.role)


@router.post(
    "/api/people/{person}/roles/take",
    summary="Take a role",
    tags=["people"],
    responses=documented(Missing, Conflict),
)
@needs(Permission.PEOPLE)
def take(staff: Office, who: Who, person: Id, asked: shapes.RoleAsked) -> PersonView:
    """It counts at once, for their programs too."""
    return staff.take(who, person, home_of(who, Permission.PEOPLE, asked.cluster), asked.role)


@router.post(
    "/api/people/{person}/reset",
    summary="Let somebody choose a new password",
    tags=["people"],
    responses=documented(Missing),
)
@needs(Permission.PEOPLE)
def reset(staff: Office, who: Who, person: Id, asked: shapes.ResetAsked, once: Repeatable) -> shapes.Welcomed:
    """The old one is void, all sessions end and tokens are revoked; `path` is the link, shown only now."""
    return once(shapes.Welcomed, lambda: _reset(staff, who, person, asked))


@router.post(
    "/api/people/{person}/disable",
    summary="Shut an account",
    tags=["people"],
    responses=documented(Missing, Conflict),
)
@needs(Permission.PEOPLE)
def disable(staff: Office, who: Who, person: Id) -> PersonView:
    """At once: sessions end, tokens and links are void. What they did stays in the records."""
    return staff.disable(who, person)


@router.post(
    "/api/people/{person}/enable",
    summary="Open an account again",
    tags=["people"],
    responses=documented(Missing),
)
@needs(Permission.PEOPLE)
def enable(staff: Office, who: Who, person: Id) -> PersonView:
    """With the password and second factor it had."""
    return staff.enable(who, person)


@router.post(
    "/api/agents/{agent}/cluster",
    status_code=204,
    summary="Move an agent to a cluster",
    tags=["agents"],
    responses=documented(Missing),
)
@needs(Permission.PEOPLE)
def place(staff: Office, who: Who, agent: Id, asked: shapes.ClusterAsked) -> None:
    """Its printers are seen, and their lots looked after, by that cluster's people. Dispatch goes on as before."""
    staff.place(who, agent, asked.cluster)


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/people", include_in_schema=False)
@needs(Permission.PEOPLE)
def page(request: Request, staff: Office, who: Who) -> Response:
    """Everybody, and the form to take somebody in."""
    return _show(request, staff, who)


@router.post("/people", include_in_schema=False)
@needs(Permission.PEOPLE)
def add_on_page(request: Request, staff: Office, who: Who, entered: Entered) -> Response:
    """Take somebody in; the page shows the link, once."""
    return _welcome(
        request,
        staff,
        who,
        entered,
        "person",
        lambda: _added(staff, who, shapes.PersonAsked.entered(entered)),
    )


@router.post("/people/{person}/give", include_in_schema=False)
@needs(Permission.PEOPLE)
def give_on_page(request: Request, staff: Office, who: Who, entered: Entered, person: Id) -> Response:
    """Give a role."""
    return _then_back(
        request, staff, who, entered, f"give-{person}", lambda: staff.give(who, person, *_role(who, entered))
    )


@router.post("/people/{person}/take", include_in_schema=False)
@needs(Permission.PEOPLE)
def take_on_page(request: Request, staff: Office, who: Who, entered: Entered, person: Id) -> Response:
    """Take a role."""
    return _then_back(
        request, staff, who, entered, f"take-{person}", lambda: staff.take(who, person, *_role(who, entered))
    )


@router.post("/people/{person}/reset", include_in_schema=False)
@needs(Permission.PEOPLE)
def reset_on_page(request: Request, staff: Office, who: Who, entered: Entered, person: Id) -> Response:
    """A new password; the page shows the link, once."""
    return _welcome(
        request,
        staff,
        who,
        entered,
        f"reset-{person}",
        lambda: _reset(staff, who, person, shapes.ResetAsked.entered(entered)),
    )


@router.post("/people/{person}/disable", include_in_schema=False)
@needs(Permission.PEOPLE)
def disable_on_page(request: Request, staff: Office, who: Who, entered: Entered, person: Id) -> Response:
    """Shut an account."""
    return _then_back(request, staff, who, entered, f"disable-{person}", lambda: staff.disable(who, person))


@router.post("/people/{person}/enable", include_in_schema=False)
@needs(Permission.PEOPLE)
def enable_on_page(request: Request, staff: Office, who: Who, entered: Entered, person: Id) -> Response:
    """Open an account again."""
    return _then_back(request, staff, who, entered, f"enable-{person}", lambda: staff.enable(who, person))


# ── private ───────────────────────────────────────────────────────────────────────────────────────────────


def _then_back(
    request: Request, staff: Staff, who: Who, entered: Entered, form: str, act: Callable[[], object]
) -> Response:
    def go() -> str:
        act()
        return "/people"

    return submit(form, entered, go, lambda refused: _show(request, staff, who, refused))


def _welcome(
    request: Request,
    staff: Staff,
    who: Who,
    entered: Entered,
    form: str,
    act: Callable[[], shapes.Welcomed],
) -> Response:
    return reveal(
        form,
        entered,
        act,
        lambda refused: _show(request, staff, who, refused),
        lambda welcomed: _show(request, staff, who, welcomed=welcomed),
        "/people",
    )


def _role(who: Who, entered: Entered) -> tuple[str, Role]:
    asked = shapes.RoleAsked.entered(entered)
    return home_of(who, Permission.PEOPLE, asked.cluster), asked.role


def _added(staff: Staff, who: Who, asked: shapes.PersonAsked) -> shapes.Welcomed:
    cluster = home_of(who, Permission.PEOPLE, asked.cluster)
    view, code = staff.add(
        who, name=asked.name, shown=asked.shown or asked.name, cluster=cluster, role=asked.role
    )
    return shapes.Welcomed(person=view, path=f"/login/{code}")


def _reset(staff: Staff, who: Who, person: str, asked: shapes.ResetAsked) -> shapes.Welcomed:
    view, code = staff.reset(who, person, second_factor=asked.second_factor)
    return shapes.Welcomed(person=view, path=f"/login/{code}")


def _show(
    request: Request,
    staff: Staff,
    who: Who,
    refused: Refused | None = None,
    welcomed: shapes.Welcomed | None = None,
) -> Response:
    within = who.within(Permission.PEOPLE)
    everybody = staff.everybody(who)
    return rendering.page(
        request,
        "people.html",
        status=refused.problem.status if refused else 200,
        people=everybody,
        clusters=sorted(
            within
            if within is not None
            else {"home"} | {role.cluster for each in everybody for role in each.roles}
        ),
        all_roles=list(Role),
        welcomed=welcomed,
        link=rendering.outside(request, welcomed.path) if welcomed else "",
        refused=refused,
    )
