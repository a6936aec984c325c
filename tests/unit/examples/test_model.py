"""The examples can search what `receipt-sync load` has loaded."""

import numpy as np

from examples.model import embed
from receipt_ops.loading.embedding import embed as loaded


def test_the_examples_embed_as_the_load_does() -> None:
    texts = ["FLAT WHITE 4.50", "", "  two   spaces ", "ÉCLAIR", "a\ud800"]
    assert np.array_equal(embed(texts), loaded(texts))
    assert embed([]).shape == (0, 384)
