"""The types of errors that the simulated environment may cause.

Production catches Exception in some places and returns the messages. A programming error there
would look like a fault: the messages return, and the history converges. Each error that production
reports must therefore have a type on this list. The same holds for each error that leaves a handler
or a thread.
"""

from typing import Final

from botocore.exceptions import ClientError, ConnectionClosedError

from receipt_sync import errors

_OWN: Final = (
    errors.DeadlineNearError,
    errors.IndexFailedError,
    errors.IndexUnavailableError,
    errors.LeaseLostError,
    errors.LeaseUnavailableError,
    errors.DeadLettersNotParkedError,
    errors.LockTableError,
    errors.ObjectsNotDeletedError,
    errors.PublishRefusedError,
    errors.QueueSendError,
    errors.ReadBackError,
    errors.SnapshotDamagedError,
    errors.TableReadError,
    errors.UnsettledError,
    errors.WriteIgnoredError,
)
_OF_AWS: Final = (ClientError, ConnectionClosedError)
_CODES: Final = (
    "InternalError",
    "ProvisionedThroughputExceededException",
    "ServiceUnavailable",
    "SlowDown",
)
"""Error codes that production reports instead of a type if AWS returned a code."""

EXPECTED: Final = frozenset({*(kind.__name__ for kind in (*_OWN, *_OF_AWS)), *_CODES})
