"""The subcommand `audit-pack`: what an auditor takes along."""

from pathlib import Path
from typing import Annotated

import typer

from api.command.base import AsOf, KnownAt, UnitCode, asked, database_of, errors, say
from api.settings import Settings


def audit_pack(
    context: typer.Context,
    sample: Annotated[
        int, typer.Option(min=1, help="抽查几项申报 · How many claims to draw; all, if there are no more")
    ],
    seed: Annotated[int, typer.Option(min=0, help="同一种子抽到相同申报 · The same seed draws the same claims")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="新文件夹或 .zip · A new folder, or a file ending in .zip")
    ],
    unit: UnitCode = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> None:
    """审计包：随机抽样和复算所需的一切 · A random sample, and all that is needed to recount the unit's figure.

    README.txt 说明每个文件、如何再抽一遍；recount.py 不依赖本系统，复算公布的数字。
    README.txt in it says what is what and how to draw again; recount.py recounts the published figure without Tianzhang.

    Example: tianzhang audit-pack --unit 430582104000 --as-of 2022-04-26 --sample 20 --seed 7 -o pack.zip
    """
    from farmland.audit.pack import write_audit_pack
    from farmland.evidence.store import EvidenceStore
    from farmland.keeping.seal import PRIVATE_NAME, make_seal
    from farmland.records import city
    from farmland.records.clock import parse_moment

    settings: Settings = context.obj
    with database_of(settings) as database, database.reading() as session:
        code, moment = asked(session, unit, as_of)
        has_key = (settings.data_dir / PRIVATE_NAME).exists()
        pack = write_audit_pack(
            session,
            EvidenceStore(settings.evidence_address),
            output,
            code,
            moment,
            sample=sample,
            seed=seed,
            known_at=parse_moment(known_at) if known_at else None,
            colours=settings.colours,
            seal=make_seal(session, settings.data_dir, city.now(session)) if has_key else None,
        )
    if pack.faulty:
        zh, en = (
            f"{pack.faulty} 个证据文件缺失或损坏，已在 evidence.csv 注明。",
            f"{pack.faulty} evidence files are missing or damaged: see evidence.csv.",
        )
        errors.print(zh if settings.language == "zh" else en, style="yellow", highlight=False, markup=False)
    say(
        settings,
        f"已写入 {output}：{pack.accepted:,} 项已验收中抽取 {pack.drawn:,} 项，{pack.files:,} 个文件，指纹 {pack.fingerprint}",
        f"Wrote {output}: {pack.drawn:,} of {pack.accepted:,} accepted claims, {pack.files:,} files, fingerprint "
        f"{pack.fingerprint}",
    )
