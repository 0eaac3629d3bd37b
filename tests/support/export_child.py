"""Run one export in this process, and print the most memory and scratch it took, as JSON.

`python -m tests.support.export_child KIND SOURCE SCRATCH INPUT`, the last as JSON.
"""

import json
import resource
import sys
from pathlib import Path

from tests.support.exports import export


def main() -> None:
    """Export, then report on this process."""
    kind, source, scratch, fields = sys.argv[1:]
    made = export(kind, Path(source), Path(scratch), **json.loads(fields))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(
        json.dumps(
            {
                "peak_bytes": peak_kib * 1024,
                "scratch_peak_bytes": made.scratch_peak_bytes,
                "frames": made.result.frames,
            }
        )
    )


if __name__ == "__main__":
    main()
