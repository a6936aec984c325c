"""Since which version a record is what it is now, and which versions can be asked."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receipt_index.records import Record
from receipt_index.snapshot.format.manifest import Manifest, PackReference, Retired, pack_name
from receipt_index.snapshot.store.snapshot_store import FetchedManifest, NotModified
from receipt_ops.snapshots.kept_versions import FrozenStore, KeptVersion
from receipt_ops.snapshots.since import Version, with_since
from receipt_ops.verification.verdict import Example, Finding
from receipt_sync.keys import Collection

START = datetime(2026, 1, 1, tzinfo=UTC)
ID = "IMAGE#i#RECEIPT#00001#LINE#00001"


def versions(count: int) -> list[Version]:
    return [Version(n, START + timedelta(minutes=n)) for n in range(1, count + 1)]


GONE = "gone"


class Past:
    """What a record was in each version; None is absent, GONE a version that is not whole."""

    def __init__(self, *texts: str | None) -> None:
        self.texts = texts
        self.opened: list[int] = []

    def __call__(self, place: int, ids: Sequence[str]) -> dict[str, Record] | None:
        self.opened.append(place)
        text = self.texts[place]
        if text == GONE:
            return None
        return {} if text is None else {i: Record(i, {"text": text}, text) for i in ids}


def since(past: Past) -> tuple[int, bool]:
    example = Example(Finding.DIFFERENT, Collection.LINES, ID)
    (found,) = with_since([example], versions(len(past.texts)), past)
    assert found.since is not None
    assert found.since.published_at == START + timedelta(minutes=found.since.version)
    return found.since.version, found.since.or_earlier


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("a", "a", "b"), (3, False)),
        (("a", "b", "b", "b"), (2, False)),
        (("b", "b"), (1, True)),
        (("b",), (1, True)),
        (("a", "a", None), (3, False)),
        ((None, None, "b", "b"), (3, False)),
        ((None, None, "a", "a", None), (5, False)),
        ((None, None, "a", "a", None, None, None), (5, False)),
        (("b", "a", "b", "b"), (3, False)),
        (("b", GONE, "b"), (3, True)),
        (("a", GONE, "b", "b"), (3, True)),
        (("b", "b", "b", GONE, GONE, "b"), (6, True)),
        ((GONE, "b", "b", "b", "b"), (2, True)),
        (("a", GONE, "a", "b"), (4, False)),
    ],
)
def test_the_first_version_from_which_on_a_record_is_unchanged(
    texts: tuple[str | None, ...], expected: tuple[int, bool]
) -> None:
    assert since(Past(*texts)) == expected


def test_a_hundred_versions_are_not_all_opened_and_each_only_once() -> None:
    past = Past(*["a"] * 70, *["b"] * 30)
    examples = [Example(Finding.DIFFERENT, Collection.LINES, f"{ID}{n}") for n in range(5)]
    found = with_since(examples, versions(100), past)
    assert {example.since.version for example in found if example.since} == {71}
    assert len(past.opened) == len(set(past.opened)) <= 12


def test_without_any_version_nothing_is_said() -> None:
    example = Example(Finding.MISSING, Collection.LINES, ID)
    assert with_since([example], [], Past()) == [example]


def test_if_the_verified_version_is_gone_by_now_nothing_is_said() -> None:
    example = Example(Finding.MISSING, Collection.LINES, ID)
    assert with_since([example], versions(2), Past("a", GONE)) == [example]


def manifest(version: int, *packs: str, retired: Sequence[str] = ()) -> Manifest:
    return Manifest(
        collection=Collection.LINES,
        version=version,
        base={},
        base_size=0,
        packs=tuple(PackReference(digest=digest(pack), size=1) for pack in packs),
        files={},
        record_count=0,
        published_at=START,
        writer="w",
        retired=tuple(Retired(name=pack_name(digest(p)), since=START) for p in retired),
    )


def digest(dead_letter: str) -> str:
    return dead_letter * 64


def kept(*manifests: Manifest | None) -> Iterator[KeptVersion]:
    for number, one in enumerate(manifests):
        yield KeptVersion(f"v{number}", one.to_json() if one else b"?", one)


def test_a_frozen_store_gives_its_version_and_takes_nothing() -> None:
    class Store:
        def read(self, name: str, at_most: int) -> bytes:
            return name.encode()[:at_most]

    one = next(kept(manifest(1)))
    store: Any = FrozenStore(Store(), one)  # type: ignore[arg-type]
    got = store.manifest(None)
    assert isinstance(got, FetchedManifest)
    assert got.data == one.data
    assert isinstance(store.manifest(got.etag), NotModified)
    assert store.read("packs/x", 100) == b"packs/x"
    writes: tuple[Callable[[], object], ...] = (
        lambda: store.swap_manifest(b"", None),
        lambda: store.write("x", b""),
        lambda: store.delete(["x"]),
    )
    for write in writes:
        with pytest.raises(AssertionError):
            write()
