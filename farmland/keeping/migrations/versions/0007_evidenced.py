"""evidenced claims: how they came, whether a photograph of before is asked for, since when photographs show them; what of a
period's report there is"""

from itertools import starmap

import numpy as np
import shapely
import sqlalchemy as sa
from alembic import op

from farmland.land.baseline import Baseline
from farmland.records.database import Moment
from farmland.restoration.evidenced import Photos, evidenced_since
from farmland.restoration.rules.ground import asks_before
from farmland.restoration.thresholds import Thresholds
from geodata.column import Geometry, decode, raw

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FIGURES = ("gross_m2", "reported_net_m2", "accepted_net_m2", "accepted_net_u_m2")


def upgrade() -> None:
    # Nobody can say any more which claims came from files; none that was accepted may be refused by what came later.
    op.add_column("claim", sa.Column("origin", sa.String(8), nullable=False, server_default="imported"))
    op.add_column("claim", sa.Column("before_asked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("claim", sa.Column("evidenced_at", Moment()))
    op.add_column("evidence", sa.Column("purpose_at", Moment()))
    # Reports that are closed stay as they were: the first form of them says nothing of evidence.
    op.add_column("period", sa.Column("form", sa.Integer(), nullable=False, server_default="1"))
    op.drop_index("claim_figures", table_name="claim")
    op.create_index("claim_figures", "claim", ["target_code", "unit_code", *FIGURES, "evidenced_at"])
    _fill()


def _fill() -> None:
    """What the photographs and the baseline say of the claims that are there."""
    connection, t = op.get_bind(), Thresholds()
    claim = sa.table("claim", *starmap(sa.column, [("id", sa.Integer()), ("geometry", Geometry()),
                     ("before_asked", sa.Boolean()), ("evidenced_at", Moment())]))  # fmt: skip
    rows = connection.execute(sa.select(claim.c.id, raw(claim.c.geometry)).order_by(claim.c.id)).all()
    if not rows:
        return
    ids, polygons = np.array([row[0] for row in rows]), decode([row[1] for row in rows])
    patch = sa.table("baseline_patch", sa.column("land_class", sa.String()), sa.column("geometry", Geometry()))
    begins = sa.or_(*(patch.c.land_class.startswith(begin) for begin in t.before_classes))
    patches = connection.execute(sa.select(patch.c.land_class, raw(patch.c.geometry)).where(begins)).all()
    nothing = np.zeros(len(patches))
    baseline = Baseline(
        shapely.STRtree(decode([row[1] for row in patches])),
        np.array([row[0] for row in patches], dtype=object),
        nothing,
        nothing.astype(np.int64),
        nothing.astype(bool),
    )
    asked = asks_before(polygons, baseline, t)
    one = claim.c.id == sa.bindparam("claim")
    if asked.any():
        connection.execute(sa.update(claim).where(one).values(before_asked=True), _rows(ids[asked].tolist()))
    names = ("id", "claim_id", "sha256", "kind", "purpose", "longitude", "latitude", "accuracy_m")
    evidence = sa.table("evidence", *map(sa.column, names), sa.column("recorded_at", Moment()))
    other = evidence.alias()
    reused = sa.exists().where(
        other.c.sha256 == evidence.c.sha256, other.c.claim_id != evidence.c.claim_id, other.c.id < evidence.c.id
    )
    facts = [evidence.c[name] for name in ("claim_id", "purpose", "recorded_at", "longitude", "latitude", "accuracy_m")]
    query = sa.select(*facts, reused).where(evidence.c.kind == "photograph", evidence.c.purpose.in_(["before", "after"]))
    photos = Photos.of(connection.execute(query.order_by(evidence.c.id)).all())
    place = np.searchsorted(ids, photos.claim)
    found = evidenced_since(photos, polygons[place], asked[place], t.photo_m)
    if found:
        values = [{"claim": key, "since": since} for key, since in found.items()]
        at = sa.bindparam("since", type_=Moment())
        connection.execute(sa.update(claim).where(one).values(evidenced_at=at), values)


def _rows(ids: list[int]) -> list[dict[str, int]]:
    return [{"claim": key} for key in ids]


def downgrade() -> None:
    op.drop_index("claim_figures", table_name="claim")
    op.create_index("claim_figures", "claim", ["target_code", "unit_code", *FIGURES])
    op.drop_column("period", "form")
    op.drop_column("evidence", "purpose_at")
    for name in ("evidenced_at", "before_asked", "origin"):
        op.drop_column("claim", name)
