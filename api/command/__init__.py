"""The command `tianzhang`. Exit status 0, 1 for refused input, 2 for wrong usage."""

import os
from typing import NoReturn

import typer

from api.command import (
    audit,
    audit_pack,
    backup,
    check,
    city,
    evidence,
    figures,
    ledger,
    periods,
    records,
    tokens,
    users,
)
from api.command.base import errors
from api.settings import language_of, load_settings
from geodata.problems import Problem

app = typer.Typer(
    help="田长 Tianzhang：哪块田由谁负责，何时恢复多少，真正恢复了多少。\n\n"
    "Who answers for which plot, what must be restored by when, and what truly has been.\n\n"
    "先试 Start with: tianzhang demo；或 or: tianzhang init, tianzhang import units FILE",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    city.demo,
    city.serve,
    city.init,
    records.import_,
    figures.progress,
    figures.waterfall,
    figures.summary,
    figures.map_,
    audit.audit,
    records.export,
    ledger.verify,
    ledger.seal,
    ledger.history,
    ledger.correct,
    audit_pack.audit_pack,
    city.tiles,
    backup.backup,
    backup.restore,
):
    app.command(command.__name__.rstrip("_").replace("_", "-"))(command)
app.add_typer(periods.app, name="period")
app.add_typer(evidence.app, name="evidence")
app.add_typer(check.app, name="check")
app.add_typer(users.app, name="users")
app.add_typer(tokens.app, name="token")


def main() -> None:
    """Run the command; what is refused is said in one sentence, in the reader's language."""
    try:
        app(obj=load_settings())
    except Problem as problem:
        _refuse(problem)
    except Exception as error:
        from sqlalchemy.exc import DBAPIError

        from farmland.records.database import fault

        if not isinstance(error, DBAPIError):
            raise
        _refuse(fault(error))


def _refuse(problem: Problem) -> NoReturn:
    said = problem.sentence(language_of(os.environ))
    errors.print(said, style="red", highlight=False, markup=False, soft_wrap=True)
    raise SystemExit(1)
