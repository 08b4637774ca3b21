"""The command `tianzhang`. Exit status 0, 1 for refused input, 2 for wrong usage."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from api.settings import Settings, load_settings
from farmland import city, exports, maps, tokens
from farmland.clock import SHANGHAI, parse_moment
from farmland.database import Database
from farmland.demonstration.load import load_demonstration
from farmland.imports import IMPORTERS, import_file
from farmland.imports.outcome import Options, Outcome
from farmland.progress import Progress, progress, ranking
from farmland.units import Level, the_city
from geodata.problems import Problem

app = typer.Typer(
    help="田长 Tianzhang: who answers for which plot, what must be restored by when, and what truly has been.\n\n"
    "Start with: tianzhang demo (a made-up city to look at), or tianzhang init and tianzhang import units FILE.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
token_app = typer.Typer(help="Tokens with which programs may write.", no_args_is_help=True)
app.add_typer(token_app, name="token")
console = Console(width=None if sys.stdout.isatty() else 120)
errors = Console(stderr=True)

WARNINGS = {"green": ("● 绿", "● green", "green"), "yellow": ("▲ 黄", "▲ yellow", "yellow"),
            "red": ("■ 红", "■ red", "red"), "none": ("— 无", "— none", "white")}  # fmt: skip

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="A day (its end, Asia/Shanghai) or moment: 2022-04-26"),
]
UnitCode = Annotated[str | None, typer.Option("--unit", help="A unit's code; without it, the city")]


def main() -> None:
    """Run the command; what is refused is said in one sentence, in the reader's language."""
    try:
        settings = load_settings()
    except Problem as problem:
        errors.print(str(problem), style="red", highlight=False, markup=False)
        raise SystemExit(1) from None
    try:
        app(obj=settings)
    except Problem as problem:
        errors.print(
            problem.sentence(settings.language),
            style="red",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        raise SystemExit(1) from None


@contextmanager
def _database(settings: Settings, *, prepared: bool = True) -> Iterator[Database]:
    database = Database(settings.url)
    try:
        if prepared:
            database.require_prepared()
        yield database
    finally:
        database.close()


def _say(settings: Settings, zh: str, en: str) -> None:
    console.print(
        zh if settings.language == "zh" else en,
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@app.command()
def init(context: typer.Context) -> None:
    """Set up the database, or bring it to this version; the first time, make the administrator's token."""
    settings: Settings = context.obj
    with _database(settings, prepared=False) as database:
        database.prepare()
        _administrator(settings, database)
        _say(
            settings,
            f"数据库已就绪：{database.name}",
            f"The database is ready: {database.name}",
        )


def _administrator(settings: Settings, database: Database) -> None:
    with database.writing() as session:
        if tokens.any_token(session):
            return
        secret = tokens.add_token(session, "administrator", None, datetime.now(SHANGHAI))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / "administrator.token"
    path.touch(mode=0o600)
    path.write_text(secret + "\n")
    _say(
        settings,
        f"管理员令牌（写入用，只显示这一次，也存于 {path}）：{secret}",
        f"The administrator's token, for writing; it is shown this once and kept in {path}: {secret}",
    )


@app.command()
def demo(
    context: typer.Context,
    serve_it: Annotated[
        bool,
        typer.Option("--serve/--no-serve", help="Serve the application afterwards"),
    ] = True,
    seed: Annotated[int, typer.Option(help="The same seed gives the same city")] = 2022,
    page: Annotated[Path, typer.Option(help="Where to write the progress map")] = Path("progress.html"),
) -> None:
    """Make the demonstration city (Shaodong, 26 April 2022) unless it is there, show its progress, and serve it."""
    settings: Settings = context.obj
    with _database(settings, prepared=False) as database:
        database.prepare()
        with Bar(console=errors, transient=True) as bar:
            task = bar.add_task("", total=100)

            def tell(share: float, zh: str, en: str) -> None:
                bar.update(
                    task,
                    completed=share * 100,
                    description=zh if settings.language == "zh" else en,
                )

            made = load_demonstration(database, settings.data_dir / "tiles", seed, tell)
        _administrator(settings, database)
        with database.reading() as session:
            now = city.now(session)
            top = the_city(session)
            _table(settings, progress(session, top.code, now, colours=settings.colours),
                   ranking(session, top.code, now, colours=settings.colours))  # fmt: skip
            maps.write_map(session, page, top.code, now, settings.colours, settings.language)
            note = city.demonstration(session)
        assert note is not None
        _say(settings, note.note_zh, note.note_en)
        _say(
            settings,
            f"{'演示城市已建立' if made else '演示城市已在'}：{database.name}；进度图：{page}",
            f"The demonstration city {'was made' if made else 'is there'}: {database.name}; its progress map: {page}",
        )
    if serve_it:
        _serve(settings, settings.host, settings.port)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="The address to listen on (TIANZHANG_HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="The port (TIANZHANG_PORT)")] = None,
) -> None:
    """Serve the map web view and the progress-report API."""
    settings: Settings = context.obj
    with _database(settings):
        pass
    _serve(settings, host or settings.host, settings.port if port is None else port)


def _serve(settings: Settings, host: str, port: int) -> None:
    import uvicorn

    from api.app import create_app

    _say(
        settings,
        f"网页：http://{host}:{port}/ （Ctrl+C 停止）",
        f"Open http://{host}:{port}/ (Ctrl+C stops)",
    )
    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning")


@app.command("import")
def import_(
    context: typer.Context,
    noun: Annotated[str, typer.Argument(help="units, chiefs, plots, baseline, targets or claims")],
    file: Annotated[
        Path,
        typer.Argument(help="CSV or XLSX; gpkg, shp, zip, geojson, gdb, gml, parquet for polygons"),
    ],
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN, such as code=XZQDM")] = None,
    constants: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE for all rows")] = None,
    layer: Annotated[str | None, typer.Option(help="The layer or sheet, where a file has several")] = None,
    crs: Annotated[
        str | None,
        typer.Option(help="The coordinate system, where the file's is missing or wrong"),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="The encoding of the text, such as GBK")] = None,
    year: Annotated[int | None, typer.Option(help="The year of a baseline")] = None,
    unit: Annotated[str | None, typer.Option(help="The unit of all rows, where the file names none")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing")] = False,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Import the good rows although others are bad"),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Make self-crossing polygons valid, and list them"),
    ] = False,
    allow_over: Annotated[
        bool,
        typer.Option("--allow-over", help="Children may hold more than their parent"),
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write the list of remarks to this CSV or XLSX")] = None,
) -> None:
    """Import a file. Bad rows are listed with row, field and reason, and then nothing is written.

    Examples: tianzhang import units XZQ.shp --map code=XZQDM --map name=XZQMC;
    tianzhang import baseline DLTB.gdb --year 2019; tianzhang import targets targets.xlsx --dry-run
    """
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
    )
    with _database(settings) as database, errors.status(str(file)):
        outcome = import_file(database, noun, file, options)
    _outcome(settings, outcome, dry_run)
    if report is not None:
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


