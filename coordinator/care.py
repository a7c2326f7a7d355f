"""People's own: makers' links and addresses, pickups, what is held of somebody, and the trail of who did what.

Beside the desk, and like it: each request is one transaction, with its note in the trail.
"""

from collections.abc import Callable
from typing import Any

from coordinator import ids
from coordinator.changes import ChangeFeed
from coordinator.errors import Invalid
from coordinator.model.audit_log import Chain, Detail, Entry, follow
from coordinator.model.records import Pickup
from coordinator.model.views import MakerPage, PickupView
from coordinator.privacy import holdings, makers, pickups
from coordinator.privacy.address import AddressCipher, Doorstep
from coordinator.store import audit_log
from coordinator.store.engine import Store, Tx
from coordinator.work.plates import Plates


class Care:
    """Every method may be called from any thread, and raises `errors.Problem` for what can't be done."""

    def __init__(
        self,
        store: Store,
        plates: Plates,
        safe: AddressCipher,
        changes: ChangeFeed,
        *,
        clock: Callable[[], float],
        roll_changed: Callable[[], None],
    ) -> None:
        """`clock` gives seconds since 1970 UTC; `roll_changed` is called, after the commit, when a maker has left."""
        self._store = store
        self._plates = plates
        self._safe = safe
        self._changes = changes
        self._now = clock
        self._roll_changed = roll_changed

    # ── a maker, by the own link ──────────────────────────────────────────────────────────────────────────

    def link_agent(self, agent: str, *, by: str) -> str:
        """The token of a new link for the maker behind an agent, which is shown only now; see `makers.link`."""
        token, digest = makers.token()
        with self._store.write() as tx:
            known = makers.link(tx, agent, token=digest, now=self._now())
            self._note(tx, by, "maker.link", f"maker/{known.ref}")
        return token

    def is_maker(self, token: str) -> None:
        """Nothing; `links.Astray` for a link that leads nowhere."""
        with self._store.read() as tx:
            makers.by_link(tx, ids.digest(token), self._now())

    def maker(self, token: str) -> MakerPage:
        """What a maker's link shows."""
        with self._store.read() as tx:
            known = makers.by_link(tx, ids.digest(token), self._now())
            return makers.page(tx, known, self._plates, self._now())

    def give_address(self, token: str, doorstep: Doorstep) -> None:
        """A maker says where to pick up; see `makers.move_to`."""
        with self._store.write() as tx:
            known = makers.by_link(tx, ids.digest(token), self._now())
            makers.move_to(tx, known, doorstep, self._safe, self._now())
            self._note(tx, f"maker/{known.ref}", "address.give", f"maker/{known.ref}")

    def withdraw_address(self, token: str) -> None:
        """A maker takes the address away."""
        with self._store.write() as tx:
            known = makers.by_link(tx, ids.digest(token), self._now())
            makers.move_out(tx, known)
            self._note(tx, f"maker/{known.ref}", "address.withdraw", f"maker/{known.ref}")

    def export_own(self, token: str) -> dict[str, Any]:
        """A maker takes along all that is held; see `holdings.export_agent`."""
        with self._store.write() as tx:
            known = makers.by_link(tx, ids.digest(token), self._now())
            self._note(tx, f"maker/{known.ref}", "privacy.export", f"maker/{known.ref}")
            return holdings.export_agent(tx, known, self._safe)

    def erase_own(self, token: str, *, name: str) -> None:
        """A maker leaves; `name` is the agent's, typed once more. See `holdings.erase_agent`."""
        with self._store.write() as tx:
            known = makers.by_link(tx, ids.digest(token), self._now())
            if name.strip() != known.agent:
                raise Invalid("type the name above, so that nothing is erased by mistake")
            self._note(tx, f"maker/{known.ref}", "privacy.erase", f"maker/{known.ref}")
            holdings.erase_agent(tx, known, self._now())
        self._roll_changed()
        self._changes.publish(f"printer/{known.agent}")

    # ── pickups ───────────────────────────────────────────────────────────────────────────────────────────

    def pickups(self) -> list[PickupView]:
        """Where something waits; no address."""
        with self._store.read() as tx:
            return pickups.every(tx, self._now())

    def take_pickup(self, agent: str, *, by: str) -> Pickup:
        """Somebody goes there; see `pickups.take`."""
        with self._store.write() as tx:
            taken = pickups.take(tx, agent, by=by, now=self._now())
            ref = makers.get(tx, agent).ref
            self._note(tx, by, "pickup.take", f"maker/{ref}", pickup=taken.id)
        self._changes.publish("pickup")
        return taken

    def give_back_pickup(self, pickup: str, *, by: str) -> Pickup:
        """They do not go after all; see `pickups.give_back`."""
        with self._store.write() as tx:
            given = pickups.give_back(tx, pickup, by=by, now=self._now())
            ref = makers.get(tx, given.agent).ref
            self._note(tx, by, "pickup.give-back", f"maker/{ref}", pickup=pickup)
        self._changes.publish("pickup")
        return given

    def look_at_address(self, pickup: str, *, by: str) -> tuple[Pickup, Doorstep | None]:
        """Where to go; each look is noted. See `pickups.look`."""
        with self._store.write() as tx:
            known, doorstep = pickups.look(tx, pickup, self._safe, by=by, now=self._now())
            ref = makers.get(tx, known.agent).ref
            self._note(tx, by, "address.look", f"maker/{ref}", pickup=pickup)
            return known, doorstep

    # ── privacy ───────────────────────────────────────────────────────────────────────────────────────────

    def export_agent(self, agent: str, *, by: str) -> dict[str, Any]:
        """All that is held of the maker behind an agent; see `holdings.export_agent`."""
        with self._store.write() as tx:
            known = makers.get(tx, agent)
            self._note(tx, by, "privacy.export", f"maker/{known.ref}")
            return holdings.export_agent(tx, known, self._safe)

    def erase_agent(self, agent: str, *, by: str) -> str:
        """A maker leaves; the name under which the lots stay. See `holdings.erase_agent`."""
        with self._store.write() as tx:
            known = makers.get(tx, agent)
            self._note(tx, by, "privacy.erase", f"maker/{known.ref}")
            ref = holdings.erase_agent(tx, known, self._now())
        self._roll_changed()
        self._changes.publish(f"printer/{agent}")
        return ref

    def export_hospital(self, hospital: str, *, by: str) -> dict[str, Any]:
        """All that is held of a hospital; see `holdings.export_hospital`."""
        with self._store.write() as tx:
            held = holdings.export_hospital(tx, hospital)
            self._note(tx, by, "privacy.export", f"hospital/{hospital}")
            return held

    def erase_hospital(self, hospital: str, *, by: str) -> None:
        """Its contact and signers are forgotten; see `holdings.erase_hospital`."""
        with self._store.write() as tx:
            holdings.erase_hospital(tx, hospital)
            self._note(tx, by, "privacy.erase", f"hospital/{hospital}")
        self._changes.publish(f"hospital/{hospital}")

    # ── the trail ─────────────────────────────────────────────────────────────────────────────────────────

    def trail(
        self, *, by: str = "", act: str = "", on: str = "", before: int | None = None, most: int = 100
    ) -> list[Entry]:
        """Entries, newest first; see `store.trail.page`."""
        with self._store.read() as tx:
            return audit_log.page(tx, by=by, act=act, on=on, before=before, most=most)

    def head(self) -> tuple[int, str]:
        """How many entries there are, and the last one's hash."""
        with self._store.read() as tx:
            return audit_log.head(tx)

    def chain(self, head: str = "") -> Chain:
        """Whether the trail is whole; see `trail.follow`."""
        with self._store.read() as tx:
            return follow(audit_log.every(tx), head=head)

    def _note(self, tx: Tx, by: str, act: str, on: str, **details: Detail) -> None:
        audit_log.note(tx, by=by, act=act, on=on, details=details, now=self._now())
