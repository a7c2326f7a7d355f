"""A restore is settled once, not at each start of the day after it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring an older database to this version."""
    op.add_column("restoration", sa.Column("settled", sa.Float()))