def _outcome(settings: Settings, outcome: Outcome, dry_run: bool) -> None:
    zh = settings.language == "zh"
    remarks = [(row, "bad") for row in outcome.bad] + [(row, "notice") for row in outcome.notices]
    if remarks:
        table = Table(
            "行" if zh else "row",
            "字段" if zh else "field",
            "说明" if zh else "remark",
            highlight=False,
        )
        for row, kind in sorted(remarks, key=lambda pair: (pair[1], pair[0].number))[:200]:
            style = "red" if kind == "bad" else "yellow"
            table.add_row(
                str(row.number),
                row.field,
                row.problem.sentence(settings.language),
                style=style,
            )
        errors.print(table)
        if len(remarks) > 200:
            more = len(remarks) - 200
            errors.print(f"… 另有 {more} 条，用 --report 写入文件" if zh else f"… and {more} more: see --report FILE")
    _say(
        settings,
        f"共 {outcome.rows} 行：新增 {outcome.added}，更新 {outcome.changed}，未变 {outcome.unchanged}，"
        f"有误 {len({row.number for row in outcome.bad})}。",
        f"{outcome.rows} rows: {outcome.added} new, {outcome.changed} changed, {outcome.unchanged} unchanged, "
        f"{len({row.number for row in outcome.bad})} bad.",
    )
    if not outcome.written:
        _say(
            settings,
            "试运行：没有写入任何内容。" if dry_run and not outcome.bad else "没有写入任何内容：请改正后重新导入，"
            "或加 --skip-bad 只导入无误的行。",
            "A dry run: nothing was written." if dry_run and not outcome.bad else "Nothing was written: correct the rows "
            "and import again, or add --skip-bad to import only the good ones.",
        )  # fmt: skip


