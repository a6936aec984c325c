"""The one mutable object of a snapshot (design: Snapshot).

A version of a collection's files is: the base, cut into content-addressed blocks, with the packs
of changed pages laid over it in order. Digests are SHA-256 of the bytes before compression
(blocks) or of the object itself (packs), in lower-case hexadecimal.
"""

from datetime import datetime
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

FORMAT: Final = 3
BLOCK_SIZE: Final = 4 * 2**20
MAX_FILE_SIZE: Final = 1 << 40
MAX_MANIFEST_BYTES: Final = 64 * 2**20
MAX_FILES: Final = 1_000
MAX_PACKS: Final = 10_000
MAX_LISTED: Final = 100_000
_LENGTH_BYTES: Final = 4
LIST_FOLDER: Final = "retired"
OBJECT_NAME: Final = "(blocks|packs)/[0-9a-f]{64}"

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# No part of a path begins with a dot, so that none leads out of the folder.
_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"
FilePath = Annotated[str, StringConstraints(pattern=rf"^{_PART}(/{_PART}){{0,7}}$")]
Size = Annotated[int, Field(ge=0, le=MAX_FILE_SIZE)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseFile(_Part):
    """A file of the base: its size in bytes and its blocks, each BLOCK_SIZE but the last."""

    size: Size
    blocks: tuple[Digest, ...]

    @model_validator(mode="after")
    def _blocks_cover_the_size(self) -> Self:
        if len(self.blocks) != -(-self.size // BLOCK_SIZE):
            raise ValueError(f"{len(self.blocks)} blocks do not make {self.size} bytes")
        return self


class PackReference(_Part):
    """A pack's object and its size in bytes."""

    digest: Digest
    size: Size


class Retired(_Part):
    """What no version names any more, kept for readers and slower workers: the objects on a list.

    Or a single object: format 1 had no lists.
    """

    name: Annotated[
        str, StringConstraints(pattern=rf"^({OBJECT_NAME}|{LIST_FOLDER}/[0-9a-f]{{64}})$")
    ]
    since: AwareDatetime
    deleting: AwareDatetime | None = None
    """When its deletion began. Until that has surely ended no version may need the object again."""


class Restored(_Part):
    """A restore: which version it published anew, and when. Later versions carry it on."""

    version: Annotated[int, Field(ge=1)]
    at: AwareDatetime


class Manifest(_Part):
    """One published version of a collection."""

    format: Literal[1, 2, 3] = FORMAT
    """1 differs in what `retired` names. 1 and 2 have no `restored`."""
    collection: Collection
    version: Annotated[int, Field(ge=0)]
    """0: the first publish has begun, and nothing is published yet."""
    base: Annotated[dict[FilePath, BaseFile], Field(max_length=MAX_FILES)]
    base_size: Size
    """Bytes of the base's objects as stored."""
    packs: Annotated[tuple[PackReference, ...], Field(max_length=MAX_PACKS)] = ()
    files: Annotated[dict[FilePath, Size], Field(max_length=MAX_FILES)]
    """Size of every file of this version, in bytes."""
    record_count: Annotated[int, Field(ge=0)]
    published_at: AwareDatetime
    writer: str
    retired: tuple[Retired, ...] = ()
    restored: Restored | None = None
    """The last restore, if there was one. A version number may fall only by a newer restore."""

    def may_follow(self, served: "Manifest") -> bool:
        """Return whether a reader of `served` may move on to this version (I13)."""
        if self.version > served.version or self == served:
            return True
        restored, known = self.restored, served.restored
        return restored is not None and (known is None or restored.at > known.at)

    @classmethod
    def begun(cls, collection: Collection, now: datetime, writer: str) -> Self:
        """Return version 0: no files, which need no object.

        It is published before the first object is stored. So objects without a manifest mean that
        the manifest was lost, and never that a first publish did not come to its end.
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
        return self.model_dump_json().encode()

    @property
    def objects(self) -> frozenset[str]:
        """Names of all objects that this version needs."""
        blocks = {block_name(d) for file in self.base.values() for d in file.blocks}
        return frozenset(blocks | {pack_name(pack.digest) for pack in self.packs})

    @property
    def elements(self) -> int:
        """Elements of the vector index's graph, as it was last written.

        Chroma leaves deleted elements in the graph, so there may be more of them than records. The
        newest records may not be in it yet: Chroma adds them a thousand at a time. hnswlib writes
        `length.bin` with four bytes an element.
        """
        lengths = (size for name, size in self.files.items() if name.endswith("/length.bin"))
        return sum(lengths) // _LENGTH_BYTES

    @property
    def packs_size(self) -> int:
        return sum(pack.size for pack in self.packs)


def read_manifest(data: bytes, collection: Collection) -> Manifest:
    """The manifest in an object. Raises SnapshotDamagedError for anything else."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise SnapshotDamagedError(
            f"the manifest of {collection} is not one of format 1 to {FORMAT} ({faults(error)}): "
            "if a later version of this software wrote it, update; if it is that of a Chroma "
            "server, set CHROMA_TARGET; if not, `receipt-sync snapshot restore` makes an earlier "
            "version the newest"
        ) from error
    if manifest.collection is not collection:
        raise SnapshotDamagedError(
            f"the manifest under {collection} is that of {manifest.collection}"
        )
    return manifest


def lost_manifest(collection: Collection) -> SnapshotDamagedError:
    """Return the error for objects without a manifest: nothing may be published over them."""
    return SnapshotDamagedError(
        f"the manifest of {collection} is gone, and its objects are there: `receipt-sync snapshot "
        "restore` brings an earlier version back; to begin anew, delete everything under "
        f"snapshots/{collection}/ and then run `receipt-sync repair`"
    )


def block_name(digest: str) -> str:
    """Name of a block's object inside the collection's prefix."""
    return f"blocks/{digest}"


def pack_name(digest: str) -> str:
    """Name of a pack's object inside the collection's prefix."""
    return f"packs/{digest}"


def faults(error: ValidationError) -> str:
    """The first few faults of an object, by the place in it and the rule, without its content."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in found[:3])
