"""The manifest: the one mutable object of a snapshot (design: Snapshot).

A version of a collection's files consists of a base and packs. The base is cut into
content-addressed blocks. The packs hold changed pages, and are applied to the base in order.
Digests are SHA-256 in lower-case hexadecimal. A block's digest is taken before compression. A
pack's digest is that of the stored object.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.validation import describe

FORMAT: Final = 4
FAULTS_SHOWN: Final = 3
"""The number of faults that an error about a malformed object names."""
BLOCK_SIZE: Final = 4 * 2**20
MAX_FILE_SIZE: Final = 1 << 40
MAX_MANIFEST_BYTES: Final = 64 * 2**20
MAX_FILES: Final = 1_000
MAX_PACKS: Final = 10_000
MAX_LISTED: Final = 100_000
_LENGTH_BYTES: Final = 4
LIST_FOLDER: Final = "retired"
_ALWAYS: Final = frozenset({"format", "packs", "retired"})
"""Fields that have a default value here, but that every stored manifest has."""
OBJECT_NAME: Final = "(blocks|packs)/[0-9a-f]{64}"

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# No part of a path begins with a dot, so that no path leads out of the folder.
_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"
FilePath = Annotated[str, StringConstraints(pattern=rf"^{_PART}(/{_PART}){{0,7}}$")]
Size = Annotated[int, Field(ge=0, le=MAX_FILE_SIZE)]


_Moment = Annotated[AwareDatetime, Field(lt=datetime(9000, 1, 1, tzinfo=UTC))]
"""A time to which a retention can be added. Python's times end with the year 9999."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseFile(_Part):
    """A file of the base: its size in bytes, and its blocks.

    Each block has BLOCK_SIZE bytes, but the last block may be shorter.
    """

    size: Size
    blocks: tuple[Digest, ...]

    @model_validator(mode="after")
    def _blocks_cover_the_size(self) -> Self:
        if len(self.blocks) != -(-self.size // BLOCK_SIZE):
            raise ValueError(f"{len(self.blocks)} blocks do not make {self.size} bytes")
        return self


class PackReference(_Part):
    """The digest of a pack's object, and the object's size in bytes."""

    digest: Digest
    size: Size


class Retired(_Part):
    """An entry for objects that newer versions no longer need.

    The objects are kept for readers and slower workers that follow an older version. `name` is a
    list of objects (see `snapshot.store.retired_lists`), or a single object, because format 1 had
    no lists.
    """

    name: Annotated[
        str, StringConstraints(pattern=rf"^({OBJECT_NAME}|{LIST_FOLDER}/[0-9a-f]{{64}})$")
    ]
    since: _Moment
    deleting: _Moment | None = None
    """The time when the deletion of the objects began. No version may need the objects again until
    the deletion has certainly ended.
    """


class Restored(_Part):
    """A record of a restore: the version that it published again, and when.

    Later versions keep the record.
    """

    version: Annotated[int, Field(ge=1)]
    at: AwareDatetime


class Manifest(_Part):
    """One published version of a collection."""

    format: Literal[1, 2, 3, 4] = FORMAT
    """In format 1, `retired` names single objects instead of lists. Formats 1 and 2 have no
    `restored`. Since format 4, a version may have the files of the exact search.
    """
    collection: Collection
    version: Annotated[int, Field(ge=0)]
    """0 means that the first publish has begun, and that nothing is published yet."""
    base: Annotated[dict[FilePath, BaseFile], Field(max_length=MAX_FILES)]
    base_size: Size
    """Size in bytes of the base's objects as stored."""
    packs: Annotated[tuple[PackReference, ...], Field(max_length=MAX_PACKS)] = ()
    files: Annotated[dict[FilePath, Size], Field(max_length=MAX_FILES)]
    """Size in bytes of every file of this version."""
    record_count: Annotated[int, Field(ge=0)]
    published_at: AwareDatetime
    writer: str
    retired: tuple[Retired, ...] = ()
    restored: Restored | None = None
    """The last restore, if there was one. Only a newer restore may lower the version number."""

    def may_follow(self, served: "Manifest") -> bool:
        """Return whether a reader of `served` may move to this version (I13)."""
        if self.version > served.version or self == served:
            return True
        restored, known = self.restored, served.restored
        return restored is not None and (known is None or restored.at > known.at)

    @classmethod
    def begun(cls, collection: Collection, now: datetime, writer: str) -> Self:
        """Return version 0, which has no files and needs no objects.

        It is published before the first object is stored. Objects without a manifest therefore mean
        that the manifest was lost. An interrupted first publish can't leave that state.
        """
        return cls(
            collection=collection,
            version=0,
            base={},
            base_size=0,
            files={},
            record_count=0,
            published_at=now,
            writer=writer,
        )

    def to_json(self) -> bytes:
        """Return the manifest as JSON in UTF-8."""
        return self.model_dump_json().encode()

    @property
    def objects(self) -> frozenset[str]:
        """Return the names of all objects that this version needs."""
        blocks = {block_name(d) for file in self.base.values() for d in file.blocks}
        return frozenset(blocks | {pack_name(pack.digest) for pack in self.packs})

    @property
    def elements(self) -> int:
        """Return the number of elements of the vector index's graph, as it was last written.

        The graph can have more elements than there are records, because Chroma leaves deleted
        elements in it. The newest records may be missing from it, because Chroma adds a thousand at
        a time.
        """
        return elements_of(self.files)

    @property
    def packs_size(self) -> int:
        """Return the total size of the packs in bytes."""
        return sum(pack.size for pack in self.packs)


def elements_of(sizes: Mapping[str, int]) -> int:
    """Return the number of elements of the graph in files of these sizes in bytes.

    hnswlib writes `length.bin` with four bytes for each element.
    """
    lengths = (size for name, size in sizes.items() if name.endswith("/length.bin"))
    return sum(lengths) // _LENGTH_BYTES


def read_manifest(data: bytes, collection: Collection) -> Manifest:
    """Return the manifest that `data` holds.

    Raises SnapshotDamagedError if `data` is no manifest of this collection in a known format.
    """
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise SnapshotDamagedError(
            f"the manifest of {collection} does not have format 1 to {FORMAT} "
            f"({describe(error, FAULTS_SHOWN)}): "
            "if a later version of this software wrote it, update. If it belongs to a Chroma "
            "server, set CHROMA_TARGET. Otherwise `receipt-sync snapshot restore` makes an earlier "
            "version the newest"
        ) from error
    absent = _ALWAYS - manifest.model_fields_set
    if absent:
        raise SnapshotDamagedError(
            f"the manifest of {collection} has no {' and no '.join(sorted(absent))}: "
            "`receipt-sync snapshot restore` makes an earlier version the newest"
        )
    if manifest.collection is not collection:
        raise SnapshotDamagedError(
            f"the manifest under {collection} belongs to {manifest.collection}: run `receipt-sync "
            "snapshot restore`"
        )
    return manifest


def lost_manifest(collection: Collection) -> SnapshotDamagedError:
    """Return the error for a lost manifest: objects exist without one.

    Nothing may be published over such objects.
    """
    return SnapshotDamagedError(
        f"the manifest of {collection} is gone, but its objects exist: `receipt-sync snapshot "
        f"restore` restores an earlier version. To start over, {start_over(collection)}"
    )


def start_over(collection: Collection) -> str:
    """Return how to build a collection again of which no version is whole."""
    return (
        f"delete everything under snapshots/{collection}/, deploy the compactor again, and then "
        "run `receipt-sync repair`, which builds the collection from the deltas in the bucket"
    )


def block_name(digest: str) -> str:
    """Return the name of a block's object, relative to the collection's prefix."""
    return f"blocks/{digest}"


def pack_name(digest: str) -> str:
    """Return the name of a pack's object, relative to the collection's prefix."""
    return f"packs/{digest}"
