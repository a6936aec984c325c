"""Several calls to another service at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

_THREADS: Final = 4

Given = TypeVar("Given")


def in_parallel(call: Callable[[Given], Any], each: Sequence[Given]) -> list[Any]:
    """What the call answers for each, in their order. Raises what the first failing one raises."""
    if len(each) < 2:
        return [call(one) for one in each]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(call, each))
