"""Import of the roster: field chiefs and their appointments, a row each."""

from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, object_session

from farmland.imports.rows.checks import refuse_empty, unit_codes
from farmland.imports.rows.outcome import Options, Outcome, Row
from farmland.imports.rows.source import Source
from farmland.land.plots import Plot
from farmland.land.units import UNIT_UNKNOWN, Unit
from farmland.people.chiefs import APPOINTMENT_ENDS_BEFORE_START, Appointment, Chief
from farmland.records.clock import parse_day
from farmland.records.database import table_of
from farmland.records.ledger import content, contents, merge
from geodata.column import next_id
from geodata.problems import Kind, Problem

PLOT_NUMBER_UNKNOWN = Kind(
    "plot_number_unknown",
    "{unit_code} 没有编号为 {number} 的责任田。",
    "Unit {unit_code} has no plot with the number {number}.",
)


CHIEF_IS_ANOTHER = Kind(
    "chief_is_another",
    "编号 {code} 是“{other}”（{where_zh}），这一行却写“{text}”：一个编号只能是一个人。请给各人各自的编号；确是同一人更名，"
    "加 --allow-renamed。",
    "{code} is the number of “{other}” ({where_en}), and this row says “{text}”: a number is one person's. Give each their own; "
    "where the same person has another name now, add --allow-renamed.",
)
CHIEF_DIFFERS = Kind(
    "chief_differs",
    "编号 {code} 的“{field}”在第 {first} 行是“{other}”，这一行是“{text}”。请改成一致。",
    "The “{field}” of {code} is “{other}” in row {first}, and “{text}” in this one. Make them agree.",
)


def days_of(source: Source, field: str, outcome: Outcome, default: str | None = None) -> list[date | None]:
    """A column of days, None where it is empty or wrong; wrong ones are named."""
    text = source.text(field, default)
    days: dict[str, date | Problem | None] = {"": None}
    for value in set(text) - {""}:
        try:
            days[value] = parse_day(value[:10] if value[10:].strip(" T0:") == "" else value)
        except Problem as problem:
            days[value] = problem
    result: list[date | None] = []
    for value, number in zip(text, source.numbers, strict=True):
        day = days[value]
        if isinstance(day, Problem):
            outcome.bad.append(Row(int(number), field, day))
            day = None
        result.append(day)
    return result


def import_chiefs(session: Session, source: Source, options: Options) -> Outcome:
    """Write chiefs by their roster number and their appointments; a known appointment gets its new end.

    An appointment is known by chief, unit, plot, duty and first day.
    """
    outcome = Outcome(len(source.frame))
    numbers, names = source.text("code"), source.text("name")
    units, duties = (
        unit_codes(source, "unit_code", outcome),
        source.text("duty", "田长"),
    )
    phones = source.text("phone", "")
    plots = source.text("plot_number", "")
    since = days_of(source, "from_day", outcome)
    until = days_of(source, "to_day", outcome, "")
    for field, values in (
        ("code", numbers),
        ("name", names),
        ("unit_code", source.text("unit_code")),
    ):
        refuse_empty(source, field, values, outcome)
    refuse_empty(source, "from_day", source.text("from_day"), outcome)
    chiefs = {row.code: row for row in session.scalars(select(Chief))}
    _refuse_other_people(source, numbers, names, {} if options.allow_renamed else chiefs, outcome)
    _refuse_differing(source, "phone", numbers, phones, numbers, outcome)
    ends = np.array([end.isoformat() if end else "-" for end in until], dtype=object)
    appointed = numbers + "/" + units + "/" + plots + "/" + duties + "/" + source.text("from_day")
    _refuse_differing(source, "to_day", appointed, ends, numbers, outcome)
    known = set(session.scalars(select(Unit.code)))
    wrong = [i for i, code in enumerate(units) if code and code not in known]
    for i in wrong:
        outcome.refuse([source.numbers[i]], "unit_code", UNIT_UNKNOWN, code=units[i])
    plot_ids = _plot_ids(session, units, plots)
    bad = {row.number for row in outcome.bad}

    appointments = {
        (row.chief_id, row.unit_code, row.plot_id, row.duty, row.from_day): row
        for row in session.scalars(select(Appointment))
    }
    connection = session.connection()
    changed_rows: dict[tuple[type, int], Chief | Appointment] = {}
    chief_id, appointment_id = (
        next_id(connection, table_of(Chief)),
        next_id(connection, table_of(Appointment)),
    )
    ids = {code: row.id for code, row in chiefs.items()}
    new_chiefs, new_appointments = [], []
    for i, number in enumerate(source.numbers):
        if number in bad:
            continue
        if plots[i] and (units[i], plots[i]) not in plot_ids:
            outcome.refuse(
                [number],
                "plot_number",
                PLOT_NUMBER_UNKNOWN,
                unit_code=units[i],
                number=plots[i],
            )
            continue
        if until[i] is not None and since[i] is not None and until[i] < since[i]:  # type: ignore[operator]
            outcome.refuse(
                [number],
                "to_day",
                APPOINTMENT_ENDS_BEFORE_START,
                since=since[i],
                until=until[i],
            )
            continue
        changed = added = False
        phone = phones[i] or None
        if numbers[i] not in ids:
            ids[numbers[i]] = chief_id
            new_chiefs.append({"id": chief_id, "code": numbers[i], "name": names[i], "phone": phone})
            chief_id += 1
            added = True
        elif (held := chiefs.get(numbers[i])) and (held.name, held.phone) != (
            names[i],
            phone or held.phone,
        ):
            _remember(outcome, changed_rows, held)
            held.name, held.phone = names[i], phone or held.phone
            changed = True
        plot_id = plot_ids.get((units[i], plots[i])) if plots[i] else None
        key = (ids[numbers[i]], units[i], plot_id, duties[i], since[i])
        if key not in appointments:
            columns = ("chief_id", "unit_code", "plot_id", "duty", "from_day")
            row = dict(zip(columns, key, strict=True)) | {
                "id": appointment_id,
                "to_day": until[i],
            }
            new_appointments.append(row)
            appointments[key] = Appointment(**row)  # type: ignore[index]
            appointment_id += 1
            added = True
        elif appointments[key].to_day != until[i]:  # type: ignore[index]
            _remember(outcome, changed_rows, appointments[key])  # type: ignore[index]
            appointments[key].to_day = until[i]  # type: ignore[index]
            changed = True
        outcome.added += added
        outcome.changed += changed and not added
        outcome.unchanged += not (added or changed)
    session.flush()
    outcome.after = contents(*changed_rows.values())
    for model, rows in ((Chief, new_chiefs), (Appointment, new_appointments)):
        if rows:
            connection.execute(insert(model), rows)
            merge(outcome.after, content(table_of(model), {name: [row[name] for row in rows] for name in rows[0]}))
    return outcome


