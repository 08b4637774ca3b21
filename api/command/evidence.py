"""The subcommand `evidence`: photographs and documents of claims."""

from pathlib import Path
from typing import Annotated

import typer

from api.command.base import bar_of, database_of, errors, say
from api.settings import Settings
from geodata.problems import Kind, Problem

app = typer.Typer(help="证据文件 · Photographs and documents of claims.", no_args_is_help=True)

UNREADABLE = Kind(
    "file_unreadable",
    "文件 {path} 不能读取：{reason}。什么也没有附上。",
    "The file {path} cannot be read: {reason}. Nothing was attached.",
)
REFUSED_FILE = Kind(
    "file_refused",
    "{path}：{said_zh}什么也没有附上。",
    "{path}: {said_en} Nothing was attached.",
)
UNWRITABLE = Kind(
    "file_unwritable",
    "不能写入 {path}：{reason}。请换一个位置。",
    "{path} cannot be written: {reason}. Choose another place.",
)
Number = Annotated[str, typer.Argument(metavar="CLAIM", help="申报编号 · The claim's number")]


@app.command()
def add(
    context: typer.Context,
    claim: Number,
    files: Annotated[list[Path], typer.Argument(help="照片 JPEG、PNG、WebP，文档 PDF · Photographs, documents")],
    purpose: Annotated[str, typer.Option(help="before, during, after, other")] = "other",
) -> None:
    """把照片和文档附在申报上 · Attach files to a claim.

    While one file is refused none is attached. The same file again changes nothing, but that it can be said later what it shows.
    Where a photograph was taken elsewhere, or at another time, that is said at once.

    Example: tianzhang evidence add 2022-00001 IMG_0001.jpg IMG_0002.jpg --purpose after
    """
    from farmland.evidence.store import EvidenceStore
    from farmland.people.people import Actor
    from farmland.records import city
    from farmland.restoration.claims import get_claim
    from farmland.restoration.evidence import Purpose, attach, receive, too_large
    from farmland.restoration.rules import judge_photographs

    settings: Settings = context.obj
    if purpose not in list(Purpose):
        raise typer.BadParameter(f"{purpose}: {', '.join(Purpose)}", param_hint="--purpose")
    with database_of(settings) as database:
        with database.reading() as session:
            get_claim(session, claim)
        store = EvidenceStore(settings.evidence_address)
        received = []
        for path in files:
            try:
                if path.stat().st_size > settings.evidence_limit:
                    raise too_large(settings.evidence_limit)
                received.append(receive(store, path.read_bytes(), settings.evidence_limit))
            except OSError as error:
                raise Problem(UNREADABLE, path=path, reason=error.strerror) from None
            except Problem as problem:
                said = {f"said_{language}": problem.sentence(language) for language in ("zh", "en")}
                raise Problem(REFUSED_FILE, path=path, **said) from None
        with database.writing() as session:
            now = city.next_moment(session)
            held = get_claim(session, claim)
            actor = Actor("tianzhang evidence", now, now)
            attached = [
                attach(session, held, file, path.name, Purpose(purpose), actor)
                for path, file in zip(files, received, strict=True)
            ]
            doubts = judge_photographs(held, attached, settings.thresholds)
    for evidence in attached:
        typer.echo(f"{evidence.sha256}\t{evidence.name}")
    for case in doubts:
        text = case.rule.sentence(case.facts, settings.language)
        errors.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)


@app.command("list")
def list_(context: typer.Context, claim: Number) -> None:
    """列出申报的证据文件 · The files of a claim: SHA-256, purpose, bytes, taken when and where, name."""
    from farmland.restoration.claims import get_claim
    from farmland.restoration.evidence import evidence_of

    with database_of(context.obj) as database, database.reading() as session:
        for row in evidence_of(session, get_claim(session, claim)):
            taken = f"{row.taken_at:%Y-%m-%d %H:%M}" if row.taken_at else "-"
            place = "-" if row.longitude is None else f"{row.longitude:.6f} {row.latitude:.6f}"
            typer.echo("\t".join((row.sha256, row.purpose, str(row.size), taken, place, row.name)))


@app.command()
def get(
    context: typer.Context,
    claim: Number,
    sha256: Annotated[str, typer.Argument(help="编号 · The file's, from tianzhang evidence list")],
    output: Annotated[Path, typer.Option("-o", "--output", help="写到哪里 · Where to write it")],
) -> None:
    """取出一个证据文件 · Write a file of a claim, after its content was held against its SHA-256."""
    from farmland.evidence.store import EvidenceStore
    from farmland.restoration.claims import get_claim
    from farmland.restoration.evidence import get_evidence

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        evidence = get_evidence(session, get_claim(session, claim), sha256)
        content = EvidenceStore(settings.evidence_address).get(evidence.sha256)
    try:
        output.write_bytes(content)
    except OSError as error:
        raise Problem(UNWRITABLE, path=output, reason=error.strerror) from None
    say(settings, f"已写入 {output}：{evidence.name}", f"Wrote {output}: {evidence.name}")


@app.command()
def check(context: typer.Context) -> None:
    """核对全部证据文件 · Read every file and hold it against its SHA-256.

    Missing and damaged ones are named with their claims; the exit status is then 1.
    """
    from farmland.evidence.store import EvidenceStore
    from farmland.restoration.evidence import check as faults_of

    settings: Settings = context.obj
    faults = 0
    with database_of(settings) as database, database.reading() as session, bar_of(settings) as tell:
        for owners, problem in faults_of(session, EvidenceStore(settings.evidence_address), tell):
            faults += 1
            claims = "; ".join(f"{number} {name}" for number, name in owners)
            said = f"{claims}: {problem.sentence(settings.language)}"
            errors.print(said, style="red", highlight=False, markup=False, soft_wrap=True)
    if faults:
        say(settings, f"{faults} 个证据文件缺失或损坏。", f"{faults} evidence files are missing or damaged.")
        raise typer.Exit(1)
    say(settings, "全部证据文件都在，内容无误。", "All evidence files are there and as they were.")
