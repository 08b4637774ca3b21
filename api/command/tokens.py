"""The subcommand `token`: tokens with which programs may write."""

from typing import Annotated

import typer

from api.command.base import UnitCode, console, database_of

app = typer.Typer(help="写入令牌 · Tokens with which programs may write.", no_args_is_help=True)


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="持有人，记录中以此署名 · Whose it is, as the records will say")],
    unit: UnitCode = None,
) -> None:
    """新建令牌，只显示这一次 · Make a token that may write for a unit and all below it. It is shown once.

    Example: tianzhang token add 仙槎桥镇 --unit 430582104000
    """
    from farmland import city, tokens

    with database_of(context.obj) as database, database.writing() as session:
        secret = tokens.add_token(session, name, unit, city.next_moment(session), actor="tianzhang token")
    console.print(secret, soft_wrap=True, highlight=False)


@app.command("list")
def list_(context: typer.Context) -> None:
    """列出有效的令牌 · The tokens in use: holder, unit (* for all), since when."""
    from farmland import tokens

    with database_of(context.obj) as database, database.reading() as session:
        for token in tokens.in_use(session):
            console.print(f"{token.name}\t{token.unit_code or '*'}\t{token.created_at:%Y-%m-%d %H:%M}", highlight=False)


@app.command()
def revoke(context: typer.Context, name: Annotated[str, typer.Argument(help="持有人 · Its holder")]) -> None:
    """立即停用令牌 · Withdraw a token at once."""
    from farmland import city, tokens

    with database_of(context.obj) as database, database.writing() as session:
        tokens.revoke_token(session, name, city.next_moment(session), actor="tianzhang token")
