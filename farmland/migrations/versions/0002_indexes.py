"""an index that answers for the moments of claims; none for what nothing looks up"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("claim_step_moments", "claim_step", ["claim_id", "state", "at"])
    op.drop_index("ix_plot_fingerprint", table_name="plot")


def downgrade() -> None:
    op.create_index("ix_plot_fingerprint", "plot", ["fingerprint"])
    op.drop_index("claim_step_moments", table_name="claim_step")
