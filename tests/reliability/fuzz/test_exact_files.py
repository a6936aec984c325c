"""Damaged files of the exact search: a search answers or refuses, and raises nothing else."""

from pathlib import Path
from random import Random

import numpy as np
import pytest

from receipt_index.exact.index import ExactIndex
from receipt_index.exact.layout import FOLDER, RECORDS, VECTORS, ExactFilesError
from receipt_index.exact.search import ExactSearch
from receipt_index.records import NewVector
from receipt_sync.errors import IndexFailedError
from tests.support.fakes.listed import ListedIndex

_RECORDS, _DIMENSION = 300, 8
_ROUNDS = 400


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[ListedIndex, Path]:
    folder = tmp_path_factory.mktemp("exact")
    vectors = np.random.default_rng(1).normal(size=(_RECORDS, _DIMENSION)).astype(np.float32)
    plain = ListedIndex()
    index = ExactIndex(plain, folder)
    index.insert(
        [NewVector(f"id{n:04d}", vectors[n // 2], "text", {"few": n < 3}) for n in range(_RECORDS)]
    )
    index.delete([f"id{n:04d}" for n in range(0, _RECORDS, 5)])
    index.close()
    return plain, folder / FOLDER


@pytest.mark.parametrize("name", [RECORDS, VECTORS])
def test_damaged_bytes_are_refused_or_searched(
    plain: tuple[ListedIndex, Path], tmp_path: Path, name: str
) -> None:
    index, whole = plain
    contents = {each: (whole / each).read_bytes() for each in (RECORDS, VECTORS)}
    random, refused = Random(name), 0
    for _ in range(_ROUNDS):
        damaged = bytearray(contents[name])
        for _ in range(random.choice((1, 4, 40))):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        cut = random.choice((len(damaged), len(damaged), random.randrange(len(damaged))))
        for each, data in contents.items():
            (tmp_path / each).write_bytes(data if each != name else damaged[:cut])
        try:
            _search(index, tmp_path)
        except (ExactFilesError, IndexFailedError):
            refused += 1
    assert 0 < refused < _ROUNDS


def _search(index: ListedIndex, folder: Path) -> None:
    search = ExactSearch(folder, index.count(), index)
    try:
        for where in (None, {"few": True}, {"few": False}):
            search.search(np.ones(_DIMENSION, np.float32), 250, where)
    finally:
        search.close()
