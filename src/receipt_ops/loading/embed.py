"""The port of an embedding model. `embedding.py` holds the function that the commands use."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from receipt_index.deltas import Vectors

Embed: TypeAlias = Callable[[Sequence[str]], Vectors]
"""Returns one vector for each text, as an n × d array of float32."""
