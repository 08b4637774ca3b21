"""Progress maps of a unit: one self-contained page, or a sheet for print."""

from datetime import datetime
from pathlib import Path

import geopandas as gpd
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.figures.progress import Progress, progress_tree
from farmland.figures.warning import WarningColours
from farmland.land.units import LEVEL_NAMES, LEVELS, Level, Unit, get_unit
from farmland.records.city import demonstration
from farmland.reports.marks import mark_of, qr_rows
from geodata.column import decode, raw
from geodata.crs import STORAGE
from geodata.page_map import draw_page
from geodata.print_map import draw_print
from geodata.problems import Kind, Language, Problem
from geodata.sheet import Sheet

MAP_ENDING = Kind(
    "map_ending",
    "不会画 {ending} 格式的图。可用的后缀：.html、.png、.pdf。",
    "No map can be drawn as {ending}. Use .html, .png or .pdf.",
)
NO_POLYGONS_TO_DRAW = Kind(
    "no_polygons_to_draw",
    "{name} 及其下级还没有界线，画不出图。请先导入带界线的行政单位。",
    "Neither {name} nor the units below it have polygons to draw. Import units with polygons first.",
    "conflict",
)


def write_map(
    session: Session,
    path: Path,
    unit_code: str,
    moment: datetime,
    colours: WarningColours,
    language: Language,
) -> None:
    """Draw the progress map of a unit by the file's ending. Raises MAP_ENDING, UNIT_UNKNOWN, NO_POLYGONS_TO_DRAW."""
    ending = path.suffix.lower()
    if ending not in (".html", ".png", ".pdf"):
        raise Problem(MAP_ENDING, ending=ending or path.name)
    unit = get_unit(session, unit_code)
    place = LEVELS.index(Level(unit.level))
    deepest = LEVELS[min(place + 2, 2)] if place < 2 else LEVELS[min(place + 1, 3)]
    rows = progress_tree(session, unit.code, moment, down_to=deepest, colours=colours)
    below = [level for level in LEVELS[place + 1 :] if any(row.level == level for row in rows)]
    layers = {level: _layer(session, [row for row in rows if row.level == level]) for level in below or [unit.level]}
    layers = {level: layer for level, layer in layers.items() if len(layer)}
    if not layers:
        raise Problem(NO_POLYGONS_TO_DRAW, name=unit.name)
    whole = rows[0]
    standing = demonstration(session)
    note = "" if standing is None else (standing.note_zh if language == "zh" else standing.note_en)
    names = [LEVEL_NAMES[Level(level)][0 if language == "zh" else 1] for level in layers]
    mark = mark_of(session, whole)
    sheet = Sheet(
        _title(whole, language),
        _headline(whole, language),
        note,
        language,
        names,
        mark.text,
        qr_rows(mark.text),
        f"{'台账指纹' if language == 'zh' else 'Ledger'} {mark.fingerprint}",
    )
    drawn = list(layers.values())
    if ending == ".html":
        path.write_text(draw_page(drawn, sheet), encoding="utf-8")
    else:
        draw_print(drawn[0], sheet, path)


def _title(whole: Progress, language: Language) -> str:
    day = f"{whole.as_of:%Y-%m-%d}"
    return f"{whole.unit_name}耕地恢复进度（{day}）" if language == "zh" else f"{whole.unit_name}: restoration on {day}"


def _headline(whole: Progress, language: Language) -> str:
    accepted = f"{whole.accepted_mu:,.2f} ± {whole.accepted_u_mu:,.2f}"
    share = ""
    if whole.evidenced_share is not None:
        share = f"（{whole.evidenced_share:.1%}）" if language == "zh" else f" ({whole.evidenced_share:.1%})"
    seen = f"{whole.evidenced_mu:,.2f}"
    if whole.target_mu is None:
        if language == "zh":
            return f"已验收 {accepted} 亩，其中有照片佐证 {seen} 亩{share}"
        return f"{accepted} mu accepted, {seen} mu{share} of it evidenced"
    if language == "zh":
        return (
            f"已验收 {accepted} 亩 / 任务 {whole.target_mu:,.2f} 亩（{whole.share:.1%}），其中有照片佐证 {seen} 亩{share}，"
            f"计划应达 {whole.schedule_mu:,.2f} 亩，剩 {whole.days_left} 天"
        )
    return (
        f"{accepted} of {whole.target_mu:,.2f} mu accepted ({whole.share:.1%}), {seen} mu{share} of it evidenced, "
        f"the plan asks for {whole.schedule_mu:,.2f} mu, {whole.days_left} days left"
    )


def _layer(session: Session, rows: list[Progress]) -> gpd.GeoDataFrame:
    held: dict[str, bytes] = dict(
        session.execute(
            select(Unit.code, raw(Unit.geometry)).where(
                Unit.code.in_([row.unit_code for row in rows]),
                Unit.geometry.is_not(None),
            )
        ).all()
    )
    rows = [row for row in rows if row.unit_code in held]
    frame = gpd.GeoDataFrame(
        {
            "code": [row.unit_code for row in rows],
            "name": [row.unit_name for row in rows],
            "warning": [row.warning for row in rows],
            "accepted_mu": [row.accepted_mu for row in rows],
            "evidenced_mu": [row.evidenced_mu for row in rows],
            "target_mu": [row.target_mu for row in rows],
            "share": [row.share for row in rows],
        },
        geometry=decode([held[row.unit_code] for row in rows]),
        crs=STORAGE,
    )
    return frame
