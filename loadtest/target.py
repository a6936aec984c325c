"""Checks the target of a run, so that it does not write to the real AWS by mistake."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from loadtest.errors import UnsafeTargetError
from receipt_ops.connection import Connection

_NAMES = ("DYNAMODB_TABLE", "COMPACTION_QUEUE_URL", "SNAPSHOT_BUCKET")
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".aws", ".api.aws")


def check_target(connection: Connection, aws_table: str) -> None:
    """Check that `aws_table` is the table if the target is the real AWS, and empty otherwise.

    Raises:
        UnsafeTargetError: It is not so.
    """
    table = connection.names.table
    if _is_real(connection.endpoint):
        if not aws_table:
            raise UnsafeTargetError(
                f"the environment names the table {table} of the real AWS: set AWS_ENDPOINT_URL, "
                f"or give --aws-table {table} to write the load to this table"
            )
        if aws_table != table:
            raise UnsafeTargetError(
                f"--aws-table is {aws_table}, but DYNAMODB_TABLE is {table}: both must name the "
                "table that the run writes to"
            )
    elif aws_table:
        raise UnsafeTargetError(
            f"--aws-table is for the real AWS, but the endpoint is {connection.endpoint}: leave "
            "one of them out"
        )


def names_a_stack(environment: Mapping[str, str]) -> bool:
    """Return whether the environment names a deployment, so that no local AWS is needed."""
    return any(environment.get(name) for name in _NAMES)


def _is_real(endpoint: str | None) -> bool:
    return endpoint is None or (urlsplit(endpoint).hostname or "").endswith(_AWS)
