"""A run writes to the real AWS only if the caller names its table."""

from typing import Any

import pytest

from loadtest.errors import UnsafeTargetError
from loadtest.target import check_target, names_a_stack
from receipt_ops.connection import Connection, Names

NAMES = Names("portfolio-dev", "https://sqs/queue", "bucket")
NO_CLIENT: Any = None
REAL = (None, "https://dynamodb.us-east-1.amazonaws.com", "https://x.cn-north-1.amazonaws.com.cn")


def connection(endpoint: str | None) -> Connection:
    return Connection(NAMES, NO_CLIENT, NO_CLIENT, NO_CLIENT, endpoint=endpoint)


@pytest.mark.parametrize("endpoint", REAL)
def test_the_real_aws_is_refused_unless_its_table_is_named(endpoint: str | None) -> None:
    with pytest.raises(UnsafeTargetError, match="--aws-table portfolio-dev"):
        check_target(connection(endpoint), "")
    with pytest.raises(UnsafeTargetError, match="both must name"):
        check_target(connection(endpoint), "portfolio-prod")
    check_target(connection(endpoint), "portfolio-dev")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://amazonaws.com.local:4566"])
def test_a_local_one_needs_no_word_and_takes_none(endpoint: str) -> None:
    check_target(connection(endpoint), "")
    with pytest.raises(UnsafeTargetError, match="leave one of them out"):
        check_target(connection(endpoint), "portfolio-dev")


def test_any_name_in_the_environment_means_that_no_local_aws_is_started() -> None:
    assert not names_a_stack({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "DYNAMODB_TABLE": ""})
    assert names_a_stack({"SNAPSHOT_BUCKET": "bucket"})
