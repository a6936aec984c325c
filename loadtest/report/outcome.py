"""The outcome of a run, and its faults."""

from dataclasses import dataclass
from typing import Any

from loadtest.report.figures import Figures
from receipt_ops.verification.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """The figures of a run and the verification after it.

    `p95_limit` is the most that p95 of freshness may be, in seconds. 0 means no limit.
    """

    figures: Figures
    verdict: Verdict
    p95_limit: float = 0.0

    @property
    def faults(self) -> list[str]:
        """One sentence for each fault."""
        figures, p95 = self.figures, self.figures.overall.p95
        found = {
            f"{figures.failures:,} writes failed": figures.failures,
            f"{figures.never:,} changes never arrived": figures.never,
            f"{self.verdict.faults:,} differences between table and snapshot": self.verdict.faults,
            "no change arrived": not any(row.actions - row.never for row in figures.freshness),
            f"p95 of freshness is {p95 or 0:.2f} s, more than {self.p95_limit:g} s": (
                self.p95_limit and p95 and p95 > self.p95_limit
            ),
        }
        return [sentence for sentence, wrong in found.items() if wrong]

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as `--json` prints it."""
        return {
            "faults": self.faults,
            **self.figures.to_json(),
            "verify": self.verdict.to_json(),
        }
