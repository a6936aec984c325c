"""The stand-in for a model: the same everywhere, legal for every text, near for near spellings."""

import hashlib
import os
import subprocess
import sys

import numpy as np

from receipt_ops.loading.embedding import DIMENSION, embed

TEXTS = ["TOTAL 9.00", "", "Café Zoë", "x", "TOTAL 9.00", "合計 900", "\ud800"]
GOLDEN = {25: -0.176777, 42: 0.176777, 51: -0.176777, 60: -0.176777}
GOLDEN_DIGEST = "23445139cb5e65f30da839248a3bb399bc9e021fcbf5e0b54c2b593c22f56107"
PRINT_DIGEST = (
    "import hashlib; from receipt_ops.loading.embedding import embed; "
    f"print(hashlib.sha256(embed({TEXTS!r}).tobytes()).hexdigest())"
)


def digest() -> str:
    return hashlib.sha256(embed(TEXTS).tobytes()).hexdigest()


def test_is_n_by_384_float32_of_length_one() -> None:
    vectors = embed(TEXTS)
    assert vectors.shape == (len(TEXTS), DIMENSION) == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_the_golden_value_holds_on_every_machine() -> None:
    (vector,) = embed(["TOTAL 9.00"])
    filled = {int(slot): round(float(vector[slot]), 6) for slot in np.nonzero(vector)[0][:4]}
    assert filled == GOLDEN
    assert digest() == GOLDEN_DIGEST


def test_another_process_with_another_hash_seed_makes_the_same_vectors() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    there = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        capture_output=True,
        check=True,
        env=environment,
        text=True,
    )
    assert there.stdout.strip() == digest()


def test_no_text_makes_a_vector_without_direction() -> None:
    awkward = ["", " ", "\n", "a", "\x00", "aa" * 5_000, *map(chr, range(0x20, 0x2000))]
    vectors = embed(awkward)
    assert np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_row_whose_counts_cancel_gets_the_first_unit_vector() -> None:
    from receipt_ops.loading.embedding import _normalised

    (vector,) = _normalised(np.zeros((1, DIMENSION)))
    assert vector[0] == 1
    assert not vector[1:].any()


def test_order_and_company_do_not_change_a_vector() -> None:
    many = embed([f"line {number}" for number in range(5_000)])
    assert np.array_equal(many[4_321], embed(["line 4321"])[0])


def test_no_texts_give_no_rows() -> None:
    assert embed([]).shape == (0, DIMENSION)


def test_near_spellings_are_nearer_than_far_ones() -> None:
    total, typo, other = embed(["TOTAL 9.00", "total: 9.00", "THANK YOU, COME AGAIN"])
    assert float(total @ typo) > 0.5
    assert float(total @ other) < 0.2
