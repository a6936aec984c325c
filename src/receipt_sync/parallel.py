"""Make several calls to another service at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

_THREADS: Final = 4

Given = TypeVar("Given")


def in_parallel(call: Callable[[Given], Any], each: Sequence[Given]) -> list[Any]:
    """Return the result of the call for each argument, in order.

    Raises the error of the first call that fails.
    """
    if len(each) < 2:
        return [call(one) for one in each]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(call, each))
