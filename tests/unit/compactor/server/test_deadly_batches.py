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
from tests.support.fakes.server import ServerWorld
from tests.support.fakes.world import line
from tests.unit.compactor.batch.test_drain import InMemoryQueue

FUNCTION_SECONDS = 300
VISIBILITY_SECONDS = 1_800
MOST_RECEIVES = 5


class Death(BaseException):
    """The process is gone: nothing catches it."""


def dies(target) -> None:
    claim = target.mark_dirty

    def mark_dirty() -> None:
        claim()
        raise Death

    target.mark_dirty = mark_dirty


@pytest.fixture
def world() -> ServerWorld:
    world = ServerWorld()
    for number in range(1, 21):
        world.table.put(line(number), text="text")
    world.handle(world.worker(), world.delta_body([line(number) for number in range(1, 21)]))
    return world


def strike(world: ServerWorld, number: int) -> None:
    """The queue hands the deadly batch to a worker, which dies with its claim in place."""
    world.table.put(line(20), text=f"deadly {number}")
    message = QueueMessage("deadly", world.change_body(line(20), "text"))
    with pytest.raises(Death):
        world.worker(f"doomed {number}", wrap=dies).handle(
            [message], world.deadline(seconds=FUNCTION_SECONDS)
        )
    world.clock.advance(61)  # its lease runs out


def receive(world: ServerWorld, number: int, receives: int) -> tuple[BatchReport, InMemoryQueue]:
    worker = world.worker(f"healthy {number} {receives}")
    message = QueueMessage(f"m{number}", world.change_body(line(number), "text"), "handle")
    report = worker.handle([message], world.deadline(seconds=FUNCTION_SECONDS))
    queue = InMemoryQueue([])
    return_in_time(queue, [message], report.retry_at, world.clock.now())
    return report, queue


@pytest.mark.parametrize("after", [5, 60, 200, 290])
def test_a_healthy_message_is_acknowledged_however_often_the_deadly_one_returns(
    world: ServerWorld, after: int
) -> None:
    world.table.put(line(1), text="healthy")
    started = world.clock.elapsed
    strikes, receives, next_receive = 0, 0, float(after)
    while receives < MOST_RECEIVES:
        elapsed = world.clock.elapsed - started
        if strikes * VISIBILITY_SECONDS <= next_receive and strikes < MOST_RECEIVES:
            world.clock.advance(max(0.0, strikes * VISIBILITY_SECONDS - elapsed))
            strike(world, strikes)
            strikes += 1
            continue
        world.clock.advance(max(0.0, next_receive - elapsed))
        report, queue = receive(world, 1, receives)
        receives += 1
        if not report.returned:
            break
        hidden = queue.hidden.get("m1", VISIBILITY_SECONDS)
        next_receive = world.clock.elapsed - started + hidden
    assert report.returned == {}
    assert receives <= 2


def test_a_message_comes_back_just_after_the_claim_is_over(world: ServerWorld) -> None:
    strike(world, 0)
    world.table.put(line(1), text="healthy")
    report, queue = receive(world, 1, 0)
    assert "UnsettledError" in report.returned["m1"]
    (claim,) = world.version().claims
    back: datetime = world.clock.now() + timedelta(seconds=queue.hidden["m1"])
    assert timedelta(0) < back - claim.until <= timedelta(seconds=2)


def test_messages_that_wait_for_nobody_are_not_hidden(world: ServerWorld) -> None:
    report, queue = receive(world, 1, 0)
    assert (report.returned, queue.hidden) == ({}, {})
