"""${message}."""

import sqlalchemy as sa
from alembic import op



revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Bring an older database to this version."""
    ${upgrades if upgrades else "pass"}
