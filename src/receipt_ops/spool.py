"""A list of texts in a temporary file, so that the memory does not grow with their number."""

import json
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self


class Spool:
    """Keeps texts in order. The file has no name, and is gone when the process ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 closed by us
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)

    def add(self, text: str) -> None:
        """Add a text. Do not call this during an iteration."""
        self._file.write(json.dumps(text) + "\n")
        self._count += 1
