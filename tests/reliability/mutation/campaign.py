"""Tries a sample of mutants with several processes, for a limited time."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

from tests.reliability.mutation.equivalent import Equivalent, reason_of
from tests.reliability.mutation.mutant import Mutant
from tests.reliability.mutation.trial import Outcome, Tried

Try = Callable[[Mutant, Path], Tried]
"""Tries a mutant in a copy of the project."""


@dataclass(frozen=True)
class Limits:
    """The copies, one for each process, and the moment after which no trial begins."""

    copies: Sequence[Path]
    until: float
    clock: Callable[[], float] = time.monotonic


def run(
    mutants: Sequence[Mutant],
    known: Sequence[Equivalent],
    attempt: Try,
    limits: Limits,
    done: Callable[[Tried], None],
) -> list[Tried]:
    """Try the mutants, and return the results in their order. `done` receives each at once.

    The list of equivalent mutants saves their trial. A mutant whose turn comes too late has no
    result.
    """
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in limits.copies:
        free.put(copy)

    telling = Lock()

    def told(mutant: Mutant) -> Tried | None:
        result = tried(mutant)
        if result is not None:
            with telling:
                done(result)
        return result

    def tried(mutant: Mutant) -> Tried | None:
        if reason := reason_of(mutant, known):
            return Tried(mutant, Outcome.EQUIVALENT, note=reason)
        if limits.clock() >= limits.until:
            return None
        copy = free.get()
        try:
            return attempt(mutant, copy)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(limits.copies)) as pool:
        return [result for result in pool.map(told, mutants) if result is not None]
