"""What an act is: one function, registered once with its name in the audit log, who may, and on what.

API, pages, commands and the audit log all read that registration. To call an act is one unit of work: whether who asks
may do this with what they name is looked at in the very transaction that does it, and so is the audit log written.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from coordinator.model.audit_log import Detail
from coordinator.model.roles import Permission
from coordinator.people import authorisation
from coordinator.people.principal import Principal
from coordinator.store import audit_log
from coordinator.store.engine import Tx
from coordinator.unit_of_work import UnitOfWork, UnitsOfWork


class HasUnits(Protocol):
    """The least that acts stand on."""

    @property
    def units(self) -> UnitsOfWork:
        """Begins units of work."""
        ...


_REFERENCE = re.compile(r"[;.] (see|as|errors as in|errors in) `.*", re.IGNORECASE)

S = TypeVar("S", bound=HasUnits)
P = ParamSpec("P")
R = TypeVar("R")


class ActCall(Generic[S]):
    """One call of an act: who does it, in which unit of work, with what at hand."""

    def __init__(self, act: "Act[Any, ..., Any]", services: S, who: Principal, unit: UnitOfWork) -> None:
        self.services = services
        self.who = who
        self.unit = unit
        self.is_noted = False
        self._act = act

    @property
    def tx(self) -> Tx:
        """The open transaction."""
        return self.unit.tx

    @property
    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return self.unit.now

    @property
    def by(self) -> str:
        """Who does it, for the records."""
        return self.who.name

    def note(
        self, thing: str, details: Mapping[str, Detail] | None = None, *, by: str = "", kind: str = ""
    ) -> None:
        """Write the act into the audit log. Where an argument names the thing, and that says it all, it needs no call.

        Args:
            thing: which one of the act's kind.
            details: numbers and ids.
            by: who did it, where the principal has no name: whoever holds a link.
            kind: of what kind the thing is, if not of the act's.
        """
        subject = f"{kind or self._act.on}/{thing}" if thing else kind or self._act.on
        audit_log.note(
            self.tx, by=by or self.by, act=self._act.name, on=subject, now=self.now, details=details
        )
        self.is_noted = True


class Act(Generic[S, P, R]):
    """Something that a person, or who acts for one, can do. Call it with the services, who does it, and its arguments.

    Attributes:
        name: in the audit log, such as `need.cancel`.
        permission: what it takes.
        on: the kind of thing that it is done to, such as `need`.
    """

    def __init__(
        self, name: str, permission: Permission, on: str, function: Callable[Concatenate[ActCall[S], P], R]
    ) -> None:
        self.name = name
        self.permission = permission
        self.on = on
        self._function = function
        self._signature = inspect.signature(function)
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    @property
    def summary(self) -> str:
        """What it does, in one line, for people: without where in the code the rule stands."""
        first = (self.__doc__ or "").partition("\n")[0]
        return _REFERENCE.sub("", first).rstrip(".") + "."

    def __call__(self, services: S, who: Principal, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do it, in one unit of work.

        Raises:
            Forbidden: who asks may not do this, or not with that.
            Missing: who asks may not know of that.
            Problem: what the act itself says.
        """
        authorisation.may_at_all(who, self.permission)
        with services.units.begin() as unit:
            named = self._signature.bind(None, *args, **kwargs).arguments
            authorisation.may_with(unit.tx, who, self.permission, named)
            call = ActCall(self, services, who, unit)
            done = self._function(call, *args, **kwargs)
            if not call.is_noted:
                call.note(str(named[self.on]))
        return done


ACTS: dict[str, Act[Any, ..., Any]] = {}
"""Every act, by its name."""


def act(
    name: str, permission: Permission, *, on: str
) -> Callable[[Callable[Concatenate[ActCall[S], P], R]], Act[S, P, R]]:
    """Make a function an act, and register it; what they mean, `Act` says."""

    def register(function: Callable[Concatenate[ActCall[S], P], R]) -> Act[S, P, R]:
        assert name not in ACTS, f"two acts are called {name}"
        made = Act(name, permission, on, function)
        ACTS[name] = made
        return made

    return register
