"""Who minds whom: what an admin may do with people's accounts, within the own clusters.

A role is given and taken by an admin of its cluster. What opens or shuts a whole account (a reset, disabling it) takes
an admin of every cluster that the person has a role in: else a small cluster's admin would hold the keys to a big one.
"""

from dataclasses import replace

from coordinator.errors import Conflict, Forbidden, Missing
from coordinator.model.roles import Permission, Role
from coordinator.people import accounts
from coordinator.people.accounts import PersonView
from coordinator.people.authentication import Authenticator
from coordinator.people.principal import Principal
from coordinator.store import audit_log, people
from coordinator.store.engine import Tx


class Staff:
    """Every method may be called from any thread; `principal` is who does it. Each is one transaction."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._store = authenticator.store
        self._now = authenticator.now

    def everybody(self, principal: Principal) -> list[PersonView]:
        """Who has a role in one of the admin's clusters, by name; what they are elsewhere is left out."""
        with self._store.read() as tx:
            known = accounts.everybody(tx)
        return [seen for each in known if (seen := _seen(principal, each)) is not None]

    def add(
        self, principal: Principal, *, name: str, shown: str, cluster: str, role: Role
    ) -> tuple[PersonView, str]:
        """Take somebody in; their view, and the code of the link by which they choose a password.

        Raises:
            Forbidden: not an admin there.
            Invalid, Conflict: a name that can't be, or is taken.
        """
        _minds(principal, cluster)
        with self._store.write() as tx:
            person = accounts.add(tx, name=name, shown=shown, now=self._now())
            accounts.give(tx, person.name, cluster, role)
            code = accounts.welcome(tx, person.name, by=principal.name, now=self._now())
            self._note(tx, principal, "person.add", person.name, cluster=cluster, role=role)
            return accounts.view(tx, person.name), code

    def give(self, principal: Principal, name: str, cluster: str, role: Role) -> PersonView:
        """Somebody has a role from now on.

        Raises:
            Forbidden: not an admin there.
            Missing: no such person.
        """
        _minds(principal, cluster)
        with self._store.write() as tx:
            accounts.give(tx, name, cluster, role)
            self._note(tx, principal, "role.give", name, cluster=cluster, role=role)
            return _shown(principal, accounts.view(tx, name))

    def take(self, principal: Principal, name: str, cluster: str, role: Role) -> PersonView:
        """Somebody has a role no more, at once.

        Raises:
            Forbidden: not an admin there.
            Missing: they do not have it.
            Conflict: it is the own admin's role: somebody else must take it.
        """
        _minds(principal, cluster)
        if name == principal.person and role is Role.ADMIN:
            raise Conflict("you can't take the admin's role from yourself: ask another admin")
        with self._store.write() as tx:
            accounts.take(tx, name, cluster, role)
            self._note(tx, principal, "role.take", name, cluster=cluster, role=role)
            return _shown(principal, accounts.view(tx, name))

    def reset(self, principal: Principal, name: str, *, second_factor: bool) -> tuple[PersonView, str]:
        """Shut somebody's account, and make a link by which they choose a new password; errors as in `disable`."""
        with self._store.write() as tx:
            self._account(tx, principal, name)
            code = accounts.reset(tx, name, by=principal.name, now=self._now(), second_factor=second_factor)
            self._note(tx, principal, "person.reset", name, second_factor=second_factor)
            return _shown(principal, accounts.view(tx, name)), code

    def disable(self, principal: Principal, name: str) -> PersonView:
        """Somebody gets in no more, by no way.

        Raises:
            Missing: nobody in the admin's clusters.
            Forbidden: they have roles in other clusters too.
            Conflict: it is the own account.
        """
        if name == principal.person:
            raise Conflict("you can't disable your own account: ask another admin")
        with self._store.write() as tx:
            self._account(tx, principal, name)
            accounts.disable(tx, name, now=self._now())
            self._note(tx, principal, "person.disable", name)
            return _shown(principal, accounts.view(tx, name))

    def enable(self, principal: Principal, name: str) -> PersonView:
        """Somebody may log in again; errors as in `disable`."""
        with self._store.write() as tx:
            self._account(tx, principal, name)
            accounts.enable(tx, name)
            self._note(tx, principal, "person.enable", name)
            return _shown(principal, accounts.view(tx, name))

    def place(self, principal: Principal, agent: str, cluster: str) -> None:
        """An agent belongs to this cluster from now on.

        Raises:
            Forbidden: not an admin of both clusters.
            Missing: no such agent.
        """
        _minds(principal, accounts.cluster_name(cluster))
        with self._store.write() as tx:
            for before in people.clusters_of_agent(tx, agent):
                _minds(principal, before)
            if not people.place_agent(tx, agent, cluster):
                raise Missing(f"there is no agent {agent!r}")
            audit_log.note(
                tx,
                by=principal.name,
                act="agent.place",
                on=f"agent/{agent}",
                now=self._now(),
                details={"cluster": cluster},
            )

    def _note(self, tx: Tx, principal: Principal, act: str, person: str, **details: str | bool) -> None:
        audit_log.note(
            tx, by=principal.name, act=act, on=f"person/{person}", now=self._now(), details=details
        )

    @staticmethod
    def _account(tx: Tx, principal: Principal, name: str) -> None:
        known = accounts.view(tx, name)
        if _seen(principal, known) is None:
            raise Missing(f"there is no person {name!r}")
        if not principal.everywhere and not all(
            principal.may(Permission.PEOPLE, each.cluster) for each in known.roles
        ):
            raise Forbidden(
                f"{name} has roles in other clusters: their admins, or the machine's, must do this"
            )


def _minds(principal: Principal, cluster: str) -> None:
    if not principal.may(Permission.PEOPLE, cluster):
        raise Forbidden(f"you are no admin of {cluster}")


def _seen(principal: Principal, known: PersonView) -> PersonView | None:
    """A person as an admin may see them; None if they are nobody of theirs."""
    shown = _shown(principal, known)
    return shown if principal.everywhere or shown.roles else None


def _shown(principal: Principal, known: PersonView) -> PersonView:
    """Without what they are in clusters that are not the admin's."""
    return replace(
        known,
        roles=[
            each
            for each in known.roles
            if principal.everywhere or principal.may(Permission.PEOPLE, each.cluster)
        ],
    )
