"""Databases as older versions left them."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from coordinator.model.audit_log import BEGINNING, AuditEntry, sealed
from coordinator.store import engine

MIGRATIONS = Path(engine.__file__).parent / "migrations"


def at_revision(database: str, revision: str) -> None:
    """Make a database as an older version left it, with nothing in it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    connecting = create_engine(database)
    with connecting.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    connecting.dispose()


def with_private_names(database: str) -> str:
    """Make a database of revision 0010, with a row in all that is called otherwise since; its audit log's head."""
    at_revision(database, "0010")
    connecting = create_engine(database)
    head = BEGINNING
    with connecting.begin() as tx:
        for number, act in enumerate(("need.file", "need.cancel", "address.look"), 1):
            made = sealed(
                AuditEntry(
                    number=number,
                    at=10.0 + number,
                    by="ines",
                    role="coordinator",
                    via="page",
                    act=act,
                    subject=f"need/n-{number}",
                    details="{}",
                ),
                head,
            )
            head = made.hash
            tx.execute(
                text(
                    'insert into trail (number, at, "by", role, via, act, subject, details, hash)'
                    f" values ({number}, {made.at}, 'ines', 'coordinator', 'page', '{act}', 'need/n-{number}',"
                    f" '{{}}', '{head}')"
                )
            )
        for row in (
            "into person (name, shown, created, factor_step) values ('ines', 'Ines', 1, 0)",
            "into entry (code, person, expires, \"by\") values ('c', 'ines', 9, 'ada')",
            "into answer (key, at, asked, answer) values ('k', 5, 'digest', 'sealed')",
            (
                "into agent (name, enrolled, seq, connection, online, seen, software)"
                " values ('anna', 1, 0, 0, false, 1, '')"
            ),
            "into maker (agent, ref, doorstep) values ('anna', 'm-1', 'sealed address')",
            "into hospital (id, name, contact, latitude, longitude, created) values ('h', 'H', 'c', 1, 1, 1)",
            (
                "into need (id, hospital, part, version, parameters, quantity, priority, created, token)"
                " values ('n', 'h', 'ear-saver', '1.0.0', '{}', 1, 5, 1, 't')"
            ),
            (
                'into movement (id, need, lot, source, target, units, cause, "by", at)'
                " values (1, 'n', '', 'demand', 'needed', 1, 'file:n', 'ines', 1)"
            ),
            (
                "into offer (id, need, agent, printer, part, version, material, count, seconds, grams, made,"
                " expires, answer, changed, why, seen)"
                " values ('o', 'n', 'anna', 'one', 'ear-saver', '1.0.0', 'petg', 1, 1, 1, 1, 9,"
                " 'declined', 2, '', true)"
            ),
        ):
            tx.execute(text(f"insert {row}"))
    connecting.dispose()
    return head
