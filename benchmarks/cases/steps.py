"""Measures the time of each step of a warm cycle, in place.

A step that another step calls counts as part of that step. The two reads run at the same time if
neither needs the other, so their parts may add up to more than the whole.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from benchmarks.candidates.candidates import Ours, Rounds
from benchmarks.candidates.environment import prepared
from benchmarks.candidates.ours import Compaction
from benchmarks.cases.cycle import CHANGES
from benchmarks.meters.changes import Changer
from benchmarks.reporting.report import Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale
from compactor.batch.compaction import Compactor
from compactor.cycle import cycle
from compactor.cycle.cycle import Cycle
from compactor.cycle.dynamodb_source import DynamoDBSource
from compactor.locking.lease import Lease
from receipt_index.chroma import ChromaIndex, CollectionIndex
from receipt_index.snapshot.copies import working_copy
from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.copies.working_copy import WorkingCopy
from receipt_index.snapshot.store.s3_store import S3SnapshotStore

_WARM_UP: Final = 2

STEPS: Final[tuple[tuple[str, Any, str], ...]] = (
    ("decode the messages", Compactor, "_read"),
    ("acquire the lease: PutItem", Lease, "_acquire"),
    ("check out: conditional GET of the manifest", WorkingCopy, "checkout"),
    ("closure of the changes", cycle, "closure_of"),
    ("read table and Chroma in parallel", Cycle, "_read"),
    ("… part of it, the table: BatchGetItem", DynamoDBSource, "get"),
    ("… part of it, Chroma: get", ChromaIndex, "get"),
    ("project and compare: make the plan", cycle, "make_plan"),
    ("Chroma: update", CollectionIndex, "update"),
    ("read back", cycle, "read_back"),
    ("compare the pages with the mirror", working_copy, "difference"),
    ("build the pack: read, zstd", working_copy, "build_pack"),
    ("put the pack", S3SnapshotStore, "write"),
    ("put the manifest: conditional PUT", S3SnapshotStore, "swap_manifest"),
    ("apply the pack to the mirror", Mirror, "accept"),
    ("mark files equal", working_copy, "mark_all_equal"),
    ("release the lease: DeleteItem", Lease, "_release"),
)
"""The steps in the order of a cycle: the name, and the owner and name of the callable."""

_PARTS: Final = frozenset(name for name, _, _ in STEPS if name.startswith("…"))


class Stopwatch:
    """Adds up the seconds of each step since the last `take`."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._inside = threading.local()

    def take(self) -> dict[str, float]:
        """Return the seconds by step, and begin again at zero."""
        taken, self._seconds = dict(self._seconds), defaultdict(float)
        return taken

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call with timing. A call by another step of the same thread is not timed."""

        def timed_call(*arguments: Any, **named: Any) -> Any:
            if getattr(self._inside, "step", None) not in {None, *self._wholes(name)}:
                return call(*arguments, **named)
            outer, self._inside.step = getattr(self._inside, "step", None), name
            begun = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self._seconds[name] += time.perf_counter() - begun
                self._inside.step = outer

        return timed_call

    @staticmethod
    def _wholes(name: str) -> set[str]:
        """Return the step inside which a part is timed, although that step calls it."""
        return {"read table and Chroma in parallel"} if name in _PARTS else set()


@contextmanager
def watched() -> Iterator[Stopwatch]:
    """Put a stopwatch around every step for the block."""
    watch = Stopwatch()
    with ExitStack() as patches:
        for name, owner, attribute in STEPS:
            call = getattr(owner, attribute)
            patches.enter_context(patch.object(owner, attribute, watch.around(name, call)))
        yield watch


def run(scale: Scale, bars: Bars) -> Report:
    """Run warm cycles at the largest size, each with other changes."""
    taken = []
    with prepared(scale.sizes[-1], scale.dimension, bars) as environment, watched() as watch:
        rounds = Rounds(Changer(environment.corpus, CHANGES, environment.writer))
        ours = Ours(rounds, Compaction(environment.aws.stack, environment.folder / "ours"))
        with bars.bar("watched cycles", scale.rounds + _WARM_UP) as advance:
            for number in range(scale.rounds + _WARM_UP):
                ours.prepare(number)
                watch.take()
                begun = time.perf_counter()
                ours.run()
                taken.append({"whole": time.perf_counter() - begun, **watch.take()})
                advance(1)
        size = environment.size
    return _report(taken[_WARM_UP:], size)


def _report(taken: list[dict[str, float]], size: int) -> Report:
    spent = {name: median(one.get(name, 0.0) for one in taken) for name in ("whole", *_names())}
    steps = sum(seconds for name, seconds in spent.items() if name in _wholes())
    rows = [
        *((name, 1000 * spent[name], 100 * spent[name] / spent["whole"]) for name in _names()),
        ("everything else", 1000 * (spent["whole"] - steps), 100 * (1 - steps / spent["whole"])),
        ("the whole cycle", 1000 * spent["whole"], 100.0),
    ]
    return Report(
        tables=[
            Table(
                f"A warm cycle of {CHANGES} scattered changes at {size:,} records",
                ("step", "ms", "%"),
                rows,
            )
        ],
        figures={f"step {name}": seconds for name, seconds in spent.items()},
        notes=[f"Medians of {len(taken)} cycles. The stopwatch takes less than a millisecond."],
        details={"samples": taken},
    )


def _names() -> list[str]:
    return [name for name, _, _ in STEPS]


def _wholes() -> list[str]:
    return [name for name in _names() if name not in _PARTS]
