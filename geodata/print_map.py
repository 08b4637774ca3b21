"""A progress map for print: a Matplotlib sheet of A3 across, as PNG or PDF, with Chinese labels."""

from functools import cache
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from geodata.sheet import COLOURS, HATCHES, SIGNS, Sheet, asset, figure, percent

_A3_INCHES = (16.54, 11.69)
_MOST_LABELS, _MOST_ROWS = 60, 40


@cache
def _font(weight: Literal["Regular", "Bold"]) -> FontProperties:
    path = asset(f"fonts/NotoSansSC-{weight}.ttf")
    font_manager.fontManager.addfont(str(path))
    return FontProperties(fname=str(path))


def draw_print(areas: gpd.GeoDataFrame, sheet: Sheet, path: Path) -> None:
    """Draw units (columns as of :func:`geodata.page_map.draw_page`) with a scale bar, a legend and the ranking.

    Drawn in the Gauss-Krüger plane of its own middle. The same input gives the same bytes. Raises NOT_BUILT.
    """
    with rc_context({"text.parse_math": False}):  # a name is text, though it has signs of money
        drawing = _drawn(areas, sheet)
    on_paper = path.suffix.lower() == ".pdf"
    metadata = {"CreationDate": None, "Keywords": sheet.mark} if on_paper else {"Software": None, "Comment": sheet.mark}
    drawing.savefig(path, metadata=metadata)


def _drawn(areas: gpd.GeoDataFrame, sheet: Sheet) -> Figure:
    drawing = Figure(figsize=_A3_INCHES, dpi=150, facecolor="white")
    FigureCanvasAgg(drawing)
    drawing.text(0.03, 0.94, sheet.title, fontproperties=_font("Bold"), fontsize=26, color="#124d36")
    drawing.text(0.03, 0.9, sheet.headline, fontproperties=_font("Regular"), fontsize=14)
    drawing.text(0.03, 0.025, sheet.note, fontproperties=_font("Regular"), fontsize=7.5, color="#555555")
    _map(drawing.add_axes((0.03, 0.07, 0.58, 0.8)), areas, sheet)
    _table(drawing.add_axes((0.63, 0.07, 0.35, 0.8)), areas, sheet)
    _origin(drawing, sheet)
    return drawing


def _origin(drawing: Figure, sheet: Sheet) -> None:
    """The QR code in the upper right corner, and beside it what people compare."""
    axes = drawing.add_axes((0.925, 0.885, 0.06, 0.09))
    axes.set_axis_off()
    axes.imshow(1 - np.pad(np.array(sheet.code), 4), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    drawing.text(0.92, 0.93, sheet.origin, fontproperties=_font("Regular"), fontsize=8, color="#44554b", ha="right")


def _map(axes: Axes, areas: gpd.GeoDataFrame, sheet: Sheet) -> None:
    regular, bold = _font("Regular"), _font("Bold")
    middle = areas.total_bounds[[0, 2]].mean()
    flat = areas.to_crs(f"+proj=tmerc +lat_0=0 +lon_0={middle} +k=1 +x_0=500000 +ellps=GRS80 +units=m")
    axes.set_axis_off()
    axes.set_aspect("equal")
    for warning, rows in flat.groupby("warning", sort=True):
        look = {"facecolor": COLOURS[str(warning)], "hatch": HATCHES[str(warning)]}
        rows.plot(ax=axes, edgecolor="white", linewidth=1.0, **look)
    if len(flat) <= _MOST_LABELS:
        for row in flat.itertuples():
            point = row.geometry.representative_point()
            axes.text(
                point.x, point.y, f"{row.name}\n{SIGNS[row.warning]} {row.accepted_mu:,.0f}", ha="center", va="center",
                fontproperties=regular, fontsize=9, path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )  # fmt: skip
    west, south, east, _ = flat.total_bounds
    length = float(10 ** np.floor(np.log10((east - west) / 3)))
    axes.plot([west, west + length], [south, south], color="black", linewidth=3)
    axes.text(west + length / 2, south, f"{length / 1000:g} km", ha="center", va="bottom", fontproperties=regular)
    axes.annotate("", xy=(0.97, 0.98), xytext=(0.97, 0.91), xycoords="axes fraction", textcoords="axes fraction",
                  arrowprops={"arrowstyle": "-|>", "lw": 2, "color": "black"})  # fmt: skip
    axes.text(0.97, 0.985, "N", transform=axes.transAxes, ha="center", va="bottom", fontproperties=bold, fontsize=13)
    present = [warning for warning in COLOURS if warning in set(areas["warning"])]
    axes.legend(
        handles=[
            Patch(facecolor=COLOURS[one], hatch=HATCHES[one], edgecolor="white", label=sheet.warning(one))
            for one in present
        ],
        loc="lower right",
        prop=regular,
        frameon=True,
    )


def _table(axes: Axes, areas: gpd.GeoDataFrame, sheet: Sheet) -> None:
    axes.set_axis_off()
    rows = areas.assign(order=areas["share"].fillna(-1)).sort_values("order", ascending=False, kind="stable")
    rows = rows.head(_MOST_ROWS)
    cells = [
        [
            row.name,
            figure(row.accepted_mu),
            figure(row.evidenced_mu),
            figure(row.target_mu),
            percent(row.share),
            sheet.warning(row.warning),
        ]
        for row in rows.itertuples()
    ]
    height = min(1 / (len(cells) + 1), 0.032)
    table = axes.table(
        cells,
        colLabels=list(sheet.titles()),
        colWidths=[0.19, 0.15, 0.19, 0.15, 0.1, 0.22],
        bbox=Bbox.from_bounds(0, 1 - height * (len(cells) + 1), 1, height * (len(cells) + 1)),
    )
    table.auto_set_font_size(False)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#dfe5e1")
        cell.set_text_props(
            fontproperties=_font("Bold" if row == 0 else "Regular"),
            fontsize=9.5,
            ha="left" if column in (0, 5) else "right",
        )
        cell.PAD = 0.06
        if row > 0 and column == 5:
            cell.set_text_props(color=COLOURS[rows["warning"].iloc[row - 1]])
