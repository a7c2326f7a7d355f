"""Owners are asked first: a ready says which parts it is for, openings say who may be asked, and offers what was."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Bring an older database to this version."""
    every = '{"every":true,"but":[]}'
    op.add_column("ready", sa.Column("parts", sa.Text(), nullable=False, server_default=every))
    op.add_column("ready", sa.Column("offer", sa.String(length=48)))
    count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "opening",
        sa.Column("agent", sa.String(length=48), nullable=False),
        sa.Column("printer", sa.String(length=48), nullable=False),
        sa.Column("counter", count, nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("window_ends", sa.Float(), nullable=False),
        sa.Column("material", sa.String(length=48), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent", "printer"], ["printer.agent", "printer.name"], name=op.f("fk_opening_agent_printer")
        ),
        sa.PrimaryKeyConstraint("agent", "printer", name=op.f("pk_opening")),
    )
    op.create_table(
        "offer",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("need", sa.String(length=48), nullable=False),
        sa.Column("agent", sa.String(length=48), nullable=False),
        sa.Column("printer", sa.String(length=48), nullable=False),
        sa.Column("part", sa.String(length=48), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("material", sa.String(length=48), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("grams", sa.Float(), nullable=False),
        sa.Column("made", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("answer", sa.String(length=20), nullable=False),
        sa.Column("changed", sa.Float(), nullable=False),
        sa.Column("why", sa.String(length=400), nullable=False),
        sa.Column("seen", sa.Boolean(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_offer_count")),
        sa.ForeignKeyConstraint(["need"], ["need.id"], name=op.f("fk_offer_need")),
        sa.ForeignKeyConstraint(["agent"], ["agent.name"], name=op.f("fk_offer_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
    )
    op.create_index(op.f("ix_offer_agent_printer_answer"), "offer", ["agent", "printer", "answer"])
    op.create_index(op.f("ix_offer_answer_changed"), "offer", ["answer", "changed"])
