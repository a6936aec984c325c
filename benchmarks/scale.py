"""The scales of a run: how much it measures."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Scale:
    """The sizes of a run, in records; durations are in seconds.

    `search_receipts` is the number of synthetic receipts whose lines and words are searched. A file
    `receipts` replaces them. `apply_changes` is the number of changes in the large cycle of the
    apply rate.
    """

    name: str
    sizes: tuple[int, ...]
    cold_sizes: tuple[int, ...]
    apply_size: int
    apply_changes: int
    rounds: int
    rates: tuple[int, ...]
    seconds: float
    search_receipts: int
    search_queries: int
    dimension: int = 1536
    receipts: str | None = None

    @property
    def few_rounds(self) -> int:
        """The number of rounds where a round takes long or the results hardly vary."""
        return max(1, self.rounds // 2)

    def rounds_at(self, size: int) -> int:
        """Return the number of rounds at a size: fewer where the naive way moves gigabytes."""
        return self.rounds if size <= 10_000 else self.few_rounds


QUICK = Scale(
    name="quick",
    sizes=(1_000, 10_000),
    cold_sizes=(10_000,),
    apply_size=10_000,
    apply_changes=5_000,
    rounds=5,
    rates=(100,),
    seconds=10,
    search_receipts=60,
    search_queries=200,
)
FULL = Scale(
    name="full",
    sizes=(1_000, 10_000, 50_000),
    cold_sizes=(10_000, 50_000),
    apply_size=50_000,
    apply_changes=5_000,
    rounds=15,
    rates=(10, 100, 300),
    seconds=60,
    search_receipts=500,
    search_queries=1_000,
)
HUGE = replace(FULL, name="huge", sizes=(*FULL.sizes, 100_000))
