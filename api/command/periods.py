"""The subcommand `period`: periods that are closed, and their reports made again."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from api.command.base import UnitCode, asked, console, database_of, say
from api.settings import Settings
from geodata.problems import Kind, Problem

REPORT_ENDING = Kind(
    "report_ending",
    "不会写 {ending} 格式的报告。可用的后缀：.html、.json。",
    "No report can be written as {ending}. Use .html or .json.",
)
app = typer.Typer(help="报告期：封存、列出、重出报告 · Closed periods and their reports.", no_args_is_help=True)


@app.command()
def close(
    context: typer.Context,
    until: Annotated[str, typer.Option(help="最后一天 · The period's last day: 2022-04-20")],
    unit: UnitCode = None,
    actor: Annotated[str, typer.Option("--by", help="经办人 · Who closes it")] = "tianzhang period",
) -> None:
    """封存一期：此后到达的记录只作为下一期的更正 · Close a period: what arrives later is a correction in the next.

    The report is fixed, and the ledger sealed with it: the seal's file is named.

    Example: tianzhang period close --until 2022-04-20
    """
    from farmland.keeping.seal import make_seal, write_seal
    from farmland.land.units import the_city
    from farmland.records import city
    from farmland.records.clock import parse_day
    from farmland.reports.periods import close_period

    settings: Settings = context.obj
    with database_of(settings) as database:
        with database.writing() as session:
            code, now = unit or the_city(session).code, city.next_moment(session)
            period = close_period(session, code, parse_day(until), now, actor=actor, colours=settings.colours)
        folder = settings.data_dir / "seals"
        folder.mkdir(parents=True, exist_ok=True)
        target = quote(period.target_code, safe="")  # whatever a file's table called it, it names no other folder
        path = folder / f"period-{period.unit_code}-{target}-{period.number}.json"
        with database.reading() as session:
            made = make_seal(session, settings.data_dir, city.now(session))
        write_seal(made, path)
    say(
        settings,
        f"第 {period.number} 期（至 {period.last_day}）已封存；报告 SHA-256 {period.report_hash}；台账封存文件 {path}",
        f"Period {period.number} (until {period.last_day}) is closed; its report's SHA-256 {period.report_hash}; the "
        f"ledger's seal {path}",
    )


@app.command("list")
def list_(context: typer.Context, unit: UnitCode = None) -> None:
    """列出已封存的各期 · The closed periods."""
    from farmland.reports.periods import periods

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        held = periods(session, unit)
    for period in held:
        named = f"{period.number}\t{period.unit_code}\t{period.target_code}\t→ {period.last_day}"
        console.print(f"{named}\t{period.closed_at:%Y-%m-%d %H:%M}\t{period.closed_by}\t{period.report_hash[:12]}")
    if not held:
        say(settings, "还没有封存过报告期。", "No period was closed yet: tianzhang period close --until DAY")


@app.command()
def report(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="第几期 · The period's number")],
    output: Annotated[Path, typer.Option("-o", "--output", help="按后缀 · By its ending: .html or .json")],
    unit: UnitCode = None,
) -> None:
    """重出一期的报告，与封存时逐字节相同 · Make a closed period's report again, byte for byte.

    Example: tianzhang period report 3 -o report-3.html
    """
    from farmland.reports.period_page import draw_report
    from farmland.reports.periods import get_period, report_bytes, report_of

    settings: Settings = context.obj
    ending = output.suffix.lower()
    if ending not in (".html", ".json"):
        raise Problem(REPORT_ENDING, ending=ending or output.name)
    with database_of(settings) as database, database.reading() as session:
        code, _ = asked(session, unit, None)
        made = report_of(session, get_period(session, code, number))
    page = draw_report(made, settings.language).encode() if ending == ".html" else report_bytes(made)
    output.write_bytes(page)
    say(settings, f"已写入 {output}", f"Wrote {output}")
