"""The subcommands for the whole city: `init`, `demo`, `serve`, `tiles`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.command.base import bar_of, database_of, say
from api.command.figures import show_progress
from api.command.server import run
from api.settings import Settings

if TYPE_CHECKING:
    from farmland.records.database import Database


def init(context: typer.Context) -> None:
    """建立或升级数据库 · Set up the database, or upgrade it.

    The first time, the administrator's account is made, with its activation code.
    """
    settings: Settings = context.obj
    from farmland.keeping.prepare import prepare
    from farmland.keeping.seal import make_key

    with database_of(settings, prepared=False) as database:
        prepare(database)
        make_key(settings.data_dir)
        _administrator(settings, database)
        say(settings, f"数据库已就绪：{database.name}", f"The database is ready: {database.name}")


def _administrator(settings: Settings, database: "Database") -> None:
    from farmland.accounts import accounts
    from farmland.people.roles import Role

    with database.writing() as session:
        if accounts.any_administrator(session):
            return
        account, code = accounts.add_account(session, "administrator", "管理员", actor="tianzhang init")
        accounts.grant(session, account, Role.ADMINISTRATOR, None, actor="tianzhang init")
    until = f"{account.code_until:%Y-%m-%d}"
    say(
        settings,
        f"管理员账号 administrator 的启用码（只显示这一次，{until} 前有效）：{code}\n在网页上选“首次使用”，凭启用码设置密码。",
        f"The activation code of the account administrator, shown this once, good until {until}: {code}\n"
        "On the page choose “First use” and set a password with it.",
    )


def demo(
    context: typer.Context,
    serve_it: Annotated[
        bool, typer.Option("--serve/--no-serve", help="然后提供网页 · Serve the application afterwards")
    ] = True,
    seed: Annotated[int, typer.Option(help="同一种子得到同一城市 · The same seed gives the same city")] = 2022,
    page: Annotated[Path, typer.Option(help="进度图写到哪里 · Where to write the progress map")] = Path(
        "progress.html"
    ),
) -> None:
    """建立演示城市并提供网页 · Make the demonstration city, serve it.

    Shaodong on 26 April 2022. Where it is there already, nothing is lost.
    """
    from farmland.demonstration.load import load_demonstration
    from farmland.evidence.store import EvidenceStore
    from farmland.figures.progress import progress, ranking
    from farmland.keeping.prepare import prepare
    from farmland.keeping.seal import make_key
    from farmland.land.units import the_city
    from farmland.records import city
    from farmland.reports import maps

    settings: Settings = context.obj
    with database_of(settings, prepared=False) as database:
        prepare(database)
        with bar_of(settings) as tell:
            store = EvidenceStore(settings.evidence_address)
            made = load_demonstration(database, settings.tiles, store, seed, tell)
        make_key(settings.data_dir)
        with database.reading() as session:
            now, top = city.now(session), the_city(session).code
            whole = progress(session, top, now, colours=settings.colours)
            show_progress(settings, whole, ranking(session, top, now, colours=settings.colours))
            maps.write_map(session, page, top, now, settings.colours, settings.language)
            note = city.demonstration(session)
        assert note is not None
        say(settings, note.note_zh, note.note_en)
        say(
            settings,
            f"{'演示城市已建立' if made else '演示城市已在'}：{database.name}；进度图：{page}",
            f"The demonstration city {'was made' if made else 'is there'}: {database.name}; its progress map: {page}",
        )
    if serve_it:
        run(settings, settings.host, settings.port)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="地址 · The address to listen on (TIANZHANG_HOST)")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="端口 · The port (TIANZHANG_PORT)")] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="进程数 · How many processes answer, about one for each core")
    ] = 1,
) -> None:
    """提供地图网页和接口 · Serve the map web view and the API.

    Example: tianzhang serve --host 0.0.0.0 --port 8080
    """
    settings: Settings = context.obj
    with database_of(settings) as database:
        cut_tiles_of(settings, database)
    run(settings, host or settings.host, settings.port if port is None else port, workers)


def tiles(context: typer.Context) -> None:
    """重新切图 · Cut the tiles anew, after an import of units or plots.

    A server that runs shows the new ones at the next look; tianzhang serve cuts them by itself when it starts.
    """
    from farmland.land.units import the_city

    settings: Settings = context.obj
    with database_of(settings) as database:
        with database.reading() as session:
            the_city(session)  # an empty database is told, not cut
        cut = cut_tiles_of(settings, database)
    if cut:
        say(settings, f"切图已更新：{settings.tiles}", f"The tiles are up to date: {settings.tiles}")
    else:
        say(settings, "切图已是最新。", "The tiles were up to date already.")


def cut_tiles_of(settings: Settings, database: "Database") -> bool:
    """Cut the tiles unless they are up to date; whether they were cut."""
    from farmland.land.tiles import cut_tiles, up_to_date

    with database.reading() as session:
        if up_to_date(session, settings.tiles):
            return False
        with bar_of(settings) as tell:
            tell(0.1, "切图", "cutting tiles")
            cut_tiles(session, settings.tiles)
    return True
