"""What AWS refuses, in one sentence that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from operations.connection import Connection, Names
from operations.errors import ConnectionFailedError, HalfDoneError
from operations.unexpected import sentence_of
from receipt_sync.errors import SyncError

_DENIED: Final = "access denied: your credentials lack the permission for {operation}"
_THROTTLED: Final = (
    "AWS throttled {operation} for longer than was tried: wait, or raise the capacity"
)
_REFUSALS: Final = {
    "there is no table {table}{where}: mend DYNAMODB_TABLE, or create it": (
        "ResourceNotFoundException",
    ),
    "there is no bucket {bucket}{where}: mend SNAPSHOT_BUCKET, or create it": (
        "NoSuchBucket",
        "404",  # what HeadBucket answers, which has no body to say more in
    ),
    "there is no queue {compaction_queue_url}{where}: mend COMPACTION_QUEUE_URL, or create it": (
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
    ),
    _DENIED: (
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "403",
        "AuthorizationError",
        "KMS.AccessDeniedException",
        "KMSAccessDeniedException",
    ),
    "AWS does not accept your credentials ({code}): log in again": (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "TokenRefreshRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ),
    _THROTTLED: (
        "LimitExceededException",  # of a stream's shard
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ),
}
_NOT_FOUND: Final = {
    "GetEventSourceMapping": "there is no such event source mapping{where}: deploy it with SAM",
    "GetFunctionConfiguration": "there is no such function{where}: deploy it with SAM",
    "UpdateFunctionConfiguration": "there is no such function{where}: deploy it with SAM",
    "UpdateEventSourceMapping": "there is no such event source mapping{where}: deploy it with SAM",
}
"""Operations whose ResourceNotFoundException is not about the table."""
_LOGIN: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    SSOError,
    TokenRetrievalError,
)
_NO_NAMES: Final = Names("that DYNAMODB_TABLE names", "COMPACTION_QUEUE_URL", "SNAPSHOT_BUCKET")
_SENTENCES: Final = {code: words for words, codes in _REFUSALS.items() for code in codes}


@contextmanager
def explained(connection: Connection) -> Iterator[None]:
    """Turn what AWS refuses inside the block into a ConnectionFailedError."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ConnectionFailedError(sentence(error, connection)) from error
    except HalfDoneError:
        raise
    except SyncError as error:
        # Adapters wrap botocore's errors in ours; of a refusal, the cause knows more.
        cause = error.__cause__
        if isinstance(cause, ClientError | BotoCoreError) and _is_refusal(cause):
            raise ConnectionFailedError(sentence(cause, connection)) from error
        raise


def sentence(error: ClientError | BotoCoreError, connection: Connection | None = None) -> str:
    """Return what is wrong and what to do about it.

    The connection, where there is one already, tells the names that the sentence needs.
    """
    if isinstance(error, ClientError):
        return _refusal(error, connection)
    if isinstance(error, HTTPClientError | ConnectionError):
        return _unreachable(connection)
    if isinstance(error, _LOGIN):
        return "no AWS credentials: log in, or set AWS_PROFILE, or start a local AWS with `make up`"
    if isinstance(error, NoRegionError):
        return "no AWS region: set AWS_REGION"
    if isinstance(error, ProfileNotFound):
        return f"{error}: set AWS_PROFILE to one that your AWS configuration has"
    return f"AWS can't be called: {' '.join(str(error).split())}"


def reason_of(error: Exception, connection: Connection) -> str:
    """Return what is wrong in words, for an error of any class."""
    if isinstance(error, ClientError | BotoCoreError):
        return sentence(error, connection)
    return str(error) if isinstance(error, SyncError) else sentence_of(error)


def is_of_one_call(error: ClientError) -> bool:
    """Return whether other calls may be answered all the same."""
    return _SENTENCES.get(_code(error)) in (_DENIED, _THROTTLED)


def _is_refusal(error: ClientError | BotoCoreError) -> bool:
    """Return whether the call came to nothing.

    Other codes, such as those of a condition that is not met, are an answer. The adapter that
    asked has said what it means.
    """
    return isinstance(error, BotoCoreError) or _code(error) in _SENTENCES


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _refusal(error: ClientError, connection: Connection | None) -> str:
    code = _code(error)
    words = _SENTENCES.get(code, "AWS refused {operation}: {code}")
    if code == "ResourceNotFoundException":
        words = _NOT_FOUND.get(error.operation_name, words)
    endpoint = connection.endpoint if connection else None
    names = connection.names if connection else _NO_NAMES
    return words.format(
        **names._asdict(),
        where=f" at {endpoint}" if endpoint else "",
        operation=error.operation_name,
        code=code,
    )


def _unreachable(connection: Connection | None) -> str:
    if connection and connection.endpoint:
        return (
            f"nothing answers at {connection.endpoint}: start the local AWS with `make up`, or "
            "mend AWS_ENDPOINT_URL"
        )
    return "AWS can't be reached: check the network, AWS_REGION and AWS_ENDPOINT_URL"
