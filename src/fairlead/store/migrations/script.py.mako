"""${message}

Forward only, explicit operations, on SQLite and PostgreSQL alike. The release before this one must be able to work with the new schema:
add, fill, and remove in a later release. Text ids, BIGINT microseconds, JSON as TEXT; every table that holds tenant data has `tenant`.
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
