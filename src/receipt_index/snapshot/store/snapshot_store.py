"""The protocol of the store of one collection's snapshot.

A store holds one mutable manifest, and objects that are named by their content.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class FetchedManifest:
    """The manifest's bytes, and the tag that a conditional write must name."""

    data: bytes
    etag: str


class NotModified:
    """The answer that the manifest still has the given tag."""


class Absent:
    """The answer that nothing is published yet."""


class SnapshotStore(Protocol):
    """The objects under one collection's prefix. Names are relative to the prefix."""

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        """Return the present manifest, or NotModified if it still has the tag `known_etag`.

        Return Absent if there is no manifest. Raises SnapshotForbiddenError if the store does not
        answer whether there is one.
        """
        ...

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        """Write the manifest if the present one has the expected tag, and return the new tag.

        `expected_etag` None expects that there is no manifest yet. Raises PublishRefusedError if
        another version was published.
        """
        ...

    def holds_objects(self) -> bool:
        """Return whether the prefix holds any object besides the manifest, by one listing."""
        ...

    def read(self, name: str, at_most: int) -> bytes:
        """Return the bytes of an object.

        Raises SnapshotDamagedError if the object is missing or has more than `at_most` bytes.
        """
        ...

    def write(self, name: str, data: bytes) -> None:
        """Store an object under the name of its content. Writing it again changes nothing."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects. An object that is already gone is no error.

        Raises ObjectsNotDeletedError with the names of the objects that may still exist.
        """
        ...
