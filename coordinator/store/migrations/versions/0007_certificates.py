"""Certificates are known and can be revoked; an invite may be meant for an agent, and remembers who used it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Bring an older database to this version."""
    op.add_column("agent", sa.Column("revoked", sa.Float()))
    op.add_column("agent", sa.Column("revoked_by", sa.String(length=100), nullable=False, server_default=""))
    op.add_column("agent", sa.Column("revoked_why", sa.String(length=400), nullable=False, server_default=""))
    op.add_column("invite", sa.Column("key", sa.String(length=64)))
    op.add_column("invite", sa.Column("meant_for", sa.String(length=48)))
    op.create_table(
        "certificate",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("agent", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("issued", sa.Float(), nullable=False),
        sa.Column("ends", sa.Float(), nullable=False),
        sa.Column("revoked", sa.Float()),
        sa.ForeignKeyConstraint(["agent"], ["agent.name"], name=op.f("fk_certificate_agent")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_certificate")),
    )
    op.create_index(op.f("ix_certificate_agent"), "certificate", ["agent"])
