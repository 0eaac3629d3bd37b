"""`python -m infra.local.faults [NAME…]`: play all faults, or those whose names begin so.

It writes `build/faults.json`, and ends well only if every one of them was survived.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from infra.local.faults.catalogue import all_faults
from infra.local.faults.fault import Fault, Verdict
from infra.local.faults.playing import Playing
from shared.logs import start_logging

OUT = Path("build/faults.json")
KERNELS = Path("build/kernels")
LANES = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description="Break cutroom everywhere.")
    parser.add_argument("names", nargs="*", help="only faults whose names begin with these")
    parser.add_argument("--list", action="store_true", help="name them and play none")
    parser.add_argument("--lanes", type=int, default=LANES, help="stacks at once")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--keep", type=Path, help="where stacks and their logs stay")
    asked = parser.parse_args(arguments)
    faults = [each for each in all_faults() if _is_meant(each, asked.names)]
    if asked.list:
        _say("\n".join(each.name for each in faults))
        return 0
    with tempfile.TemporaryDirectory(prefix="cutroom-faults-") as made:
        folder = asked.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "faults.jsonl").open("a", encoding="utf-8") as file:
            start_logging(file)
            playing = Playing(folder, lanes=asked.lanes, kernels=KERNELS, tell=_tell)
            verdicts = asyncio.run(playing(faults))
    _write(asked.out, verdicts)
    survived = sum(each.survived for each in verdicts)
    _say(f"faults: {survived} survived of {len(verdicts)}")
    return 0 if survived == len(verdicts) else 1


def _is_meant(fault: Fault, names: Sequence[str]) -> bool:
    return not names or fault.name.startswith(tuple(names))


def _write(path: Path, verdicts: Sequence[Verdict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"faults": [asdict(each) for each in verdicts]}
    path.write_text(json.dumps(said, indent=2) + "\n", "utf-8")


def _tell(verdict: Verdict) -> None:
    word = "survived" if verdict.survived else "NOT SURVIVED"
    _say(f"{word:12}  {verdict.name}: {verdict.detail}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
