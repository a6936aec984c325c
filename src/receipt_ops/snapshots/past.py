"""Access to earlier published versions, to find since when a record is unchanged."""

from collections.abc import Mapping, Sequence
from typing import overload

from receipt_index.snapshot.format.manifest import Manifest
from receipt_ops.snapshots.kept_versions import Entry, History, KeptVersion
from receipt_ops.snapshots.objects import missing
from receipt_ops.snapshots.since import Version


class PastVersions(Sequence[Version]):
    """The versions that can be opened, oldest first. Reads a manifest only when it is needed.

    The compactor deletes unused objects after their retention. So only the newest versions, up to
    the verified one, can be opened. A restore makes exceptions: the objects of the original stay,
    and those of the versions after it are deleted. Some of these versions may be in the list.
    """

    def __init__(self, history: History, sizes: Mapping[str, int], verified: int) -> None:
        self._history, self._sizes, self._verified = history, sizes, verified
        self._known: dict[str, KeptVersion | None] = {}
        self._entries = self._openable()[::-1]

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, place: int) -> Version: ...

    @overload
    def __getitem__(self, place: slice) -> list[Version]: ...

    def __getitem__(self, place: int | slice) -> Version | list[Version]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        manifest = _manifest_of(self.kept(place))
        return Version(manifest.version, manifest.published_at)

    def is_whole(self, place: int) -> bool:
        """Return whether all objects of a version exist."""
        return not missing(_manifest_of(self.kept(place)), self._sizes)

    def kept(self, place: int) -> KeptVersion:
        """Return the manifest of a version, or the next newer one if it is unreadable."""
        for entry in self._entries[place:]:
            kept = self._read(entry)
            if kept is not None and kept.manifest is not None:
                return kept
        raise AssertionError("the newest version was readable before, so one must be found")

    def _openable(self) -> list[Entry]:
        """Return the entries that can be opened, newest first.

        This reads one manifest of each page, and some more of the last page.
        """
        found: list[Entry] = []
        for page in self._history.pages():
            entries = page.entries if found else self._from_verified(page.entries)
            end = self._end(entries)
            found += entries[:end]
            if end < len(entries):
                break
        return found

    def _from_verified(self, entries: list[Entry]) -> list[Entry]:
        """Return the entries from the verified version on. Newer versions were not verified.

        Numbers rise with each publish and restore. They fall only if an operator copied an older
        manifest. So a lower number is the place only if the page lacks the verified version.
        """
        lower = len(entries)
        for place, entry in enumerate(entries):
            kept = self._history.read_one(entry)
            if kept is None or kept.manifest is None:
                continue
            if kept.manifest.version == self._verified:
                return entries[place:]
            if kept.manifest.version < self._verified:
                lower = min(lower, place)
        return entries[lower:]

    def _end(self, entries: list[Entry]) -> int:
        """Return how many of the first entries of a page can be opened."""
        if not entries or self._is_openable(entries[-1]):
            return len(entries)
        low, high = 0, len(entries) - 1
        while low < high:
            middle = (low + high) // 2
            if self._is_openable(entries[middle]):
                low = middle + 1
            else:
                high = middle
        return low

    def _is_openable(self, entry: Entry) -> bool:
        manifest = self._manifest(entry)
        return (
            manifest is not None
            and manifest.version > 0  # Version 0 has no publish.
            and not missing(manifest, self._sizes)
        )

    def _manifest(self, entry: Entry) -> Manifest | None:
        kept = self._read(entry)
        return kept.manifest if kept is not None else None

    def _read(self, entry: Entry) -> KeptVersion | None:
        if entry.version_id not in self._known:
            self._known[entry.version_id] = self._history.read_one(entry)
        return self._known[entry.version_id]


def _manifest_of(kept: KeptVersion) -> Manifest:
    if kept.manifest is None:
        raise AssertionError("`kept` returns only readable manifests")
    return kept.manifest
