"""The folders of the benchmarks. All are below build/bench, which git ignores."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = PROJECT / "build" / "bench"
DATA: Final = RESULTS / "data"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a temporary folder for the block, on the disk of the results."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RESULTS, prefix="run-") as name:
        yield Path(name)
