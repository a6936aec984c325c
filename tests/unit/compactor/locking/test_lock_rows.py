"""What the lease makes of DynamoDB's answers, and of answers that never came."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from compactor.locking.lock_table import CompactionLock
from receipt_sync.errors import LockTableError

NOW = datetime(2026, 1, 31, 12, 0, 0, 250_000, UTC)
LOCK = CompactionLock("lock", "me", NOW + timedelta(seconds=60), NOW)
UNANSWERED = ReadTimeoutError(endpoint_url="table")
UNSENT = EndpointConnectionError(endpoint_url="table")


class RefusedError(ClientError):
    """DynamoDB's answer if the condition does not hold, with the row that refused it."""

    def __init__(self, **row: Any) -> None:
        response: Any = {"Error": {"Code": "ConditionalCheckFailedException"}}
        super().__init__(response | ({"Item": row} if row else {}), "PutItem")


def denied() -> ClientError:
    return ClientError(
        {"Error": {"Code": "AccessDeniedException"}, "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item]
        "PutItem",
    )


class Client:
    """Answers each call with the next of these: an error to raise, or None."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers, self.requests = list(answers), list[dict[str, Any]]()
        self.exceptions = SimpleNamespace(ConditionalCheckFailedException=RefusedError)

    def _call(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer
        return {}

    put_item = update_item = delete_item = _call


def table(client: Client) -> DynamoDBLockTable:
    return DynamoDBLockTable(client, "receipts")  # type: ignore[arg-type]


def test_the_row_says_when_the_lease_ends_to_workers_people_and_dynamodb() -> None:
    client = Client(None)
    assert table(client).acquire(LOCK, NOW) == "me"
    (request,) = client.requests
    ends_at = int(LOCK.expires.timestamp() * 1000)
    assert request["Item"] == {
        "PK": {"S": "LOCK#lock"},
        "SK": {"S": "LOCK"},
        "TYPE": {"S": "COMPACTION_LOCK"},
        "owner": {"S": "me"},
        "expires": {"S": "2026-01-31T12:01:00.250+00:00"},
        "heartbeat": {"S": "2026-01-31T12:00:00.250+00:00"},
        "expires_at": {"N": str(ends_at)},
        "ttl": {"N": str(ends_at // 1000 + 24 * 3600)},
    }
    assert request["ExpressionAttributeValues"][":now"] == {"N": str(ends_at - 60_000)}


@pytest.mark.parametrize(("row", "holder"), [({"owner": {"S": "other"}}, "other"), ({}, "")])
def test_a_lease_of_another_worker_is_named_by_its_owner(row: Any, holder: str) -> None:
    assert table(Client(RefusedError(**row))).acquire(LOCK, NOW) == holder


def test_a_lease_is_extended_or_lost() -> None:
    assert table(Client(None)).extend(LOCK) is True
    assert table(Client(RefusedError(owner={"S": "other"}))).extend(LOCK) is False


def test_a_lease_that_is_gone_counts_as_released_and_that_of_another_does_not() -> None:
    assert table(Client(None)).release("lock", "me") is True
    assert table(Client(RefusedError())).release("lock", "me") is True
    assert table(Client(RefusedError(owner={"S": "other"}))).release("lock", "me") is False


def test_a_write_without_an_answer_is_repeated_once() -> None:
    client = Client(UNANSWERED, None)
    assert table(client).acquire(LOCK, NOW) == "me"
    first, second = client.requests
    assert first == second


def test_a_repetition_can_be_refused() -> None:
    assert (
        table(Client(UNANSWERED, RefusedError(owner={"S": "other"}))).acquire(LOCK, NOW) == "other"
    )


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((UNANSWERED, UNANSWERED), "ReadTimeoutError"),
        ((UNANSWERED, denied()), "AccessDeniedException"),
        ((denied(),), "AccessDeniedException"),
        ((UNSENT, UNSENT), "EndpointConnectionError"),
    ],
)
@pytest.mark.parametrize("step", ["acquire", "extend", "release"])
def test_a_table_that_does_not_answer_is_named_with_the_row_and_the_reason(
    answers: tuple[Exception, ...], reason: str, step: str
) -> None:
    locks = table(Client(*answers, None))
    steps: dict[str, Callable[[], object]] = {
        "acquire": lambda: locks.acquire(LOCK, NOW),
        "extend": lambda: locks.extend(LOCK),
        "release": lambda: locks.release("lock", "me"),
    }
    with pytest.raises(LockTableError, match=rf"the row LOCK#lock of the lease .+\({reason}\)"):
        steps[step]()
