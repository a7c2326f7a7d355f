"""Tables and columns under the field's names: audit log, idempotency keys, links by which a password is chosen.

What agents, people and programs wrote goes over as it was. The audit log's chain goes on: no hash is made anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ENTRY = 'number, at, "by", role, via, act, subject, details, hash'
_LINK = 'code, person, expires, "by"'


def upgrade() -> None:
    """Bring an older database to this version.

    A table's constraints are called by its name, and SQLite can't rename those: so each is made anew, filled from the
    old one, and guarded once it is full.
    """
    op.create_table(
        "audit_log",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("via", sa.String(length=12), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_log_hash")),
    )
    op.execute(f"INSERT INTO audit_log ({_ENTRY}) SELECT {_ENTRY} FROM trail ORDER BY number")  # noqa: S608 - our own words
    op.drop_table("trail")
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()
    op.create_table(
        "password_link",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=48), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.name"], name=op.f("fk_password_link_person")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_password_link")),
    )
    op.execute(f"INSERT INTO password_link ({_LINK}) SELECT {_LINK} FROM entry")  # noqa: S608 - our own words
    op.drop_table("entry")
    op.create_table(
        "idempotency_key",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_key")),
    )
    op.execute(
        "INSERT INTO idempotency_key (key, at, request, response) SELECT key, at, asked, answer FROM answer"
    )
    op.drop_table("answer")
    op.create_index(op.f("ix_idempotency_key_at"), "idempotency_key", ["at"])
    op.execute("ALTER TABLE maker RENAME COLUMN doorstep TO address")
    op.drop_index(op.f("ix_offer_agent_printer_answer"), "offer")
    op.drop_index(op.f("ix_offer_answer_changed"), "offer")
    op.execute("ALTER TABLE offer RENAME COLUMN answer TO status")
    op.create_index(op.f("ix_offer_agent_printer_status"), "offer", ["agent", "printer", "status"])
    op.create_index(op.f("ix_offer_status_changed"), "offer", ["status", "changed"])


def _guard_postgresql() -> None:
    op.execute(
        """
        CREATE OR REPLACE FUNCTION muster_refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(120351215609202);
            IF NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM audit_log) THEN
                RAISE EXCEPTION 'an entry of the audit log follows the last one'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    for name, when, function in (
        ("never_changes", "BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW", "muster_refuse_change"),
        ("never_emptied", "BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT", "muster_refuse_change"),
        ("follows", "BEFORE INSERT ON audit_log FOR EACH ROW", "muster_refuse_gap"),
    ):
        op.execute(f"CREATE TRIGGER audit_log_{name} {when} EXECUTE FUNCTION {function}()")
        op.execute(f"ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_{name}")


def _guard_sqlite() -> None:
    for act in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER audit_log_never_{act} BEFORE {act.upper()} ON audit_log"
            " BEGIN SELECT RAISE(ABORT, 'rows of audit_log are only ever added'); END"
        )
    # INSERT OR REPLACE deletes what is in its way without asking the triggers above.
    op.execute(
        "CREATE TRIGGER audit_log_follows BEFORE INSERT ON audit_log"
        " WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM audit_log)"
        " OR EXISTS (SELECT 1 FROM audit_log WHERE hash = NEW.hash)"
        " BEGIN SELECT RAISE(ABORT, 'an entry of the audit log follows the last one'); END"
    )
