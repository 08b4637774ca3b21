"""The made-up records of the demonstration city: chiefs by office, the allocation of the target, the baseline, claims."""

from datetime import date, datetime, time, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import affinity

from farmland.demonstration.ground import BASELINE_YEAR, CRS, Ground
from farmland.land.units import Level, level_of
from farmland.records.clock import SHANGHAI
from farmland.restoration.claims import State
from geodata.area import areas_m2, m2_to_mu, mu_to_m2

TARGET = {
    "target_code": "2022",
    "name": "2022年耕地恢复任务",
    "start_day": "2022-01-01",
    "due_day": "2022-06-30",
    "curve": "linear",
    "area_basis": "whole",
}
TARGET_MU = 12_700.0
ACCEPTED_MU = 5_200.0
CITY = "430582000000"
XIANCHAQIAO, XIANCHAQIAO_MU = "430582104000", 660.0
LEAST_MU = 1.0
QINGJIANG, QINGJIANG_MU = "430582104203", 22.0
FIRST_DAY, LAST_DAY = date(2022, 1, 4), date(2022, 4, 26)

_OFFICES = {
    Level.CITY: "总田长",
    Level.TOWN: "田长",
    Level.VILLAGE: "田长",
    Level.GROUP: "田长",
}
_DUTIES = {
    Level.CITY: "全市耕地保护总责",
    Level.TOWN: "镇域耕地保护与恢复",
    Level.VILLAGE: "村级耕地保护、巡查与劝导",
    Level.GROUP: "责任田日常看护",
}
_KINDS = {
    "0201": ("restorable", "果园", ("玉米", "大豆", "红薯")),
    "0301": ("works", "林地", ("玉米", "油菜")),
    "0305": ("restorable", "灌木林地", ("大豆", "玉米")),
    "1104": ("works", "坑塘", ("水稻",)),
    "1201": ("other", "空闲地", ("大豆", "玉米", "红薯")),
    "0702": ("demolished", "房屋拆除后的荒地", ("大豆、南瓜、玉米", "玉米", "大豆")),
    "1206": ("abandoned", "荒草地", ("油菜", "玉米")),
}


def make_chiefs(ground: Ground) -> pd.DataFrame:
    """One chief per unit, named by office."""
    names = dict(zip(ground.units["code"], ground.units["name"], strict=True))

    def office(code: str) -> str:
        level = level_of(code)
        place = names[code] if level is not Level.GROUP else names[code[:12]] + names[code]
        return place + _OFFICES[level]

    codes = ground.units["code"]
    return _table(
        {
            "code": [f"TZ{code}" for code in codes],
            "name": [office(code) for code in codes],
            "unit_code": list(codes),
            "duty": [_DUTIES[level_of(code)] for code in codes],
            "from_day": ["2022-01-01"] * len(codes),
        }
    )


def make_allocation(ground: Ground, rng: np.random.Generator) -> dict[str, float]:
    """The target's parts in mu with two decimals: towns sum to the city's, villages to their town's."""
    villages = [code for code in ground.units["code"] if level_of(code) is Level.VILLAGE]
    free = ground.cells[~ground.cells["plot"]].groupby("village")["area_m2"].sum()
    weight = pd.Series({code: float(free.get(code, 1.0)) * rng.uniform(0.5, 1.5) for code in villages})
    weight[[code.startswith(("430582001", "430582002", "430582003")) for code in villages]] *= 0.35
    towns = weight.groupby(lambda code: code[:9] + "000").sum()
    others = towns.drop(XIANCHAQIAO)
    parts = dict(
        zip(
            others.index,
            _parts(TARGET_MU - XIANCHAQIAO_MU, others.to_numpy(), 1),
            strict=True,
        )
    )
    parts[XIANCHAQIAO] = XIANCHAQIAO_MU
    for town, area_mu in list(parts.items()):
        own = weight[[code for code in villages if code[:9] == town[:9]]]
        parts |= dict(zip(own.index, _parts(area_mu, own.to_numpy(), 0.1), strict=True))
    return {CITY: TARGET_MU, **parts}


def _parts(total: float, weights: NDArray[np.float64], step: float) -> list[float]:
    """`total` in parts by weight, each a multiple of `step`; the largest takes what is left over."""
    parts = (np.round(total * weights / weights.sum() / step) * step).round(2)
    parts[parts.argmax()] = round(parts[parts.argmax()] + total - parts.sum(), 2)
    return [round(float(part), 2) for part in parts]


def allocation_table(parts: dict[str, float]) -> pd.DataFrame:
    """The allocation as the table that an officer would import."""
    rows = [{**TARGET, "unit_code": code, "area_mu": f"{area_mu:.2f}"} for code, area_mu in parts.items()]
    return _table(pd.DataFrame(rows))


