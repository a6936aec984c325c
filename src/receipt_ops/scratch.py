"""The temporary folder of one command. The next command removes it after a crash."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from receipt_index.snapshot.copies.workspace import claimed


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield an empty folder, and remove it at the end of the block.

    A command that is killed leaves its folder behind. Its claim ends with its process, so the next
    command of the same user removes it. Raises OSError.
    """
    root = Path(tempfile.gettempdir()) / f"receipt-sync-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    name = str(uuid4())
    try:
        with claimed(root, name) as folder:
            yield folder
    finally:
        # The next command finds a folder that could not be removed by its lock.
        if not (root / name).exists():
            (root / f"{name}.lock").unlink(missing_ok=True)
