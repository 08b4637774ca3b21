"""Texts of a file that the records cannot hold: too long for their place, or with signs that cannot be shown."""

from typing import Any

import pandas as pd

from farmland.imports.rows.outcome import Row
from farmland.imports.rows.source import Source
from farmland.land.baseline import BaselinePatch
from farmland.land.designations import DesignatedArea
from farmland.land.plots import Plot
from farmland.land.units import Unit
from farmland.people.chiefs import Appointment, Chief
from farmland.records.texts import UNSEEN, UNSHOWN
from farmland.restoration.claims import Claim, State, Step
from farmland.restoration.findings import Finding
from farmland.restoration.targets import Target
from geodata.problems import Kind, Problem

TEXT_TOO_LONG = Kind(
    "text_too_long",
    "“{field}”有 {length} 个字符，超过上限 {most} 个。请缩短。",
    "“{field}” has {length} characters, more than {most}. Shorten it.",
)
TEXT_NOT_SHOWN = Kind(
    "text_not_shown",
    "“{field}”里有不能显示的字符（控制字符、零宽字符，或表示乱码的“�”）。请删去或改正后再导入。",
    "“{field}” has control characters, signs without width, or the “�” of a lost letter, which cannot be shown. Remove "
    "or correct them and import again.",
)

_STEP = ("by", "why", "device", "household")
_KEPT_IN: dict[str, dict[str, Any]] = {
    "units": {"name": Unit.name},
    "chiefs": {"code": Chief.code, "name": Chief.name, "phone": Chief.phone, "duty": Appointment.duty},
    "plots": {"number": Plot.number},
    "baseline": {"number": BaselinePatch.number},
    "targets": {"target_code": Target.code, "name": Target.name},
    "claims": {
        **{"number": Claim.number, "former_use": Claim.former_use, "crop": Claim.crop},
        **{f"{state}_{name}": getattr(Step, name) for state in State for name in _STEP},
    },
    "designations": {"number": DesignatedArea.number, "name": DesignatedArea.name, "fund": DesignatedArea.fund},
    "findings": {"number": Finding.number, "by": Finding.by, "note": Finding.note},
}


def part_unfit(source: Source) -> tuple[Source, list[Row]]:
    """The source without the rows that have such a text, and these rows, each with what is wrong."""
    bad: list[Row] = []
    for field, column in _KEPT_IN[source.noun].items():
        if not source.has(field):
            continue
        text = pd.Series(source.text(field), index=source.frame.index, dtype="string")
        lengths, most = text.str.len(), column.type.length
        for number, length in lengths[lengths > most].items():
            bad.append(Row(int(str(number)), field, Problem(TEXT_TOO_LONG, field=field, length=length, most=most)))
        for number in text.index[text.str.contains(f"[{UNSHOWN}{UNSEEN}\ufffd]")]:
            bad.append(Row(int(number), field, Problem(TEXT_NOT_SHOWN, field=field)))
    return source.without(row.number for row in bad), bad
