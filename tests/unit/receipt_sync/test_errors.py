"""Every error says by its family whether trying again can help."""

import pytest

from receipt_sync import errors
from receipt_sync.errors import PermanentError, SyncError, TransientError

OURS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


@pytest.mark.parametrize("kind", OURS)
def test_each_is_ours_and_at_most_of_one_family(kind: type) -> None:
    assert issubclass(kind, SyncError)
    assert not issubclass(kind, PermanentError) or not issubclass(kind, TransientError)


def test_what_can_never_succeed_is_permanent() -> None:
    for name in ("MalformedKeyError", "MalformedValueError", "MalformedRecordError"):
        assert issubclass(getattr(errors, name), PermanentError)
    assert issubclass(errors.PoisonMessageError, PermanentError)


def test_what_may_succeed_later_is_transient() -> None:
    assert issubclass(errors.QueueSendError, TransientError)
    assert issubclass(errors.DeadlineNearError, TransientError)
