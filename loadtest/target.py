"""Which AWS a run writes to: a local one, or the real one if it is named."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from loadtest.errors import UnsafeTargetError
from operations.connection import Connection

_NAMES = ("DYNAMODB_TABLE", "COMPACTION_QUEUE_URL", "SNAPSHOT_BUCKET")
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".aws", ".api.aws")


def check_target(connection: Connection, aws_table: str) -> None:
    """Raise UnsafeTargetError for the real AWS, unless its table is named; and the other way."""
    table = connection.names.table
    if _is_real(connection.endpoint):
        if not aws_table:
            raise UnsafeTargetError(
                f"the environment names the table {table} of the real AWS: set AWS_ENDPOINT_URL, "
                f"or say --aws-table {table} if a load test is to write to it"
            )
        if aws_table != table:
            raise UnsafeTargetError(
                f"--aws-table is {aws_table}, but DYNAMODB_TABLE is {table}: both must name the "
                "table that is to be written to"
            )
    elif aws_table:
        raise UnsafeTargetError(
            f"--aws-table is for the real AWS, and the endpoint is {connection.endpoint}: leave "
            "one of them out"
        )


def names_a_stack(environment: Mapping[str, str]) -> bool:
    """Whether the environment says what to write to, so that no local AWS has to be started."""
    return any(environment.get(name) for name in _NAMES)


def _is_real(endpoint: str | None) -> bool:
    return endpoint is None or (urlsplit(endpoint).hostname or "").endswith(_AWS)
