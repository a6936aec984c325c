"""Planted bugs of readers, bases, garbage collection and restores."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError

import receipt_index.snapshot.copies.base
import receipt_index.snapshot.reading.turns
import receipt_index.snapshot.store.orphan_gc
import tests.reliability.simulation.actors.snapshot_operators
from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.format.page_table import PageTable
from receipt_index.snapshot.reading.handover import Handover
from receipt_index.snapshot.reading.turns import Turns
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from tests.reliability.simulation.environment.patches import CURRENT


@contextmanager
def marks_that_start_equal() -> Iterator[None]:
    """Restart the numbering of marks at each refresh of a reader, and trust existing marks."""
    follow = Turns.follow

    def anew(self: Any) -> Any:
        CURRENT.system.counters().restart_mtime_marks()
        return follow(self)

    with (
        patch.object(receipt_index.snapshot.reading.turns, "forget_marks", lambda _: None),
        patch.object(Turns, "follow", anew),
    ):
        yield


def reader_that_believes_its_folder() -> AbstractContextManager[Any]:
    """Let a restarted reader trust the pages in its folder without a check."""
    return patch.object(PageTable, "_wrong_pages", lambda *_: [])


def reader_that_follows_backwards() -> AbstractContextManager[Any]:
    """Let a reader serve every version that it gets, including a lower one."""
    return patch.object(Mirror, "_check_order", lambda *_: None)


def mirror_that_is_not_brought_up() -> AbstractContextManager[Any]:
    """Make the served copy the mirror without the pages that it lacks."""
    return patch.object(Handover, "apply", lambda _: True)


def block_in_place_unread() -> AbstractContextManager[Any]:
    """Do not fetch a block of a base if its place holds any data."""

    def anything(block: Any, path: Path) -> bytes | None:
        data = path.read_bytes()[block.offset :][: block.size] if path.is_file() else b""
        return data if any(data) else None

    return patch.object(receipt_index.snapshot.copies.base, "_found", anything)


def failed_upload_forgotten() -> AbstractContextManager[Any]:
    """Publish an object as part of a base or a pack although its upload failed."""
    write = S3SnapshotStore.write

    def write_or_not(self: Any, name: str, data: bytes) -> None:
        try:
            write(self, name, data)
        except (ClientError, BotoCoreError):
            return

    return patch.object(S3SnapshotStore, "write", write_or_not)


def base_that_only_grows_files() -> AbstractContextManager[Any]:
    """Leave the old end of a file that shrank in the copies of the readers."""

    def grown(path: Path, size: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.truncate(max(size, path.stat().st_size))

    return patch.object(receipt_index.snapshot.copies.base, "give_size", grown)


@contextmanager
def garbage_deleted_without_an_announcement() -> Iterator[None]:
    """Delete garbage without a version that announces it. A running publish may need it."""

    def named_by_none(
        store: Any, collection: Any, wanted: frozenset[str], clock: Any, writer: str
    ) -> list[str]:
        return sorted(wanted)

    with patch.object(receipt_index.snapshot.store.orphan_gc, "_announced", named_by_none):
        yield


@contextmanager
def retired_objects_taken_for_garbage() -> Iterator[None]:
    """Treat every object that the newest version does not need as garbage, also retired ones."""

    def unneeded(objects: Any, newest: Manifest, *_: Any) -> list[Any]:
        return [stored for stored in objects if stored.name not in newest.objects]

    def needed(manifest: Manifest, _: RetiredLists) -> frozenset[str]:
        return manifest.objects

    with (
        patch.object(tests.reliability.simulation.actors.snapshot_operators, "garbage", unneeded),
        patch.object(receipt_index.snapshot.store.orphan_gc, "_named", needed),
    ):
        yield
