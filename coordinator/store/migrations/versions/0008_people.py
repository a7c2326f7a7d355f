"""People with accounts and roles in clusters, their sessions and programs; and what was answered to whom."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_name = sa.String(length=48)
_digest = sa.String(length=64)
_count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _of_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person"], ["person.name"], name=op.f(f"fk_{table}_person"))


def upgrade() -> None:
    """Bring an older database to this version."""
    for table in ("hospital", "agent"):
        op.add_column(table, sa.Column("cluster", _name, nullable=False, server_default="home"))
    op.create_table(
        "person",
        sa.Column("name", _name, nullable=False),
        sa.Column("shown", sa.String(length=80), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("password", sa.String(length=200)),
        sa.Column("disabled", sa.Float()),
        sa.Column("factor", sa.String(length=200)),
        sa.Column("factor_since", sa.Float()),
        sa.Column("factor_step", _count, nullable=False),
        sa.Column("factor_due", sa.Float()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_person")),
    )
    op.create_table(
        "membership",
        sa.Column("person", _name, nullable=False),
        sa.Column("cluster", _name, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        _of_person("membership"),
        sa.PrimaryKeyConstraint("person", "cluster", "role", name=op.f("pk_membership")),
    )
    op.create_table(
        "recovery",
        sa.Column("person", _name, nullable=False),
        sa.Column("code", _digest, nullable=False),
        _of_person("recovery"),
        sa.PrimaryKeyConstraint("person", "code", name=op.f("pk_recovery")),
    )
    op.create_table(
        "entry",
        sa.Column("code", _digest, nullable=False),
        sa.Column("person", _name, nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        _of_person("entry"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_entry")),
    )
    op.create_table(
        "session",
        sa.Column("token", _digest, nullable=False),
        sa.Column("id", _name, nullable=False),
        sa.Column("person", _name),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("seen", sa.Float(), nullable=False),
        sa.Column("ends", sa.Float(), nullable=False),
        sa.Column("browser", sa.String(length=120), nullable=False),
        _of_person("session"),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_session")),
        sa.UniqueConstraint("id", name=op.f("uq_session_id")),
    )
    op.create_table(
        "token",
        sa.Column("token", _digest, nullable=False),
        sa.Column("id", _name, nullable=False),
        sa.Column("person", _name, nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("cluster", _name, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("used", sa.Float()),
        _of_person("token"),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_token")),
        sa.UniqueConstraint("id", name=op.f("uq_token_id")),
    )
    for table in ("session", "token"):
        op.create_index(op.f(f"ix_{table}_person"), table, ["person"])
    op.create_table(
        "answer",
        sa.Column("key", _digest, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("asked", _digest, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_answer")),
    )
    op.create_index(op.f("ix_answer_at"), "answer", ["at"])
