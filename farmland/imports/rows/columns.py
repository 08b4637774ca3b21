"""Which column of a file is which field: by its name, also where a format cut that; names that only look alike are told."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher

from geodata.encodings import CUT, decode
from geodata.problems import Kind, Problem
from geodata.remarks import Remark

MAPPED_MISSING = Kind(
    "mapped_column_missing",
    "{file} 中没有“{column}”字段（--map {field}={column}）。文件的字段有：{columns}。",
    "{file} has no column “{column}” (--map {field}={column}). Its columns are: {columns}.",
)
COLUMN_CUT = Kind(
    "column_name_cut",
    "字段名“{column}”在 10 个字节处被截断，按“{alias}”读作 {field}。若不对，请用 --map 指明。",
    "The column's name “{column}” was cut at 10 bytes. It was taken as {field}, from “{alias}”. If that is wrong, name the "
    "column with --map.",
)
COLUMN_ALIKE = Kind(
    "column_alike",
    "字段“{column}”像是“{alias}”（{field}），但没有采用；这一项按没有处理。若就是它，请加 --map {field}={column}。",
    "The column “{column}” looks like “{alias}” ({field}), but was not taken, and the field counts as missing. If it is that, "
    "add --map {field}={column}.",
)
COLUMN_AMBIGUOUS = Kind(
    "column_ambiguous",
    "{file} 中分不清：{columns} 都可能对应 {fields}。请用 --map 字段=列名 逐一指明。",
    "In {file} it is not clear which is which: {columns} may be {fields}. Say so with --map FIELD=COLUMN.",
)

COLUMN_MAY_BE_CUT = Kind(
    "column_name_perhaps_cut",
    "字段“{column}”按 {field} 读入。若它其实是被截断的“{alias}”（{other}），请加 --map {other}={column}。",
    "The column “{column}” was taken as {field}. If it is “{alias}” ({other}), of which the name was cut, add "
    "--map {other}={column}.",
)

_SIDE_BY_SIDE = frozenset({"bsm", "tbybh", "tbbh", "zldwdm", "qsdwdm", "xzqdm", "zldwmc", "qsdwmc", "xzqmc"})
"""Columns that a survey's layers have beside one another: the first that a field is known by is meant."""
_CUT_AT = 10  # bytes, the longest name of a column in a .dbf
_CODECS = ("gb18030", "utf-8")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_BRACKETS = re.compile(r"\(.*?\)|\[.*?\]|【.*?】|<.*?>")
_NOT_LETTERS = re.compile(r"[\W_]+")
_NEAR_CHINESE, _NEAR = 0.75, 0.85  # one of four characters; less than one of six letters, such as ZLDWMC for ZLDWDM


def fields_of(
    names: Iterable[str],
    known: Mapping[str, tuple[str, ...]],
    mapping: Mapping[str, str],
    given: Iterable[str],
    file: str,
    cut: Collection[str] | None = None,
    same: Callable[[str, str], bool] = lambda one, other: False,
) -> tuple[dict[str, str], list[Remark]]:
    """The column of each field that has one, and what is to be told: COLUMN_CUT, COLUMN_MAY_BE_CUT, COLUMN_ALIKE.

    Parameters
    ----------
    names : the file's columns
    known : the names under which each field is known
    mapping : the columns that were named for fields; they come first
    given : the fields that have a value without the file
    cut : the columns of which the name is known to be cut; None where the format does not cut names
    same : whether two columns have the same values

    Capitals, white space and wide letters do not count. Raises MAPPED_MISSING, COLUMN_AMBIGUOUS.
    """
    columns, surely_cut = [str(name) for name in names], cut or ()
    folded: dict[str, list[str]] = defaultdict(list)
    for name in columns:
        folded[_fold(name)].append(name)
    found: dict[str, str] = {}
    for field, column in mapping.items():
        hits = [name for name in columns if name == column] or folded.get(_fold(column), [])
        if not hits:
            raise Problem(MAPPED_MISSING, file=file, field=field, column=column, columns=", ".join(columns))
        found[field] = _one(hits, [field], file)
    wanted = {field: aliases for field, aliases in known.items() if field not in found and field not in set(given)}
    for field, aliases in wanted.items():
        hits = []
        for known_as in aliases:
            named = [name for name in folded.get(_fold(known_as), []) if name not in surely_cut]
            hits += [name for name in named if name.lower() == known_as][:1] or named
        if hits:
            found[field] = _one(_rivals(hits, same), [field], file)
    remarks = [] if cut is None else [*_perhaps_cut(found, wanted)]
    missing = {field: aliases for field, aliases in wanted.items() if field not in found}
    for field, (column, whole) in _cut(folded, missing, set(found.values()), file).items():
        found[field] = column
        remarks.append(Remark(Problem(COLUMN_CUT, column=column, alias=whole, field=field), 0, column))
    exact = {_fold(alias) for aliases in known.values() for alias in aliases}
    for name in columns:
        if name not in found.values() and (name in surely_cut or _fold(name) not in exact):
            for field in [field for field in missing if field not in found]:
                alias = next((alias for alias in known[field] if _alike(_fold(name), _fold(alias))), None)
                if alias is not None:
                    problem = Problem(COLUMN_ALIKE, column=name, alias=alias, field=field)
                    remarks.append(Remark(problem, 0, name))
                    break
    return found, remarks


