"""Releases as they were recorded, and which one is in force for each System."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "releases",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_releases"),
    )
    op.create_index("ix_releases_tenant_system_at_us", "releases", ["tenant", "system", "at_us"])
    op.create_table(
        "release_pointers",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "system", name="pk_release_pointers"),
    )
