"""How pages look: the templates, and the words for times and states."""

import datetime as dt
from pathlib import Path

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from coordinator import ids
from coordinator.model.records import PrinterTelemetry, RegisteredPrinter
from coordinator.model.roles import Permission
from coordinator.model.views import STATES, PrinterView
from coordinator.people.principal import NOBODY, Principal
from coordinator.web import stages
from wire.lifecycle import State

HOUSE = Path(__file__).parent

OUTSIDE: dict[State, str] = STATES | {
    State.GRANTED: "promised",
    State.FETCHING: "promised",
    State.CHECKED: "promised",
    State.STARTING: "promised",
    State.PRINTED: "to be inspected",
    State.REFUSED: "not made",
    State.CANCELLED: "not made",
}
"""The states as a hospital reads them."""

_PRIORITIES = {0: "routine", 5: "normal", 9: "now"}


def page(request: Request, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
    """A page from one of our templates. Who is logged in and which version runs is known to each."""
    principal: Principal = getattr(request.state, "principal", NOBODY)
    state: dict[str, object] = {
        "principal": principal,
        "by": principal.name,
        "may": principal.may,
        "Permission": Permission,
        "form_id": ids.token() if principal.is_known or request.url.path.startswith(("/t/", "/m/")) else "",
        "version": request.app.version,
        "here": "",
        "refused": None,
    }
    return HTMLResponse(_templates.get_template(template).render(_words | state | context), status)


def outside(request: Request, path: str) -> str:
    """The address of one of our paths, for people elsewhere."""
    return (request.app.state.public_url or str(request.base_url).rstrip("/")) + path


def time(seconds: float) -> Markup:
    """A moment as a `<time>` in UTC; the browser shows it in local time where it can."""
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    text = f"{moment.day} {moment:%b}, {moment:%H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(f"{moment:%Y-%m-%dT%H:%M:%SZ}", text)


def day(seconds: float) -> str:
    """A moment's day, UTC."""
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{moment.day} {moment:%b %Y}"


def duration(seconds: float) -> str:
    """Roughly how long."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{max(1, minutes)} min"


def priority(value: int) -> str:
    """A priority in words where there is one."""
    word = _PRIORITIES.get(value)
    return f"{value}, {word}" if word else str(value)


def condition(view: PrinterView) -> tuple[str, str]:
    """What a printer does, as (a key for its colour, in words)."""
    if not view.printer.online:
        return "offline", "offline"
    if view.attempt is not None and view.attempt.state in (State.PRINTED, State.SUSPECT, State.PAUSED):
        return str(view.attempt.state), STATES[view.attempt.state]
    if view.looks is not None and view.looks.condition not in ("idle", "printing"):
        return view.looks.condition, view.looks.condition
    if view.attempt is not None and view.attempt.state is not State.CLEARED:
        return str(view.attempt.state), STATES[view.attempt.state]
    if view.waiting:
        return "ready", "ready for work"
    return "idle", "idle"


def subjects(*names: str, path: str = "/events") -> str:
    """Where a page hears of these subjects."""
    return path + "?" + "&".join(f"on={name}" for name in names)


def capitalize_first(text: str) -> str:
    """A sentence from what may follow a colon; `capitalize` would lower the rest."""
    return text[:1].upper() + text[1:]


def bed(printer: RegisteredPrinter, looks: PrinterTelemetry | None) -> str:
    """Whether the bed is clear, as last seen."""
    if looks is None or not printer.online:
        return "not known"
    return "clear" if looks.bed_clear else "not clear"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HOUSE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["capitalize_first"] = capitalize_first
    return environment


_templates = _environment()
_words: dict[str, object] = {
    "stages": stages,
    "time": time,
    "day": day,
    "duration": duration,
    "priority": priority,
    "condition": condition,
    "subjects": subjects,
    "bed": bed,
    "STATES": STATES,
    "OUTSIDE": OUTSIDE,
    "State": State,
}
