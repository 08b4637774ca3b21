"""The subcommand `users`: accounts, their rights, activation codes; also the way back in for a lost administrator."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.command.base import UnitCode, bar_of, console, database_of, say
from farmland.people.roles import Role

if TYPE_CHECKING:
    from farmland.accounts.accounts import Account

app = typer.Typer(help="账号与权限 · Accounts and their rights.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="账号名 · The account's name")]
RoleOption = Annotated[Role, typer.Option("--role", help="身份 · The role")]
_ACTOR = "tianzhang users"


def _show_code(context: typer.Context, account: "Account", code: str) -> None:
    say(
        context.obj,
        f"账号 {account.name} 的启用码（只显示这一次，{account.code_until:%Y-%m-%d} 前有效）：{code}",
        f"The activation code of {account.name}, shown this once, good until {account.code_until:%Y-%m-%d}: {code}",
    )


@app.command()
def add(
    context: typer.Context,
    name: Name,
    role: RoleOption,
    full_name: Annotated[str, typer.Option("--full-name", help="姓名 · The person's name")] = "",
    unit: UnitCode = None,
) -> None:
    """新建账号 · Make an account with a role. Its holder sets the password with the activation code.

    Example: tianzhang users add li.ming --full-name 李明 --role officer --unit 430582000000
    """
    from farmland.accounts import accounts

    with database_of(context.obj) as database, database.writing() as session:
        account, code = accounts.add_account(session, name, full_name, actor=_ACTOR)
        accounts.grant(session, account, role, unit, actor=_ACTOR)
        _show_code(context, account, code)


@app.command("list")
def list_(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="账号或姓名的一部分 · A piece of the account or name")] = "",
    role: Annotated[Role | None, typer.Option("--role", help="身份 · The role")] = None,
    unit: UnitCode = None,
) -> None:
    """列出账号 · Accounts: name, person, state, rights (role:unit, * for every unit).

    Example: tianzhang users list --role field_chief --unit 430582104000
    """
    from farmland.accounts.accounts import rights_of_all, search_accounts
    from farmland.land.units import normal_code
    from farmland.records import city

    with database_of(context.obj) as database, database.reading() as session:
        units = [normal_code(unit)] if unit else None
        found = session.scalars(search_accounts(text or None, role, units, city.now(session))).all()
        rights = rights_of_all(session, [one.id for one in found])
        for one in found:
            state = "shut" if one.disabled_at else "active" if one.password else "invited"
            held = " ".join(f"{right.role}:{right.unit_code or '*'}" for right in rights[one.id])
            console.print(f"{one.name}\t{one.full_name}\t{state}\t{held}", highlight=False, soft_wrap=True)


@app.command()
def grant(context: typer.Context, name: Name, role: RoleOption, unit: UnitCode = None) -> None:
    """授权 · Give an account a role for a unit and all below it; without --unit, for every unit.

    Example: tianzhang users grant li.ming --role auditor --unit 430582000000
    """
    from farmland.accounts import accounts

    with database_of(context.obj) as database, database.writing() as session:
        accounts.grant(session, accounts.get_account(session, name), role, unit, actor=_ACTOR)


@app.command()
def ungrant(context: typer.Context, name: Name, role: RoleOption, unit: UnitCode = None) -> None:
    """收回授权 · Take a role away."""
    from farmland.accounts import accounts
    from farmland.land.units import normal_code

    with database_of(context.obj) as database, database.writing() as session:
        code = normal_code(unit) if unit else None
        accounts.end_grant(session, accounts.get_account(session, name), role, code, actor=_ACTOR)


@app.command()
def invite(context: typer.Context, name: Name) -> None:
    """发新的启用码 · Give an account a new activation code, also where the password was lost.

    Example, for an administrator who lost the password: tianzhang users invite administrator
    """
    from farmland.accounts import accounts

    with database_of(context.obj) as database, database.writing() as session:
        account = accounts.get_account(session, name)
        _show_code(context, account, accounts.invite(session, account, actor=_ACTOR))


@app.command()
def password(context: typer.Context, name: Name) -> None:
    """代设密码，下次登录须改 · Set a password for an account, asked for twice; it must be changed at the next sign-in."""
    from farmland.accounts import accounts
    from farmland.accounts.sign_in import set_password

    chosen = typer.prompt("新密码 · New password", hide_input=True, confirmation_prompt=True)
    with database_of(context.obj) as database, database.writing() as session:
        set_password(session, accounts.get_account(session, name), chosen, actor=_ACTOR)


@app.command()
def shut(context: typer.Context, name: Name) -> None:
    """停用账号 · Shut an account; its sign-ins end at once."""
    from farmland.accounts import accounts
    from farmland.accounts.sign_in import sign_out_everywhere

    with database_of(context.obj) as database, database.writing() as session:
        account = accounts.get_account(session, name)
        accounts.disable(session, account, actor=_ACTOR)
        sign_out_everywhere(session, account, actor=_ACTOR)


@app.command("open")
def open_(context: typer.Context, name: Name) -> None:
    """重新启用账号 · Open an account again."""
    from farmland.accounts import accounts

    with database_of(context.obj) as database, database.writing() as session:
        accounts.enable(session, accounts.get_account(session, name), actor=_ACTOR)


@app.command("sign-out")
def sign_out(context: typer.Context, name: Name) -> None:
    """使账号在所有设备上退出 · End all sign-ins of an account."""
    from farmland.accounts import accounts
    from farmland.accounts.sign_in import sign_out_everywhere

    with database_of(context.obj) as database, database.writing() as session:
        ended = sign_out_everywhere(session, accounts.get_account(session, name), actor=_ACTOR)
    say(context.obj, f"已退出 {ended} 处登录。", f"{ended} sign-ins ended.")


@app.command()
def roster(
    context: typer.Context,
    slips: Annotated[
        Path, typer.Option("--slips", "-o", help="启用单写到哪个文件夹 · The folder for the slips, a PDF per village")
    ],
    unit: UnitCode = None,
    address: Annotated[
        str, typer.Option("--address", help="系统网址，印在启用单上 · The system's address, printed on the slips")
    ] = "",
) -> None:
    """为名册上的田长建账号，印启用单 · Accounts for all field chiefs in office, with slips to print and hand out.

    Whoever has set a password already is left alone; the others get a new code, and slips printed before end.

    Example: tianzhang users roster -o slips --address https://tianzhang.example --unit 430582104000
    """
    from farmland.accounts.roster import by_village, invite_roster
    from farmland.accounts.slips import write_village_slips

    with database_of(context.obj) as database, bar_of(context.obj) as tell, database.writing() as session:
        tell(0.05, "建账号", "making accounts")
        invitations = invite_roster(session, unit, actor=_ACTOR)
        tell(0.2, "印启用单", "printing slips")
        # Before the accounts are kept: codes that could not be printed are codes that nobody has.
        written = write_village_slips(slips, address, by_village(session, invitations))
    say(
        context.obj,
        f"已为 {len(invitations):,} 名田长建账号或换发启用码，启用单 {len(written)} 份在 {slips}。请当面交付，勿拍照转发。",
        f"{len(invitations):,} field chiefs have an account and a code; {len(written)} files of slips are in {slips}. Hand them "
        "over in person; let nobody photograph them.",
    )
