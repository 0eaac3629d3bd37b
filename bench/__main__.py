"""`python -m bench [--quick] [NAME…]`: measure, print a table, write `build/bench.json`."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.catalogue import MEASUREMENTS
from bench.figures import Measurement, Outcome, measure
from bench.report import line, write
from bench.workplace import QUICK, Effort, workplace

BUILD = Path("build")


def run(
    names: Sequence[str], measurements: Sequence[Measurement], build: Path, effort: Effort
) -> int:
    """Measure the figures named, or all; return 1 if one that is judged misses its target.

    2, with nothing measured, where a name is unknown.
    """
    known = {figure.name for each in measurements for figure in each.figures}
    unknown = sorted(set(names) - known)
    if unknown:
        print(f"no figure is called {', '.join(unknown)}", file=sys.stderr)
        return 2
    wanted = set(names) or known
    outcomes: list[Outcome] = []
    with workplace(build, effort) as place:
        for each in measurements:
            if wanted.isdisjoint(figure.name for figure in each.figures):
                continue
            found = [o for o in measure(each, place) if o.figure.name in wanted]
            print(*map(line, found), sep="\n", flush=True)
            outcomes += found
    write(outcomes, build / "bench.json")
    return int(any(each.ok is False for each in outcomes))


def main() -> int:
    """Read the command line."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures; all unless named")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, to see that it works; judges nothing"
    )
    told = parser.parse_args()
    return run(told.names, MEASUREMENTS, BUILD, QUICK if told.quick else Effort())


if __name__ == "__main__":
    sys.exit(main())
