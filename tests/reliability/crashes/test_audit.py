"""The audit of a version names each fault, and a sound version has none.

A miss of Chroma's graph that plain chromadb has on the same bytes too is counted and is no fault.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from receipt_ops.loading.embedding import embed
from tests.reliability.crashes.audit import Contents, contents
from tests.reliability.crashes.readers.nearest import Nearest

TEXTS = {f"id-{n}": f"{text} {n}" for n, text in enumerate(["TOTAL", "MILK", "BREAD", "TAX"] * 5)}


class Version:
    """A version in memory, as a reader serves it.

    Its search is exact among the records that it can find.
    """

    def __init__(self, *unreached: str) -> None:
        self.documents = dict(TEXTS)
        self.held = dict(zip(TEXTS, embed(list(TEXTS.values())), strict=True))
        self.found = [each for each in TEXTS if each not in unreached]
        """The records that a search can find."""

    def count(self) -> int:
        return len(self.documents)

    def ids(self) -> Iterator[str]:
        return iter(self.documents)

    def get(self, ids: Sequence[str]) -> Mapping[str, Any]:
        return {each: SimpleNamespace(document=self.documents[each]) for each in ids}

    def vectors(self, ids: Sequence[str]) -> Mapping[str, Any]:
        return {each: self.held[each] for each in ids if each in self.held}

    def search(self, vector: Any, limit: int) -> list[Any]:
        hits = sorted((1 - float(np.dot(vector, self.held[each])), each) for each in self.found)
        return [
            SimpleNamespace(record=SimpleNamespace(id=each), distance=distance)
            for distance, each in hits[:limit]
        ]


class Plain(Version):
    """The same version in plain chromadb."""

    files: Sequence[str] = ()

    def nearest(self, vector: Any) -> Nearest | None:
        hits = self.search(vector, 1)
        return Nearest(hits[0].record.id, hits[0].distance) if hits else None

    def other_files(self) -> list[str]:
        return list(self.files)

    def records(self) -> dict[str, tuple[Any, Any, Any]]:
        return {each: (vector, {}, None) for each, vector in self.held.items()}


def audited(
    version: Version, plain: Plain | None = None, record_count: int = len(TEXTS)
) -> Contents:
    """Audit a version. Plain chromadb may be opened only if it is given."""
    manifest: Any = SimpleNamespace(record_count=record_count)

    def plainly() -> AbstractContextManager[Plain]:
        assert plain is not None, "plain chromadb was opened without need"
        return nullcontext(plain)

    return contents(version, manifest, Random(1), plainly)  # type: ignore[arg-type]


def faults(version: Version, plain: Plain | None = None, record_count: int = len(TEXTS)) -> str:
    return "; ".join(audited(version, plain, record_count).faults)


def test_a_sound_version_has_no_fault_and_plain_chromadb_is_not_opened() -> None:
    found = audited(Version())
    assert (found.faults, found.searches, found.graph_misses) == ([], len(TEXTS), 0)


def test_a_vector_of_another_text_is_named() -> None:
    version = Version()
    version.held["id-3"] = version.held["id-4"]
    assert "the vector of id-3 is not that of its document" in faults(version, Plain())


def test_a_record_that_plain_chromadb_finds_and_the_reader_does_not_is_a_fault() -> None:
    found = audited(Version("id-0"), Plain())
    assert found.faults == [
        "a search for the vector of id-0 finds nothing at distance 0, and plain chromadb does"
    ]
    assert found.graph_misses == 0


def test_a_miss_of_the_graph_in_plain_chromadb_as_well_is_counted_and_no_fault() -> None:
    found = audited(Version("id-0"), Plain("id-0"))
    assert (found.faults, found.graph_misses) == ([], 1)


def test_a_miss_with_another_hit_than_plain_chromadb_has_is_a_fault() -> None:
    elsewhere = Plain(*[each for each in TEXTS if each != "id-7"])
    assert "and plain chromadb finds another record" in faults(Version("id-0"), elsewhere)


def test_a_reader_that_finds_nothing_is_a_fault_while_plain_chromadb_finds_something() -> None:
    assert "and plain chromadb finds another record" in faults(Version(*TEXTS), Plain("id-0"))


def test_a_record_that_an_exact_search_does_not_find_is_a_fault() -> None:
    """Give the vector to another record. Plain chromadb reads and finds the same."""
    version, plain = Version(), Plain()
    for each in (version, plain):
        each.held["id-0"] = each.held["id-1"]
    assert "finds nothing at distance 0, nor does an exact search" in faults(version, plain)


def test_vectors_that_plain_chromadb_reads_otherwise_are_a_fault() -> None:
    plain = Plain("id-0")
    plain.held["id-9"] = plain.held["id-8"]
    assert "plain chromadb reads 1 vectors otherwise, id-9" in faults(Version("id-0"), plain)
    del plain.held["id-9"]
    plain.found.remove("id-9")
    assert "plain chromadb reads 1 vectors otherwise, id-9" in faults(Version("id-0"), plain)


def test_a_miss_in_a_graph_whose_files_are_not_those_published_is_a_fault() -> None:
    plain = Plain("id-0")
    plain.files = ["link_lists.bin"]
    assert faults(Version("id-0"), plain) == "link_lists.bin is not as published"


def test_a_hit_whose_vector_is_not_where_the_search_says_is_a_fault() -> None:
    """Let the search use a vector that the record no longer has."""
    version = Version()
    stale = Version()
    stale.held["id-2"] = version.held["id-1"]
    stale.found = [each for each in TEXTS if each != "id-1"]
    version.search = stale.search  # type: ignore[method-assign]
    assert "id-2 is not at the distance that a search for id-1 reports" in faults(version, Plain())


@pytest.mark.parametrize(("missed", "torn"), [(18, False), (19, True)])
def test_a_graph_that_misses_most_records_is_torn(missed: int, torn: bool) -> None:
    some = [*TEXTS][:missed]
    assert ("searches miss: a torn graph" in faults(Version(*some), Plain(*some))) is torn


def test_records_without_a_vector_and_wrong_counts_are_named() -> None:
    version = Version()
    del version.held["id-0"]
    version.found.remove("id-0")
    assert "records without a vector" in faults(version)
    assert "20 records, the manifest says 21" in faults(Version(), record_count=21)
