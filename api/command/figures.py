"""The subcommands that show figures: `progress`, `waterfall`, `map`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.command.base import AsOf, KnownAt, UnitCode, asked, console, database_of, print_json, say
from api.settings import Settings

if TYPE_CHECKING:
    from farmland.figures.progress import Progress

WARNINGS = {"green": ("● 绿", "● green", "green"), "yellow": ("▲ 黄", "▲ yellow", "yellow"),
            "red": ("■ 红", "■ red", "red"), "none": ("— 无", "— none", "white")}  # fmt: skip
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON · As JSON, the same fields as the API's")]


def progress(
    context: typer.Context,
    unit: UnitCode = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """恢复进度和下级排名 · The progress of a unit, and a ranking.

    What was true at a moment, and with --known-at as it was known at another: a late correction changes the first figure
    and never the second.

    Example: tianzhang progress --unit 430582104000 --as-of 2022-04-26 --known-at 2022-04-26
    """
    from farmland.figures.progress import progress as progress_of
    from farmland.figures.progress import ranking
    from farmland.land.units import Level
    from farmland.records.clock import parse_moment
    from farmland.reports.marks import mark_of

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        code, moment = asked(session, unit, as_of)
        known = parse_moment(known_at) if known_at else None
        whole = progress_of(session, code, moment, colours=settings.colours, known_at=known)
        is_last = whole.level == Level.GROUP
        mark = mark_of(session, whole, known)
        below = [] if is_last else ranking(session, code, moment, colours=settings.colours, known_at=known)
    if as_json:
        ranks = [{"rank": rank, **row._asdict()} for rank, row in below]
        print_json(whole._asdict() | {"ranking": ranks, "mark": mark.text})
    else:
        show_progress(settings, whole, below)


def waterfall(
    context: typer.Context,
    unit: UnitCode = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """从上报到验收的每一项扣除 · From gross reported to net accepted.

    Example: tianzhang waterfall --unit 430582104000 --as-of 2022-04-26
    """
    from farmland.figures.waterfall import BAR_NAMES
    from farmland.figures.waterfall import waterfall as waterfall_of
    from farmland.land.units import get_unit
    from farmland.records.clock import parse_moment

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        code, moment = asked(session, unit, as_of)
        name = get_unit(session, code).name
        bars = waterfall_of(session, code, moment, known_at=parse_moment(known_at) if known_at else None)
    if as_json:
        print_json({"unit_code": code, "as_of": moment, "bars": [vars(bar) for bar in bars]})
        return
    zh = settings.language == "zh"
    table = Table(title=f"{name} {moment:%Y-%m-%d}", highlight=False)
    for title in ("", "亩", "m²", "申报数") if zh else ("", "mu", "m²", "claims"):
        table.add_column(title, justify="right" if title else "left")
    for place, bar in enumerate(bars):
        ends = place in (0, len(bars) - 1)
        sign = "" if ends or not bar.area_m2 else "−"
        words = BAR_NAMES[bar.reason][0 if zh else 1]
        figures = (f"{sign}{bar.area_mu:,.2f}", f"{sign}{bar.area_m2:,.2f}", f"{bar.claims:,}")
        table.add_row(words, *figures, style="bold" if ends else None)
    console.print(table)


def summary(context: typer.Context, unit: UnitCode = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """单位、田长、责任田的数目和缺口 · Units, chiefs, plots, and gaps.

    Example: tianzhang summary --unit 430582104000
    """
    from farmland.figures.summary import summary as summary_of
    from farmland.land.units import LEVEL_NAMES, Level
    from farmland.records.clock import day_of

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        code, moment = asked(session, unit, as_of)
        found = summary_of(session, code, day_of(moment))
    if as_json:
        print_json(vars(found))
        return
    zh = settings.language == "zh"
    table = Table(title=f"{found.unit_name} {found.on}", highlight=False, show_header=True)
    titles = ("", "数目", "没有田长") if zh else ("", "count", "without a chief")
    for title in titles:
        table.add_column(title, justify="right" if title else "left")
    for level, count in found.units.items():
        table.add_row(LEVEL_NAMES[Level(level)][0 if zh else 1], f"{count:,}", f"{found.units_without_chief[level]:,}")
    table.add_row("责任田" if zh else "plots", f"{found.plots:,}", f"{found.plots_without_chief:,}")
    table.add_row("田长" if zh else "field chiefs", f"{found.chiefs:,}", "")
    table.add_row("耕地（亩）" if zh else "farmland (mu)", f"{found.farmland_mu:,.2f}", "")
    table.add_row("基期图斑" if zh else "baseline patches", f"{found.baseline_patches:,}", "")
    table.add_row("恢复申报" if zh else "claims", f"{found.claims:,}", "")
    console.print(table)


def show_progress(settings: Settings, whole: "Progress", below: list[tuple[int, "Progress"]]) -> None:
    """The table of the units below, the unit itself in its last row, and a sentence on its pace."""
    zh = settings.language == "zh"
    names = (
        ("名次", "单位", "任务", "上报", "核查", "验收", "有照片佐证", "计划", "完成率", "预警")
        if zh
        else (
            "rank",
            "unit",
            "target",
            "reported",
            "checked",
            "accepted",
            "evidenced",
            "plan",
            "share",
            "warning",
        )
    )
    title = (
        f"{whole.unit_name} {whole.as_of:%Y-%m-%d} （亩）" if zh else f"{whole.unit_name} {whole.as_of:%Y-%m-%d} (mu)"
    )
    table = Table(title=title, highlight=False)
    for i, name in enumerate(names):
        table.add_column(name, justify="left" if i in (1, 9) else "right", no_wrap=True)
    for rank, row in [*below, (0, whole)]:
        text, style = WARNINGS[row.warning][0 if zh else 1], WARNINGS[row.warning][2]
        table.add_row(
            str(rank) if rank else "",
            row.unit_name,
            _mu(row.target_mu),
            _mu(row.reported_mu),
            _mu(row.checked_mu),
            _mu(row.accepted_mu),
            _mu(row.evidenced_mu),
            _mu(row.schedule_mu),
            "" if row.share is None else f"{row.share:.1%}",
            Text(text, style=style),
            style="bold" if not rank else None,
        )
    console.print(table)
    evidenced = _mu(whole.evidenced_mu) + ("" if whole.evidenced_share is None else f" ({whole.evidenced_share:.1%})")
    if whole.target_mu is not None:
        accepted = f"{_mu(whole.accepted_mu)} ± {_mu(whole.accepted_u_mu)}"
        say(
            settings,
            f"已验收 {accepted} 亩 / 任务 {_mu(whole.target_mu)} 亩，其中有照片佐证 {evidenced}；剩 {whole.days_left} 天，每天需 "
            f"{_mu(whole.needed_mu_per_day)} 亩，至今每天 {_mu(whole.pace_mu_per_day)} 亩，照此"
            f"{f'完成于 {whole.forecast_date}' if whole.forecast_date else '无法完成'}。",
            f"Accepted {accepted} of {_mu(whole.target_mu)} mu, {evidenced} of it evidenced; {whole.days_left} days left, "
            f"{_mu(whole.needed_mu_per_day)} mu a day needed, {_mu(whole.pace_mu_per_day)} kept so far: "
            f"{f'done on {whole.forecast_date}' if whole.forecast_date else 'never done'} at that pace.",
        )


def _mu(value: float | None) -> str:
    return "—" if value is None else f"{value:,.2f}"


def map_(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", help="按后缀 · By its ending: .html, .png or .pdf")],
    unit: UnitCode = None,
    as_of: AsOf = None,
) -> None:
    """画进度图：网页或打印图 · Draw the map, for screen or print.

    Example: tianzhang map --as-of 2022-04-26 -o progress.pdf
    """
    from farmland.reports import maps

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        code, moment = asked(session, unit, as_of)
        maps.write_map(session, output, code, moment, settings.colours, settings.language)
    say(settings, f"已写入 {output}", f"Wrote {output}")
