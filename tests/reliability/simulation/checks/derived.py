"""Reads the derived files of the exact search without the code under test."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from receipt_index.deltas import Vectors

_SAME: Final = 1e-6


def fault_of(folder: Path, vectors: Mapping[str, bytes]) -> str | None:
    """Return how the files differ from the vectors of the records; None if they do not."""
    path = folder / "exact" / "records.sqlite3"
    if not path.exists():
        return "there are none"
    connection = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    try:
        rows: dict[str, int] = dict(connection.execute("SELECT id, row FROM records"))
        ((_, dimension, count, records),) = connection.execute("SELECT * FROM header")
    finally:
        connection.close()
    if rows.keys() != vectors.keys() or records != len(vectors):
        return f"they hold {sorted(rows)}, and the collection {sorted(vectors)}"
    data = (folder / "exact" / "vectors.f32").read_bytes()
    matrix = np.frombuffer(data, np.float32).reshape(count, dimension)
    for chroma_id, row in rows.items():
        if not np.allclose(matrix[row], _direction(vectors[chroma_id]), atol=_SAME):
            return f"{chroma_id} has another vector"
    free = [row for row in range(count) if row not in rows.values()]
    return None if np.isnan(matrix[free]).all() else "a row that no record has holds a vector"


def _direction(vector: bytes) -> Vectors:
    long = np.frombuffer(vector, np.float32).astype(np.float64)
    return (long / (np.linalg.norm(long) or 1.0)).astype(np.float32)
