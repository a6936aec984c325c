"""The types of errors that the simulated outside may cause.

Production catches Exception in some places and returns the messages. A programming error there
would pass as bad weather: the messages come again, and the history converges. So each error that
production reports, and each that leaves a handler or a thread, must be of a type on this list.
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
    errors.LettersNotParkedError,
    errors.LockTableError,
    errors.ObjectsNotDeletedError,
    errors.PublishRefusedError,
    errors.QueueSendError,
    errors.ReadBackError,
    errors.SnapshotDamagedError,
    errors.TableReadError,
    errors.UnsettledError,
)
_OF_AWS: Final = (ClientError, ConnectionClosedError)
_CODES: Final = (
    "InternalError",
    "ProvisionedThroughputExceededException",
    "ServiceUnavailable",
    "SlowDown",
)
"""What production says instead of a type where AWS answered with a code."""

EXPECTED: Final = frozenset({*(kind.__name__ for kind in (*_OWN, *_OF_AWS)), *_CODES})
