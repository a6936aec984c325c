"""A search for one version among all manifests that the bucket keeps. It reads few of them."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from compactor.snapshot.manifest import Manifest
from operations.errors import OperationError
from operations.snapshots.history import Entry, KeptVersion, ManifestHistory, Page
from receipt_sync.keys import Collection

_SHOWN: Final = "`receipt-sync snapshot history`"


class NothingKeptError(OperationError):
    """The bucket keeps no readable manifest, or no manifest of the requested version."""


class Found(NamedTuple):
    """Holds the manifests that a restore needs."""

    chosen: Manifest
    newest: Manifest
    """The newest readable manifest."""
    highest: int
    """The highest version number that a reader can have seen."""


class Reads(Protocol):
    """A reader of the entries of a history."""

    def read_one(self, entry: Entry) -> KeptVersion | None: ...


def find_version(history: ManifestHistory, version: int) -> Found:
    """Find a version's manifest. Raises NothingKeptError.

    Each publish adds one to the version, so a binary search finds it in a page. After the deletion
    of a manifest, the versions start at 1 again. So the function reads a page with a deletion
    completely.
    """
    newest: Manifest | None = None
    highest, unreadable = 0, 0
    for page in history.pages():
        if newest is None:
            newest, unreadable = _newest(history, page.entries, unreadable)
        seen = _candidates(history, page, version)
        highest = max([highest, *(manifest.version for manifest in seen)])
        chosen = next((m for m in seen if m.version == version), None)
        if chosen is not None and newest is not None:
            return Found(chosen, newest, max(highest, newest.version) + unreadable)
    raise _not_found(history.collection, version, newest)


def _newest(
    history: Reads, entries: Sequence[Entry], unreadable: int
) -> tuple[Manifest | None, int]:
    """Return the newest readable manifest, and the number of newer unreadable ones."""
    for entry in entries:
        kept = history.read_one(entry)
        if kept is not None and kept.manifest is not None:
            return kept.manifest, unreadable
        unreadable += kept is not None
    return None, unreadable


def _candidates(history: ManifestHistory, page: Page, version: int) -> list[Manifest]:
    """Return some manifests of a page. They include the requested one if the page holds it."""
    if page.has_deletions:
        return [kept.manifest for kept in history.read(page.entries) if kept.manifest is not None]
    found = _by_halves(history, page.entries, version)
    return [found] if found is not None else []


def _by_halves(history: Reads, entries: Sequence[Entry], version: int) -> Manifest | None:
    """Return the manifest of a version by a binary search. Versions decrease along the entries."""
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        place, manifest = _readable(history, entries, middle, high)
        if manifest is None:  # No entry from the middle on is readable.
            high = middle
        elif manifest.version == version:
            return manifest
        elif manifest.version > version:
            low = place + 1
        else:
            high = middle
    return None


def _readable(
    history: Reads, entries: Sequence[Entry], start: int, end: int
) -> tuple[int, Manifest | None]:
    """Return the first readable manifest between two places, and its place."""
    for place in range(start, end):
        kept = history.read_one(entries[place])
        if kept is not None and kept.manifest is not None:
            return place, kept.manifest
    return end, None


def _not_found(collection: Collection, version: int, newest: Manifest | None) -> NothingKeptError:
    if newest is None:
        return NothingKeptError(
            f"the bucket keeps no readable manifest of a snapshot of {collection}, so no version "
            "can be restored. With CHROMA_TARGET=local, rebuild the collection from its deltas "
            "with `receipt-sync repair`. A Chroma server has no snapshots"
        )
    return NothingKeptError(
        f"version {version} of {collection} is not kept: choose one that {_SHOWN} lists"
    )
