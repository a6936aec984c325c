"""The figures of a campaign against workers."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tests.reliability.crashes.moments import Moment
from tests.reliability.crashes.rounds import Outcome, Strike


@dataclass
class Report:
    """The figures of one campaign.

    - `tries` counts rounds.
    - `faults` counts strikes that ended or stopped a live process.
    - `lost` counts records that differ at the end, and `broken` lists all other faults.
    - `missed` counts moments that did not come in time. These strikes fell at random.
    - `torn_persists` counts indexes that a dead worker left half written.
    - `refused_after_waking` counts messages that woken workers returned.
    - `most_receives` is the largest number of receives of one message.
    - `searches` counts searches for vectors of records.
    - `graph_misses` counts those that miss in plain chromadb on the same bytes too.
    """

    what: str = "workers killed and stopped while writes go on"
    tries: int = 0
    faults: int = 0
    lost: int = 0
    broken: list[str] = field(default_factory=list)
    by_moment: dict[str, dict[str, int]] = field(default_factory=dict)
    missed: int = 0
    torn_persists: int = 0
    refused_after_waking: int = 0
    most_receives: int = 0
    writes: int = 0
    embedded_again: int = 0
    versions: int = 0
    searches: int = 0
    graph_misses: int = 0
    records: int = 0
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        """Return whether strikes were made, and nothing was lost or broken."""
        return self.faults > 0 and self.records > 0 and not self.lost and not self.broken

    def count(self, outcome: Outcome) -> None:
        """Add the outcome of a round."""
        plan = outcome.plan
        self.tries += 1
        self.missed += not outcome.reached
        self.torn_persists += outcome.torn
        self.refused_after_waking += outcome.refused
        self.most_receives = max(self.most_receives, outcome.most_receives)
        if outcome.struck:
            self.faults += 1
            moment = plan.moment if outcome.reached else Moment.RANDOM
            strikes = self.by_moment.setdefault(moment.value, {s.value: 0 for s in Strike})
            strikes[plan.strike.value] += 1
        if not outcome.taken_over:
            self.broken.append(f"round {self.tries}: no worker took over from a stopped one")

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "held": self.held}
