"""The AWS clients of a program that passes none."""

import os
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

_CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=30,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=16,
)
_LOCAL: Final = Config(s3={"addressing_style": "path"})
"""A host name with the bucket in it would not resolve at the endpoint of a local AWS."""


def s3_client() -> "S3Client":
    """Return a client of S3 for the region, credentials and endpoint of the environment."""
    client: S3Client = _client("s3")
    return client


def sqs_client() -> "SQSClient":
    """Return a client of SQS for the region, credentials and endpoint of the environment."""
    client: SQSClient = _client("sqs")
    return client


def _client(service: str) -> Any:
    # botocore reads only AWS_DEFAULT_REGION, unlike every other SDK and Lambda.
    region = (
        os.environ.get("AWS_REGION", "").strip() or os.environ.get("AWS_DEFAULT_REGION", "").strip()
    )
    local = os.environ.get("AWS_ENDPOINT_URL")
    config = _CONFIG.merge(_LOCAL) if local else _CONFIG
    session = boto3.Session(region_name=region or None)
    if not (session.region_name or "").strip():  # botocore takes a blank variable for a name.
        raise NoRegionError
    return session.client(service, config=config)  # type: ignore[call-overload]
