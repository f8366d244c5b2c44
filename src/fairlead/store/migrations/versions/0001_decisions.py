"""Decisions, sealed captures, other journal events, and how far each journal was folded."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("trajectory", sa.Text, nullable=False),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("near_miss", sa.Boolean, nullable=False),
        sa.Column("capture", sa.Text, nullable=False),
        sa.Column("took_us", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_tenant_at_us", "decisions", ["tenant", "at_us"])
    op.create_index("ix_decisions_tenant_exchange", "decisions", ["tenant", "exchange"])
    op.create_index("ix_decisions_tenant_action_at_us", "decisions", ["tenant", "action", "at_us"])
    op.create_table(
        "captures",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_captures"),
    )
    op.create_table(
        "events",
        sa.Column("seq", _SERIAL, nullable=False, autoincrement=True),
        sa.Column("journal", sa.Text, nullable=False),
        sa.Column("journal_seq", sa.BigInteger, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.UniqueConstraint("journal", "journal_seq", name="uq_events_journal_journal_seq"),
    )
    op.create_index("ix_events_tenant_kind_seq", "events", ["tenant", "kind", "seq"])
    op.create_table(
        "fold_positions",
        sa.Column("journal", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("journal", name="pk_fold_positions"),
    )
    op.create_table(
        "fold_rejects",
        sa.Column("journal", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("journal", "seq", name="pk_fold_rejects"),
    )
