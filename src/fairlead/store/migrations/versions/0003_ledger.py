"""Logs of attestations: entries, signed tree heads, and the records as they were signed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_logs",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("frontier", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_ledger_logs"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Column("envelope", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "position", name="pk_ledger_entries"),
    )
    op.create_index("ix_ledger_entries_tenant_system_kind", "ledger_entries", ["tenant", "system", "kind"])
    op.create_index("ix_ledger_entries_tenant_subject", "ledger_entries", ["tenant", "subject"])
    op.create_table(
        "ledger_checkpoints",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("envelope", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "size", name="pk_ledger_checkpoints"),
    )
    op.create_table(
        "ledger_records",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name="pk_ledger_records"),
    )
