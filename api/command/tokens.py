"""The subcommand `token`: tokens for programs."""

from typing import Annotated

import typer

from api.command.base import UnitCode, console, database_of
from farmland.people.roles import Action

app = typer.Typer(help="程序用的令牌 · Tokens for programs.", no_args_is_help=True)


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="持有人，记录中以此署名 · Whose it is, as the records will say")],
    unit: UnitCode = None,
    may: Annotated[
        list[Action] | None,
        typer.Option("--may", help="除查看外还能做什么，可多次 · What it may do besides looking; repeat"),
    ] = None,
) -> None:
    """新建令牌，只显示这一次 · Make a token for a unit and all below it (without --unit, for every unit). It is shown once.

    Example: tianzhang token add 仙槎桥镇 --unit 430582104000 --may report --may check
    """
    from farmland.accounts import tokens
    from farmland.records import city

    with database_of(context.obj) as database, database.writing() as session:
        _, secret = tokens.add_token(session, name, unit, may or (), city.next_moment(session), actor="tianzhang token")
    console.print(secret, soft_wrap=True, highlight=False)


@app.command("list")
def list_(context: typer.Context) -> None:
    """列出有效的令牌 · The tokens in use: holder, unit (* for all), what it may do, since when, when last used."""
    from farmland.accounts import tokens

    with database_of(context.obj) as database, database.reading() as session:
        uses = tokens.last_uses(session)
        for token in tokens.in_use(session):
            used = f"{uses[token.id]:%Y-%m-%d %H:%M}" if token.id in uses else "-"
            since = f"{token.created_at:%Y-%m-%d %H:%M}"
            line = (token.name, token.unit_code or "*", token.may.replace(" ", ","), since, used)
            console.print("\t".join(line), highlight=False, soft_wrap=True)


@app.command()
def revoke(context: typer.Context, name: Annotated[str, typer.Argument(help="持有人 · Its holder")]) -> None:
    """立即停用令牌 · Withdraw a token at once."""
    from farmland.accounts import tokens
    from farmland.records import city

    with database_of(context.obj) as database, database.writing() as session:
        token = tokens.token_named(session, name)
        tokens.revoke_token(session, token, city.next_moment(session), actor="tianzhang token")
