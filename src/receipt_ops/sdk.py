"""The AWS SDK as the commands use it: time limits, retries and the endpoint of a local AWS."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import boto3
from botocore.config import Config
from localstack_client.session import Session as LocalSession

_CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=30,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=16,
)
_LOCAL: Final = Config(
    proxies={},  # A proxy of the environment can't reach the local AWS.
    retries={"mode": "standard", "max_attempts": 2},  # More tries do not start a stopped AWS.
    s3={"addressing_style": "path"},  # A host name with the bucket in it would not resolve.
)


def client_factory(environment: Mapping[str, str], endpoint: str | None) -> Callable[[str], Any]:
    """Return a function that makes the client of a service. `endpoint` is the local AWS, if any.

    Raises botocore's errors if the environment names no region, or a profile that does not exist.
    """
    config = _CONFIG.merge(_LOCAL) if endpoint else _CONFIG
    return partial(_session(environment, endpoint).client, config=config)


def _session(environment: Mapping[str, str], endpoint: str | None) -> Any:
    # botocore reads only AWS_DEFAULT_REGION, unlike every other SDK and Lambda.
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if endpoint is None:
        return boto3.Session(region_name=region or None)
    session = LocalSession(
        aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID") or "test",
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY") or "test",
        region_name=region or "us-east-1",
    )
    # LocalSession takes the endpoint from the process's environment, which may name another one.
    mapping = session._service_endpoint_mapping
    session._service_endpoint_mapping = dict.fromkeys(mapping, endpoint)
    return session