def make_claims(ground: Ground, parts: dict[str, float], rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Claims of January to 26 April 2022, ACCEPTED_MU of them accepted by then; some with the faults that claims have.

    An accepted claim with a fault consists of good land and of land that cannot count: what another claim holds, what
    lies in the next village, what was farmland.
    """
    supply = _supply(ground)
    known = _qingjiang(ground, supply)
    wanted = _wanted(parts, rng)
    rows: list[dict[str, object]] = []
    left_over = 0.0
    for village, area_mu in wanted.items():
        missing = area_mu + left_over
        while missing >= LEAST_MU and supply[village]:
            claim = _claim(ground, supply, village, missing / max(1, round(missing / 7.2)), rng)
            rows.append(claim | {"fate": "accepted"})
            missing -= float(str(claim["area_mu"]))
        left_over = missing  # a village without land to restore, or too little of it, passes its part on to the next
    last = rows.pop()
    whole_mu = float(str(last["area_mu"])) + left_over
    rows.append(_claim(ground, supply, str(last["unit_code"]), whole_mu, rng) | {"fate": "accepted"})
    rows.append(known | {"fate": "accepted"})
    for fate, count in (
        ("reported", 62),
        ("checked", 48),
        ("rejected", 41),
        ("revoked", 8),
    ):
        for village in rng.choice([code for code in sorted(wanted) if len(supply[code]) > 12], count):
            rows.append(_claim(ground, supply, str(village), rng.uniform(1.5, 8), rng) | {"fate": fate})
    frame = pd.DataFrame(rows)
    frame = _histories(frame, rng)
    frame = frame.sort_values("reported_at", kind="stable", ignore_index=True)
    frame["geometry"] = _faults(ground, frame, rng)
    frame.insert(0, "number", [f"2022-{n:04d}" for n in range(1, len(frame) + 1)])
    area_mu = m2_to_mu(areas_m2(frame["geometry"].to_numpy()))
    frame["typed_area_mu"] = [f"{value:.2f}" for value in area_mu * rng.normal(1.0, 0.012, len(frame))]
    frame = frame.assign(**_people(ground, frame))
    moments = [name for name in frame.columns if name.endswith("_at")]
    for name in moments:
        frame[name] = [at.isoformat() if pd.notna(at) else "" for at in frame[name]]
    claims = gpd.GeoDataFrame(frame.drop(columns=["fate", "cell", "area_mu"]), geometry="geometry", crs=CRS)
    claims.index = pd.RangeIndex(1, len(claims) + 1, name="row")
    return claims


def _people(ground: Ground, frame: pd.DataFrame) -> dict[str, list[str]]:
    """Who took the steps: the village reports, its town checks and rejects, the city accepts and revokes."""
    names = dict(zip(ground.units["code"], ground.units["name"], strict=True))
    villages = [str(code) for code in frame["unit_code"]]
    towns = [f"{code[:9]}000" for code in villages]
    people: dict[str, list[str]] = {}
    for state, codes, office in (
        (State.REPORTED, villages, "田长"),
        (State.CHECKED, towns, "自然资源所"),
        (State.REJECTED, towns, "自然资源所"),
        (State.ACCEPTED, [CITY] * len(towns), "自然资源局耕保股"),
        (State.REVOKED, [CITY] * len(towns), "自然资源局耕保股"),
    ):
        people[f"{state}_by"] = [f"{names[code]}{office}" for code in codes]
        people[f"{state}_by_unit"] = codes
    return people


def make_baseline(ground: Ground, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """The survey's patches: every plot as farmland, and of the other land the best fifth."""
    height = ground.cells["height"].to_numpy()
    plot = ground.cells["plot"].to_numpy()
    near = ~plot & (height < np.quantile(height[~plot], 0.2)) & shapely.is_valid(ground.mesh.cells)
    chosen = np.flatnonzero(plot | near)
    cells = ground.cells.iloc[chosen]
    restorable = {"0201": "JKHF", "0305": "JKHF", "1104": "GCHF", "0301": "GCHF"}
    sown = np.where(cells["plot"], "LS", "")
    marks = [mark or restorable.get(name, "") for mark, name in zip(sown, cells["land_class"], strict=True)]
    layer = gpd.GeoDataFrame(
        {
            "number": [
                f"{village}{n:06d}" for village, n in zip(cells["village"], range(1, len(cells) + 1), strict=True)
            ],
            "unit_code": cells["village"].to_numpy(),
            "land_class": cells["land_class"].to_numpy(),
            "restoration": marks,
            "year": str(BASELINE_YEAR),
        },
        geometry=ground.mesh.cells[chosen],
        crs=CRS,
    )
    layer.index = pd.RangeIndex(1, len(layer) + 1, name="row")
    return layer


def _supply(ground: Ground) -> dict[str, list[int]]:
    """For each village the cells that are not farmland, the one to be taken next at the end: low land first."""
    usable = ~ground.cells["plot"] & ~ground.mesh.cut & shapely.is_valid(ground.mesh.cells)
    usable &= ground.cells["area_m2"] > mu_to_m2(4)
    ordered = ground.cells[usable].sort_values("height", ascending=False, kind="stable")
    return {str(village): list(rows.index) for village, rows in ordered.groupby("village")}


def _wanted(parts: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """The mu that each village is to have accepted, ACCEPTED_MU in all with the known claim; towns differ in pace."""
    pace = {}
    wanted = {}
    for code in parts:
        if level_of(code) is Level.TOWN:
            speeds = [rng.uniform(1.0, 1.25), rng.uniform(0.86, 0.98), rng.uniform(0.3, 0.75)]
            pace[code] = rng.choice(speeds, p=[0.16, 0.2, 0.64])
    for code, area_mu in parts.items():
        if level_of(code) is Level.VILLAGE and area_mu > 1.5 and rng.uniform() < 0.93:
            wanted[code] = area_mu * pace[code[:9] + "000"] * rng.uniform(0.4, 1.6)
    factor = (ACCEPTED_MU - QINGJIANG_MU) / sum(wanted.values())
    return {code: area_mu * factor for code, area_mu in wanted.items()}


def _claim(
    ground: Ground,
    supply: dict[str, list[int]],
    village: str,
    area_mu: float,
    rng: np.random.Generator,
) -> dict[str, object]:
    cell, area_mu = _next_cell(ground, supply, village, area_mu)
    kind, former_use, crops = _KINDS[str(ground.cells["land_class"].iloc[cell])]
    return {
        "unit_code": village,
        "source_kind": kind,
        "former_use": former_use,
        "crop": str(rng.choice(crops)),
        "geometry": _of_area(ground.mesh.cells[cell], area_mu),
        "cell": cell,
        "area_mu": area_mu,
    }


def _next_cell(ground: Ground, supply: dict[str, list[int]], village: str, area_mu: float) -> tuple[int, float]:
    """A cell that holds `area_mu`, and that area; where none is so large the last, and what it holds."""
    room_mu = m2_to_mu(ground.cells["area_m2"].to_numpy()) * 0.97
    cells = supply[village]
    place = next(
        (i for i in range(len(cells) - 1, -1, -1) if room_mu[cells[i]] >= area_mu),
        len(cells) - 1,
    )
    cell = cells.pop(place)
    return cell, float(min(area_mu, room_mu[cell]))


def _of_area(cell: shapely.Polygon, area_mu: float) -> shapely.Polygon:
    """The cell shrunk about its centre to an area, which its edges' scale determines to 1e-6; then once more."""
    shape = cell
    for _ in range(3):
        factor = np.sqrt(mu_to_m2(area_mu) / areas_m2([shape])[0])
        shape = affinity.scale(shape, factor, factor, origin=cell.centroid)
    return shape


def _qingjiang(ground: Ground, supply: dict[str, list[int]]) -> dict[str, object]:
    """The known place: 22 mu in Qingjiang village, where houses were demolished."""
    left = ground.mesh.pairs
    usable = set(supply[QINGJIANG])
    pairs = [(int(a), int(b)) for a, b in left if a in usable and b in usable]
    shapes = [
        (cells, shapely.union_all(ground.mesh.cells[list(cells)]))
        for cells in sorted({tuple(sorted({*one, *two})) for one in pairs for two in pairs if set(one) & set(two)})
        if len(cells) in (3, 4)
    ]
    cells, shape = next(
        (cells, shape) for cells, shape in shapes if mu_to_m2(22.3) < areas_m2([shape])[0] < mu_to_m2(34)
    )
    for cell in cells:
        supply[QINGJIANG].remove(cell)
    # Shrinking about an inner point keeps a shape of three fields in a row within itself only where it is star-shaped;
    # a strip cut off does so always.
    west, south, east, north = shape.bounds
    low, high = south, north
    for _ in range(60):
        middle = (low + high) / 2
        kept = shapely.intersection(shape, shapely.box(west, south, east, middle))
        low, high = (middle, high) if areas_m2([kept])[0] < mu_to_m2(QINGJIANG_MU) else (low, middle)
    kept = max(shapely.get_parts(kept), key=lambda part: part.area)
    return {
        "unit_code": QINGJIANG,
        "source_kind": "demolished",
        "former_use": "房屋拆除后的荒地",
        "crop": "大豆、南瓜、玉米",
        "geometry": kept,
        "cell": cells[0],
    }


def _histories(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Moments in office hours, more of them as spring comes, none in the week of the Spring Festival."""
    days = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    weight = np.array([0.15 if day.weekday() >= 5 else 1.0 for day in days]) * np.linspace(0.6, 1.8, len(days))
    weight[[date(2022, 1, 31) <= day <= date(2022, 2, 6) for day in days]] = 0.0
    moments: dict[str, list[datetime | None]] = {f"{state}_at": [] for state in State}
    reasons: dict[str, list[str]] = {"rejected_why": [], "revoked_why": []}

    def at(day: date) -> datetime:
        return datetime.combine(day, time(9), SHANGHAI) + timedelta(minutes=int(rng.integers(0, 480)))

    for fate in frame["fate"]:
        late = 3 if fate == "accepted" else 30 if fate == "revoked" else 1
        pool = len(days) - late
        reported = days[int(rng.choice(pool, p=weight[:pool] / weight[:pool].sum()))]
        checked = min(
            reported + timedelta(days=int(rng.integers(1, 6))),
            LAST_DAY - timedelta(days=1),
        )
        checked = max(checked, reported + timedelta(days=1))
        ended = min(checked + timedelta(days=int(rng.integers(1, 9))), LAST_DAY)
        stages = {
            "reported_at": reported,
            "checked_at": checked if fate in ("checked", "accepted", "revoked") else None,
            "accepted_at": ended if fate in ("accepted", "revoked") else None,
            "rejected_at": min(checked, LAST_DAY) if fate == "rejected" else None,
            "revoked_at": min(ended + timedelta(days=21), LAST_DAY) if fate == "revoked" else None,
        }
        last = None
        for name, day in stages.items():
            moment = at(day) if day else None
            if moment is not None and last is not None and moment <= last:
                moment = last + timedelta(minutes=30)
            last = moment or last
            moments[name].append(moment)
        why = ("未见出苗", "图斑与现场不符", "资料不全", "地块已建房")
        reasons["rejected_why"].append(str(rng.choice(why)) if fate == "rejected" else "")
        reasons["revoked_why"].append("复查发现重新撂荒" if fate == "revoked" else "")
    return pd.concat([frame, pd.DataFrame(moments | reasons, index=frame.index)], axis=1)


def _faults(ground: Ground, frame: pd.DataFrame, rng: np.random.Generator) -> list[shapely.Geometry]:
    """The polygons, one in fourteen of the accepted with land that cannot count added to it."""
    geometries = list(frame["geometry"])
    good = list(frame["geometry"])
    areas = areas_m2(good)
    village = ground.cells["village"].to_numpy()
    plot, cells = ground.cells["plot"].to_numpy(), ground.mesh.cells
    taken = set(frame["cell"])
    free = ~plot & ~ground.mesh.cut & shapely.is_valid(cells)
    beside: dict[int, list[int]] = {}
    wanted = set(frame["cell"])
    for a, b in np.vstack([ground.mesh.pairs, ground.mesh.pairs[:, ::-1]]):
        if a in wanted:
            beside.setdefault(int(a), []).append(int(b))
    accepted = frame["fate"] == "accepted"
    ended = frame["accepted_at"]
    for i in frame.index[accepted & (frame["unit_code"] != QINGJIANG)]:
        if rng.uniform() > 0.14:
            continue
        code, near = frame["unit_code"][i], beside.get(int(frame["cell"][i]), [])
        farmland = [cell for cell in near if plot[cell] and village[cell] == code]
        outside = [cell for cell in near if village[cell] != code and free[cell] and cell not in taken]
        earlier = [
            j
            for j in frame.index[(frame["unit_code"] == code) & accepted]
            if j != i and ended[j] < frame["reported_at"][i] and geometries[j] is good[j] and areas[j] < areas[i]
        ]
        if earlier:
            added = good[earlier[0]]
        elif outside:
            # So little that the claim need not be split along the border.
            factor = np.sqrt(0.04 * areas[i] / areas_m2([cells[outside[0]]])[0])
            added = affinity.scale(cells[outside[0]], factor, factor)
        elif farmland:
            added = affinity.scale(cells[farmland[0]], 0.4, 0.4)
        else:
            continue
        geometries[i] = shapely.union_all([good[i], added])
    return geometries


def _table(columns: dict[str, list[str]] | pd.DataFrame) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="row")
    return frame