def _cut(
    folded: Mapping[str, list[str]], missing: Mapping[str, tuple[str, ...]], taken: set[str], file: str
) -> dict[str, tuple[str, str]]:
    """The missing fields of which a column has the name as a .dbf cuts it, each with the column and the whole name."""
    hits: dict[str, dict[str, str]] = defaultdict(dict)  # of a column the fields that it may be, by which names
    for field, aliases in missing.items():
        for alias in aliases:
            for cut in _cuts(alias):
                for name in folded.get(cut, []):
                    if name not in taken:
                        hits[name].setdefault(field, alias)
    columns_of = {field: [name for name in hits if field in hits[name]] for field in missing}
    for name, fields in hits.items():
        rivals = {name, *(other for field in fields for other in columns_of[field])}
        if len(fields) > 1 or len(rivals) > 1:
            raise Problem(COLUMN_AMBIGUOUS, file=file, columns=", ".join(sorted(rivals)), fields=", ".join(fields))
    return {field: (name, alias) for name, fields in hits.items() for field, alias in fields.items()}


def _perhaps_cut(found: Mapping[str, str], wanted: Mapping[str, tuple[str, ...]]) -> Iterator[Remark]:
    """What is told of columns with a field's name which may as well be the beginning of another's that has no column."""
    for field, column in found.items():
        for other, aliases in wanted.items():
            longer = next((alias for alias in aliases if other not in found and _fold(column) in _cuts(alias)), None)
            if longer is not None:
                facts = {"column": column, "field": field, "alias": longer, "other": other}
                yield Remark(Problem(COLUMN_MAY_BE_CUT, **facts), 0, column)
                break


def _cuts(alias: str) -> set[str]:
    """The beginnings of a name, folded, that a .dbf may have of it."""
    return {
        _fold(decode(alias.encode(codec)[:_CUT_AT], codec).replace(CUT, ""))
        for codec in _CODECS
        if len(alias.encode(codec)) > _CUT_AT
    }


def _rivals(hits: list[str], same: Callable[[str, str], bool]) -> list[str]:
    """Of the columns that may be a field the first, and those that have other values and do not belong beside it."""
    first, *others = hits
    return [
        first,
        *(name for name in others if not same(first, name) and not {_fold(first), _fold(name)} <= _SIDE_BY_SIDE),
    ]


def _one(hits: list[str], fields: list[str], file: str) -> str:
    if len(hits) > 1:
        raise Problem(COLUMN_AMBIGUOUS, file=file, columns=", ".join(hits), fields=", ".join(fields))
    return hits[0]


def _fold(name: str) -> str:
    """A name without capitals, white space and wide letters: what does not count in it."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in plain if not sign.isspace() and unicodedata.category(sign) != "Cf")


def _alike(name: str, alias: str) -> bool:
    """Whether a folded name looks like one that is known: its beginning, it with additions, or it with another letter."""
    bare, known = (_NOT_LETTERS.sub("", _BRACKETS.sub("", text)) for text in (name, alias))
    if not bare or not known:
        return False
    chinese = bool(_CHINESE.search(known))
    least = 2 if chinese else 4
    if len(known) >= least and known in bare:
        return True
    beginning = bare.rstrip("0123456789")
    if len(beginning) >= least and known.startswith(beginning):
        return True
    enough = _NEAR_CHINESE if chinese else _NEAR
    return min(len(bare), len(known)) >= 4 and SequenceMatcher(None, bare, known).ratio() >= enough
