"""A need may be held; an attempt says whose fault it was that it came to nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring an older database to this version."""
    op.add_column("need", sa.Column("held", sa.Float()))
    op.add_column("need", sa.Column("held_why", sa.String(length=400), nullable=False, server_default=""))
    op.add_column("need", sa.Column("released", sa.Float()))
    op.add_column("attempt", sa.Column("blame", sa.String(length=8), nullable=False, server_default="nobody"))
