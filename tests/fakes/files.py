"""An index whose records lie in one file of the working copy, so that pages really change."""

import json
from pathlib import Path

from receipt_sync.keys import Collection


class FileIndex:
    """Writes on opening, as Chroma does, so that a copy differs from its mirror at once."""

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
