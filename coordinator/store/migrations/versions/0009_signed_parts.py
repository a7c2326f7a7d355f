"""Part versions are signed; manifests are numbered, printer by printer."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Bring an older database to this version."""
    count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for table in ("printer", "attempt"):
        op.add_column(table, sa.Column("sequence", count, nullable=False, server_default="0"))
    op.create_table(
        "release",
        sa.Column("part", sa.String(length=48), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("signed", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("part", "version", name=op.f("pk_release")),
    )
