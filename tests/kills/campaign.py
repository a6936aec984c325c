"""Rounds on a local AWS of their own, and afterwards: is anything lost, was anything ever torn?"""

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final
from unittest.mock import patch

from local.endpoint import Request
from local.ministack import recorded
from local.names import Options
from local.running import running
from local.stack import Stack
from local.state import State
from operations.commands.verify import verify_once
from operations.connection import Connection, connect
from operations.readers import snapshot_readers
from operations.settling import Settled, queue_backlog, settle
from receipt_sync.clock import SystemClock
from tests.kills.audit import Audit, audit, published_versions
from tests.kills.function import Function
from tests.kills.hand import Hand
from tests.kills.moments import Moment
from tests.kills.rounds import Outcome, Plan, Rounds, Strike, plans
from tests.kills.writing import Writing

_LEASE: Final = {"LEASE_SECONDS": "1.5", "HEARTBEAT_SECONDS": "0.4"}
"""Short, because a round that stops a worker lasts as long as a lease."""
_OPTIONS: Final = Options(
    function_timeout=20,
    visibility_timeout=4,
    max_receive_count=1_000,  # a message may be received by many workers that are killed
    variables=_LEASE,
)
_SHORTEST_TEXT: Final = 8

Tell = Callable[[str, int, int], None]
"""Hears the stage, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Campaign:
    """What to do. `rate` is writes a second; `bug` is planted in every worker.

    `function` says whether the deployed function is struck, too; `settles_within` is seconds.
    """

    seed: int
    rate: float = 15.0
    receipts: int = 25
    function: bool = True
    bug: str | None = None
    settles_within: float = 120.0


@dataclass
class Report:
    """What was done to workers, and what came of it.

    `lost` is records that differ from the table in the end, `broken` whatever else must not be. A
    moment that did not come in time (`missed`) was struck at random. `torn_persists` is indexes
    that a dead worker left half written, `refused_after_waking` messages that woken ones gave back.
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
    writes: int = 0
    versions: int = 0
    records: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def run(campaign: Campaign, rounds: Iterable[Plan], total: int, tell: Tell) -> Report:
    """A whole campaign. Raises WorkerEndedError if a worker ends that was not struck."""
    begun = monotonic()
    with TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        with (
            running(folder / "aws", request=Request(options=_OPTIONS)) as stack,
            patch.dict(os.environ, stack.variables),
        ):
            report = _Run(campaign, stack, folder).report(rounds, total, tell)
    report.seconds = round(monotonic() - begun, 1)
    return report


def drawn(campaign: Campaign, count: int) -> Iterable[Plan]:
    """Rounds as the campaign's seed has them."""
    return islice(plans(Random(campaign.seed), campaign.function), count)


class _Run:
    def __init__(self, campaign: Campaign, stack: Stack, folder: Path) -> None:
        server = recorded(State.at(folder / "aws"))
        assert server is not None
        self._campaign, self._stack = campaign, stack
        self._connection: Connection = connect(stack.variables, folder)
        self._function = Function(stack, server.pid)
        self._function.consume(False)
        self._hand = Hand({**stack.variables, **_LEASE}, folder, campaign.bug)

    def report(self, rounds: Iterable[Plan], total: int, tell: Tell) -> Report:
        report, campaign = Report(), self._campaign
        writing = Writing(self._connection, campaign.receipts, campaign.rate, campaign.seed)
        self._fill()
        hands = Rounds(self._hand, writing.wave, self._function, Random(campaign.seed))
        with writing:
            for number, plan in enumerate(rounds, start=1):
                _count(report, hands.run(plan))
                writing.check()
                tell("rounds", number, total)
        report.writes = writing.writes
        self._judge(report, writing.texts, tell)
        return report

    def _fill(self) -> None:
        """A first version of both collections, so that there is an index to strike at."""
        worker = self._hand.start()
        try:
            self._settle(1.0)
        finally:
            worker.stop()
            worker.finish(20)

    def _judge(self, report: Report, texts: set[str], tell: Tell) -> None:
        tell("draining", 0, 0)
        worker = self._hand.start()
        settled = self._settle(self._campaign.settles_within)
        worker.stop()
        worker.finish(20)
        verdict = settled.verdict
        report.lost = verdict.faults
        report.records = sum(tally.records for tally in verdict.tallies.values())
        if not settled.settled:
            report.broken.append(f"not settled: {verdict.to_json()['examples'][:3]}")
        report.broken += self._left_over()
        report.broken += self._leaks(texts)
        self._audit(report, tell)

    def _settle(self, seconds: float) -> Settled:
        """Wait until table and snapshot agree."""
        connection = self._connection
        with snapshot_readers(connection) as readers:
            return settle(
                lambda: verify_once(connection, readers, examples=5),
                lambda: queue_backlog(connection.sqs, connection.names.compaction_queue_url),
                SystemClock(),
                seconds,
            )

    def _left_over(self) -> list[str]:
        """Messages that wait in a queue, or were dead-lettered: nothing here gives cause to."""
        queues = self._stack.queues
        return [
            f"{name}: {left}"
            for name, queue in vars(queues).items()
            if not (left := queue_backlog(self._connection.sqs, queue.url)).is_empty
        ]

    def _leaks(self, texts: set[str]) -> list[str]:
        """Logs of workers that hold receipt text (I8)."""
        long = [text for text in texts if len(text) >= _SHORTEST_TEXT]
        found = []
        for log in sorted(self._hand.logs.iterdir()):
            content = log.read_text(errors="replace")
            found += [f"{log.name} holds receipt text" for text in long if text in content][:1]
        return found

    def _audit(self, report: Report, tell: Tell) -> None:
        total = published_versions(self._connection)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            tell("versions opened", done, total)

        found: Audit = audit(self._connection, advance, self._campaign.seed)
        report.versions = found.versions
        report.broken += found.faults


def _count(report: Report, outcome: Outcome) -> None:
    plan = outcome.plan
    report.tries += 1
    report.faults += 1
    moment = plan.moment if outcome.reached else Moment.RANDOM
    strikes = report.by_moment.setdefault(moment.value, {s.value: 0 for s in Strike})
    strikes[plan.strike.value] += 1
    report.missed += not outcome.reached
    report.torn_persists += outcome.torn
    report.refused_after_waking += outcome.refused
    if not outcome.taken_over:
        report.broken.append(f"round {report.tries}: nobody took over from a stopped worker")
