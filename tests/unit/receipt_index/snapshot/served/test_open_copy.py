"""An open copy closes what it has opened, whatever happens."""

from pathlib import Path

import pytest

from receipt_index.snapshot.reading.open_copy import OpenCopy
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection


class Noted:
    """An index that counts its closes, and fails to warm up if it is asked to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.warm, self.closed = error, 0, 0

    def warm_up(self) -> None:
        self.warm += 1
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed += 1


def test_a_copy_without_files_of_the_exact_search_searches_the_graph(tmp_path: Path) -> None:
    index = Noted()
    copy = OpenCopy(index, tmp_path, Collection.LINES)  # type: ignore[type-var]
    assert (copy.is_exact, index.warm, index.closed) == (False, 1, 0)
    copy.close()
    assert index.closed == 1


@pytest.mark.parametrize("error", [IndexFailedError("no"), KeyboardInterrupt()])
def test_an_index_that_does_not_warm_up_is_closed(tmp_path: Path, error: BaseException) -> None:
    index = Noted(error)
    with pytest.raises(type(error)):
        OpenCopy(index, tmp_path, Collection.LINES)  # type: ignore[type-var]
    assert index.closed == 1
