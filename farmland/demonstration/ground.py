"""The made-up ground of the demonstration city: units that tile the real outline, plots, and the baseline beneath them."""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from farmland.land.units import Level
from geodata.area import areas_m2, m2_to_mu, mu_to_m2
from geodata.mesh import Mesh, dissolve, divide, mesh, metres

DATA = Path(__file__).parent / "data"
SEAT = (111.744, 27.259)
STREETS = ("430582001000", "430582002000", "430582003000")
GROUPS = 11_651
FARMLAND_MU = 806_000
BASELINE_YEAR = 2019
CRS = "EPSG:4490"
_OTHER_CLASSES = {
    "0201": 0.2, "0301": 0.3, "0305": 0.16, "1104": 0.08, "1201": 0.12, "0702": 0.09, "1206": 0.05,
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """Units and plots as layers, and the mesh's cells: whose village each is, its class, and whether it is a plot."""

    units: gpd.GeoDataFrame
    plots: gpd.GeoDataFrame
    cells: pd.DataFrame
    mesh: Mesh


def make_ground(rng: np.random.Generator) -> Ground:
    """Lay out the city. The same generator state gives the same ground."""
    real = pd.read_csv(DATA / "shaodong_units.csv", dtype=str, keep_default_na=False)
    outline = gpd.read_file(DATA / "shaodong_boundary.geojson").geometry.iloc[0]
    grid = mesh(outline, 58, 92, rng)

    towns = real[real["level"] == Level.TOWN]["code"].tolist()
    villages = [real[real["parent_code"] == town]["code"].tolist() for town in towns]
    town_of = divide(grid, np.zeros(len(grid.cells), dtype=np.int64), [len(towns)], rng)
    town_of = _streets_at_the_seat(grid, town_of, towns)
    village_of = divide(grid, town_of, [len(codes) for codes in villages], rng)
    village_codes = [code for codes in villages for code in codes]
    counts = _group_counts(np.bincount(village_of, minlength=len(village_codes)))
    group_of = divide(grid, village_of, counts, rng)
    group_codes = [
        f"{code}{n:02d}" for code, count in zip(village_codes, counts, strict=True) for n in range(1, count + 1)
    ]

    group_geometry = dissolve(grid.cells, group_of)
    village_geometry = dissolve(group_geometry, np.repeat(np.arange(len(village_codes)), counts))
    town_geometry = dissolve(
        village_geometry,
        np.repeat(np.arange(len(towns)), [len(codes) for codes in villages]),
    )
    city_geometry = dissolve(town_geometry, np.zeros(len(towns), dtype=np.int64))
    names = dict(zip(real["code"], real["name"], strict=True))
    codes = [real["code"].iloc[0], *towns, *village_codes, *group_codes]
    units = gpd.GeoDataFrame(
        {
            "code": codes,
            "name": [names.get(code) or f"第{int(code[12:])}组" for code in codes],
        },
        geometry=np.concatenate([city_geometry, town_geometry, village_geometry, group_geometry]),
        crs=CRS,
    )
    cells = pd.DataFrame(
        {
            "village": np.array(village_codes, dtype=object)[village_of],
            "group": np.array(group_codes, dtype=object)[group_of],
            "area_m2": areas_m2(grid.cells),
            "height": _relief(grid.centres, rng),
        }
    )
    cells["plot"] = _farmland(cells, ~grid.cut & shapely.is_valid(grid.cells))
    cells["land_class"] = _classes(cells, grid, rng)
    return Ground(units, _plots(cells, grid, rng), cells, grid)


def _streets_at_the_seat(grid: Mesh, town_of: NDArray[np.int64], towns: list[str]) -> NDArray[np.int64]:
    """Number the regions so that the three streets are those nearest to the city's seat."""
    count = len(towns)
    centres = np.array([grid.centres[town_of == town].mean(axis=0) for town in range(count)])
    degrees = shapely.get_coordinates(shapely.centroid(grid.cells))
    origin = tuple(degrees[0] - metres_to_degrees(grid.centres[0]))
    seat = metres(np.array([SEAT]), origin)[0]  # type: ignore[arg-type]
    near = np.argsort(np.linalg.norm(centres - seat, axis=1))
    streets = [towns.index(code) for code in STREETS]
    others = [town for town in range(count) if town not in streets]
    number = np.empty(count, dtype=np.int64)
    number[near] = [*streets, *others]
    return number[town_of]


def metres_to_degrees(offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """An offset in metres as one in degrees, roughly, at the city's latitude."""
    return offset / [111_320 * np.cos(np.radians(27.2)), 110_900]


def _group_counts(sizes: NDArray[np.int64]) -> list[int]:
    """How many groups each village has: by its size, 8 to 40, GROUPS in all."""
    share = np.clip(sizes / sizes.sum() * GROUPS, 8, 40)
    counts = np.floor(share).astype(int)
    while (rest := GROUPS - counts.sum()) != 0:
        room = np.flatnonzero(counts < 40) if rest > 0 else np.flatnonzero(counts > 8)
        chosen = room[np.argsort(-(share - counts)[room] * np.sign(rest), kind="stable")][: abs(rest)]
        counts[chosen] += np.sign(rest)
    return [int(count) for count in counts]


def _relief(centres: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """How high a place lies, smoothly, in no unit: valleys are low and hold the farmland."""
    height = np.zeros(len(centres))
    for wave, weight in ((9000, 1.0), (3600, 0.9), (1500, 0.7), (600, 0.35)):
        for _ in range(6):
            angle, phase = rng.uniform(0, 2 * np.pi, 2)
            along = centres @ [np.cos(angle), np.sin(angle)]
            height += weight * np.sin(2 * np.pi * along / (wave * rng.uniform(0.7, 1.4)) + phase)
    return height + rng.normal(0, 0.35, len(centres))


def _farmland(cells: pd.DataFrame, usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The lowest usable cells, whose areas are to sum to FARMLAND_MU: one pair is exchanged for the last 0.01 mu."""
    area = cells["area_m2"].to_numpy()
    usable = usable & (m2_to_mu(area) > 1.5) & (m2_to_mu(area) < 25)
    order = np.argsort(np.where(usable, cells["height"].to_numpy(), np.inf), kind="stable")
    goal = float(mu_to_m2(FARMLAND_MU))
    count = int(np.searchsorted(np.cumsum(area[order].round(2)), goal))
    chosen = np.zeros(len(area), dtype=bool)
    chosen[order[:count]] = True
    missing = goal - area[chosen].round(2).sum()
    last, following = order[count - 3000 : count], order[count : count + 3000]
    change = area[following].round(2)[None, :] - area[last].round(2)[:, None]
    out, into = np.unravel_index(np.abs(change - missing).argmin(), change.shape)
    chosen[last[out]], chosen[following[into]] = False, True
    return chosen


def _classes(cells: pd.DataFrame, grid: Mesh, rng: np.random.Generator) -> NDArray[np.object_]:
    """Land classes: paddy low, dry land higher; off the plots orchard, forest, ponds, vacant and built land."""
    low = np.quantile(cells.loc[cells["plot"], "height"], 0.68)
    farmland = np.where(
        cells["height"] < low,
        "0101",
        np.where(rng.uniform(size=len(cells)) < 0.08, "0102", "0103"),
    )
    names, shares = zip(*_OTHER_CLASSES.items(), strict=True)
    others = rng.choice(names, len(cells), p=shares)
    return np.where(cells["plot"], farmland, others).astype(object)


def _plots(cells: pd.DataFrame, grid: Mesh, rng: np.random.Generator) -> gpd.GeoDataFrame:
    chosen = cells[cells["plot"]].sort_values("group", kind="stable")
    place = chosen.groupby("group").cumcount() + 1
    return gpd.GeoDataFrame(
        {
            "unit_code": chosen["group"].to_numpy(),
            "number": [f"{group}{n:05d}" for group, n in zip(chosen["group"], place, strict=True)],
            "land_class": chosen["land_class"].to_numpy(),
            "basic_farmland": np.where(rng.uniform(size=len(chosen)) < 0.8, "Y", "N"),
        },
        geometry=grid.cells[chosen.index],
        crs=CRS,
    )
