"""The audit trail; makers' links and addresses; pickups; hospitals' links come to an end."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_HALF_A_YEAR = 180 * 86_400


def upgrade() -> None:
    """Bring an older database to this version."""
    op.create_table(
        "trail",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("via", sa.String(length=12), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_trail")),
        sa.UniqueConstraint("hash", name=op.f("uq_trail_hash")),
    )
    op.create_table(
        "maker",
        sa.Column("agent", sa.String(length=48), nullable=False),
        sa.Column("ref", sa.String(length=48), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=True),
        sa.Column("expires", sa.Float(), nullable=True),
        sa.Column("doorstep", sa.Text(), nullable=True),
        sa.Column("given", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["agent"], ["agent.name"], name=op.f("fk_maker_agent")),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_maker")),
        sa.UniqueConstraint("ref", name=op.f("uq_maker_ref")),
        sa.UniqueConstraint("token", name=op.f("uq_maker_token")),
    )
    op.create_table(
        "pickup",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("agent", sa.String(length=48), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("taken", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["agent"], ["agent.name"], name=op.f("fk_pickup_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pickup")),
    )
    op.create_index(op.f("ix_pickup_agent"), "pickup", ["agent"])
    op.add_column("need", sa.Column("token_expires", sa.Float(), nullable=False, server_default="0"))
    op.execute(f"UPDATE need SET token_expires = created + {_HALF_A_YEAR}")  # noqa: S608 - our own number
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _guard_postgresql() -> None:
    op.execute(
        """
        CREATE OR REPLACE FUNCTION muster_refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(120351215609202);
            IF NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM trail) THEN
                RAISE EXCEPTION 'an entry of the trail follows the last one'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    for name, when in (
        ("never_changes", "BEFORE UPDATE OR DELETE ON trail FOR EACH ROW"),
        ("never_emptied", "BEFORE TRUNCATE ON trail FOR EACH STATEMENT"),
    ):
        op.execute(f"CREATE TRIGGER trail_{name} {when} EXECUTE FUNCTION muster_refuse_change()")
        op.execute(f"ALTER TABLE trail ENABLE ALWAYS TRIGGER trail_{name}")
    op.execute(
        "CREATE TRIGGER trail_follows BEFORE INSERT ON trail"
        " FOR EACH ROW EXECUTE FUNCTION muster_refuse_gap()"
    )
    op.execute("ALTER TABLE trail ENABLE ALWAYS TRIGGER trail_follows")


def _guard_sqlite() -> None:
    for act in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER trail_never_{act} BEFORE {act.upper()} ON trail"
            " BEGIN SELECT RAISE(ABORT, 'rows of trail are only ever added'); END"
        )
    # INSERT OR REPLACE deletes what is in its way without asking the triggers above.
    op.execute(
        "CREATE TRIGGER trail_follows BEFORE INSERT ON trail"
        " WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM trail)"
        " OR EXISTS (SELECT 1 FROM trail WHERE hash = NEW.hash)"
        " BEGIN SELECT RAISE(ABORT, 'an entry of the trail follows the last one'); END"
    )
