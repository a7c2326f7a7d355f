"""All rows about one maker or one hospital's people: to be handed out, or to be taken away.

Whatever table has a column `agent` is about a maker, so a table that is added later is not forgotten.
"""

from typing import Any

import msgspec
from sqlalchemy import Table, delete, func, insert, select, update

from coordinator.store import certificates, guards, schema
from coordinator.store.engine import Tx

_SECRET = frozenset({"token", "address", "code", "nonce"})


def of_agent(tx: Tx, agent: str) -> dict[str, list[dict[str, Any]]]:
    """Every row about an agent, by its table; without what is a secret's hash, or sealed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in schema.metadata.sorted_tables:
        key = table.c.name if table is schema.agent else table.c.get("agent")
        if key is not None:
            found[table.name] = _rows(tx, table, key == agent)
    return found


def of_hospital(tx: Tx, hospital: str) -> dict[str, list[dict[str, Any]]]:
    """Every row about a hospital, its needs and the parcels that were signed for there."""
    need, parcel = schema.need, schema.parcel
    of_it = select(need.c.id).where(need.c.hospital == hospital)
    return {
        "hospital": _rows(tx, schema.hospital, schema.hospital.c.id == hospital),
        "need": _rows(tx, need, need.c.hospital == hospital),
        "parcel": _rows(tx, parcel, parcel.c.need.in_(of_it)),
    }


def rename_agent(tx: Tx, agent: str, ref: str, now: float) -> None:
    """All that an agent did was done by `ref`; what is about its maker is gone. Its printers are numbered.

    Its certificates are revoked: who left comes back by an invite, as somebody new.
    Lots, their events and their movements stay, so that a recall reaches them. The guards of what is only ever
    added are lowered for it, within this transaction: another name is all that changes there.
    """
    tx.execute(delete(schema.ready).where(schema.ready.c.agent == agent))
    certificates.revoke(tx, agent, now)
    row = dict(tx.execute(select(schema.agent).where(schema.agent.c.name == agent)).mappings().one())
    row |= {"name": ref, "place": None, "software": "", "online": False, "seen": now}
    row |= {"revoked": now, "revoked_by": "", "revoked_why": ""}
    tx.execute(insert(schema.agent).values(row))
    printer, attempt, event = schema.printer, schema.attempt, schema.event
    names = select(printer.c.name).where(printer.c.agent == agent).order_by(printer.c.name)
    numbered = {name: f"printer-{number}" for number, name in enumerate(tx.execute(names).scalars(), 1)}
    _rename_in_words(tx, agent, ref, numbered)
    for table in (printer, attempt):
        column = table.c.name if table is printer else table.c.printer
        # By way of names that no printer has: "printer-2" may be there already.
        for before, after in [
            *((name, f"?{number}") for name, number in numbered.items()),
            *((f"?{number}", number) for number in numbered.values()),
        ]:
            tx.execute(
                update(table).where(table.c.agent == agent, column == before).values({column.name: after})
            )
    tx.execute(update(attempt).where(attempt.c.agent == agent).values(why=""))
    with guards.lowered(tx):
        tx.execute(update(event).where(event.c.agent == agent).values(why=""))
        for table in schema.metadata.sorted_tables:
            if table not in (schema.agent, schema.ready) and "agent" in table.c:
                tx.execute(update(table).where(table.c.agent == agent).values(agent=ref))
        moved = schema.movement.c
        start = f"event:{agent}:"
        tx.execute(
            update(schema.movement)
            .where(moved.cause.startswith(start, autoescape=True))
            .values(cause=func.replace(moved.cause, start, f"event:{ref}:"), by=ref)
        )
    tx.execute(delete(schema.agent).where(schema.agent.c.name == agent))
    # A certificate says the name; of a revoked one only the serial is needed.
    tx.execute(update(schema.certificate).where(schema.certificate.c.agent == ref).values(pem=""))
    tx.execute(update(schema.invite).where(schema.invite.c.meant_for == agent).values(meant_for=ref))


def forget_contact(tx: Tx, hospital: str) -> None:
    """Who speaks and signs for a hospital is gone; that it asked, and what it got, stays."""
    need, parcel, moved = schema.need, schema.parcel, schema.movement.c
    of_it = select(need.c.id).where(need.c.hospital == hospital)
    tx.execute(update(schema.hospital).where(schema.hospital.c.id == hospital).values(contact="(erased)"))
    tx.execute(update(need).where(need.c.hospital == hospital).values(token_expires=0.0))
    tx.execute(update(parcel).where(parcel.c.need.in_(of_it)).values(note=""))
    tx.execute(
        update(parcel)
        .where(parcel.c.need.in_(of_it), parcel.c.received.is_not(None))
        .values(received_by="(erased)")
    )
    with guards.lowered(tx):  # older versions kept there who signed
        tx.execute(
            update(schema.movement)
            .where(moved.need.in_(of_it), moved.cause.startswith("receive:"))
            .values(by=hospital)
        )


def _rename_in_words(tx: Tx, agent: str, ref: str, numbered: dict[str, str]) -> None:
    """Why a need is held names the printers that it came to nothing on."""
    need = schema.need.c
    for name, number in numbered.items():
        tx.execute(
            update(schema.need)
            .where(need.held_why.contains(f"{name} of {agent}:", autoescape=True))
            .values(held_why=func.replace(need.held_why, f"{name} of {agent}:", f"{number} of {ref}:"))
        )


def _rows(tx: Tx, table: Table, where: Any) -> list[dict[str, Any]]:
    columns = [each for each in table.c if each.name not in _SECRET]
    rows = tx.execute(select(*columns).where(where).order_by(*table.primary_key.columns)).mappings()
    return [msgspec.to_builtins(dict(row)) for row in rows]
