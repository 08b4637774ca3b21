"""rules: doubts, visits, designated areas, findings; the slope class of baseline patches"""

import sqlalchemy as sa
from alembic import op

from farmland.records.database import Moment
from geodata.column import Geometry, index_name, index_statement

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SPATIAL_TABLES = ("designated_area", "doubt", "finding")


def upgrade() -> None:
    op.add_column("baseline_patch", sa.Column("slope_class", sa.Integer()))
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("device", sa.String(100)),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_visit_claim_id", "visit", ["claim_id"])
    op.create_table(
        "designated_area",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("fund", sa.String(200)),
        sa.Column("year", sa.Integer()),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("geometry", Geometry(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("extra", sa.JSON()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "number", name="designated_area_kind_number"),
    )
    op.create_table(
        "doubt",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(8), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("geometry", Geometry()),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_doubt_claim_id", "doubt", ["claim_id"])
    op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("unit_code", sa.String(14)),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("geometry", Geometry(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["unit_code"], ["unit.code"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    for table in SPATIAL_TABLES:
        op.execute(index_statement(table, op.get_bind().dialect))


def downgrade() -> None:
    for table in SPATIAL_TABLES:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TABLE {index_name(table)}")
        op.drop_table(table)
    op.drop_table("visit")
    op.drop_column("baseline_patch", "slope_class")
