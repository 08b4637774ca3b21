"""The subcommands that look for faults: `check coverage`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from api.command.base import UnitCode, asked, console, database_of, errors, print_json
from api.settings import Settings

if TYPE_CHECKING:
    import geopandas as gpd

_WORST = 3
_WORST_COLUMNS = [
    "level",
    "unit_code",
    "number",
    "other_unit_code",
    "other_number",
    "area_m2",
    "width_m",
    "longitude",
    "latitude",
]

app = typer.Typer(help="查找数据中的缺口 · Look for faults of the records", no_args_is_help=True)


@app.command()
def coverage(
    context: typer.Context,
    unit: UnitCode = None,
    on: Annotated[
        str | None, typer.Option("--on", help="哪一天的田长 · The day whose chiefs count: 2022-04-26")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · As JSON")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="写出全部位置 · All places: .gpkg, .geojson, .csv, .xlsx")
    ] = None,
    propose: Annotated[
        Path | None, typer.Option(help="写出修复建议 · The polygons that would mend it, to look at: .gpkg, .geojson")
    ] = None,
    of: Annotated[Literal["units", "plots"], typer.Option(help="修复什么 · What --propose is to mend")] = "units",
) -> None:
    """不留空白、不留死角 · No gap, no dead corner.

    单位之间的空白和重叠，责任田重叠和跨界，没有责任田的耕地，没有田长的责任田，没有田的田长。
    没有发现时退出状态为 0，有发现时为 1。修复建议只写入文件，核对后由您自己导入。

    Gaps and overlaps of units, plots that overlap or leave their unit, farmland without a plot, plots without a chief,
    chiefs without land. Exit status 0 if nothing is found, 1 if something is. A proposal is only a file: look at it, then
    import it yourself.

    Examples:
    tianzhang check coverage --unit 430582104000 -o faults.gpkg;
    tianzhang check coverage --propose units.gpkg, then tianzhang import units units.gpkg
    """
    from farmland.audit.coverage import check_coverage
    from farmland.audit.coverage_proposal import propose_plots, propose_units
    from farmland.land.units import get_unit
    from farmland.records.clock import day_of
    from geodata.writers import write_layer

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        code, moment = asked(session, unit, on)
        named = get_unit(session, code)
        found = check_coverage(session, named.code, day_of(moment))
        if propose is not None:
            proposal = (propose_units if of == "units" else propose_plots)(session, named.code, found)
    kinds = _summed(found)
    if as_json:
        print_json({"unit_code": named.code, "on": day_of(moment), "places": len(found), "kinds": kinds})
    else:
        _show(settings, f"{named.name} {day_of(moment)}", kinds)
    said = errors if as_json else console
    zh = settings.language == "zh"
    if output is not None:
        write_layer(found, output)
        words = f"已写入 {output}：{len(found)} 处" if zh else f"Wrote {output}: {len(found)} places"
        said.print(words, highlight=False, markup=False, soft_wrap=True)
    if propose is not None:
        write_layer(proposal, propose)
        words = (
            f"已写入 {propose}：建议修改 {len(proposal)} 行。核对后运行 tianzhang import {of} {propose}"
            if zh
            else f"Wrote {propose}: {len(proposal)} rows would change. Look at them, then: tianzhang import {of} {propose}"
        )
        said.print(words, highlight=False, markup=False, soft_wrap=True)
    if len(found):
        raise typer.Exit(1)


def _summed(found: "gpd.GeoDataFrame") -> list[dict[str, Any]]:
    """A row per kind, those of which there is nothing too: places, slivers, area, and the worst places."""
    from farmland.audit.coverage import FAULT_NAMES
    from farmland.figures.rounding import mu

    inner = found.representative_point()
    table = found.drop(columns="geometry").assign(longitude=inner.x.round(6), latitude=inner.y.round(6))
    table = table.astype(object).where(table.notna(), None)
    summed = []
    for kind, (zh, en) in FAULT_NAMES.items():
        rows = table[table["kind"] == kind]
        area = float(rows["area_m2"].sum())
        summed.append(
            {
                "kind": kind,
                "kind_zh": zh,
                "kind_en": en,
                "places": len(rows),
                "slivers": int(rows["sliver"].sum()),
                "area_m2": round(area, 3),
                "area_mu": mu(area),
                "worst": rows.head(_WORST)[_WORST_COLUMNS].to_dict("records"),
            }
        )
    return summed


def _show(settings: Settings, title: str, kinds: list[dict[str, Any]]) -> None:
    zh = settings.language == "zh"
    table = Table(title=title, highlight=False)
    titles = ("", "处", "其中狭条", "m²", "亩", "最严重的") if zh else ("", "places", "slivers", "m²", "mu", "worst")
    for name in titles:
        table.add_column(name, justify="left" if name in (titles[0], titles[-1]) else "right")
    for row in kinds:
        figures = (f"{row['places']:,}", f"{row['slivers']:,}", f"{row['area_m2']:,.2f}", f"{row['area_mu']:,.2f}")
        worst = "\n".join(_place(place) for place in row["worst"])
        table.add_row(row["kind_zh" if zh else "kind_en"], *figures, worst, style="bold" if row["places"] else None)
    console.print(table)


def _place(place: dict[str, Any]) -> str:
    first, second = (
        " ".join(filter(None, (place[f"{side}unit_code"], place[f"{side}number"]))) for side in ("", "other_")
    )
    concerned = " / ".join(filter(None, (first, second)))
    if place["longitude"] is None:
        return concerned
    return f"{concerned} {place['longitude']:.5f}°E {place['latitude']:.5f}°N"
