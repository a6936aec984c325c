"""Messages that wait for another worker return just after it has certainly ended."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from compactor.batch.entries import QueueMessage
from compactor.batch.returning import MOST_SECONDS, return_in_time

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MESSAGES = [QueueMessage(str(number), "body") for number in range(4)]


class Hiding:
    """A queue that takes what SQS takes: whole seconds from 0 to twelve hours."""

    def __init__(self) -> None:
        self.hidden: dict[str, int] = {}

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        assert 0 <= seconds <= 12 * 3600
        self.hidden |= {message.message_id: seconds for message in messages}
        return len(messages)


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (timedelta(minutes=5), 301),
        (timedelta(seconds=30.2), 32),
        (timedelta(0), 1),
        (timedelta(seconds=-1), 0),
        (timedelta(hours=-3), 0),
        (timedelta(days=3), MOST_SECONDS),
    ],
)
def test_a_message_returns_a_second_after_its_time(left: timedelta, seconds: int) -> None:
    queue = Hiding()
    assert return_in_time(queue, MESSAGES[:1], {"0": NOW + left}, NOW) == 1
    assert queue.hidden == {"0": seconds}


def test_messages_without_a_time_keep_that_of_the_queue() -> None:
    queue = Hiding()
    times = {"1": NOW + timedelta(seconds=9), "3": NOW + timedelta(seconds=9)}
    assert return_in_time(queue, MESSAGES, times, NOW) == 2
    assert queue.hidden == {"1": 10, "3": 10}


def test_each_message_has_its_own_time() -> None:
    queue = Hiding()
    times = {str(number): NOW + timedelta(seconds=10 * (4 - number)) for number in range(4)}
    assert return_in_time(queue, MESSAGES, times, NOW) == 4
    assert queue.hidden == {"0": 41, "1": 31, "2": 21, "3": 11}