@app.command("progress")
def progress_(
    context: typer.Context,
    unit: UnitCode = None,
    as_of: AsOf = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, the same fields as the API's")] = False,
) -> None:
    """The progress of a unit and the ranking of the units below it. Example: tianzhang progress --as-of 2022-04-26"""
    settings: Settings = context.obj
    with _database(settings) as database, database.reading() as session:
        moment = parse_moment(as_of) if as_of else city.now(session)
        code = unit or the_city(session).code
        whole = progress(session, code, moment, colours=settings.colours)
        below = [] if whole.level == Level.GROUP else ranking(session, code, moment, colours=settings.colours)
    if as_json:
        ranks = [{"rank": rank, **row._asdict()} for rank, row in below]
        sys.stdout.buffer.write(orjson.dumps(whole._asdict() | {"ranking": ranks}, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _table(settings, whole, below)


def _table(settings: Settings, whole: Progress, below: list[tuple[int, Progress]]) -> None:
    zh = settings.language == "zh"
    names = (
        ("名次", "单位", "任务", "上报", "核查", "验收", "计划", "完成率", "预警")
        if zh
        else (
            "rank",
            "unit",
            "target",
            "reported",
            "checked",
            "accepted",
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
        table.add_column(name, justify="left" if i in (1, 8) else "right", no_wrap=True)
    for rank, row in [*below, (0, whole)]:
        text, style = WARNINGS[row.warning][0 if zh else 1], WARNINGS[row.warning][2]
        table.add_row(
            str(rank) if rank else "",
            row.unit_name,
            _mu(row.target_mu),
            _mu(row.reported_mu),
            _mu(row.checked_mu),
            _mu(row.accepted_mu),
            _mu(row.schedule_mu),
            "" if row.share is None else f"{row.share:.1%}",
            f"[{style}]{text}[/]",
            style="bold" if not rank else None,
        )
    console.print(table)
    if whole.target_mu is not None:
        _say(
            settings,
            f"已验收 {_mu(whole.accepted_mu)} 亩 / 任务 {_mu(whole.target_mu)} 亩；剩 {whole.days_left} 天，每天需 "
            f"{_mu(whole.needed_mu_per_day)} 亩，至今每天 {_mu(whole.pace_mu_per_day)} 亩，照此完成于 {whole.forecast_date}。",
            f"Accepted {_mu(whole.accepted_mu)} of {_mu(whole.target_mu)} mu; {whole.days_left} days left, "
            f"{_mu(whole.needed_mu_per_day)} mu a day needed, {_mu(whole.pace_mu_per_day)} kept so far: "
            f"done on {whole.forecast_date} at that pace.",
        )


def _mu(value: float | None) -> str:
    return "—" if value is None else f"{value:,.2f}"


@app.command("map")
def map_(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", help="By its ending: .html, .png or .pdf")],
    unit: UnitCode = None,
    as_of: AsOf = None,
) -> None:
    """Draw the progress map of a unit. Example: tianzhang map -o progress.pdf"""
    settings: Settings = context.obj
    with _database(settings) as database, database.reading() as session:
        moment = parse_moment(as_of) if as_of else city.now(session)
        code = unit or the_city(session).code
        maps.write_map(session, output, code, moment, settings.colours, settings.language)
    _say(settings, f"已写入 {output}", f"Wrote {output}")


@app.command()
def export(
    context: typer.Context,
    noun: Annotated[str, typer.Argument(help="plots, claims or progress")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="By its ending: .gpkg, .geojson, .csv or .xlsx"),
    ],
    unit: UnitCode = None,
    as_of: AsOf = None,
) -> None:
    """Write plots, claims or progress to a file. Example: tianzhang export claims -o claims.gpkg"""
    settings: Settings = context.obj
    if noun not in exports.EXPORTS:
        raise typer.BadParameter(f"{noun}: {', '.join(exports.EXPORTS)}", param_hint="NOUN")
    with _database(settings) as database, database.reading() as session:
        moment = parse_moment(as_of) if as_of else city.now(session)
        code = unit or the_city(session).code
        rows = exports.EXPORTS[noun](session, output, code, moment, settings.colours)
    _say(settings, f"已写入 {output}：{rows} 行", f"Wrote {output}: {rows} rows")


@token_app.command("add")
def token_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose it is, as the records will say")],
    unit: UnitCode = None,
) -> None:
    """Make a token that may write for a unit and all below it. It is shown once."""
    with _database(context.obj) as database, database.writing() as session:
        console.print(
            tokens.add_token(session, name, unit, datetime.now(SHANGHAI)),
            soft_wrap=True,
            highlight=False,
        )


@token_app.command("list")
def token_list(context: typer.Context) -> None:
    """The tokens in use."""
    with _database(context.obj) as database, database.reading() as session:
        for token in tokens.in_use(session):
            console.print(
                f"{token.name}\t{token.unit_code or '*'}\t{token.created_at:%Y-%m-%d %H:%M}",
                highlight=False,
            )


@token_app.command("revoke")
def token_revoke(context: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Withdraw a token at once."""
    with _database(context.obj) as database, database.writing() as session:
        tokens.revoke_token(session, name, datetime.now(SHANGHAI))
