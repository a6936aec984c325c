"""Clients and names of the AWS that a command works on.

Either the environment names everything, or the running local AWS does. The two are never mixed, so
that a half-set environment does not send local names to a real account.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from botocore.exceptions import BotoCoreError

from receipt_sync.errors import SettingsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

ENDPOINT: Final = "AWS_ENDPOINT_URL"


class Names(NamedTuple):
    """Holds the names that the environment variables give, those of the functions too."""

    table: str
    compaction_queue_url: str
    bucket: str


def _no_client(service: str) -> Any:
    raise AssertionError(f"this connection has no client of {service}: build it with connect()")


_NUMBERS: Final = (
    "AWS_MAX_ATTEMPTS",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
    "AWS_METADATA_SERVICE_TIMEOUT",
)
"""The variables that the AWS SDK reads as whole numbers.

https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""
_VARIABLES: Final = Names("DYNAMODB_TABLE", "COMPACTION_QUEUE_URL", "SNAPSHOT_BUCKET")


@dataclass(frozen=True)
class Connection:
    """Holds the clients and the names of one AWS, real or local."""

    names: Names
    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    sqs: "SQSClient"
    endpoint: str | None = None
    """The endpoint of the local AWS; None for the real one."""
    client: Callable[[str], Any] = _no_client
    """Creates a client of a service that few commands need."""

    @cached_property
    def lambda_(self) -> "LambdaClient":
        return self.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def streams(self) -> "DynamoDBStreamsClient":
        return self.client("dynamodbstreams")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> Any:
        """Return a client of CloudWatch Logs."""
        return self.client("logs")

    @cached_property
    def sns(self) -> Any:
        return self.client("sns")


def connect(environment: Mapping[str, str], local_state: Path) -> Connection:
    """Return clients for the AWS of `environment`, or for the local AWS of a state file.

    The function opens no connection. Raises SettingsError if neither names all parts, if an
    endpoint is not a URL, or if a variable with a number holds none. Raises botocore's errors for
    the region and the profile.
    """
    complete = complete_environment(environment, local_state)
    _check_numbers(complete)
    names = Names(*(complete[variable] for variable in _VARIABLES))
    endpoint = complete.get(ENDPOINT) or None
    if endpoint is not None:
        with _named_setting():
            _check_endpoint(endpoint)
    # Here, as the AWS SDK takes 0.2 s of CPU time to import, which a help text does not need.
    from receipt_ops.sdk import client_factory

    make = client_factory(complete, endpoint)

    def client(service: str) -> Any:
        with _named_setting():
            return make(service)

    usual: dict[str, Any] = {service: client(service) for service in ("dynamodb", "s3", "sqs")}
    return Connection(names, **usual, endpoint=endpoint, client=client)


@contextmanager
def _named_setting() -> Iterator[None]:
    """Turn the ValueError of botocore for a setting into a SettingsError.

    botocore reads the output of `credential_process` when it makes the first client.
    """
    try:
        yield
    except BotoCoreError:  # That of a malformed region is a ValueError too.
        raise
    except json.JSONDecodeError as error:
        raise SettingsError(
            "the command in `credential_process` of your AWS configuration did not print JSON: "
            "repair this command, or set AWS_PROFILE to another profile"
        ) from error
    except ValueError as error:
        if not str(error).startswith("Invalid endpoint"):
            raise SettingsError(
                f"AWS can't be called ({error}): correct this value in your AWS configuration"
            ) from error
        raise SettingsError(
            f"AWS can't be called ({error}): set {ENDPOINT}, or the variable of that service, to "
            "a URL such as http://127.0.0.1:4566, or unset it"
        ) from error


def _check_endpoint(endpoint: str) -> None:
    """Raise the ValueError of botocore for an endpoint that botocore accepts and cannot call."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not _has_port(parts):
        raise ValueError(f"Invalid endpoint: {endpoint}")


def _has_port(parts: SplitResult) -> bool:
    """Return whether the port is absent or valid. The SDK finds another one during a call."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def _check_numbers(environment: Mapping[str, str]) -> None:
    """Raise SettingsError for a number of the AWS SDK that is none.

    The SDK converts some of them only during a call, and its error names no variable.
    """
    for variable in _NUMBERS:
        value = environment.get(variable)
        if value is not None and not value.strip().isdecimal():
            raise SettingsError(
                f"environment variable {variable} is {value!r}, not a whole number: correct it, or "
                "unset it"
            )


def complete_environment(environment: Mapping[str, str], local_state: Path) -> Mapping[str, str]:
    """Return `environment`. If it names no part, add the names of the local AWS.

    Raises SettingsError if it names only some parts, or if no local AWS runs.
    """
    unset = [variable for variable in _VARIABLES if not environment.get(variable)]
    if not unset:
        return environment
    if len(unset) < len(_VARIABLES):
        raise SettingsError(
            f"{_listed(unset)} must be set, because {_listed(set(_VARIABLES) - set(unset))} is: "
            "set all three, or none of them to use the local AWS"
        )
    local = _local_environment(local_state)
    wanted = environment.get(ENDPOINT)
    if wanted and wanted.rstrip("/") != local[ENDPOINT].rstrip("/"):
        raise SettingsError(
            f"{ENDPOINT} is {wanted}, but the local AWS runs at {local[ENDPOINT]}: unset "
            f"{ENDPOINT}, or set {_listed(_VARIABLES)} too"
        )
    return {**environment, **local}


def check_reachable(connection: Connection) -> None:
    """Call table, bucket and queue once, to find a wrong name before the first write."""
    connection.dynamodb.describe_table(TableName=connection.names.table)
    connection.s3.head_bucket(Bucket=connection.names.bucket)
    connection.sqs.get_queue_attributes(
        QueueUrl=connection.names.compaction_queue_url, AttributeNames=["QueueArn"]
    )


def _local_environment(local_state: Path) -> dict[str, str]:
    try:
        state = json.loads(local_state.read_text())
        return {name: str(state["environment"][name]) for name in (*_VARIABLES, ENDPOINT)}
    except FileNotFoundError as error:
        raise SettingsError(
            f"{_listed(_VARIABLES)} are not set and no local AWS runs in this folder: set them, "
            "or start a local AWS with `make up`"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{local_state} is not the state file of a local AWS: write it again with `make down` "
            "and `make up`"
        ) from error


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
