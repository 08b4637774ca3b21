"""the ledger; steps that can be corrected; how a claim's boundary was found, and how certain its areas are"""

import sqlalchemy as sa
from alembic import op

from farmland.records.database import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AREAS = ("gross_m2", "reported_net_m2", "accepted_net_m2")
UNCERTAINTIES = ("gross_u_m2", "reported_net_u_m2", "accepted_net_u_m2")


def upgrade() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("unit_code", sa.String(14)),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200)),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ledger_entry_subject", "ledger_entry", ["subject"])
    op.create_table(
        "period",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(14), nullable=False),
        sa.Column("target_code", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=False),
        sa.Column("closed_by", sa.String(200), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("green", sa.Double(), nullable=False),
        sa.Column("yellow", sa.Double(), nullable=False),
        sa.Column("report_hash", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"]),
        sa.ForeignKeyConstraint(["target_code"], ["target.code"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("unit_code", "target_code", "number", name="period_number"),
    )
    # Claims of before came from files, or were drawn: nobody can say how any more.
    op.add_column("claim", sa.Column("method", sa.String(12), nullable=False, server_default="file"))
    op.add_column("claim", sa.Column("accuracy_m", sa.JSON()))
    op.add_column("claim", sa.Column("track", sa.JSON()))
    for name in UNCERTAINTIES:
        op.add_column("claim", sa.Column(name, sa.Double()))
    op.drop_index("claim_figures", table_name="claim")
    op.create_index("claim_figures", "claim", ["target_code", "unit_code", *AREAS, "accepted_net_u_m2"])
    op.drop_index("claim_step_moments", table_name="claim_step")
    with op.batch_alter_table("claim_step") as table:
        table.add_column(sa.Column("by_unit_code", sa.String(14)))
        table.add_column(sa.Column("device", sa.String(100)))
        table.add_column(sa.Column("household", sa.String(40)))
        table.add_column(sa.Column("withdrawn_at", Moment()))
        table.create_foreign_key("claim_step_by_unit", "unit", ["by_unit_code"], ["code"])
        table.drop_constraint("claim_step_once", type_="unique")
    believed = sa.text("withdrawn_at IS NULL")
    op.create_index(
        "claim_step_once",
        "claim_step",
        ["claim_id", "state"],
        unique=True,
        sqlite_where=believed,
        postgresql_where=believed,
    )
    op.create_index("claim_step_moments", "claim_step", ["claim_id", "state", "at", "recorded_at", "withdrawn_at"])


def downgrade() -> None:
    op.execute("DELETE FROM claim_step WHERE withdrawn_at IS NOT NULL")
    op.drop_index("claim_step_moments", table_name="claim_step")
    op.drop_index("claim_step_once", table_name="claim_step")
    with op.batch_alter_table("claim_step") as table:
        table.drop_constraint("claim_step_by_unit", type_="foreignkey")
        for name in ("by_unit_code", "device", "household", "withdrawn_at"):
            table.drop_column(name)
        table.create_unique_constraint("claim_step_once", ["claim_id", "state"])
    op.create_index("claim_step_moments", "claim_step", ["claim_id", "state", "at"])
    op.drop_index("claim_figures", table_name="claim")
    op.create_index("claim_figures", "claim", ["target_code", "unit_code", *AREAS])
    for name in (*UNCERTAINTIES, "track", "accuracy_m", "method"):
        op.drop_column("claim", name)
    op.drop_table("period")
    op.drop_table("ledger_entry")
