"""A ready says what its agent holds; an agent's counters may be large; open attempts are found by index."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COUNTERS = [
    ("agent", "seq"),
    ("agent", "connection"),
    ("printer", "counter"),
    ("attempt", "counter"),
    ("event", "seq"),
]


def upgrade() -> None:
    """Bring an older database to this version."""
    if op.get_bind().dialect.name == "postgresql":  # SQLite's integers have 64 bits anyway
        for table, column in _COUNTERS:
            op.alter_column(table, column, type_=sa.BigInteger(), existing_nullable=False)
    op.create_index(op.f("ix_attempt_state_changed"), "attempt", ["state", "changed"])
    # Readies live for a minute, and their agents say them again.
    count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.drop_table("ready")
    op.create_table(
        "ready",
        sa.Column("agent", sa.String(length=48), nullable=False),
        sa.Column("printer", sa.String(length=48), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("counter", count, nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("window_ends", sa.Float(), nullable=False),
        sa.Column("material", sa.String(length=48), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("seq", count, nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent", "printer"], ["printer.agent", "printer.name"], name=op.f("fk_ready_agent_printer")
        ),
        sa.PrimaryKeyConstraint("agent", "printer", name=op.f("pk_ready")),
    )
