"""复算本包，不依赖田长系统 Recounts this pack without Tianzhang: pip install shapely pyproj; python recount.py

每项已验收的申报：面积按图形重新量算；上报减扣除等于净面积；在本单位之内，不在基期耕地上，互不重叠；合计等于公布的数字。
Every accepted claim: areas measured anew; gross less deductions is net; in its unit, off baseline farmland, no land
twice; the sums are those published. 容差 Tolerance 0.02 m²: figures are rounded to 0.01. 边 Edges are geodesics.
"""

import csv
import json
import sys
from hashlib import sha256
from pathlib import Path

import shapely
from pyproj import Geod, Proj

HERE, TOLERANCE_M2, A, RF, inf = Path(__file__).parent, 0.02, 6378137, 298.257222101, float("inf")


def polygons(name):  # their keys, and their shapes in degrees
    text = (HERE / "polygons" / f"{name}.geojson").read_text("utf-8")
    keys = [feature["properties"]["key"] for feature in json.loads(text)["features"]]
    return keys, shapely.orient_polygons(shapely.get_parts(shapely.from_geojson(text)))


def differences(claims, published):  # who, what, by how many m²
    for digest, name in (line.split("  ", 1) for line in (HERE / "manifest.sha256").read_text("utf-8").splitlines()):
        whole = (HERE / name).is_file() and sha256((HERE / name).read_bytes()).hexdigest() == digest
        yield name, "文件缺失或被改动 missing or altered", 0 if whole else inf
    (numbers, net), (_, gross), (codes, units), (_, farmland) = map(polygons, ("net", "reported", "units", "farmland"))
    yield from ((number, "清单与图形不对应 list and polygons differ", inf) for number in claims.keys() ^ set(numbers))
    measured = Geod(a=A, rf=RF).geometry_area_perimeter  # of geodesics on CGCS2000
    plane = Proj(proj="gnom", lon_0=net[0].centroid.x, lat_0=net[0].centroid.y, a=A, rf=RF)  # geodesics are straight
    flat = (shapely.buffer(shapely.transform(each, plane, interleaved=False), 0) for each in (net, units, farmland))
    land, areas, tilled = next(flat), dict(zip(codes, next(flat), strict=True)), next(flat)
    for i, claim in ((i, claims[number]) for i, number in enumerate(numbers) if number in claims):
        number, here = claim["number"], areas[claim["unit_code"]]
        gross_m2, *cuts_m2, ridges_m2, net_m2 = (float(claim[name]) for name in claim if name.endswith("_m2"))
        yield number, "净面积 net, its polygon", measured(net[i])[0] - ridges_m2 - net_m2
        yield number, "上报面积 gross, its polygon", measured(gross[i])[0] - gross_m2
        yield number, "上报减扣除 gross less deductions", gross_m2 - sum(cuts_m2) - ridges_m2 - net_m2
        yield number, "单位之外 outside its unit", land[i].difference(here).area
    for i, j in shapely.STRtree(tilled).query(land).T:
        yield numbers[i], "基期耕地 baseline farmland", land[i].intersection(tilled[j]).area
    for i, j in shapely.STRtree(land).query(land).T:
        yield numbers[i], f"与 {numbers[j]} 重复 land shared", land[i].intersection(land[j]).area if i != j else 0
    for who, figure, m2 in (("合计 total", "accepted", total), ("有照片佐证 evidenced", "evidenced", seen)):
        yield who, "公布 published", m2 - published[f"{figure}_m2"]


population = csv.DictReader((HERE / "population.csv").open(encoding="utf-8-sig", newline=""))
accepted = {row["number"]: row for row in population if row["state"] == "accepted"}
total = sum(float(claim["net_m2"]) for claim in accepted.values())
seen = sum(float(claim["net_m2"]) for claim in accepted.values() if claim["evidenced_at"])
shown = json.loads((HERE / "progress.json").read_text("utf-8"))
wrong = [found for found in differences(accepted, shown) if abs(found[2]) > TOLERANCE_M2]
sys.stdout.writelines(f"{who}: {what}: {m2:+.2f} 平方米 m2\n" for who, what, m2 in wrong)
print(f"{len(accepted)} 项 claims, {total:,.2f} 平方米 m2 = {total * 3 / 2000:,.2f} 亩 mu")
print("不符 DOES NOT AGREE" if wrong else "相符 AGREES")
sys.exit(bool(wrong))
