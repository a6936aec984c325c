"""A search for one version among all manifests that the bucket keeps. It reads few of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from receipt_index.snapshot.format.manifest import Manifest, start_over
from receipt_ops.errors import OperationError
from receipt_ops.snapshots.kept_versions import Entry, History, KeptVersion, Page
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
    """The highest version number that the search has read. Readers may have seen it."""


class _End(NamedTuple):
    """Holds the place of an entry in its page, and the entry's version."""

    place: int
    version: int


class _Seen(NamedTuple):
    """Holds the requested manifest, if the page has it, and the highest version of the page."""

    chosen: Manifest | None
    highest: int


class Reads(Protocol):
    """A reader of the entries of a history."""

    def read_one(self, entry: Entry) -> KeptVersion | None: ...


def find_version(history: History, version: int) -> Found:
    """Return the manifest of a version, or the newer one of two with the same number.

    Each publish adds one to the version. So the first and the last entry of a page give the place
    of a version in it. The function reads a page completely if its versions do not count like that.
    Then a manifest was deleted, is unreadable, or was overwritten with a copy of an older one. The
    function does not read the pages after the found version, so `highest` does not include them.
    Raises NothingKeptError.
    """
    newest: Manifest | None = None
    highest, unreadable = 0, 0
    for page in history.pages():
        if newest is None:
            newest, unreadable = _newest(history, page.entries, unreadable)
        seen = _search(history, page, version)
        highest = max(highest, seen.highest)
        if seen.chosen is not None and newest is not None:
            return Found(seen.chosen, newest, max(highest, newest.version) + unreadable)
    raise _not_found(history.collection, version, newest)


def newest_readable(
    history: History, published: bytes | None, is_readable: Callable[[Found], bool]
) -> Found | None:
    """Return the newest version that can be read; None if that is the published one.

    `published` is the content of the present manifest, or None if there is none. `is_readable`
    fetches and opens a version. Raises NothingKeptError if no version can be read.
    """
    newest: Manifest | None = None
    highest, unreadable = 0, 0
    for kept in _one_by_one(history):
        manifest = kept.manifest
        if manifest is None:
            unreadable += newest is None
            continue
        newest, highest = newest or manifest, max(highest, manifest.version)
        found = Found(manifest, newest, max(highest, newest.version) + unreadable)
        if manifest.version and is_readable(found):
            return None if kept.data == published else found
    raise NothingKeptError(
        f"the bucket keeps no readable version of {history.collection}: to start over, "
        f"{start_over(history.collection)}"
    )


def _one_by_one(history: History) -> Iterator[KeptVersion]:
    """Yield the kept versions, newest first. Each manifest may be large, so hold one at a time."""
    for page in history.pages():
        for entry in page.entries:
            kept = history.read_one(entry)
            if kept is not None:
                yield kept


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


def _search(history: History, page: Page, version: int) -> _Seen:
    """Search a page for a version."""
    first, last = _ends(history, page.entries)
    if first is None or last is None:
        return _Seen(None, 0)
    if page.has_deletions or first.version - last.version != last.place - first.place:
        return _read_whole(history, page, version)
    if not last.version <= version <= first.version:
        return _Seen(None, first.version)
    kept = history.read_one(page.entries[first.place + first.version - version])
    if kept is None or kept.manifest is None or kept.manifest.version != version:
        return _read_whole(history, page, version)
    return _Seen(kept.manifest, first.version)


def _ends(history: Reads, entries: Sequence[Entry]) -> tuple[_End | None, _End | None]:
    """Return the first and the last readable entry."""
    places = range(len(entries))
    return _end(history, entries, places), _end(history, entries, places[::-1])


def _end(history: Reads, entries: Sequence[Entry], places: range) -> _End | None:
    for place in places:
        kept = history.read_one(entries[place])
        if kept is not None and kept.manifest is not None:
            return _End(place, kept.manifest.version)
    return None


def _read_whole(history: History, page: Page, version: int) -> _Seen:
    """Read every manifest of a page, and hold one at a time, because each may be large."""
    seen = _Seen(None, 0)
    for kept in history.read(page.entries):
        if kept.manifest is not None:
            is_chosen = seen.chosen is None and kept.manifest.version == version
            chosen = kept.manifest if is_chosen else seen.chosen
            seen = _Seen(chosen, max(seen.highest, kept.manifest.version))
    return seen


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
