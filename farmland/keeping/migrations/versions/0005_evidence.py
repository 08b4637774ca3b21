"""evidence: the files attached to claims"""

import sqlalchemy as sa
from alembic import op

from farmland.records.database import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("taken_at", Moment()),
        sa.Column("longitude", sa.Double()),
        sa.Column("latitude", sa.Double()),
        sa.Column("accuracy_m", sa.Double()),
        sa.Column("bearing", sa.Double()),
        sa.Column("device", sa.String(100)),
        sa.Column("perceptual_hash", sa.String(16)),
        sa.Column("purpose", sa.String(6), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("client_at", Moment()),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("claim_id", "sha256", name="evidence_claim_sha256"),
    )
    op.create_index("ix_evidence_sha256", "evidence", ["sha256"])
    op.create_index("ix_evidence_perceptual_hash", "evidence", ["perceptual_hash"])


def downgrade() -> None:
    op.drop_table("evidence")
