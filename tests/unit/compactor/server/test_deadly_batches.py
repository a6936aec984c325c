"""A batch that kills its worker after the claim takes no healthy message with it.

The worker of the deadly batch dies after it has claimed the collection, each time the queue hands
the batch out. Healthy messages that arrive meanwhile are applied, and must not reach the
dead-letter queue because of the claim (defect `server_claims`).
"""

from datetime import datetime, timedelta

import pytest

from compactor.batch.compaction import BatchReport
from compactor.batch.entries import QueueMessage
from compactor.batch.returning import return_in_time
from receipt_index.server.target import ServerTarget
from tests.support.fakes.server import InMemoryServerSystem
from tests.support.fakes.system import line
from tests.unit.compactor.batch.test_drain import InMemoryQueue

FUNCTION_SECONDS = 300
VISIBILITY_SECONDS = 1_800
MOST_RECEIVES = 5


class Death(BaseException):
    """The process is gone: nothing catches it."""


def dies(target: ServerTarget) -> None:
    claim = target.mark_dirty

    def mark_dirty() -> None:
        claim()
        raise Death

    target.mark_dirty = mark_dirty  # type: ignore[method-assign]


@pytest.fixture
def system() -> InMemoryServerSystem:
    system = InMemoryServerSystem()
    for number in range(1, 21):
        system.table.put(line(number), text="text")
    system.handle(system.worker(), system.delta_body([line(number) for number in range(1, 21)]))
    return system


def strike(system: InMemoryServerSystem, number: int) -> None:
    """The queue hands the deadly batch to a worker, which dies with its claim in place."""
    system.table.put(line(20), text=f"deadly {number}")
    message = QueueMessage("deadly", system.change_body(line(20), "text"))
    with pytest.raises(Death):
        system.worker(f"doomed {number}", wrap=dies).handle(
            [message], system.deadline(seconds=FUNCTION_SECONDS)
        )
    system.clock.advance(61)  # its lease runs out


def receive(
    system: InMemoryServerSystem, number: int, receives: int
) -> tuple[BatchReport, InMemoryQueue]:
    worker = system.worker(f"healthy {number} {receives}")
    message = QueueMessage(f"m{number}", system.change_body(line(number), "text"), "handle")
    report = worker.handle([message], system.deadline(seconds=FUNCTION_SECONDS))
    queue = InMemoryQueue([])
    return_in_time(queue, [message], report.retry_at, system.clock.now())
    return report, queue


@pytest.mark.parametrize("after", [5, 60, 200, 290])
def test_a_healthy_message_is_acknowledged_however_often_the_deadly_one_returns(
    system: InMemoryServerSystem, after: int
) -> None:
    system.table.put(line(1), text="healthy")
    started = system.clock.elapsed
    strikes, receives, next_receive = 0, 0, float(after)
    while receives < MOST_RECEIVES:
        elapsed = system.clock.elapsed - started
        if strikes * VISIBILITY_SECONDS <= next_receive and strikes < MOST_RECEIVES:
            system.clock.advance(max(0.0, strikes * VISIBILITY_SECONDS - elapsed))
            strike(system, strikes)
            strikes += 1
            continue
        system.clock.advance(max(0.0, next_receive - elapsed))
        report, queue = receive(system, 1, receives)
        receives += 1
        if not report.returned:
            break
        hidden = queue.hidden.get("m1", VISIBILITY_SECONDS)
        next_receive = system.clock.elapsed - started + hidden
    assert report.returned == {}
    assert receives <= 2


def test_a_message_comes_back_just_after_the_claim_is_over(system: InMemoryServerSystem) -> None:
    strike(system, 0)
    system.table.put(line(1), text="healthy")
    report, queue = receive(system, 1, 0)
    assert "UnsettledError" in report.returned["m1"]
    (claim,) = system.version().claims
    back: datetime = system.clock.now() + timedelta(seconds=queue.hidden["m1"])
    assert timedelta(0) < back - claim.until <= timedelta(seconds=2)


def test_messages_that_wait_for_nobody_are_not_hidden(system: InMemoryServerSystem) -> None:
    report, queue = receive(system, 1, 0)
    assert (report.returned, queue.hidden) == ({}, {})
