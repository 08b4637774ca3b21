"""first tables"""

import sqlalchemy as sa
from alembic import op

from farmland.records.database import Moment
from geodata.column import Geometry, index_name, index_statement

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


SPATIAL_TABLES = ("unit", "plot", "baseline_patch", "claim")


def upgrade() -> None:
    dialect = op.get_bind().dialect
    if dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.create_table(
        "baseline_patch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("unit_code", sa.String(length=14), nullable=True),
        sa.Column("land_class", sa.String(length=5), nullable=False),
        sa.Column("restoration", sa.String(length=6), nullable=True),
        sa.Column("ridge_factor", sa.Double(), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("geometry", Geometry(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("year", "number", name="baseline_year_number"),
    )
    with op.batch_alter_table("baseline_patch", schema=None) as batch_op:
        batch_op.create_index("baseline_land_class", ["land_class"], unique=False)

    op.create_table(
        "chief",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "demonstration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("now", Moment(), nullable=False),
        sa.Column("note_zh", sa.String(length=1000), nullable=False),
        sa.Column("note_en", sa.String(length=1000), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "target",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("start_day", sa.Date(), nullable=False),
        sa.Column("due_day", sa.Date(), nullable=False),
        sa.Column("area_basis", sa.String(length=16), nullable=False),
        sa.Column("curve", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=14), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("parent_code", sa.String(length=14), nullable=True),
        sa.Column("geometry", Geometry(), nullable=True),
        sa.Column("area_m2", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_code"],
            ["unit.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_level"), ["level"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_name"), ["name"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_unit_parent_code"), ["parent_code"], unique=False
        )

    op.create_table(
        "allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target_code", sa.String(length=40), nullable=False),
        sa.Column("unit_code", sa.String(length=14), nullable=False),
        sa.Column("area_mu", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_code"],
            ["target.code"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_code"],
            ["unit.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("target_code", "unit_code", name="allocation_target_unit"),
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_allocation_unit_code"), ["unit_code"], unique=False
        )

    op.create_table(
        "claim",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("target_code", sa.String(length=40), nullable=False),
        sa.Column("unit_code", sa.String(length=14), nullable=False),
        sa.Column("source_kind", sa.String(length=12), nullable=False),
        sa.Column("former_use", sa.String(length=200), nullable=False),
        sa.Column("crop", sa.String(length=200), nullable=False),
        sa.Column("typed_area_mu", sa.Double(), nullable=True),
        sa.Column("ridge_factor", sa.Double(), nullable=False),
        sa.Column("geometry", Geometry(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("gross_m2", sa.Double(), nullable=False),
        sa.Column("reported_net", Geometry(), nullable=False),
        sa.Column("reported_net_m2", sa.Double(), nullable=False),
        sa.Column("accepted_net", Geometry(), nullable=True),
        sa.Column("accepted_net_m2", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["target_code"],
            ["target.code"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_code"],
            ["unit.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index(
            "claim_target_unit", ["target_code", "unit_code"], unique=False
        )

    op.create_table(
        "plot",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_code", sa.String(length=14), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("land_class", sa.String(length=5), nullable=False),
        sa.Column("basic_farmland", sa.Boolean(), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("geometry", Geometry(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["unit_code"],
            ["unit.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("unit_code", "number", name="plot_unit_number"),
    )
    with op.batch_alter_table("plot", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_plot_fingerprint"), ["fingerprint"], unique=False
        )

    op.create_table(
        "token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("unit_code", sa.String(length=14), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["unit_code"],
            ["unit.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "appointment",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chief_id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=14), nullable=False),
        sa.Column("plot_id", sa.Integer(), nullable=True),
        sa.Column("duty", sa.String(length=100), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["chief_id"],
            ["chief.id"],
        ),
        sa.ForeignKeyConstraint(
            ["plot_id"],
            ["plot.id"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_code"],
            ["unit.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.create_index(
            "appointment_unit", ["unit_code", "from_day"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_appointment_chief_id"), ["chief_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_appointment_plot_id"), ["plot_id"], unique=False
        )

    op.create_table(
        "claim_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_id"],
            ["claim.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("claim_id", "state", name="claim_step_once"),
    )
    op.create_table(
        "deduction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("other_claim_id", sa.Integer(), nullable=True),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("geometry", Geometry(), nullable=True),
        sa.ForeignKeyConstraint(
            ["claim_id"],
            ["claim.id"],
        ),
        sa.ForeignKeyConstraint(
            ["other_claim_id"],
            ["claim.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("deduction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deduction_claim_id"), ["claim_id"], unique=False
        )
    for table in SPATIAL_TABLES:
        op.execute(index_statement(table, dialect))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in SPATIAL_TABLES:
            op.execute(f"DROP TABLE {index_name(table)}")
    with op.batch_alter_table("deduction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deduction_claim_id"))

    op.drop_table("deduction")
    op.drop_table("claim_step")
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appointment_plot_id"))
        batch_op.drop_index(batch_op.f("ix_appointment_chief_id"))
        batch_op.drop_index("appointment_unit")

    op.drop_table("appointment")
    op.drop_table("token")
    with op.batch_alter_table("plot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plot_fingerprint"))

    op.drop_table("plot")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index("claim_target_unit")

    op.drop_table("claim")
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_allocation_unit_code"))

    op.drop_table("allocation")
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_parent_code"))
        batch_op.drop_index(batch_op.f("ix_unit_name"))
        batch_op.drop_index(batch_op.f("ix_unit_level"))

    op.drop_table("unit")
    op.drop_table("target")
    op.drop_table("demonstration")
    op.drop_table("chief")
    with op.batch_alter_table("baseline_patch", schema=None) as batch_op:
        batch_op.drop_index("baseline_land_class")

    op.drop_table("baseline_patch")
