"""Search the published receipts, and send vectors of them. See docs/integrate.md.

Each name is imported when it is first used, because Chroma and the AWS SDK take a second to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from receipt_index.following import Following
    from receipt_index.reader import Reader
    from receipt_index.readers import ReaderSettings, open_reader
    from receipt_index.records import Match, Record
    from receipt_index.server.reader import ServerReader
    from receipt_index.snapshot.reading.reader import NothingPublishedError, SnapshotReader
    from receipt_index.vector_sender import VectorSender
    from receipt_sync.keys import Collection, EntityKey, parse_key
    from receipt_sync.messages import Delta

__all__ = [
    "Collection",
    "Delta",
    "EntityKey",
    "Following",
    "Match",
    "NothingPublishedError",
    "Reader",
    "ReaderSettings",
    "Record",
    "ServerReader",
    "SnapshotReader",
    "VectorSender",
    "open_reader",
    "parse_key",
]

_MODULES: Final = {
    "Collection": "receipt_sync.keys",
    "Delta": "receipt_sync.messages",
    "EntityKey": "receipt_sync.keys",
    "Following": "receipt_index.following",
    "Match": "receipt_index.records",
    "NothingPublishedError": "receipt_index.snapshot.reading.reader",
    "Reader": "receipt_index.reader",
    "ReaderSettings": "receipt_index.readers",
    "Record": "receipt_index.records",
    "ServerReader": "receipt_index.server.reader",
    "SnapshotReader": "receipt_index.snapshot.reading.reader",
    "VectorSender": "receipt_index.vector_sender",
    "open_reader": "receipt_index.readers",
    "parse_key": "receipt_sync.keys",
}


def __getattr__(name: str) -> Any:
    """Import a public name. Rule: https://peps.python.org/pep-0562/."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
