"""The document: a section per benchmark, each with its own date and machine, so that one can be measured alone."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from farmland.records.clock import SHANGHAI

OPENING = """# Benchmarks

Written by `make bench` (`python -m bench`; one section alone: `--only areas`). What is compared runs in turns within
one run, and medians are given: ratios hold on other machines, seconds do not. The plots, units and claims are those of
the demonstration city.
"""


@dataclass(frozen=True)
class Section:
    """One benchmark's words and figures. `goals` says of each target at which rows it is met (True) or missed."""

    title: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    goals: Mapping[str, Mapping[str, bool]]
    notes: str = ""


def update(path: Path, section: Section, command: str, titles: Sequence[str]) -> None:
    """Write the section that `command` measured; the others stay as they are. They stand in the order of `titles`."""
    held = _held(path) | {section.title: _markdown(section, command)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([OPENING, *(held[title] for title in titles if title in held)]), encoding="utf-8")


def _held(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    parts = re.split(r"^(?=## )", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].removeprefix("## "): part.rstrip("\n") + "\n" for part in parts}


def _markdown(section: Section, command: str) -> str:
    table = "\n".join(
        [
            _line(section.header),
            _line(["---:"] * len(section.header)),
            *map(_line, section.rows),
        ]
    )
    goals = "\n".join(f"- Target: {goal}: {_verdict(met)}." for goal, met in section.goals.items())
    today = f"{datetime.now(SHANGHAI):%Y-%m-%d}"
    paragraphs = [
        f"## {section.title}",
        section.text,
        table,
        section.notes,
        goals,
        f"`{command}`, {today}, {machine()}.",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _verdict(met: Mapping[str, bool]) -> str:
    words = {True: "met", False: "missed"}
    if len(met) == 1:
        return words[next(iter(met.values()))]
    by_word = {words[value]: [place for place, one in met.items() if one is value] for value in (True, False)}
    return "; ".join(f"{word} at {', '.join(places)}" for word, places in by_word.items() if places)


def machine() -> str:
    """The machine in words."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    model = found[1] if found else platform.processor() or platform.machine()
    return f"{os.cpu_count()} × {model}, Python {platform.python_version()}"
