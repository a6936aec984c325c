"""Runs rounds on a local AWS of its own, and then checks for lost updates and damaged versions."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Final
from unittest.mock import patch

from local.endpoint import Request
from local.ministack.process import recorded
from local.quick.names import Options
from local.running import running
from local.stack import Stack
from local.state import State
from receipt_ops.connection import Connection, connect
from tests.reliability.crashes.audit import Audit, audit, published_versions
from tests.reliability.crashes.function import Function
from tests.reliability.crashes.report import Report
from tests.reliability.crashes.rounds import Plan, Rounds, plans
from tests.reliability.crashes.worker_processes import Worker, WorkerStarter
from tests.reliability.crashes.writing import Writing
from tests.support.oracle.settling import judging, messages_of

_LEASE: Final = {"LEASE_SECONDS": "1.5", "HEARTBEAT_SECONDS": "0.4"}
"""The lease is short, because a round that stops a worker takes as long as a lease."""
_OPTIONS: Final = Options(function_timeout=20, visibility_timeout=4, variables=_LEASE)
"""The receive limit is that of production. The visibility timeout is short, so that a message of
a killed worker returns within one or two rounds.
"""
_CALM_AFTER: Final = _OPTIONS.max_receive_count - 2
"""Number of rounds after which one worker runs undisturbed until the queue is empty.

Each round costs a message at most one receive, because a round is shorter than two visibility
timeouts. Three kills and the undisturbed worker therefore make four receives. The queue allows
five. One receive is left for a message that is returned for another reason. A message that is
returned twice goes to the dead-letter queue, and fails the campaign.

Without the pause, a hundred kills in a row would set sound messages aside. More than half of the
batches end in a kill, and 0.6 to the fifth power is one message in thirteen.
"""
_CALM_WITHIN: Final = 240.0
_FILLED_WITHIN: Final = 240.0
_ENDED_WITHIN: Final = 60.0
"""Seconds for a queue, a first version and a worker. These waits end early."""
_SHORTEST_TEXT: Final = 8

OnProgress = Callable[[str, int, int], None]
"""Called with the stage, the amount done, and the total amount."""


@dataclass(frozen=True)
class Campaign:
    """The options of a campaign. `rate` is in writes a second. `bug` is planted in every worker.

    `function` says whether the deployed function is killed too. `settles_within` is in seconds.
    """

    seed: int
    rate: float = 15.0
    receipts: int = 25
    function: bool = True
    bug: str | None = None
    settles_within: float = 120.0


def run(campaign: Campaign, rounds: Iterable[Plan], total: int, on_progress: OnProgress) -> Report:
    """Run a whole campaign. Raises WorkerEndedError if a worker ends without a strike."""
    begun = monotonic()
    with TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        with (
            running(folder / "aws", request=Request(options=_OPTIONS)) as stack,
            patch.dict(os.environ, stack.variables),
        ):
            report = _Run(campaign, stack, folder).report(rounds, total, on_progress)
    report.seconds = round(monotonic() - begun, 1)
    return report


def drawn(campaign: Campaign, count: int) -> Iterable[Plan]:
    """Return the rounds that the campaign's seed draws."""
    return islice(plans(Random(campaign.seed), campaign.function), count)


class _Run:
    def __init__(self, campaign: Campaign, stack: Stack, folder: Path) -> None:
        server = recorded(State.at(folder / "aws"))
        assert server is not None
        self._campaign, self._stack = campaign, stack
        self._connection: Connection = connect(stack.variables, folder)
        self._function = Function(stack, server.pid)
        self._function.consume(False)
        self._starter = WorkerStarter({**stack.variables, **_LEASE}, folder, campaign.bug)

    def report(self, rounds: Iterable[Plan], total: int, on_progress: OnProgress) -> Report:
        report, campaign = Report(), self._campaign
        writing = Writing(self._connection, campaign.receipts, campaign.rate, campaign.seed)
        self._fill(writing)
        runner = Rounds(self._starter, writing.wave, self._function, Random(campaign.seed))
        with writing:
            for number, plan in enumerate(rounds, start=1):
                report.count(runner.run(plan))
                writing.check()
                if number % _CALM_AFTER == 0:
                    self._calm(writing, report)
                on_progress("rounds", number, total)
        report.writes, report.embedded_again = writing.writes, writing.embedded_again
        self._judge(report, writing, on_progress)
        return report

    def _fill(self, writing: Writing) -> None:
        """Publish a first version of both collections, so that the strikes meet an index."""
        with self._worker(), judging(self._connection, writing.embedded) as judge:
            judge.settled(_FILLED_WITHIN)

    def _calm(self, writing: Writing, report: Report) -> None:
        """Let one worker handle all waiting messages, so that no message is killed too often."""
        url = self._connection.names.compaction_queue_url
        end = monotonic() + _CALM_WITHIN
        with writing.paused(), self._worker() as worker:
            while messages_of(self._connection.sqs, url):
                if monotonic() > end:
                    report.broken.append(f"after round {report.tries} the queue stays full")
                    break
                sleep(0.2)
        report.most_receives = max(report.most_receives, worker.most_receives)

    @contextmanager
    def _worker(self) -> Iterator[Worker]:
        """Run a worker without a strike until the end of the block."""
        worker = self._starter.start()
        try:
            yield worker
        finally:
            worker.stop()
            worker.finish(_ENDED_WITHIN)

    def _judge(self, report: Report, writing: Writing, on_progress: OnProgress) -> None:
        on_progress("draining", 0, 0)
        with self._worker(), judging(self._connection, writing.embedded) as judge:
            found, settled = judge.settled(self._campaign.settles_within)
        report.lost, report.records = found.wrong, found.records
        if not settled:
            report.broken.append(f"not settled: {found}")
        report.broken += self._left_over()
        report.broken += self._leaks(writing.texts)
        self._audit(report, on_progress)

    def _left_over(self) -> list[str]:
        """Return the messages that are left in a queue or a dead-letter queue. None should be."""
        queues = self._stack.queues
        return [
            f"{name}: {left} messages"
            for name, queue in vars(queues).items()
            if (left := messages_of(self._connection.sqs, queue.url))
        ]

    def _leaks(self, texts: set[str]) -> list[str]:
        """Return the worker logs that hold receipt text (I8)."""
        long = [text for text in texts if len(text) >= _SHORTEST_TEXT]
        found = []
        for log in sorted(self._starter.logs.iterdir()):
            content = log.read_text(errors="replace")
            found += [f"{log.name} holds receipt text" for text in long if text in content][:1]
        return found

    def _audit(self, report: Report, on_progress: OnProgress) -> None:
        total = published_versions(self._connection)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            on_progress("versions opened", done, total)

        found: Audit = audit(self._connection, advance, self._campaign.seed)
        report.versions = found.versions
        report.searches, report.graph_misses = found.searches, found.graph_misses
        report.broken += found.faults
