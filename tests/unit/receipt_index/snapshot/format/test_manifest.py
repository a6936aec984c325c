"""The manifest: which one is read, which one is refused, and what it says of its version."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receipt_index.snapshot.format.manifest import (
    BaseFile,
    Manifest,
    PackReference,
    Restored,
    block_name,
    pack_name,
    read_manifest,
)
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MiB = 2**20
Change = Callable[[dict[str, Any]], Any]


def digest(number: int) -> str:
    return f"{number:064x}"


def manifest(version: int = 7, restored: Restored | None = None) -> Manifest:
    return Manifest(
        collection=Collection.LINES,
        version=version,
        base={"a/length.bin": BaseFile(size=4 * MiB + 1, blocks=(digest(1), digest(2)))},
        base_size=100,
        packs=(PackReference(digest=digest(3), size=10), PackReference(digest=digest(4), size=5)),
        files={"a/length.bin": 4_003, "b/length.bin": 8, "chroma.sqlite3": 4_096},
        record_count=3,
        published_at=NOW,
        writer="w",
        restored=restored,
    )


def read(change: Change) -> Manifest:
    content = json.loads(manifest().to_json())
    change(content)
    return read_manifest(json.dumps(content).encode(), Collection.LINES)


def give(**fields: Any) -> Change:
    return lambda content: content.update(fields)


def base(size: int, *blocks: str, path: str = "a") -> Change:
    return give(base={path: {"size": size, "blocks": list(blocks)}})


def packs(count: int) -> Change:
    return give(packs=[{"digest": digest(n), "size": 1} for n in range(count)])


def files(count: int) -> Change:
    return give(files={f"file-{n}": 1 for n in range(count)})


def retired(name: str, **times: str) -> Change:
    return give(retired=[{"name": name, "since": "2026-01-31T12:00:00Z", **times}])


@pytest.mark.parametrize(
    "change",
    [
        *(give(format=number) for number in (1, 2, 3, 4)),
        give(version=0),
        give(record_count=0),
        give(base_size=0),
        give(base_size=2**40),
        base(0),
        base(1, digest(1)),
        base(4 * MiB, digest(1)),
        base(4 * MiB + 1, digest(1), digest(2)),
        base(0, path="/".join("abcdefgh")),
        base(0, path="a" * 255),
        base(0, path="index-1/data_level0.bin"),
        packs(0),
        packs(10_000),
        files(1_000),
        retired(f"blocks/{digest(1)}"),
        retired(f"packs/{digest(1)}"),
        retired(f"retired/{digest(1)}", deleting="2026-01-31T12:00:00Z"),
        give(restored={"version": 1, "at": "2026-01-31T12:00:00+02:00"}),
    ],
)
def test_a_manifest_at_a_limit_of_the_format_is_read(change: Change) -> None:
    read(change)


@pytest.mark.parametrize(
    "change",
    [
        *(give(format=number) for number in (0, 5)),
        give(version=-1),
        give(record_count=-1),
        give(base_size=-1),
        give(base_size=2**40 + 1),
        base(0, digest(1)),
        base(1),
        base(4 * MiB, digest(1), digest(2)),
        base(4 * MiB + 1, digest(1)),
        base(1, digest(1)[1:]),
        base(1, "A" * 64),
        base(0, path="/".join("abcdefghi")),
        base(0, path="a" * 256),
        base(0, path="../a"),
        base(0, path="a/../b"),
        base(0, path=".a"),
        base(0, path="/a"),
        base(0, path="a//b"),
        packs(10_001),
        files(1_001),
        retired(digest(1)),
        retired(f"other/{digest(1)}"),
        retired("blocks/../manifest.json"),
        retired(f"packs/{digest(1)}", deleting="2026-01-31T12:00:00"),
        give(restored={"version": 0, "at": "2026-01-31T12:00:00Z"}),
        give(published_at="2026-01-31T12:00:00"),
        give(surprise=1),
        give(packs=[{"digest": digest(1), "size": 1, "surprise": 1}]),
        lambda content: content.pop("writer"),
    ],
)
def test_a_manifest_beyond_the_format_is_damage_with_what_to_do(change: Change) -> None:
    with pytest.raises(SnapshotDamagedError, match=r"format 1 to 4 \(.+\).*snapshot restore"):
        read(change)


@pytest.mark.parametrize("field", ["format", "packs", "retired"])
def test_what_every_manifest_has_must_be_written(field: str) -> None:
    with pytest.raises(SnapshotDamagedError, match=f"receipt_lines has no {field}: "):
        read(lambda content: content.pop(field))


def test_a_manifest_of_another_collection_is_refused() -> None:
    with pytest.raises(SnapshotDamagedError, match="belongs to receipt_words"):
        read(give(collection="receipt_words"))


def test_an_error_names_a_few_faults_and_not_a_thousand() -> None:
    with pytest.raises(SnapshotDamagedError) as raised:
        read(give(files={f"file-{n}": -1 for n in range(900)}))
    assert 1 <= str(raised.value).count("file-") <= 3


def test_a_version_knows_its_objects_and_sizes() -> None:
    whole = manifest()
    blocks = {block_name(digest(number)) for number in (1, 2)}
    assert whole.objects == blocks | {pack_name(digest(number)) for number in (3, 4)}
    assert whole.packs_size == 15
    assert whole.elements == (4_003 + 8) // 4
    assert read_manifest(whole.to_json(), Collection.LINES) == whole


def test_the_version_before_the_first_needs_nothing_and_can_be_read() -> None:
    begun = Manifest.begun(Collection.WORDS, NOW, "w")
    assert (begun.version, begun.record_count, begun.base_size, begun.elements) == (0, 0, 0, 0)
    assert begun.objects == frozenset()
    assert (begun.writer, begun.published_at) == ("w", NOW)
    assert read_manifest(begun.to_json(), Collection.WORDS) == begun


EARLY, LATE = (Restored(version=3, at=NOW + timedelta(hours=hours)) for hours in (1, 2))


@pytest.mark.parametrize(
    ("served", "published", "may"),
    [
        (manifest(7), manifest(8), True),
        (manifest(7), manifest(7), True),
        (manifest(7), manifest(6), False),
        (manifest(7), manifest(6, EARLY), True),
        (manifest(7), manifest(7, EARLY), True),
        (manifest(7, EARLY), manifest(6, EARLY), False),
        (manifest(7, EARLY), manifest(7, None), False),
        (manifest(7, EARLY), manifest(6, LATE), True),
        (manifest(7, LATE), manifest(6, EARLY), False),
        (manifest(7, LATE), manifest(8, EARLY), True),
    ],
)
def test_a_reader_goes_back_only_by_a_restore_that_it_has_not_seen(
    served: Manifest, published: Manifest, may: bool
) -> None:
    assert published.may_follow(served) is may


def test_two_versions_of_one_number_are_not_the_same() -> None:
    other = manifest().model_copy(update={"writer": "another"})
    assert not other.may_follow(manifest())
