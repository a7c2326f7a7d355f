"""Who has an account and which roles: for admins, as a page and for programs."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from coordinator import acts
from coordinator.acts.services import Services
from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.roles import Permission, Role
from coordinator.model.views import PersonView
from coordinator.web import rendering, shapes
from coordinator.web.access import Who, needs, performs
from coordinator.web.dependencies import Entered, Here, Repeatable
from coordinator.web.forms import RefusedForm, reveal, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter(responses=documented(Unauthorised, Forbidden, Invalid))


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────


@router.get(
    "/api/people",
    summary="Who has an account, in your clusters",
    tags=["people"],
)
@needs(Permission.PEOPLE)
def everybody(services: Here, who: Who) -> list[PersonView]:
    """By log-in name."""
    return services.read(acts.people.everybody, who)


@router.post(
    "/api/people",
    status_code=201,
    summary="Take somebody in",
    tags=["people"],
    responses=documented(Conflict),
)
@performs(acts.people.add_person)
def add(services: Here, who: Who, asked: shapes.PersonAsked, once: Repeatable) -> shapes.Welcomed:
    """`path` is a link, good once and for three days, by which they choose a password. It is shown only now."""
    return once(shapes.Welcomed, lambda: _added(services, who, asked))


@router.post(
    "/api/people/{person}/roles",
    summary="Give a role",
    tags=["people"],
    responses=documented(Missing),
)
@performs(acts.people.give_role)
def give(services: Here, who: Who, person: Id, asked: shapes.RoleAsked) -> PersonView:
    """In one cluster; it counts at once."""
    return acts.people.give_role(services, who, person, asked.role, cluster=asked.cluster)


@router.post(
    "/api/people/{person}/roles/take",
    summary="Take a role",
    tags=["people"],
    responses=documented(Missing, Conflict),
)
@performs(acts.people.take_role)
def take(services: Here, who: Who, person: Id, asked: shapes.RoleAsked) -> PersonView:
    """It counts at once, for their programs too."""
    return acts.people.take_role(services, who, person, asked.role, cluster=asked.cluster)


@router.post(
    "/api/people/{person}/reset",
    summary="Let somebody choose a new password",
    tags=["people"],
    responses=documented(Missing),
)
@performs(acts.people.reset_person)
def reset(
    services: Here, who: Who, person: Id, asked: shapes.ResetAsked, once: Repeatable
) -> shapes.Welcomed:
    """The old one is void, all sessions end and tokens are revoked; `path` is the link, shown only now."""
    return once(shapes.Welcomed, lambda: _reset(services, who, person, asked))


@router.post(
    "/api/people/{person}/disable",
    summary="Shut an account",
    tags=["people"],
    responses=documented(Missing, Conflict),
)
@performs(acts.people.disable_person)
def disable(services: Here, who: Who, person: Id) -> PersonView:
    """At once: sessions end, tokens and links are void. What they did stays in the records."""
    return acts.people.disable_person(services, who, person)


@router.post(
    "/api/people/{person}/enable",
    summary="Open an account again",
    tags=["people"],
    responses=documented(Missing),
)
@performs(acts.people.enable_person)
def enable(services: Here, who: Who, person: Id) -> PersonView:
    """With the password and second factor it had."""
    return acts.people.enable_person(services, who, person)


@router.post(
    "/api/agents/{agent}/cluster",
    status_code=204,
    summary="Move an agent to a cluster",
    tags=["agents"],
    responses=documented(Missing),
)
@performs(acts.agents.place)
def place(services: Here, who: Who, agent: Id, asked: shapes.ClusterAsked) -> None:
    """Its printers are seen, and their lots looked after, by that cluster's people. Dispatch goes on as before."""
    acts.agents.place(services, who, agent, asked.cluster)


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/people", include_in_schema=False)
@needs(Permission.PEOPLE)
def page(request: Request, services: Here, who: Who) -> Response:
    """Everybody, and the form to take somebody in."""
    return _show(request, services, who)


