"""The subcommands of the ledger: `verify`, `seal`, `history`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.command.base import bar_of, console, database_of, errors, say
from api.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from farmland.keeping.seal import Seal
    from farmland.keeping.verify import Verdict

_SHOWN = 20


def verify(
    context: typer.Context,
    against: Annotated[
        Path | None, typer.Option(help="与这份封存对照 · Against a seal that was kept elsewhere")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="用所留的公钥核对签名 · The public key (seal.pub) that was kept with it")
    ] = None,
    seal_only: Annotated[
        bool,
        typer.Option("--seal-only", help="只核对签名，不用数据库 · The seal's signature alone, without a database"),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="核对一份报告的数字 · Whether a report's figures are those of the ledger")
    ] = None,
) -> None:
    """核对台账：有没有一笔被改过 · Replay the ledger: was anything altered?

    台账逐条接续，每条记录与台账一致，净面积按图形重新量算，互不重叠，合计相符。第一条不符的会被指出。
    The chain of entries, every record against it, net areas measured anew, no land counted twice, totals. The first entry
    that does not fit is named; exit status 1 then.

    Examples: tianzhang verify; tianzhang verify --against seal-20220426.json --public-key seal.pub;
    tianzhang verify --report progress.pdf
    """
    settings: Settings = context.obj
    seal = _seal(settings, against, public_key)
    if seal_only:
        if seal is None:
            raise typer.BadParameter("--against", param_hint="--seal-only")
        return
    with database_of(settings) as database, database.reading() as session:
        if report is not None:
            _verify_report(settings, session, report)
            return
        from farmland.keeping.verify import verify as replay

        with bar_of(settings) as tell:
            verdict = replay(session, seal, tell)
    _show(settings, verdict)


def _seal(settings: Settings, against: Path | None, public_key: Path | None) -> "Seal | None":
    if against is None:
        return None
    from farmland.keeping.seal import read_seal

    seal = read_seal(against, public_key)
    say(
        settings,
        f"封存的签名正确：{seal.city_name}，{seal.sealed_at:%Y-%m-%d %H:%M}，台账 {seal.entry} 条，公钥 {seal.public_key}",
        f"The seal's signature is right: {seal.city_name}, {seal.sealed_at:%Y-%m-%d %H:%M}, {seal.entry} entries, public "
        f"key {seal.public_key}",
    )
    return seal


def _verify_report(settings: Settings, session: "Session", report: Path) -> None:
    from farmland.reports.marks import check_mark, read_marks

    marks = read_marks(report)
    problems = [problem for mark in marks for problem in check_mark(session, mark)]
    for problem in problems[:_SHOWN]:
        errors.print(problem.sentence(settings.language), style="red", highlight=False, markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    first = marks[0]
    say(
        settings,
        f"报告与台账一致：{len(marks)} 个单位的数字，指纹 {first.fingerprint}，截至 {first.as_of:%Y-%m-%d %H:%M}。",
        f"The report agrees with the ledger: the figures of {len(marks)} units, fingerprint {first.fingerprint}, as of "
        f"{first.as_of:%Y-%m-%d %H:%M}.",
    )


def _show(settings: Settings, verdict: "Verdict") -> None:
    if verdict.first is None:
        say(
            settings,
            f"一致：台账 {verdict.entries:,} 条，记录 {verdict.rows:,} 行，最后一条的指纹 {verdict.head}",
            f"Everything fits: {verdict.entries:,} entries, {verdict.rows:,} records, the last entry's hash {verdict.head}",
        )
        return
    first = verdict.first
    say(
        settings,
        f"不一致，共 {len(verdict.misfits):,} 处。最早的一处：{first.problem.sentence('zh')}",
        f"{len(verdict.misfits):,} misfits. The earliest: {first.problem.sentence('en')}",
    )
    for misfit in [other for other in verdict.misfits if other is not first][:_SHOWN]:
        errors.print(misfit.problem.sentence(settings.language), style="red", highlight=False, markup=False)
    raise typer.Exit(1)


def seal(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="写到哪里 · Where to write it; without it seal-DAY-ENTRY.json")
    ] = None,
) -> None:
    """封存台账：签名的末条指纹 · Seal the ledger: its last entry's hash, signed.

    请把封存文件和公钥 seal.pub 交给上级或审计方保管：封存之后，此前的任何改动都查得出。
    Give the file and the public key seal.pub to somebody else to keep: nothing of before can then be altered unseen.

    Example: tianzhang seal -o seal-20220426.json
    """
    from farmland.keeping.seal import make_seal, write_seal
    from farmland.records import city

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        made = make_seal(session, settings.data_dir, city.now(session))
    path = output or Path(f"seal-{made.sealed_at:%Y%m%d}-{made.entry}.json")
    write_seal(made, path)
    say(
        settings,
        f"已封存台账 {made.entry:,} 条：{path}",
        f"Sealed {made.entry:,} entries of the ledger: {path}",
    )


def correct(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="申报编号 · The claim's number")],
    state: Annotated[str, typer.Argument(help="reported, checked, accepted, rejected, revoked")],
    at: Annotated[str, typer.Option(help="实际发生的时间 · When it happened: 2022-04-20T10:00")],
    why: Annotated[str, typer.Option(help="更正的原因 · Why the records said otherwise")],
    actor: Annotated[str, typer.Option("--by", help="经办人 · Who corrects it")] = "tianzhang correct",
) -> None:
    """更正某一步的时间；以前所知的照旧可查 · Correct when a step happened.

    Figures as of a day change, those as known on a day never do.

    Example: tianzhang correct 2022-0001 accepted --at 2022-04-20T10:00 --why 录入时写错日期
    """
    from farmland.records import city
    from farmland.records.clock import parse_moment
    from farmland.restoration.claims import State, get_claim
    from farmland.restoration.corrections import correct_step
    from farmland.restoration.transitions import Actor

    settings: Settings = context.obj
    if state not in list(State):
        raise typer.BadParameter(", ".join(State), param_hint="STATE")
    with database_of(settings) as database, database.writing() as session:
        now = city.next_moment(session)
        claim = get_claim(session, number)
        correct_step(session, claim, State(state), parse_moment(at), Actor(actor, now, now), why)
    say(settings, f"申报 {number} 已更正。", f"Claim {number} is corrected.")


def history(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="申报编号等 · A claim's number, a target's code, a token's name")],
) -> None:
    """一件事的全部台账 · All entries of the ledger on one subject.

    Example: tianzhang history 2022-0001
    """
    from rich.table import Table

    from farmland.records.ledger import history as history_of

    settings: Settings = context.obj
    zh = settings.language == "zh"
    with database_of(settings) as database, database.reading() as session:
        entries = history_of(session, subject)
    table = Table(title=subject, highlight=False)
    for title in (
        ("序号", "时间", "经办人", "事项", "单位", "指纹") if zh else ("entry", "time", "by", "what", "unit", "hash")
    ):
        table.add_column(title)
    for entry in entries:
        moment = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(entry.seq), moment, entry.actor, entry.event, entry.unit_code or "", entry.hash[:12])
    if entries:
        console.print(table)
    else:
        say(settings, f"台账中没有关于“{subject}”的记录。", f"The ledger has no entry on “{subject}”.")
