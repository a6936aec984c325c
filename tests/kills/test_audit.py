"""What the audit of a version sees: each fault is named, and a sound version has none."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from operations.embedding import embed
from tests.kills.audit import contents

TEXTS = {f"id-{n}": f"{text} {n}" for n, text in enumerate(["TOTAL", "MILK", "BREAD", "TAX"] * 5)}


class Version:
    """A version in memory, whose search is exact."""

    def __init__(self) -> None:
        self.documents = dict(TEXTS)
        self.held = dict(zip(TEXTS, embed(list(TEXTS.values())), strict=True))
        self.found: list[str] = list(TEXTS)
        """What a search can find."""

    def count(self) -> int:
        return len(self.documents)

    def ids(self) -> Iterator[str]:
        return iter(self.documents)

    def get(self, ids: Sequence[str]) -> Mapping[str, Any]:
        return {each: SimpleNamespace(document=self.documents[each]) for each in ids}

    def vectors(self, ids: Sequence[str]) -> Mapping[str, Any]:
        return {each: self.held[each] for each in ids if each in self.held}

    def search(self, vector: Any, limit: int) -> list[Any]:
        distances = sorted(1 - float(np.dot(vector, self.held[each])) for each in self.found)
        return [SimpleNamespace(distance=distance) for distance in distances[:limit]]


def faults(version: Version, record_count: int = len(TEXTS)) -> str:
    manifest: Any = SimpleNamespace(record_count=record_count)
    return "; ".join(contents(version, manifest, Random(1)))  # type: ignore[arg-type]


def test_a_sound_version_has_no_fault() -> None:
    assert faults(Version()) == ""


def test_a_vector_of_another_text_is_named() -> None:
    version = Version()
    version.held["id-3"] = version.held["id-4"]
    assert "the vector of id-3 is not that of its document" in faults(version)


@pytest.mark.parametrize("left", [["id-1"], []])
def test_a_search_that_does_not_find_a_record_is_named(left: list[str]) -> None:
    version = Version()
    version.found = left
    assert "a search for the vector of id-0 finds nothing" in faults(version)


def test_records_without_a_vector_and_wrong_counts_are_named() -> None:
    version = Version()
    del version.held["id-0"]
    version.found.remove("id-0")
    assert "records without a vector" in faults(version)
    assert "20 records, the manifest says 21" in faults(Version(), record_count=21)
