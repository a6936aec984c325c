"""A bucket that keeps the versions of one collection's manifest."""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from receipt_index.snapshot.format.manifest import Manifest, PackReference, Retired, pack_name
from receipt_ops.snapshots.history import ManifestHistory
from receipt_sync.keys import Collection

START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "snapshots/receipt_lines/manifest.json"
JUNK = b"{"


def digest(dead_letter: str) -> str:
    return dead_letter * 64


def manifest(version: int, *packs: str, retired: Sequence[str] = ()) -> Manifest:
    """A manifest that needs packs and has retired some, each called by a dead letter."""
    return Manifest(
        collection=Collection.LINES,
        version=version,
        base={},
        base_size=0,
        packs=tuple(PackReference(digest=digest(pack), size=1) for pack in packs),
        files={},
        record_count=0,
        published_at=START + timedelta(minutes=version),
        writer="w",
        retired=tuple(Retired(name=pack_name(digest(p)), since=START) for p in retired),
    )


class VersionedBucket:
    """An S3 client. Versions are given oldest first, one a minute; None is a delete marker."""

    def __init__(self, *versions: Manifest | bytes | None, a_page: int = 1_000) -> None:
        self.versions, self.a_page = versions, a_page
        self.reads: list[int] = []
        self.listed = 0

    def history(self) -> ManifestHistory:
        client: Any = self
        return ManifestHistory(client, "bucket", Collection.LINES)

    def get_paginator(self, name: str) -> "VersionedBucket":
        assert name == "list_object_versions"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert Prefix == KEY
        newest_first = list(enumerate(self.versions))[::-1]
        for start in range(0, len(newest_first), self.a_page):
            self.listed += 1
            page: dict[str, Any] = {"Versions": [], "DeleteMarkers": []}
            for number, content in newest_first[start : start + self.a_page]:
                stored = START + timedelta(minutes=number)
                entry = {"Key": KEY, "VersionId": str(number), "LastModified": stored}
                page["DeleteMarkers" if content is None else "Versions"].append(entry)
            yield page

    def get_object(self, VersionId: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        content = self.versions[int(VersionId)]
        assert content is not None
        self.reads.append(int(VersionId))
        data = content if isinstance(content, bytes) else content.to_json()
        return {"ContentLength": len(data), "Body": io.BytesIO(data), "ETag": VersionId}
