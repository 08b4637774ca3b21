"""Mending polygons counts no land that nobody drew; and the same land has the same fingerprint, however its corners are told."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from conftest import VILLAGE, Run
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import select, update

from farmland.keeping.tables import Plot
from farmland.records.city import next_moment
from farmland.records.database import Database, table_of
from farmland.records.ledger import contents, note
from farmland.restoration.claims import Claim
from farmland.restoration.findings import Finding
from geodata.area import area_m2, areas_m2
from geodata.geometry_faults import faults, fingerprint, repair
from geodata.plane import RECORD_M2

PLACE = np.array([111.71, 27.25])
STEP = 1e-4  # some 10 m


def land(text: str) -> shapely.Geometry:
    """A geometry in tens of metres from a place."""
    return shapely.transform(shapely.from_wkt(text), lambda points: (PLACE + points * STEP).round(9))


OUTER = "0 0, 10 0, 10 10, 0 10, 0 0"
TWO_WAYS = {
    "a hole given as a second polygon": (
        f"MULTIPOLYGON((({OUTER})), ((2 2, 5 2, 5 5, 2 5, 2 2)))",
        f"POLYGON(({OUTER}), (2 2, 5 2, 5 5, 2 5, 2 2))",
    ),
    "a part drawn twice": (
        f"MULTIPOLYGON((({OUTER})), ((5 5, 15 5, 15 15, 5 15, 5 5)))",
        "MULTIPOLYGON(((0 0, 10 0, 10 5, 5 5, 5 10, 0 10, 0 0)), ((10 5, 15 5, 15 15, 5 15, 5 10, 10 10, 10 5)))",
    ),
    "a hole over the edge": (
        f"POLYGON(({OUTER}), (5 5, 15 5, 15 8, 5 8, 5 5))",
        "POLYGON((0 0, 10 0, 10 5, 5 5, 5 8, 10 8, 10 10, 0 10, 0 0))",
    ),
    "a loop over its own land": (
        "POLYGON((0 0, 10 0, 10 10, 4 10, 4 4, 8 4, 8 6, 2 6, 2 10, 0 10, 0 0))",
        "POLYGON((0 0, 10 0, 10 10, 4 10, 4 6, 2 6, 2 10, 0 10, 0 0), (4 4, 8 4, 8 6, 4 6, 4 4))",
    ),
    "a hole over the edge beside a part drawn twice": (
        "MULTIPOLYGON(((0 0, 10 0, 10 10, 0 10, 0 0), (5 5, 15 5, 15 8, 5 8, 5 5)), "
        "((20 0, 30 0, 30 10, 20 10, 20 0)), ((22 2, 28 2, 28 8, 22 8, 22 2)))",
        "MULTIPOLYGON(((0 0, 10 0, 10 5, 5 5, 5 8, 10 8, 10 10, 0 10, 0 0)), "
        "((20 0, 30 0, 30 10, 20 10, 20 0), (22 2, 28 2, 28 8, 22 8, 22 2)))",
    ),
}


@pytest.mark.parametrize("case", TWO_WAYS)
def test_of_two_ways_to_read_an_outline_the_lesser_counts(case: str) -> None:
    faulty, meant = (land(text) for text in TWO_WAYS[case])
    mended = repair(np.array([faulty], dtype=object))
    assert mended.ambiguous.tolist() == [True]
    assert shapely.is_valid(mended.geometries[0])
    assert shapely.equals(shapely.set_precision(mended.geometries[0], 1e-9), shapely.set_precision(meant, 1e-9))


def test_one_way_to_read_an_outline_is_no_question() -> None:
    bow_tie, spike = (
        land("POLYGON((0 0, 4 4, 4 0, 0 4, 0 0))"),
        land(f"POLYGON(({OUTER.removesuffix(', 0 0')}, 0 20, 0 0))"),
    )
    mended = repair(np.array([bow_tie, spike, None, shapely.Polygon()], dtype=object))
    assert mended.ambiguous.tolist() == [False] * 4
    assert areas_m2(mended.geometries) == pytest.approx(
        [area_m2(land("POLYGON((0 0, 4 0, 4 4, 0 4, 0 0))")) / 2, area_m2(land(f"POLYGON(({OUTER}))")), 0, 0], abs=0.02
    )
    assert mended.geometries[2] is None


CORNER = st.tuples(st.integers(0, 12), st.integers(0, 12))
RING = st.lists(CORNER, min_size=3, max_size=9, unique=True)


@given(st.lists(RING, min_size=1, max_size=3))
def test_no_land_is_invented(rings: list[list[tuple[int, int]]]) -> None:
    """Parts in any place: what is mended lies in what the parts enclose, by both ways, and nothing is left of lines."""
    outlines = [shapely.Polygon(PLACE + np.array(ring) * STEP) for ring in rings]
    faulty = np.array([shapely.multipolygons(outlines)], dtype=object)
    mended = repair(faulty)
    (geometry,) = mended.geometries
    assert geometry.geom_type in ("Polygon", "MultiPolygon")
    assert shapely.is_valid(geometry)
    enclosed = shapely.union_all([shapely.make_valid(one, method="structure") for one in outlines])
    assert areas_m2([shapely.difference(geometry, enclosed)])[0] <= RECORD_M2
    area = areas_m2(mended.geometries)[0]
    assert area <= min(mended.land_m2[0], mended.holes_m2[0]) + RECORD_M2
    if shapely.is_valid(faulty[0]):
        assert area == pytest.approx(areas_m2(faulty)[0], abs=RECORD_M2)


def write(path: Path, geometries: list[shapely.Geometry], **columns: object) -> Path:
    whole = {"DLBM": "0101"} | columns
    frame = gpd.GeoDataFrame(
        {name: value if isinstance(value, list) else [value] * len(geometries) for name, value in whole.items()},
        geometry=geometries,
        crs=4490,
    )
    frame.to_file(path)
    return path


@pytest.mark.parametrize("ending", ["geojson", "gpkg"])
def test_an_import_tells_both_areas_and_stores_the_lesser(
    tianzhang: Run, small_city: Database, tmp_path: Path, ending: str
) -> None:
    faulty, meant = (land(text) for text in TWO_WAYS["a hole given as a second polygon"])
    whole, less = area_m2(land(f"POLYGON(({OUTER}))")), area_m2(meant)
    path = write(tmp_path / f"p.{ending}", [faulty, land("POLYGON((20 0, 24 4, 24 0, 20 4, 20 0))")], number=["1", "2"])
    refused = tianzhang("import", "plots", path)
    assert refused.returncode == 1 and "2 bad" in refused.stdout
    done = tianzhang("import", "plots", path, "--repair")
    said = " ".join(done.stderr.replace("│", " ").split())
    assert done.returncode == 0 and "2 new" in done.stdout
    assert (
        f"{whole:,.2f} m²" in said and f"{less:,.2f} m²" in said and "Until somebody decides the lesser counts" in said
    )
    assert said.count("there are two ways") == 1  # of the bow-tie there are not
    zh = " ".join(tianzhang("import", "plots", path, "--repair", language="zh").stderr.replace("│", " ").split())
    assert f"{whole:,.2f}" in zh and f"{less:,.2f}" in zh and "按少的计" in zh
    with small_city.reading() as session:
        areas = session.scalars(select(Plot.area_m2).order_by(Plot.number)).all()
    assert areas == [less, pytest.approx(area_m2(land("POLYGON((20 0, 24 0, 24 4, 20 4, 20 0))")) / 2, abs=0.02)]
    assert "0 new, 0 changed, 2 unchanged" in tianzhang("import", "plots", path, "--repair").stdout


def test_what_cannot_be_mended_stays_bad(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    flat = land("POLYGON((0 0, 5 0, 9 0, 0 0))")
    good = land(f"POLYGON(({OUTER}))")
    text = shapely.to_geojson(land("POLYGON((0 0, 5 0, 5 5, 0 0))")).replace("[111.7105,27.25]", "[NaN,27.25]", 1)
    assert "NaN" in text
    rows = [shapely.to_geojson(flat), text, shapely.to_geojson(good)]
    features = ",".join(f'{{"type":"Feature","properties":{{"DLBM":"0101"}},"geometry":{row}}}' for row in rows)
    (tmp_path / "p.geojson").write_text(f'{{"type":"FeatureCollection","features":[{features}]}}')
    done = tianzhang("import", "plots", "p.geojson", "--repair")
    assert done.returncode == 1 and "1 new, 0 changed, 0 unchanged, 2 bad" in done.stdout
    assert "Traceback" not in done.stderr


# Fingerprints


@st.composite
def told(draw: st.DrawFn) -> tuple[shapely.Polygon, shapely.Polygon]:
    """A polygon with a hole, and the same told otherwise: corners repeated, rings turned and reversed."""
    angles = np.sort(draw(st.lists(st.floats(0, 6.2), min_size=3, max_size=8, unique_by=lambda a: round(a, 2))))
    assume(np.diff([*angles, angles[0] + 2 * np.pi]).max() < 3)
    shell = PLACE + 30 * STEP * np.column_stack([np.cos(angles), np.sin(angles)])
    hole = PLACE + (shell - PLACE)[::-1] * draw(st.floats(0.1, 0.4))
    rings = []
    for ring in (shell.round(9), hole.round(9)):
        turned = np.roll(ring, draw(st.integers(0, len(ring) - 1)), axis=0)
        turned = turned[::-1] if draw(st.booleans()) else turned
        times = draw(st.lists(st.integers(1, 3), min_size=len(ring), max_size=len(ring)))
        rings.append(np.repeat(turned, times, axis=0) + draw(st.sampled_from([0.0, 1e-10, -1e-10])))
    return shapely.Polygon(shell.round(9), [hole.round(9)]), shapely.Polygon(rings[0], [rings[1]])


@given(told(), st.integers(0, 7))
def test_repeated_corners_are_the_same_land(pair: tuple[shapely.Polygon, shapely.Polygon], corner: int) -> None:
    one, other = pair
    assume(shapely.is_valid(one))
    assert (
        fingerprint(np.array([one, other], dtype=object)).tolist()
        == [fingerprint(np.array([one], dtype=object))[0]] * 2
    )
    shell = shapely.get_coordinates(one.exterior)[:-1]
    shell[corner % len(shell)] += 3e-9  # 0.3 mm is another polygon
    altered = shapely.Polygon(shell, [shapely.get_coordinates(one.interiors[0])])
    assert fingerprint(np.array([altered], dtype=object))[0] != fingerprint(np.array([one], dtype=object))[0]


def test_fingerprints_of_polygons_without_repeats_are_what_they_were() -> None:
    """As databases hold them; a multipolygon, a hole, and a sliver that rounding leaves without area."""
    geometries = [
        land(f"POLYGON(({OUTER}), (2 2, 5 2, 5 5, 2 5, 2 2))"),
        land(TWO_WAYS["a part drawn twice"][1]),
        shapely.Polygon([(111.7, 27.2), (111.7 + 1e-10, 27.2), (111.7, 27.2 + 1e-10)]),
    ]
    assert [text[:16] for text in fingerprint(np.array(geometries, dtype=object))] == [
        "529f2c3883883e1b",
        "708ac65def462f27",
        "a76ba932cb2ab84d",
    ]
    assert fingerprint(np.array([], dtype=object)).tolist() == []


def test_the_same_plot_with_and_without_repeated_corners(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    plain = [land(f"POLYGON(({OUTER}))"), land("POLYGON((20 0, 30 0, 30 9, 20 0))")]
    repeated = [land("POLYGON((0 0, 0 0, 10 0, 10 10, 10 10, 10 10, 0 10, 0 0, 0 0))"), plain[1]]
    for noun, columns in (
        ("plots", {}),
        ("baseline", {"year": "2019"}),
        ("designations", {"kind": "red_line"}),
        ("findings", {"at": "2022-04-01"}),
        ("claims", {"unit_code": VILLAGE}),
    ):
        first = write(tmp_path / f"{noun}.geojson", repeated, **columns)
        second = write(tmp_path / f"{noun}2.geojson", plain, **columns)
        assert "2 new" in tianzhang("import", noun, first).stdout
        for path in (second, first):
            assert "0 new, 0 changed, 2 unchanged" in tianzhang("import", noun, path).stdout, noun


def test_a_print_of_before_does_not_make_another_claim_or_finding(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    """Records whose fingerprint was written down with their repeated corners."""
    repeated = [land("POLYGON((0 0, 0 0, 10 0, 10 10, 0 10, 0 0))")]
    plain = [land(f"POLYGON(({OUTER}))")]
    claims = [write(tmp_path / f"c{n}.geojson", one, unit_code=VILLAGE) for n, one in enumerate((repeated, plain))]
    findings = [
        write(tmp_path / f"f{n}.geojson", one, at="2022-04-01", number="F1") for n, one in enumerate((repeated, plain))
    ]
    assert "1 new" in tianzhang("import", "claims", claims[0]).stdout
    assert "1 new" in tianzhang("import", "findings", findings[0]).stdout
    with small_city.writing() as session:
        for model in (Claim, Finding):
            session.execute(update(table_of(model)).values(fingerprint="0" * 64))
            row = session.scalars(select(model)).one()
            note(session, "ledger.restated", None, None, actor="a test", at=next_moment(session), after=contents(row))
    for path in claims:
        assert "0 new, 0 changed, 1 unchanged" in tianzhang("import", "claims", path).stdout
    for path in findings:
        assert "0 new, 0 changed, 1 unchanged" in tianzhang("import", "findings", path).stdout
    assert tianzhang("verify").returncode == 0


def test_a_real_layer_with_faults_is_mended_whole() -> None:
    """Outlines of land use that cross themselves, as volunteers drew them: one way to read each, and nothing is lost."""
    path = Path(__file__).parent / "data" / "liechtenstein_osm.gpkg"
    layer = gpd.read_file(path, layer="landuse")
    polygons = np.asarray(layer.geometry.array, dtype=object)
    wrong = polygons[[fault is not None for fault in faults(polygons)]]
    assert len(wrong) == 13
    mended = repair(wrong)
    assert shapely.is_valid(mended.geometries).all() and not mended.ambiguous.any()
    assert np.allclose(areas_m2(mended.geometries), mended.holes_m2, atol=RECORD_M2)
