"""indexes that figures are answered from, none for what nothing looks up; when the ground last changed, since when a part of a target holds"""

import sqlalchemy as sa
from alembic import op

from farmland.records.database import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("claim_step_moments", "claim_step", ["claim_id", "state", "at"])
    op.drop_index("ix_plot_fingerprint", table_name="plot")
    op.drop_index("claim_target_unit", table_name="claim")
    areas = ["gross_m2", "reported_net_m2", "accepted_net_m2"]
    op.create_index("claim_figures", "claim", ["target_code", "unit_code", *areas])
    op.create_table(
        "ground_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("allocation") as table:
        table.add_column(sa.Column("since", Moment()))
        table.drop_constraint("allocation_target_unit", type_="unique")
        table.create_unique_constraint("allocation_target_unit_since", ["target_code", "unit_code", "since"])


def downgrade() -> None:
    with op.batch_alter_table("allocation") as table:
        table.drop_constraint("allocation_target_unit_since", type_="unique")
        table.create_unique_constraint("allocation_target_unit", ["target_code", "unit_code"])
        table.drop_column("since")
    op.drop_table("ground_change")
    op.drop_index("claim_figures", table_name="claim")
    op.create_index("claim_target_unit", "claim", ["target_code", "unit_code"])
    op.create_index("ix_plot_fingerprint", "plot", ["fingerprint"])
    op.drop_index("claim_step_moments", table_name="claim_step")