def _refuse_other_people(
    source: Source,
    numbers: NDArray[np.object_],
    names: NDArray[np.object_],
    held: dict[str, Chief],
    outcome: Outcome,
) -> None:
    """Name the rows that give a number to somebody else than an earlier row, or than the records, do."""
    first: dict[str, int] = {}
    for i, (code, name) in enumerate(zip(numbers, names, strict=True)):
        if not code or not name:
            continue
        earlier = first.setdefault(code, i)
        if names[earlier] != name:
            row = source.numbers[earlier]
            other, where_zh, where_en = names[earlier], f"本文件第 {row} 行", f"row {row} of this file"
        elif code in held and held[code].name != name:
            other, where_zh, where_en = held[code].name, "已在名册中", "in the roster already"
        else:
            continue
        facts = {"other": other, "text": name, "where_zh": where_zh, "where_en": where_en}
        outcome.refuse([source.numbers[i]], "name", CHIEF_IS_ANOTHER, code=code, **facts)


def _refuse_differing(
    source: Source,
    field: str,
    keys: NDArray[np.object_],
    values: NDArray[np.object_],
    numbers: NDArray[np.object_],
    outcome: Outcome,
) -> None:
    """Name the rows in which a field is another than in an earlier row of the same key."""
    first: dict[str, int] = {}
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        if value and values[(earlier := first.setdefault(key, i))] != value:
            facts = {"first": source.numbers[earlier], "other": values[earlier], "text": value, "field": field}
            outcome.refuse([source.numbers[i]], field, CHIEF_DIFFERS, code=numbers[i], **facts)


def _remember(outcome: Outcome, changed: dict[tuple[type, int], Chief | Appointment], row: Chief | Appointment) -> None:
    """Keep what a row was before it is changed for the first time; one that is new in this import was nothing before."""
    if object_session(row) is not None and (type(row), row.id) not in changed:
        merge(outcome.before, contents(row))
        changed[type(row), row.id] = row


def _plot_ids(session: Session, units: np.ndarray, plots: np.ndarray) -> dict[tuple[str, str], int]:
    wanted = sorted({unit for unit, plot in zip(units, plots, strict=True) if plot})
    if not wanted:
        return {}
    rows = session.execute(select(Plot.unit_code, Plot.number, Plot.id).where(Plot.unit_code.in_(wanted)))
    return {(row.unit_code, row.number): row.id for row in rows}
