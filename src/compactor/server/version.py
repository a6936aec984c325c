"""The manifest of a collection that lies on a Chroma server: its version, and who may be writing.

A server can't be made to refuse a worker that was paused and wakes late. So whoever writes says so
here first, and until when at most. Who finds another's claim knows that what is on the server may
yet change, and acknowledges nothing; who finds none, from its first look to its publish, was alone.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from compactor.snapshot.manifest import faults
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection

FORMAT: Final = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Claim(_Part):
    """A cycle that has begun to write, and the moment after which it surely is over."""

    cycle: str
    until: AwareDatetime


class ServerVersion(_Part):
    """One version. Version 0 stands for nothing published yet, only claimed."""

    target: Literal["server"] = "server"
    format: Literal[1] = FORMAT
    collection: Collection
    collection_id: UUID
    version: Annotated[int, Field(ge=0)] = 0
    record_count: Annotated[int, Field(ge=0)] = 0
    published_at: AwareDatetime | None = None
    writer: str | None = None
    claims: tuple[Claim, ...] = ()

    def to_json(self) -> bytes:
        return self.model_dump_json().encode()

    def claimed(self, claim: Claim, now: datetime) -> Self:
        """The same version with one more claim; claims of cycles that are over are left out."""
        return self.model_copy(update={"claims": (*self.claims_of_others(claim.cycle, now), claim)})

    def claims_of_others(self, cycle: str, now: datetime) -> tuple[Claim, ...]:
        """Claims of cycles that may still be writing at `now`, other than `cycle`."""
        return tuple(c for c in self.claims if c.cycle != cycle and c.until > now)


def read_version(data: bytes, collection: Collection) -> ServerVersion:
    """The version in a manifest. Raises SnapshotDamagedError for anything else."""
    try:
        version = ServerVersion.model_validate_json(data)
    except ValidationError as error:
        raise SnapshotDamagedError(
            f"the manifest of {collection} is not that of a Chroma server in format {FORMAT} "
            f"({faults(error)}): if the bucket holds a directory's snapshot, set "
            "CHROMA_TARGET=local or take another bucket; if not, restore an earlier version of "
            "the object"
        ) from error
    if version.collection is not collection:
        raise SnapshotDamagedError(
            f"the manifest under {collection} is that of {version.collection}"
        )
    return version


def check_identity(version: ServerVersion, collection_id: UUID) -> None:
    """Raise SnapshotDamagedError unless the version was written to the collection with this id."""
    if version.version > 0 and version.collection_id != collection_id:
        raise SnapshotDamagedError(
            f"the server's collection {version.collection} is not the one that version "
            f"{version.version} was written to: point CHROMA_HOST, CHROMA_TENANT and "
            "CHROMA_DATABASE to that one, or delete the server's collection and its "
            "manifest.json, and load everything anew"
        )
