"""`python -m bench`: measure, and write the document."""

import argparse
import shlex
import sys
from pathlib import Path

from bench import accounts, areas, coverage, demonstration, imports, progress, writing
from bench.measure import SIZES
from bench.report import update

BENCHMARKS = {
    "areas": areas,
    "import": imports,
    "coverage": coverage,
    "progress": progress,
    "demo": demonstration,
    "accounts": accounts,
    "writing": writing,
}
DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    """Measure what is asked for, and write each section as soon as it is there."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHMARKS, help="measure one, and leave the other sections as they are")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of polygons, rising")
    parser.add_argument("--to", type=Path, default=DOCUMENT, help="the document")
    asked = parser.parse_args()
    command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    titles = [benchmark.TITLE for benchmark in BENCHMARKS.values()]
    for name in [asked.only] if asked.only else BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        update(asked.to, BENCHMARKS[name].measure(asked.sizes), command, titles)
    print(f"Wrote {asked.to}", file=sys.stderr)


if __name__ == "__main__":
    main()
