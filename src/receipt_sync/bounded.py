"""Run threads over items that do not fit into memory together (I14)."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def bounded_map(
    call: Callable[[Given], Made], items: Iterable[Given], threads: int
) -> Iterator[Made]:
    """Yield the result of `call` for each item, in order, from `threads` threads.

    `Executor.map` takes every item before the first result is requested. This function takes the
    next item when a thread is free for it. So at most `threads` items are held. Raises the error of
    the first call that fails.
    """
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(call, item))
                if len(waiting) == threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
