"""The import of plots with all its checks, against a mere copy of the file by GDAL."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.city import City
from bench.measure import Contender, Timings, in_turns, rounds_for
from bench.program import refused, run, tianzhang
from bench.report import Section

TITLE = "Import of plots"
LARGEST_RATIO = 3


def measure(sizes: Sequence[int]) -> Section:
    copier = shutil.which("ogr2ogr")
    rows, whole, without = [], {}, {}
    with tempfile.TemporaryDirectory(prefix="tianzhang-bench-") as name:
        city = City(Path(name))
        for size in sizes:
            timings = _timed(city, size, copier)
            ours, start = timings.median("import"), timings.median("start")
            copied = ratio = without_start = "—"
            if copier:
                copied = f"{timings.median('copy'):.2f}"
                ratio = f"{timings.ratio('import', to='copy'):.2f}"
                left = (ours - start) / timings.median("copy")
                without_start = f"{left:.2f}"
                without[f"{size:,}"] = left <= LARGEST_RATIO
                whole[f"{size:,}"] = timings.ratio("import", to="copy") <= LARGEST_RATIO
            rows.append(
                [
                    f"{size:,}",
                    f"{ours:.2f}",
                    copied,
                    ratio,
                    f"{start:.2f}",
                    without_start,
                    f"{(ours - start) / size * 1e6:,.0f}",
                ]
            )
    return Section(
        TITLE,
        "A GeoPackage of plots with their units' codes into an SQLite database that has the city's units: the whole "
        "command with all checks, and `ogr2ogr`, which checks nothing, into a new GeoPackage. The start of the command, "
        "with all that an import needs, is measured by importing a file that is not there.",
        (
            "plots",
            "`tianzhang import plots FILE`, s",
            "`ogr2ogr -f GPKG NEW FILE`, s",
            "ratio, import ÷ `ogr2ogr`",
            "of it the start, s",
            "ratio without the start",
            "import after the start, µs a plot",
        ),
        rows,
        {
            f"at most {LARGEST_RATIO} times as long as `ogr2ogr`, the start aside": without,
            f"at most {LARGEST_RATIO} times as long, the start of Python and its libraries included": whole,
        }
        if copier
        else {},
        "" if copier else "`ogr2ogr` was not found on the PATH: there is nothing to compare with.",
    )


def _timed(city: City, size: int, copier: str | None) -> Timings:
    file, units = city.plots(size), city.with_units
    home = city.copy(units, "import")
    target = home / "copy.gpkg"
    contenders = [
        Contender("start", lambda: refused(home, "import", "plots", "nowhere.gpkg")),
        Contender(
            "import",
            lambda: tianzhang(home, "import", "plots", file),
            before=lambda: city.copy(units, "import"),
        ),
    ]
    if copier:
        contenders.append(
            Contender(
                "copy",
                lambda: run(copier, "-f", "GPKG", target, file),
                before=lambda: target.unlink(missing_ok=True),
            )
        )
    return in_turns(contenders, rounds_for(size))
