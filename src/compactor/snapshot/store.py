"""Where a collection's snapshot lies: one mutable manifest, and objects named by their content."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class FetchedManifest:
    """The manifest's bytes and the tag that a conditional write must name."""

    data: bytes
    etag: str


class NotModified:
    """The manifest is still the one whose tag was given."""


class Absent:
    """Nothing has been published yet."""


class SnapshotStore(Protocol):
    """One collection's prefix. Names are relative to it."""

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        """The present manifest, unless it is still the known one.

        Raises SnapshotForbiddenError if the store does not say whether there is one.
        """
        ...

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        """Write the manifest if its tag is the expected one (None: if there is none yet).

        Returns the new tag. Raises PublishRefusedError if another version was published.
        """
        ...

    def holds_objects(self) -> bool:
        """Return whether anything but the manifest lies under the prefix. One listing."""
        ...

    def read(self, name: str, at_most: int) -> bytes:
        """An object's bytes. Raises SnapshotDamagedError if it is gone or has more of them."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Store an object under its content's name; the same object twice is the same object."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Remove objects; one that is gone already is no error.

        Raises ObjectsNotDeletedError with the names of those that may still be there.
        """
        ...
