"""The subcommands `backup` and `restore`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.command.base import bar_of, database_of, errors, say
from api.command.city import cut_tiles_of
from api.settings import Settings

if TYPE_CHECKING:
    from farmland.keeping.backup_file import Manifest
    from farmland.keeping.restore import Restored


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="备份文件，如 city-20220426.zip · The new file")],
    force: Annotated[bool, typer.Option("--force", help="覆盖已有的文件 · Replace a file that is there")] = False,
) -> None:
    """备份：记录、证据文件、封存密钥，存为一个文件 · Back up records, evidence files and the seal's keys into one file.

    服务运行时也可备份，内容是同一时刻的；只有本人能读这个文件，请妥善保管。
    The server may run meanwhile; what is saved is of one moment. Only its owner can read the file: keep it safe.

    Examples: tianzhang backup city-20220426.zip; tianzhang backup --force /mnt/backup/today.zip
    """
    from farmland.evidence.store import EvidenceStore
    from farmland.keeping.backup import write_backup

    settings: Settings = context.obj
    with database_of(settings) as database, bar_of(settings) as tell:
        store = EvidenceStore(settings.evidence_address)
        manifest = write_backup(database, store, settings.data_dir, file, replace=force, tell=tell)
    if manifest.missing:
        lost = len(manifest.missing)
        _warn(
            settings,
            f"{lost} 个证据文件缺失或损坏，备份里没有：tianzhang evidence check 会逐一列出。",
            f"{lost} evidence files are missing or damaged, and not in the backup: tianzhang evidence check names them.",
        )
    megabytes = file.stat().st_size / 1e6
    say(settings, f"已备份到 {file}（{megabytes:,.1f} MB）：", f"Backed up into {file} ({megabytes:,.1f} MB):")
    _show(settings, manifest)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="备份文件 · A file that tianzhang backup wrote")],
    replace: Annotated[
        bool, typer.Option("--replace", help="取代已有的记录 · Let it take the place of the records that are there")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="只核对备份，不恢复 · Check the backup and say what is in it; restore nothing"),
    ] = False,
) -> None:
    """从备份恢复 · Restore a backup into this database, of whichever kind.

    先核对每个部分的校验值；恢复在一次事务中完成，服务不必停。之后可用 tianzhang verify 核对，并与封存对照指纹。
    Every part is checked first. All is restored at once or nothing, and a server goes on meanwhile. Afterwards run tianzhang
    verify, and compare the ledger's head with a seal.

    Examples: tianzhang restore city-20220426.zip; tianzhang restore --dry-run city-20220426.zip;
    TIANZHANG_DATABASE_URL=postgresql+psycopg://tianzhang@host/city tianzhang restore city-20220426.zip
    """
    from farmland.evidence.store import EvidenceStore
    from farmland.keeping.restore import check_backup
    from farmland.keeping.restore import restore as restore_all

    settings: Settings = context.obj
    if dry_run:
        with bar_of(settings) as tell:
            manifest = check_backup(file, tell)
        say(settings, "备份完好：", "The backup is whole:")
        _show(settings, manifest)
        return
    with database_of(settings, prepared=False) as database:
        with bar_of(settings) as tell:
            store = EvidenceStore(settings.evidence_address)
            done = restore_all(database, store, settings.data_dir, file, replace=replace, tell=tell)
        say(settings, f"已恢复到 {database.name}：", f"Restored into {database.name}:")
        _show(settings, done.manifest)
        _show_rest(settings, done)
        cut_tiles_of(settings, database)


def _show(settings: Settings, manifest: "Manifest") -> None:
    made = f"{manifest.made_at:%Y-%m-%d %H:%M:%S}"
    say(
        settings,
        f"{manifest.city or '（没有单位）'}，{made}，记录 {manifest.rows:,} 行，证据文件 {len(manifest.evidence):,} 个，"
        f"台账 {manifest.entry:,} 条，最后一条的指纹 {manifest.head}",
        f"{manifest.city or '(no units)'}, {made}, {manifest.rows:,} records, {len(manifest.evidence):,} evidence files, "
        f"{manifest.entry:,} entries of the ledger, the last entry's hash {manifest.head}",
    )


def _show_rest(settings: Settings, done: "Restored") -> None:
    from farmland.keeping.restore import Keys

    if done.head != done.manifest.head:
        say(
            settings,
            f"备份的版本较旧，表已升级：台账现有 {done.entry:,} 条，最后一条的指纹 {done.head}",
            f"The backup is of an older version, and its tables were brought to this one: the ledger now has {done.entry:,} "
            f"entries, the last entry's hash {done.head}",
        )
    if done.keys is Keys.OTHERS:
        _warn(
            settings,
            f"{settings.data_dir} 里已有另一对封存密钥，未作改动；备份里的密钥没有恢复。",
            f"{settings.data_dir} has other keys to seal with. They were left, and those in the backup not restored.",
        )
    if done.manifest.missing:
        lost = len(done.manifest.missing)
        _warn(
            settings,
            f"有 {lost} 个证据文件备份时就缺失或损坏：请运行 tianzhang evidence check。",
            f"{lost} evidence files were missing or damaged when the backup was made: run tianzhang evidence check.",
        )
    say(
        settings,
        f"新放入 {done.new_files:,} 个证据文件。请运行 tianzhang verify 核对。",
        f"{done.new_files:,} evidence files were put into the store. Run tianzhang verify.",
    )


def _warn(settings: Settings, zh: str, en: str) -> None:
    errors.print(zh if settings.language == "zh" else en, style="yellow", highlight=False, markup=False, soft_wrap=True)
