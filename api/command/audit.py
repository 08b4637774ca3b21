"""The subcommand `audit`: all rules over all claims at once."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.command.base import AsOf, UnitCode, asked, console, database_of, errors, say
from api.settings import Settings

_STYLES = {"refuses": "red", "deducts": None, "warns": "yellow"}


def audit(
    context: typer.Context,
    unit: UnitCode = None,
    as_of: AsOf = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="写出每一处疑点 · Every case to a file: .gpkg, .geojson, .xlsx, .csv"),
    ] = None,
) -> None:
    """用全部规则核查全部申报 · All rules over all claims at once.

    已验收的申报中有不该验收的，退出状态为 1。规则见 docs/rules.md。
    The exit status is 1 where a rule refuses a claim that is accepted. The rules: docs/rules.md.

    Example: tianzhang audit --unit 430582104000 -o doubts.xlsx
    """
    from farmland.audit.audit import audit as audit_of
    from farmland.audit.audit import for_inspectors, refused_but_accepted, summary
    from farmland.restoration.rules.rule import SEVERITY_NAMES
    from geodata.writers import write_layer

    settings: Settings = context.obj
    zh = settings.language == "zh"
    with database_of(settings) as database, database.reading() as session:
        code, moment = asked(session, unit, as_of)
        cases = audit_of(session, code, moment, settings.thresholds)
    table = Table(highlight=False)
    for title in ("规则", "性质", "申报数", "涉及（亩）") if zh else ("rule", "severity", "claims", "mu concerned"):
        table.add_column(title, overflow="fold")
    for rule, follows, claims, area_mu in summary(cases):
        severity = SEVERITY_NAMES[follows][not zh]
        table.add_row(rule.code, severity, f"{claims:,}", f"{area_mu:,.2f}", style=_STYLES[follows])
    console.print(table)
    if output is not None:
        write_layer(for_inspectors(cases, settings.language), output)
        say(settings, f"已写入 {output}：{len(cases)} 行", f"Wrote {output}: {len(cases)} rows")
    wrong = refused_but_accepted(cases)
    if wrong:
        named = "、".join(wrong[:20]) if zh else ", ".join(wrong[:20])
        text = (
            f"{len(wrong)} 个已验收的申报不该验收：{named}"
            if zh
            else f"{len(wrong)} accepted claims are refused: {named}"
        )
        errors.print(text, style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1)
    say(settings, "没有已验收而不该验收的申报。", "No accepted claim is refused by a rule.")
