"""What AWS refuses becomes one sentence that names the thing and the remedy."""

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ProfileNotFound,
    SSLError,
)

from receipt_ops.connection import Connection, Names
from receipt_ops.errors import ConnectionFailedError
from receipt_ops.terminal.failures import explained
from receipt_sync.errors import (
    DeltaExistsError,
    DeltaRefusedError,
    LockTableError,
    PublishRefusedError,
    SnapshotDamagedError,
    TableReadError,
)

NAMES = Names("receipts", "https://sqs/queue", "bucket")
CLIENT: Any = None
LOCAL = Connection(NAMES, CLIENT, CLIENT, CLIENT, "http://127.0.0.1:4599")
REAL = Connection(NAMES, CLIENT, CLIENT, CLIENT)


def refused(code: str, operation: str = "Scan") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "a long story"}}, operation)


def raise_explained(error: Exception, connection: Connection = LOCAL) -> None:
    with explained(connection):
        raise error


def words(error: Exception, connection: Connection = LOCAL) -> str:
    with pytest.raises(ConnectionFailedError) as raised:
        raise_explained(error, connection)
    assert raised.value.__cause__ is error
    return str(raised.value)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            refused("ResourceNotFoundException"),
            "there is no table receipts at http://127.0.0.1:4599",
        ),
        (refused("ResourceNotFoundException", "GetEventSourceMapping"), "source mapping at"),
        (refused("ResourceNotFoundException", "GetFunctionConfiguration"), "no such function at"),
        (refused("NoSuchBucket"), "there is no bucket bucket at"),
        (refused("404", "HeadBucket"), "there is no bucket bucket at"),
        (refused("QueueDoesNotExist"), "there is no queue https://sqs/queue at"),
        (refused("AWS.SimpleQueueService.NonExistentQueue"), "there is no queue"),
        (refused("AccessDeniedException"), "lack the permission for Scan"),
        (refused("403", "HeadBucket"), "lack the permission for HeadBucket"),
        (refused("ExpiredTokenException"), "does not accept your credentials (ExpiredTokenEx"),
        (refused("ThrottlingException"), "AWS throttled every try of Scan"),
        (
            refused("Throttling", "GetMetricStatistics"),
            "AWS throttled every try of GetMetricStatistics",
        ),
        (
            refused("TooManyRequestsException", "UpdateFunctionConfiguration"),
            "AWS throttled every try of Update",
        ),
        (refused("Unheard"), "AWS refused Scan: Unheard"),
        (NoCredentialsError(), "no AWS credentials"),
        (NoRegionError(), "set AWS_REGION"),
        (ProfileNotFound(profile="x"), "set AWS_PROFILE"),
        (
            SSLError(endpoint_url="x", error=OSError("y")),
            "http://127.0.0.1:4599 can't be called ov",
        ),
        (EndpointConnectionError(endpoint_url="x"), "nothing answers at http://127.0.0.1:4599"),
        (ConnectTimeoutError(endpoint_url="x"), "nothing answers at http://127.0.0.1:4599"),
        (ParamValidationError(report="Invalid bucket name"), "Invalid bucket name"),
    ],
)
def test_each_refusal_has_its_sentence(error: Exception, sentence: str) -> None:
    found = words(error)
    assert sentence in found
    assert "\n" not in found


def test_an_unreachable_aws_is_not_called_a_local_one() -> None:
    assert words(EndpointConnectionError(endpoint_url="x"), REAL).startswith("AWS can't be reached")
    assert " at " not in words(refused("NoSuchBucket"), REAL)


@pytest.mark.parametrize(
    "cause", [refused("ResourceNotFoundException"), EndpointConnectionError(endpoint_url="x")]
)
def test_an_adapters_error_is_explained_by_its_cause(cause: ClientError | BotoCoreError) -> None:
    error = TableReadError("the table answered")
    error.__cause__ = cause
    with pytest.raises(ConnectionFailedError, match=r"no table receipts|nothing answers"):
        raise_explained(error)


@pytest.mark.parametrize(
    ("error", "code", "operation"),
    [
        (DeltaExistsError("deltas/x exists already"), "PreconditionFailed", "PutObject"),
        (DeltaExistsError("deltas/x exists already"), "ConditionalRequestConflict", "PutObject"),
        (SnapshotDamagedError("packs/x is gone"), "NoSuchKey", "GetObject"),
        (PublishRefusedError("another worker has published"), "PreconditionFailed", "PutObject"),
        (LockTableError("the row was not written"), "ConditionalCheckFailedException", "PutItem"),
        (DeltaRefusedError("deltas/x is gone"), "InvalidRange", "GetObject"),
    ],
)
def test_our_own_sentence_is_kept_where_the_cause_is_an_answer_and_no_refusal(
    error: Exception, code: str, operation: str
) -> None:
    error.__cause__ = refused(code, operation)
    with pytest.raises(type(error)) as raised:
        raise_explained(error)
    assert raised.value is error


def test_our_own_errors_pass_through() -> None:
    with pytest.raises(TableReadError, match="not in time"):
        raise_explained(TableReadError("not in time"))


def test_a_bug_is_no_refusal() -> None:
    with pytest.raises(ZeroDivisionError):
        raise_explained(ZeroDivisionError())
