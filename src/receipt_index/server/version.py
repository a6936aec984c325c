"""The manifest of a collection on a Chroma server: its version, and the cycles that may write.

A server can't refuse the writes of a worker that was paused and continues late. So each worker adds
a claim to the manifest before it writes. The claim names the time by which the writes have
certainly ended. A worker that finds another claim acknowledges nothing, because the records may
still change. A worker that finds no other claim from its checkout to its publish was the only
writer.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from receipt_index.snapshot.format.manifest import FAULTS_SHOWN
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.validation import describe

FORMAT: Final = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Claim(_Part):
    """A cycle that has begun to write, and the time after which it has certainly ended."""

    cycle: str
    until: AwareDatetime


class ServerVersion(_Part):
    """One version. Version 0 means that the collection is claimed and nothing is published yet."""

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
        """Return the manifest as JSON in UTF-8."""
        return self.model_dump_json().encode()

    def claimed(self, claim: Claim, now: datetime) -> Self:
        """Return this version with one more claim. Claims of cycles that have ended are removed."""
        return self.model_copy(update={"claims": (*self.claims_of_others(claim.cycle, now), claim)})

    def claims_of_others(self, cycle: str, now: datetime) -> tuple[Claim, ...]:
        """Return the claims of cycles other than `cycle` that may still be writing at `now`."""
        return tuple(c for c in self.claims if c.cycle != cycle and c.until > now)


def read_version(data: bytes, collection: Collection) -> ServerVersion:
    """Return the version in a manifest. Raises SnapshotDamagedError for anything else."""
    try:
        version = ServerVersion.model_validate_json(data)
    except ValidationError as error:
        raise SnapshotDamagedError(
            f"the manifest of {collection} is not a Chroma server's manifest of format {FORMAT} "
            f"({describe(error, FAULTS_SHOWN)}): if the bucket holds the snapshot of a directory, "
            "set CHROMA_TARGET=local or use another bucket. Otherwise restore an earlier version "
            "of the object"
        ) from error
    if version.collection is not collection:
        raise SnapshotDamagedError(
            f"the manifest under {collection} belongs to {version.collection}: restore an earlier "
            "version of the object"
        )
    return version


def check_identity(version: ServerVersion, collection_id: UUID) -> None:
    """Raise SnapshotDamagedError unless the version was written to the collection with this id."""
    if version.version > 0 and version.collection_id != collection_id:
        raise SnapshotDamagedError(
            f"the server's collection {version.collection} is not the one that version "
            f"{version.version} was written to: point CHROMA_HOST, CHROMA_TENANT and "
            "CHROMA_DATABASE to that one, or delete the server's collection and its "
            "manifest.json, and load everything again"
        )
