"""Rounds on a local AWS of their own, and afterwards: is anything lost, was anything ever torn?"""

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
from local.ministack import recorded
from local.names import Options
from local.running import running
from local.stack import Stack
from local.state import State
from operations.connection import Connection, connect
from tests.kills.audit import Audit, audit, published_versions
from tests.kills.function import Function
from tests.kills.hand import Hand, Worker
from tests.kills.report import Report
from tests.kills.rounds import Plan, Rounds, plans
from tests.kills.writing import Writing
from tests.oracle.settling import judging, messages_of

_LEASE: Final = {"LEASE_SECONDS": "1.5", "HEARTBEAT_SECONDS": "0.4"}
"""Short, because a round that stops a worker lasts as long as a lease."""
_OPTIONS: Final = Options(function_timeout=20, visibility_timeout=4, variables=_LEASE)
"""The receive limit is production's. The visibility timeout is short, so that a message of a killed
worker comes back within a round or two."""
_CALM_AFTER: Final = _OPTIONS.max_receive_count - 2
"""Rounds after which one worker is left alone until the queue is empty.

Each round costs a message at most one receive, because a round is shorter than two visibility
timeouts. So three kills and the worker that is left alone make four receives, of the five that the
queue allows. One receive is left for a message that is given back for any other reason; a message
that is given back twice goes to the dead-letter queue, and fails the campaign. Without the pause, a
hundred kills in a row would set sound messages aside: more than half of the batches end in a kill,
and 0.6 to the fifth power is one message in thirteen."""
_CALM_WITHIN: Final = 240.0
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
        self._fill(writing)
        hands = Rounds(self._hand, writing.wave, self._function, Random(campaign.seed))
        with writing:
            for number, plan in enumerate(rounds, start=1):
                report.count(hands.run(plan))
                writing.check()
                if number % _CALM_AFTER == 0:
                    self._calm(writing, report)
                tell("rounds", number, total)
        report.writes, report.embedded_again = writing.writes, writing.embedded_again
        self._judge(report, writing, tell)
        return report

    def _fill(self, writing: Writing) -> None:
        """A first version of both collections, so that there is an index to strike at."""
        with self._worker(), judging(self._connection, writing.embedded) as judge:
            judge.settled(self._campaign.settles_within)

    def _calm(self, writing: Writing, report: Report) -> None:
        """One worker applies all that waits, so that no message is killed too often."""
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
        """A worker that nobody strikes, until the end of the block."""
        worker = self._hand.start()
        try:
            yield worker
        finally:
            worker.stop()
            worker.finish(20)

    def _judge(self, report: Report, writing: Writing, tell: Tell) -> None:
        tell("draining", 0, 0)
        with self._worker(), judging(self._connection, writing.embedded) as judge:
            found, settled = judge.settled(self._campaign.settles_within)
        report.lost, report.records = found.wrong, found.records
        if not settled:
            report.broken.append(f"not settled: {found}")
        report.broken += self._left_over()
        report.broken += self._leaks(writing.texts)
        self._audit(report, tell)

    def _left_over(self) -> list[str]:
        """Messages that wait in a queue, or were dead-lettered: nothing here gives cause to."""
        queues = self._stack.queues
        return [
            f"{name}: {left} messages"
            for name, queue in vars(queues).items()
            if (left := messages_of(self._connection.sqs, queue.url))
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
        report.searches, report.graph_misses = found.searches, found.graph_misses
        report.broken += found.faults
