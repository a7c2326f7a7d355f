"""Movements and events are only ever added, and no account falls below zero: the database itself sees to it.

And a database that came out of a back-up remembers that.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ACCOUNTS = (
    "'demand', 'needed', 'promised', 'printing', 'printed', 'good', 'scrapped',"
    " 'at-hub', 'packed', 'in-transit', 'received', 'suspect', 'written-off'"
)
_CHECKS = {
    "numbered": "id > 0",
    "accounts": f"source in ({_ACCOUNTS}) and target in ({_ACCOUNTS})",
    "demand": "(source <> 'demand' or target = 'needed') and (target <> 'demand' or source = 'needed')",
    "divided": "lot <> '' or (source in ('demand', 'needed') and target in ('demand', 'needed'))",
}
_COLUMNS = 'id, need, lot, source, target, units, cause, "by", at'


def upgrade() -> None:
    """Bring an older database to this version."""
    op.create_table(
        "restoration",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("taken", sa.Float(), nullable=False),
        sa.Column("restored", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restoration")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for name, condition in _CHECKS.items():
            op.create_check_constraint(op.f(f"ck_movement_{name}"), "movement", condition)
        _guard_postgresql()
    else:
        _remake_sqlite()
        _guard_sqlite()


def _guard_postgresql() -> None:
    # What checks a sum must see all that others have committed: one writer at a time (by the lock that the
    # coordinator takes too), and a look of its own for each statement, which repeatable read does not give.
    op.execute(
        """
        CREATE OR REPLACE FUNCTION muster_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME
                USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION muster_refuse_overdraft() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            standing bigint;
        BEGIN
            IF current_setting('transaction_isolation') = 'repeatable read' THEN
                RAISE EXCEPTION 'movements are added in read committed or serializable transactions only'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            PERFORM pg_advisory_xact_lock(120351215609202);
            IF NEW.source = 'needed' THEN
                SELECT sum(CASE WHEN target = 'needed' THEN units ELSE -units END) INTO standing
                FROM movement WHERE need = NEW.need AND (source = 'needed' OR target = 'needed');
            ELSE
                SELECT sum(CASE WHEN target = NEW.source THEN units ELSE -units END) INTO standing
                FROM movement WHERE need = NEW.need AND lot = NEW.lot
                    AND (source = NEW.source OR target = NEW.source);
            END IF;
            IF standing < 0 THEN
                RAISE EXCEPTION '% % has not that many units in %', NEW.need, NEW.lot, NEW.source
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table in ("movement", "event"):
        for name, when in (
            ("never_changes", f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"),
            ("never_emptied", f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"),
        ):
            op.execute(f"CREATE TRIGGER {table}_{name} {when} EXECUTE FUNCTION muster_refuse_change()")
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}")
    op.execute(
        "CREATE TRIGGER movement_has_cover AFTER INSERT ON movement FOR EACH ROW"
        " WHEN (NEW.source <> 'demand') EXECUTE FUNCTION muster_refuse_overdraft()"
    )
    op.execute("ALTER TABLE movement ENABLE ALWAYS TRIGGER movement_has_cover")


def _remake_sqlite() -> None:
    """SQLite adds no constraint to a table that is there."""
    op.create_table(
        "movement_checked",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("need", sa.String(length=48), nullable=False),
        sa.Column("lot", sa.String(length=48), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=20), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.CheckConstraint("source <> target", name=op.f("ck_movement_moves")),
        sa.CheckConstraint("units > 0", name=op.f("ck_movement_units")),
        *(sa.CheckConstraint(text, name=op.f(f"ck_movement_{name}")) for name, text in _CHECKS.items()),
        sa.ForeignKeyConstraint(["need"], ["need.id"], name=op.f("fk_movement_need")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movement")),
        sa.UniqueConstraint(
            "cause", "need", "lot", "source", "target", name=op.f("uq_movement_cause_need_lot_source_target")
        ),
    )
    op.execute(f"INSERT INTO movement_checked ({_COLUMNS}) SELECT {_COLUMNS} FROM movement ORDER BY id")  # noqa: S608 - our own words
    op.drop_table("movement")
    op.rename_table("movement_checked", "movement")
    op.create_index(op.f("ix_movement_need_lot"), "movement", ["need", "lot"])


def _guard_sqlite() -> None:
    for table in ("movement", "event"):
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_never_{act} BEFORE {act.upper()} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, 'rows of {table} are only ever added'); END"
            )
    # INSERT OR REPLACE deletes what is in its way without asking the triggers above.
    for table, same in (
        (
            "movement",
            (
                "id = NEW.id OR (cause, need, lot, source, target)"
                " = (NEW.cause, NEW.need, NEW.lot, NEW.source, NEW.target)"
            ),
        ),
        ("event", "agent = NEW.agent AND epoch = NEW.epoch AND seq = NEW.seq"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_is_new BEFORE INSERT ON {table}"  # noqa: S608 - our own words
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"
            f" BEGIN SELECT RAISE(ABORT, 'rows of {table} are only ever added'); END"
        )
    standing = "(SELECT sum(CASE WHEN target = NEW.source THEN units ELSE -units END) FROM movement WHERE"
    drawn = "(source = NEW.source OR target = NEW.source)"
    for name, whose, of_need in (
        (
            "movement_has_cover",
            f"need = NEW.need AND lot = NEW.lot AND {drawn}",
            "NOT IN ('demand', 'needed')",
        ),
        ("movement_is_asked_for", f"need = NEW.need AND {drawn}", "= 'needed'"),
    ):
        op.execute(
            f"CREATE TRIGGER {name} AFTER INSERT ON movement"
            f" WHEN NEW.source {of_need} AND {standing} {whose}) < 0"
            " BEGIN SELECT RAISE(ABORT, 'an account would fall below zero'); END"
        )
