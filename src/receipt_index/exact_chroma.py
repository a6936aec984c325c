"""Opens a Chroma collection of a working copy together with its derived files."""

from pathlib import Path

from receipt_index.chroma import ChromaIndex
from receipt_index.exact.index import ExactIndex
from receipt_sync.keys import Collection


def open_exact_chroma(folder: Path, collection: Collection) -> ExactIndex:
    """Return the collection in a folder. Every write keeps the files of the exact search."""
    index = ChromaIndex(folder, collection)
    try:
        return ExactIndex(index, folder)
    except BaseException:
        index.close()
        raise
