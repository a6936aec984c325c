"""Sentences for the refusals of AWS. Each sentence says what is wrong and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from receipt_ops.connection import Connection, Names
from receipt_ops.errors import ConnectionFailedError, HalfDoneError
from receipt_ops.terminal.unexpected import machine_fault, sentence_of
from receipt_sync.errors import SyncError

_DENIED: Final = (
    "AWS denied access, because your credentials lack the permission for {operation}: "
    "ask for this permission"
)
_THROTTLED: Final = (
    "AWS throttled every try of {operation}: wait and run it again, or raise the capacity"
)
_REFUSALS: Final = {
    "there is no table {table}{where}: correct DYNAMODB_TABLE, or create the table": (
        "ResourceNotFoundException",
    ),
    "there is no bucket {bucket}{where}: correct SNAPSHOT_BUCKET, or create the bucket": (
        "NoSuchBucket",
        "404",  # The answer of HeadBucket has no body, so its code is the status.
    ),
    "there is no queue {compaction_queue_url}{where}: correct COMPACTION_QUEUE_URL, or create "
    "the queue": (
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
        "LimitExceededException",  # A shard of a stream returns this code.
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
"""Sentences for operations whose ResourceNotFoundException does not concern the table."""
_LOGIN: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
_NO_NAMES: Final = Names("that DYNAMODB_TABLE names", "COMPACTION_QUEUE_URL", "SNAPSHOT_BUCKET")
_SENTENCES: Final = {code: words for words, codes in _REFUSALS.items() for code in codes}


@contextmanager
def explained(connection: Connection) -> Iterator[None]:
    """Turn a refusal of AWS inside the `with` block into a ConnectionFailedError."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ConnectionFailedError(sentence(error, connection)) from error
    except HalfDoneError:
        raise
    except SyncError as error:
        # Adapters wrap errors of botocore. After a refusal, the cause gives the better sentence.
        cause = error.__cause__
        if isinstance(cause, ClientError | BotoCoreError) and _is_refusal(cause):
            raise ConnectionFailedError(sentence(cause, connection)) from error
        raise


def sentence(error: ClientError | BotoCoreError, connection: Connection | None = None) -> str:
    """Return a sentence that says what is wrong and what to do.

    A connection, if there is one already, gives the names for the sentence.
    """
    if isinstance(error, ClientError):
        return _refusal(error, connection)
    if isinstance(error, SSLError):
        return _without_tls(connection)
    if isinstance(error, HTTPClientError | ConnectionError):
        return _unreachable(connection)
    if isinstance(error, _LOGIN):
        return "no AWS credentials: log in, or set AWS_PROFILE, or start a local AWS with `make up`"
    return _of_configuration(error)


def _of_configuration(error: BotoCoreError) -> str:
    if isinstance(error, NoRegionError):
        return "no AWS region: set AWS_REGION"
    if isinstance(error, InvalidRegionError):
        return (
            f"{error.kwargs['region_name']!r} is not the name of an AWS region: set AWS_REGION to "
            "one, such as eu-west-1"
        )
    if isinstance(error, ProfileNotFound):
        return f"{error}: set AWS_PROFILE to a profile of your AWS configuration"
    return f"AWS can't be called: {' '.join(str(error).split())}"


def reason_of(error: Exception, connection: Connection) -> str:
    """Return a sentence that says what is wrong, for an error of any class."""
    if isinstance(error, ClientError | BotoCoreError):
        return sentence(error, connection)
    if isinstance(error, SyncError) and machine_fault(error) is None:
        return str(error)
    return sentence_of(error)


def is_of_one_call(error: ClientError) -> bool:
    """Return whether AWS refused only this call and may answer others."""
    return _SENTENCES.get(_code(error)) in (_DENIED, _THROTTLED)


def _is_refusal(error: ClientError | BotoCoreError) -> bool:
    """Return whether AWS did not carry out the call.

    Other codes, such as that of a failed condition, are an answer. The adapter's own error says
    what the answer means.
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


def _without_tls(connection: Connection | None) -> str:
    where = connection.endpoint if connection and connection.endpoint else "AWS"
    return (
        f"{where} can't be called over TLS: check AWS_CA_BUNDLE, and whether AWS_ENDPOINT_URL "
        "begins with http or https"
    )


def _unreachable(connection: Connection | None) -> str:
    if connection and connection.endpoint:
        return (
            f"nothing answers at {connection.endpoint}: start the local AWS with `make up`, or "
            "correct AWS_ENDPOINT_URL"
        )
    return "AWS can't be reached: check the network, AWS_REGION and AWS_ENDPOINT_URL"
