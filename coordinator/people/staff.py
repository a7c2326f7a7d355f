"""Who minds whom: what an admin may do with people's accounts, within the own clusters.

A role is given and taken by an admin of its cluster. What opens or shuts a whole account (a reset, disabling it) takes
an admin of every cluster that the person has a role in: else a small cluster's admin would hold the keys to a big one.
"""

from dataclasses import replace

from coordinator.errors import Conflict, Forbidden, Missing
from coordinator.model.roles import Act, Role
from coordinator.people import accounts
from coordinator.people.accounts import PersonView
from coordinator.people.authentication import Porter
from coordinator.people.principal import Asker
from coordinator.store import audit_log, people
from coordinator.store.engine import Tx


class Staff:
    """Every method may be called from any thread; `asker` is who does it. Each is one transaction."""

    def __init__(self, porter: Porter) -> None:
        self._store = porter.store
        self._now = porter.now

    def everybody(self, asker: Asker) -> list[PersonView]:
        """Who has a role in one of the admin's clusters, by name; what they are elsewhere is left out."""
        with self._store.read() as tx:
            known = accounts.everybody(tx)
        return [seen for each in known if (seen := _seen(asker, each)) is not None]

    def add(self, asker: Asker, *, name: str, shown: str, cluster: str, role: Role) -> tuple[PersonView, str]:
        """Take somebody in; their view, and the code of the link by which they choose a password.

        Raises:
            Forbidden: not an admin there.
            Invalid, Conflict: a name that can't be, or is taken.
        """
        _minds(asker, cluster)
        with self._store.write() as tx:
            person = accounts.add(tx, name=name, shown=shown, now=self._now())
            accounts.give(tx, person.name, cluster, role)
            code = accounts.welcome(tx, person.name, by=asker.by, now=self._now())
            self._note(tx, asker, "person.add", person.name, cluster=cluster, role=role)
            return accounts.view(tx, person.name), code

    def give(self, asker: Asker, name: str, cluster: str, role: Role) -> PersonView:
        """Somebody has a role from now on.

        Raises:
            Forbidden: not an admin there.
            Missing: no such person.
        """
        _minds(asker, cluster)
        with self._store.write() as tx:
            accounts.give(tx, name, cluster, role)
            self._note(tx, asker, "role.give", name, cluster=cluster, role=role)
            return _shown(asker, accounts.view(tx, name))

    def take(self, asker: Asker, name: str, cluster: str, role: Role) -> PersonView:
        """Somebody has a role no more, at once.

        Raises:
            Forbidden: not an admin there.
            Missing: they do not have it.
            Conflict: it is the own admin's role: somebody else must take it.
        """
        _minds(asker, cluster)
        if name == asker.person and role is Role.ADMIN:
            raise Conflict("you can't take the admin's role from yourself: ask another admin")
        with self._store.write() as tx:
            accounts.take(tx, name, cluster, role)
            self._note(tx, asker, "role.take", name, cluster=cluster, role=role)
            return _shown(asker, accounts.view(tx, name))

    def reset(self, asker: Asker, name: str, *, second_factor: bool) -> tuple[PersonView, str]:
        """Shut somebody's account, and make a link by which they choose a new password; errors as in `disable`."""
        with self._store.write() as tx:
            self._account(tx, asker, name)
            code = accounts.reset(tx, name, by=asker.by, now=self._now(), second_factor=second_factor)
            self._note(tx, asker, "person.reset", name, second_factor=second_factor)
            return _shown(asker, accounts.view(tx, name)), code

    def disable(self, asker: Asker, name: str) -> PersonView:
        """Somebody gets in no more, by no way.

        Raises:
            Missing: nobody in the admin's clusters.
            Forbidden: they have roles in other clusters too.
            Conflict: it is the own account.
        """
        if name == asker.person:
            raise Conflict("you can't disable your own account: ask another admin")
        with self._store.write() as tx:
            self._account(tx, asker, name)
            accounts.disable(tx, name, now=self._now())
            self._note(tx, asker, "person.disable", name)
            return _shown(asker, accounts.view(tx, name))

    def enable(self, asker: Asker, name: str) -> PersonView:
        """Somebody may log in again; errors as in `disable`."""
        with self._store.write() as tx:
            self._account(tx, asker, name)
            accounts.enable(tx, name)
            self._note(tx, asker, "person.enable", name)
            return _shown(asker, accounts.view(tx, name))

    def place(self, asker: Asker, agent: str, cluster: str) -> None:
        """An agent belongs to this cluster from now on.

        Raises:
            Forbidden: not an admin of both clusters.
            Missing: no such agent.
        """
        _minds(asker, accounts.cluster_name(cluster))
        with self._store.write() as tx:
            for before in people.clusters_of_agent(tx, agent):
                _minds(asker, before)
            if not people.place_agent(tx, agent, cluster):
                raise Missing(f"there is no agent {agent!r}")
            audit_log.note(
                tx,
                by=asker.by,
                act="agent.place",
                on=f"agent/{agent}",
                now=self._now(),
                details={"cluster": cluster},
            )

    def _note(self, tx: Tx, asker: Asker, act: str, person: str, **details: str | bool) -> None:
        audit_log.note(tx, by=asker.by, act=act, on=f"person/{person}", now=self._now(), details=details)

    @staticmethod
    def _account(tx: Tx, asker: Asker, name: str) -> None:
        known = accounts.view(tx, name)
        if _seen(asker, known) is None:
            raise Missing(f"there is no person {name!r}")
        if not asker.everywhere and not all(asker.may(Act.PEOPLE, each.cluster) for each in known.roles):
            raise Forbidden(
                f"{name} has roles in other clusters: their admins, or the machine's, must do this"
            )


def _minds(asker: Asker, cluster: str) -> None:
    if not asker.may(Act.PEOPLE, cluster):
        raise Forbidden(f"you are no admin of {cluster}")


def _seen(asker: Asker, known: PersonView) -> PersonView | None:
    """A person as an admin may see them; None if they are nobody of theirs."""
    shown = _shown(asker, known)
    return shown if asker.everywhere or shown.roles else None


def _shown(asker: Asker, known: PersonView) -> PersonView:
    """Without what they are in clusters that are not the admin's."""
    return replace(
        known, roles=[each for each in known.roles if asker.everywhere or asker.may(Act.PEOPLE, each.cluster)]
    )