@router.post("/people", include_in_schema=False)
@performs(acts.people.add_person)
def add_on_page(request: Request, services: Here, who: Who, entered: Entered) -> Response:
    """Take somebody in; the page shows the link, once."""
    return _welcome(
        request,
        services,
        who,
        entered,
        "person",
        lambda: _added(services, who, shapes.PersonAsked.entered(entered)),
    )


@router.post("/people/{person}/give", include_in_schema=False)
@performs(acts.people.give_role)
def give_on_page(request: Request, services: Here, who: Who, entered: Entered, person: Id) -> Response:
    """Give a role."""
    return _then_back(
        request, services, who, entered, f"give-{person}", lambda: _give(services, who, person, entered)
    )


@router.post("/people/{person}/take", include_in_schema=False)
@performs(acts.people.take_role)
def take_on_page(request: Request, services: Here, who: Who, entered: Entered, person: Id) -> Response:
    """Take a role."""
    return _then_back(
        request, services, who, entered, f"take-{person}", lambda: _take(services, who, person, entered)
    )


@router.post("/people/{person}/reset", include_in_schema=False)
@performs(acts.people.reset_person)
def reset_on_page(request: Request, services: Here, who: Who, entered: Entered, person: Id) -> Response:
    """A new password; the page shows the link, once."""
    return _welcome(
        request,
        services,
        who,
        entered,
        f"reset-{person}",
        lambda: _reset(services, who, person, shapes.ResetAsked.entered(entered)),
    )


@router.post("/people/{person}/disable", include_in_schema=False)
@performs(acts.people.disable_person)
def disable_on_page(request: Request, services: Here, who: Who, entered: Entered, person: Id) -> Response:
    """Shut an account."""
    return _then_back(
        request,
        services,
        who,
        entered,
        f"disable-{person}",
        lambda: acts.people.disable_person(services, who, person),
    )


@router.post("/people/{person}/enable", include_in_schema=False)
@performs(acts.people.enable_person)
def enable_on_page(request: Request, services: Here, who: Who, entered: Entered, person: Id) -> Response:
    """Open an account again."""
    return _then_back(
        request,
        services,
        who,
        entered,
        f"enable-{person}",
        lambda: acts.people.enable_person(services, who, person),
    )


# ── private ───────────────────────────────────────────────────────────────────────────────────────────────


def _then_back(
    request: Request, services: Services, who: Who, entered: Entered, form: str, act: Callable[[], object]
) -> Response:
    def go() -> str:
        act()
        return "/people"

    return submit(form, entered, go, lambda refused: _show(request, services, who, refused))


def _welcome(
    request: Request,
    services: Services,
    who: Who,
    entered: Entered,
    form: str,
    act: Callable[[], shapes.Welcomed],
) -> Response:
    return reveal(
        form,
        entered,
        act,
        lambda refused: _show(request, services, who, refused),
        lambda welcomed: _show(request, services, who, welcomed=welcomed),
        "/people",
    )


def _added(services: Services, who: Who, asked: shapes.PersonAsked) -> shapes.Welcomed:
    view, code = acts.people.add_person(
        services,
        who,
        name=asked.name,
        shown=asked.shown or asked.name,
        role=asked.role,
        cluster=asked.cluster,
    )
    return shapes.Welcomed(person=view, path=f"/login/{code}")


def _reset(services: Services, who: Who, person: str, asked: shapes.ResetAsked) -> shapes.Welcomed:
    view, code = acts.people.reset_person(services, who, person, second_factor=asked.second_factor)
    return shapes.Welcomed(person=view, path=f"/login/{code}")


def _give(services: Services, who: Who, person: str, entered: Entered) -> None:
    asked = shapes.RoleAsked.entered(entered)
    acts.people.give_role(services, who, person, asked.role, cluster=asked.cluster)


def _take(services: Services, who: Who, person: str, entered: Entered) -> None:
    asked = shapes.RoleAsked.entered(entered)
    acts.people.take_role(services, who, person, asked.role, cluster=asked.cluster)


def _show(
    request: Request,
    services: Services,
    who: Who,
    refused: RefusedForm | None = None,
    welcomed: shapes.Welcomed | None = None,
) -> Response:
    within = who.within(Permission.PEOPLE)
    everybody = services.read(acts.people.everybody, who)
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
