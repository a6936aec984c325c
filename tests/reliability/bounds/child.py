"""Run one case in a process: python -m tests.reliability.bounds.child CASE OUTSIDE DISK MEMORY.

The limit is set before the large imports, so that it applies to the whole process.
"""

import json
import sys
import time
from pathlib import Path

from tests.reliability.bounds.limits import forget_peak, limit_memory, peak, resident


def main(name: str, outside: str, disk: str, memory: str, form: str) -> None:
    """Run a case, and print its result as JSON."""
    limit_memory(int(memory))
    from tests.reliability.bounds.cases import CASES, Place

    before, begun = resident(), time.monotonic()
    forget_peak()
    place = Place(Path(outside), Path(disk), int(memory))
    outcome = CASES[name](place, form == "quick")
    print(
        json.dumps(
            {
                **outcome._asdict(),
                "seconds": round(time.monotonic() - begun, 1),
                "before": before,
                "peak": peak(),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
