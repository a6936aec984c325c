"""Let messages that wait for another worker come back when that worker is surely over.

Each receive of a message counts towards the dead-letter queue. A message that comes back while the
claim of a dead worker still holds is received for nothing. A message that comes back only after the
queue's visibility timeout may meet the claim of the same deadly batch again.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Protocol

from compactor.entries import QueueMessage

_LATER: Final = timedelta(seconds=1)
"""A claim's end is still inside the claim."""
MOST_SECONDS: Final = 12 * 3600
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html"""


class HidingQueue(Protocol):
    """The part of a queue that this needs."""

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int: ...


def return_in_time(
    queue: HidingQueue,
    messages: Sequence[QueueMessage],
    retry_at: Mapping[str, datetime],
    now: datetime,
) -> int:
    """Hide each message until its moment in `retry_at`, by id; return how many are hidden so."""
    waiting = [message for message in messages if message.message_id in retry_at]

    def seconds(message: QueueMessage) -> int:
        left = retry_at[message.message_id] + _LATER - now
        return min(MOST_SECONDS, max(0, math.ceil(left.total_seconds())))

    by_time = groupby(sorted(waiting, key=seconds), key=seconds)
    return sum(queue.hide(list(some), time) for time, some in by_time)
