"""Make messages that wait for another worker return as soon as that worker has certainly ended.

Each receive of a message counts towards the dead-letter queue. A message that returns while the
claim of a dead worker still holds is received in vain. A message that returns after the queue's
visibility timeout may meet a new claim, if the same batch has ended another worker meanwhile. The
same holds for the lease of a worker that Lambda killed at its timeout. Both batches would return at
the same time, again and again.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Protocol

from compactor.batch.entries import QueueMessage

_LATER: Final = timedelta(seconds=1)
"""Added because a claim may still hold at the moment of its end."""
MOST_SECONDS: Final = 12 * 3600
"""The longest visibility timeout:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
"""


class HidingQueue(Protocol):
    """The part of a queue that this module needs. `drain.CompactionQueue` documents the method."""

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int: ...


def return_in_time(
    queue: HidingQueue,
    messages: Sequence[QueueMessage],
    retry_at: Mapping[str, datetime],
    now: datetime,
) -> int:
    """Hide each message until its time in `retry_at`; return how many messages are hidden.

    `retry_at` is keyed by message id.
    """
    waiting = [message for message in messages if message.message_id in retry_at]

    def seconds(message: QueueMessage) -> int:
        left = retry_at[message.message_id] + _LATER - now
        return min(MOST_SECONDS, max(0, math.ceil(left.total_seconds())))

    by_time = groupby(sorted(waiting, key=seconds), key=seconds)
    return sum(queue.hide(list(some), time) for time, some in by_time)
