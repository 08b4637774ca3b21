"""Drawn maps: a folium page in one self-contained file, and a Matplotlib sheet for print."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import folium
import geopandas as gpd
import numpy as np
import shapely
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from geodata.problems import Kind, Problem

ASSETS = Path(__file__).parent / "data"
COLOURS = {"green": "#2e9e5b", "yellow": "#e0a800", "red": "#d64545", "none": "#c9cfcb"}
SIGNS = {"green": "●", "yellow": "▲", "red": "■", "none": "—"}
HATCHES = {"green": "", "yellow": "..", "red": "//", "none": "xx"}
WORDS = {
    "zh": {
        "green": "达到计划",
        "yellow": "略落后于计划",
        "red": "落后于计划",
        "none": "无任务",
    },
    "en": {
        "green": "on plan",
        "yellow": "slightly behind",
        "red": "behind plan",
        "none": "no target",
    },
}
NOT_BUILT = Kind(
    "map_assets_missing",
    "缺少地图所需的文件 {file}。请先运行 make setup。",
    "The file {file}, which maps need, is missing. Run make setup first.",
    "conflict",
)


@dataclass(frozen=True)
class Sheet:
    """What stands around a map: its title, its headline, a note at its foot, the language."""

    title: str
    headline: str
    note: str
    language: Literal["zh", "en"]


def _asset(name: str) -> Path:
    path = ASSETS / name
    if not path.exists():
        raise Problem(NOT_BUILT, file=path)
    return path


def draw_page(layers: list[gpd.GeoDataFrame], sheet: Sheet) -> str:
    """A page that opens from a USB stick on a closed network: everything is in it. Raises NOT_BUILT.

    `layers` have the columns code, name, warning, accepted_mu, target_mu, share and polygons in degrees; the first is
    shown, the others can be switched on.
    """
    zh = sheet.language == "zh"
    page = folium.Map(tiles=None, zoom_control=True, control_scale=True)
    page.default_js, page.default_css = [], []  # the libraries that it would fetch from other hosts
    west, south, east, north = layers[0].total_bounds
    page.fit_bounds([[south, west], [north, east]])
    for place, layer in enumerate(layers):
        simple = layer.copy()
        simple["geometry"] = shapely.transform(
            shapely.coverage_simplify(np.asarray(layer.geometry.array, dtype=object), 0.0004 / (place + 1)),
            lambda points: points.round(5),
        )
        simple["shown"] = [f"{SIGNS[w]} {WORDS[sheet.language][w]}" for w in simple["warning"]]
        simple["accepted"] = [f"{value:,.2f}" for value in simple["accepted_mu"]]
        simple["target"] = [
            "—" if value is None or value != value else f"{value:,.2f}" for value in simple["target_mu"]
        ]
        names = ["name", "accepted", "target", "shown"]
        titles = (
            ["单位", "已验收（亩）", "任务（亩）", "预警"]
            if zh
            else ["unit", "accepted (mu)", "target (mu)", "warning"]
        )
        colour = dict(zip(simple["code"], simple["warning"].map(COLOURS), strict=True))
        folium.GeoJson(
            simple[["code", *names, "geometry"]].set_crs(4326, allow_override=True),
            name=(("下一级", "再下一级")[place] if zh else ("units below", "units two below")[place]),
            style_function=lambda one, colour=colour, place=place: {
                "fillColor": colour[one["properties"]["code"]],
                "color": "#ffffff",
                "weight": 1.5 - 0.7 * place,
                "fillOpacity": 0.75,
            },
            tooltip=folium.GeoJsonTooltip(names, titles),
            popup=folium.GeoJsonPopup(names, titles),
            show=place == 0,
        ).add_to(page)
    if len(layers) > 1:
        folium.LayerControl(collapsed=False).add_to(page)
    root = page.get_root()
    script, style = (
        _asset("leaflet/leaflet.js").read_text("utf-8"),
        _asset("leaflet/leaflet.css").read_text("utf-8"),
    )
    root.header.add_child(folium.Element(f"<title>{sheet.title}</title>"))  # type: ignore[attr-defined]
    root.header.add_child(folium.Element(f"<style>{style}\n{_STYLE}</style><script>{script}</script>"))  # type: ignore[attr-defined]
    rows = layers[0].assign(share=layers[0]["share"].fillna(-1)).sort_values("share", ascending=False)
    table = "".join(
        f"<tr><td>{row.name_}</td><td>{row.accepted_mu:,.2f}</td><td>{0 if row.share < 0 else row.share:.1%}</td>"
        f'<td class="{row.warning}">{SIGNS[row.warning]} {WORDS[sheet.language][row.warning]}</td></tr>'
        for row in rows.rename(columns={"name": "name_"}).itertuples()
    )
    head = (
        "<th>单位</th><th>已验收（亩）</th><th>完成率</th><th>预警</th>"
        if zh
        else "<th>unit</th><th>accepted (mu)</th><th>share</th><th>warning</th>"
    )
    box = (
        f'<div id="sheet"><h1>{sheet.title}</h1><p class="headline">{sheet.headline}</p>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{table}</tbody></table><p>{sheet.note}</p></div>"
    )
    root.html.add_child(folium.Element(box))  # type: ignore[attr-defined]
    return root.render()


_STYLE = """html,body{margin:0;height:100%;font-family:"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
.folium-map{position:absolute!important;left:0!important;top:0!important;width:62%!important;height:100%!important;background:#f3f6f4}
#sheet{position:absolute;right:0;top:0;width:38%;height:100%;overflow:auto;box-sizing:border-box;padding:1.2rem;background:#fff}
#sheet h1{font-size:1.35rem;margin:0 0 .5rem;color:#124d36}.headline{font-size:1.15rem;font-weight:600}
#sheet table{border-collapse:collapse;width:100%;font-size:.9rem}
#sheet td,#sheet th{padding:.25rem .4rem;border-bottom:1px solid #e3e8e5;text-align:right}
#sheet td:first-child,#sheet th:first-child,#sheet td:last-child,#sheet th:last-child{text-align:left}
.green{color:#1d7a43}.yellow{color:#8a6500}.red{color:#b32d2d}
@media(max-width:800px){.folium-map{width:100%!important;height:55%!important}#sheet{position:absolute;top:55%;width:100%;height:auto}}"""


@cache
def _font(weight: Literal["Regular", "Bold"]) -> FontProperties:
    path = _asset(f"fonts/NotoSansSC-{weight}.ttf")
    font_manager.fontManager.addfont(str(path))
    return FontProperties(fname=str(path))


def draw_print(areas: gpd.GeoDataFrame, sheet: Sheet, path: Path) -> None:
    """A sheet of A3 across, .png or .pdf, with Chinese labels, a scale bar, a legend and the ranking. Raises NOT_BUILT.

    Drawn in the Gauss-Krüger plane of its own middle. The same input gives the same bytes.
    """
    regular, bold = _font("Regular"), _font("Bold")
    zh = sheet.language == "zh"
    middle = areas.total_bounds[[0, 2]].mean()
    flat = areas.to_crs(f"+proj=tmerc +lat_0=0 +lon_0={middle} +k=1 +x_0=500000 +ellps=GRS80 +units=m")
    figure = Figure(figsize=(16.54, 11.69), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.03, 0.07, 0.62, 0.8))
    axes.set_axis_off()
    axes.set_aspect("equal")
    for warning, rows in flat.groupby("warning", sort=True):
        rows.plot(
            ax=axes,
            facecolor=COLOURS[str(warning)],
            edgecolor="white",
            linewidth=1.0,
            hatch=HATCHES[str(warning)],
        )
    if len(flat) <= 60:
        for row in flat.itertuples():
            point = row.geometry.representative_point()
            axes.text(
                point.x, point.y, f"{row.name}\n{SIGNS[row.warning]} {row.accepted_mu:,.0f}", ha="center", va="center",
                fontproperties=regular, fontsize=9, path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )  # fmt: skip
    west, south, east, _ = flat.total_bounds
    length = float(10 ** np.floor(np.log10((east - west) / 3)))
    axes.plot([west, west + length], [south, south], color="black", linewidth=3)
    axes.text(
        west + length / 2,
        south,
        f"{length / 1000:g} km",
        ha="center",
        va="bottom",
        fontproperties=regular,
    )
    axes.annotate("N", xy=(0.97, 0.98), xytext=(0.97, 0.9), xycoords="axes fraction", ha="center",
                  fontproperties=bold, arrowprops={"arrowstyle": "<-", "lw": 2})  # fmt: skip
    figure.text(0.03, 0.94, sheet.title, fontproperties=bold, fontsize=26, color="#124d36")
    figure.text(0.03, 0.9, sheet.headline, fontproperties=regular, fontsize=14)
    figure.text(0.03, 0.025, sheet.note, fontproperties=regular, fontsize=7.5, color="#555555")
    side = figure.add_axes((0.67, 0.07, 0.31, 0.8))
    side.set_axis_off()
    rows = areas.assign(share=areas["share"].fillna(-1)).sort_values("share", ascending=False, kind="stable").head(40)
    cells = [
        [
            row.name,
            f"{row.accepted_mu:,.2f}",
            "—" if row.share < 0 else f"{row.share:.1%}",
            SIGNS[row.warning],
        ]
        for row in rows.itertuples()
    ]
    titles = ["单位", "已验收（亩）", "完成率", "预警"] if zh else ["unit", "accepted (mu)", "share", "warning"]
    table = side.table(cells, colLabels=titles, loc="upper center", colWidths=[0.4, 0.27, 0.18, 0.15])
    table.auto_set_font_size(False)
    table.scale(1, 1.25)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#dfe5e1")
        cell.set_text_props(fontproperties=bold if row == 0 else regular, fontsize=9.5)
        if row > 0 and column == 3:
            cell.set_text_props(color=COLOURS[rows["warning"].iloc[row - 1]])
    present = [warning for warning in COLOURS if warning in set(areas["warning"])]
    axes.legend(
        handles=[
            Patch(facecolor=COLOURS[w], hatch=HATCHES[w], edgecolor="white", label=f"{SIGNS[w]} {WORDS[sheet.language][w]}")
            for w in present
        ],
        loc="lower right", prop=regular, frameon=True,
    )  # fmt: skip
    metadata = {"CreationDate": None} if path.suffix.lower() == ".pdf" else {"Software": None}
    figure.savefig(path, metadata=metadata)
