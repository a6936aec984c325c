"""Finds one version among all that the bucket keeps, and reads few of them."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from compactor.snapshot.manifest import Manifest
from operations.errors import OperationError
from operations.snapshots.history import Entry, KeptVersion, ManifestHistory, Page
from receipt_sync.keys import Collection

_SHOWN: Final = "`receipt-sync snapshot history`"


class NothingKeptError(OperationError):
    """The bucket keeps no readable manifest, or none of the version that was asked for."""


class Found(NamedTuple):
    """What a restore has to know."""

    chosen: Manifest
    newest: Manifest
    """The newest that can be read."""
    highest: int
    """No version that anybody may have seen has a higher number."""


class Reads(Protocol):
    """Reads an entry of a history."""

    def read_one(self, entry: Entry) -> KeptVersion | None: ...


def find_version(history: ManifestHistory, version: int) -> Found:
    """Find a version's manifest. Raises NothingKeptError.

    Each publish counts one up, so a page is searched by halves. A page in which the manifest was
    deleted, and began anew at 1, is read whole.
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
    """The newest readable manifest, and how many that can't be read are newer."""
    for entry in entries:
        kept = history.read_one(entry)
        if kept is not None and kept.manifest is not None:
            return kept.manifest, unreadable
        unreadable += kept is not None
    return None, unreadable


def _candidates(history: ManifestHistory, page: Page, version: int) -> list[Manifest]:
    """Manifests of a page, the asked one among them if it is there."""
    if page.has_deletions:
        return [kept.manifest for kept in history.read(page.entries) if kept.manifest is not None]
    found = _by_halves(history, page.entries, version)
    return [found] if found is not None else []


def _by_halves(history: Reads, entries: Sequence[Entry], version: int) -> Manifest | None:
    """The manifest of a version, by a binary search; versions fall along the entries."""
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        place, manifest = _readable(history, entries, middle, high)
        if manifest is None:  # nothing from the middle on can be read
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
    """The first manifest from a place on that can be read."""
    for place in range(start, end):
        kept = history.read_one(entries[place])
        if kept is not None and kept.manifest is not None:
            return place, kept.manifest
    return end, None


def _not_found(collection: Collection, version: int, newest: Manifest | None) -> NothingKeptError:
    if newest is None:
        return NothingKeptError(
            f"the bucket keeps no readable manifest of a snapshot of {collection}: a Chroma "
            "server has none; of a directory, `receipt-sync repair` builds it from the deltas"
        )
    return NothingKeptError(f"version {version} of {collection} is not kept: see {_SHOWN}")
