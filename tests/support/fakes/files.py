"""An index that stores its records in one file of the working copy, so that its pages change."""

import json
from pathlib import Path

from receipt_sync.keys import Collection


class FileIndex:
    """Stores records as JSON. Like Chroma, it writes a file when it opens.

    A copy therefore differs from its mirror at once.
    """

    def __init__(self, folder: Path, collection: Collection) -> None:
        self._path = folder / "segment" / "records.json"
        self._path.parent.mkdir(exist_ok=True)
        (folder / "opened").write_text(str(collection))
        self.records: dict[str, str] = (
            json.loads(self._path.read_text()) if self._path.exists() else {}
        )

    def put(self, **records: str) -> None:
        self.records |= records
        self._path.write_text(json.dumps(self.records, indent=0))

    def count(self) -> int:
        return len(self.records)

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass
