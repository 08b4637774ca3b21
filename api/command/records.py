"""The subcommands that take records in and give them out: `import`, `export`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.command.base import AsOf, UnitCode, asked, bar_of, database_of, errors, say
from api.settings import Settings

if TYPE_CHECKING:
    from farmland.imports.rows.outcome import Outcome

_SHOWN = 200


def import_(
    context: typer.Context,
    noun: Annotated[
        str, typer.Argument(help="units, chiefs, plots, baseline, targets, claims, designations, findings")
    ],
    file: Annotated[
        Path,
        typer.Argument(help="表格 CSV、XLSX；图形 polygons: gpkg, shp, zip, geojson, gdb, gml, parquet"),
    ],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="字段对应 · FIELD=COLUMN, such as code=XZQDM")
    ] = None,
    constants: Annotated[
        list[str] | None, typer.Option("--set", help="全部行同一个值 · FIELD=VALUE for all rows")
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="图层或工作表 · The layer or sheet, where a file has several")
    ] = None,
    crs: Annotated[
        str | None, typer.Option(help="坐标系 · The coordinate system, where the file's is missing or wrong")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="文字编码 · The encoding of the text, such as GBK")] = None,
    year: Annotated[int | None, typer.Option(help="基期年份 · The year of a baseline")] = None,
    unit: Annotated[
        str | None, typer.Option(help="全部行的单位 · The unit of all rows, where the file names none")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查不写入 · Check everything, write nothing")] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="只导入无误的行 · Import the good rows although others are bad")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="修复自相交图形并列出 · Make self-crossing polygons valid, and list them")
    ] = False,
    allow_over: Annotated[
        bool, typer.Option("--allow-over", help="允许超额分解 · Children may hold more than their parent")
    ] = False,
    allow_overlaps: Annotated[
        bool, typer.Option("--allow-overlaps", help="允许与已有责任田重叠 · Plots may lie where plots are already")
    ] = False,
    allow_moved: Annotated[
        bool, typer.Option("--allow-moved", help="允许编号移到别处 · Known numbers may move to other land")
    ] = False,
    allow_renamed: Annotated[
        bool, typer.Option("--allow-renamed", help="允许田长更名 · Known field chiefs may have another name")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="把说明写入文件 · Write the list of remarks to this CSV or XLSX")
    ] = None,
) -> None:
    """导入文件 · Import a file.

    有误的行逐一列出，此时什么也不写入；同一文件再次导入不改变任何内容。
    Bad rows are listed with row, field and reason, and then nothing is written. The same file again changes nothing.

    Examples:
    tianzhang import units XZQ.shp --map code=XZQDM --map name=XZQMC;
    tianzhang import baseline DLTB.gdb --year 2019 --dry-run;
    tianzhang import plots plots.zip --crs EPSG:4546 --report remarks.xlsx
    """
    from farmland.imports.files import IMPORTERS, import_file
    from farmland.imports.rows.outcome import Options

    settings: Settings = context.obj
    if noun not in IMPORTERS:
        raise typer.BadParameter(f"{noun}: {', '.join(IMPORTERS)}", param_hint="NOUN")
    fixed = _pairs(constants, "--set")
    if unit:
        fixed["unit_code"] = unit
    options = Options(
        mapping=_pairs(mapping, "--map"),
        constants=fixed,
        layer=layer,
        crs=crs,
        encoding=encoding,
        year=year,
        dry_run=dry_run,
        skip_bad=skip_bad,
        repair=repair,
        allow_over=allow_over,
        allow_overlaps=allow_overlaps,
        allow_moved=allow_moved,
        allow_renamed=allow_renamed,
        thresholds=settings.thresholds,
    )
    with database_of(settings) as database:
        with bar_of(settings) as tell:
            outcome = import_file(database, noun, file, replace(options, tell=tell))
        _show(settings, outcome, dry_run)
        if noun in ("units", "plots") and outcome.written and outcome.area_m2 and (outcome.added or outcome.changed):
            say(
                settings,
                "要在网页地图上看到这些图形，请运行 tianzhang tiles，或重启 tianzhang serve。",
                "To see these polygons on the map, run tianzhang tiles, or start tianzhang serve anew.",
            )
    if report is not None:
        from farmland.reports import exports

        exports.write_remarks(outcome, report, settings.language)
    if outcome.bad and not skip_bad:
        raise typer.Exit(1)


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise typer.BadParameter(f"{text}: FIELD=VALUE", param_hint=option)
        pairs[name.strip()] = value.strip()
    return pairs


def _show(settings: Settings, outcome: "Outcome", dry_run: bool) -> None:
    from rich.table import Table

    zh = settings.language == "zh"
    remarks = [(row, "red") for row in sorted(outcome.bad, key=lambda row: row.number)]
    remarks += [(row, "yellow") for row in sorted(outcome.notices, key=lambda row: row.number)]
    if remarks:
        titles = ("行", "字段", "说明") if zh else ("row", "field", "remark")
        table = Table(highlight=False)
        for title in titles:
            table.add_column(title, overflow="fold")  # Chinese has no spaces to break at, and no word may be lost
        for row, style in remarks[:_SHOWN]:
            number = str(row.number) if row.number else ("文件" if zh else "file")
            table.add_row(number, row.field, row.problem.sentence(settings.language), style=style)
        errors.print(table)
        more = len(remarks) - _SHOWN
        if more > 0:
            errors.print(f"… 另有 {more} 条，用 --report 写入文件" if zh else f"… and {more} more: see --report FILE")
    bad = len({row.number for row in outcome.bad})
    say(
        settings,
        f"共 {outcome.rows} 行：新增 {outcome.added}，更新 {outcome.changed}，未变 {outcome.unchanged}，有误 {bad}。",
        f"{outcome.rows} rows: {outcome.added} new, {outcome.changed} changed, {outcome.unchanged} unchanged, {bad} bad.",
    )
    if outcome.overlaps:
        say(
            settings,
            f"地块两两重叠 {outcome.overlaps} 处，共 {outcome.overlap_m2:,.2f} m²。",
            f"Plots that overlap: {outcome.overlaps} pairs, {outcome.overlap_m2:,.2f} m² in all.",
        )
    if outcome.written:
        return
    if dry_run and not bad:
        say(settings, "试运行：没有写入任何内容。", "A dry run: nothing was written.")
    else:
        say(
            settings,
            "没有写入任何内容：请改正后重新导入，或加 --skip-bad 只导入无误的行。",
            "Nothing was written: correct the rows and import again, or add --skip-bad to import only the good ones.",
        )


def export(
    context: typer.Context,
    noun: Annotated[str, typer.Argument(help="plots, claims, progress")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="按后缀 · By its ending: .gpkg, .geojson, .csv, .xlsx"),
    ],
    unit: UnitCode = None,
    as_of: AsOf = None,
) -> None:
    """导出责任田、申报或进度 · Write plots, claims or progress.

    Example: tianzhang export claims --unit 430582104000 -o claims.gpkg
    """
    from farmland.reports import exports

    settings: Settings = context.obj
    if noun not in exports.EXPORTS:
        raise typer.BadParameter(f"{noun}: {', '.join(exports.EXPORTS)}", param_hint="NOUN")
    with database_of(settings) as database, database.reading() as session:
        code, moment = asked(session, unit, as_of)
        rows = exports.EXPORTS[noun](session, output, code, moment, settings.colours)
    say(settings, f"已写入 {output}：{rows} 行", f"Wrote {output}: {rows} rows")
