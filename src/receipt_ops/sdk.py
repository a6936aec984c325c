"""The AWS SDK as the commands use it: time limits, retries and the endpoint of a local AWS."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError
from localstack_client.session import Session as LocalSession

from receipt_ops.web_pages import refuse_web_pages

CREDENTIAL: Final = "test"
"""The access key and the secret key of a local AWS. The real AWS refuses this value."""
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
    # botocore reads only AWS_DEFAULT_REGION, unlike every other SDK and Lambda.
    region = (
        environment.get("AWS_REGION", "").strip()
        or environment.get("AWS_DEFAULT_REGION", "").strip()
    )
    if endpoint is None:
        session = boto3.Session(region_name=region or None)
        if not (session.region_name or "").strip():  # botocore takes a blank variable for a name.
            raise NoRegionError
        return _checked(partial(session.client, config=_CONFIG))
    return local_client_factory(
        endpoint,
        _CONFIG.merge(_LOCAL),
        region=region or "us-east-1",
        access_key=environment.get("AWS_ACCESS_KEY_ID") or CREDENTIAL,
        secret_key=environment.get("AWS_SECRET_ACCESS_KEY") or CREDENTIAL,
    )


def local_client_factory(
    endpoint: str,
    config: Config,
    *,
    region: str,
    access_key: str = CREDENTIAL,
    secret_key: str = CREDENTIAL,
) -> Callable[[str], Any]:
    """Return a function that makes clients that reach only the local AWS of an endpoint."""
    session = LocalSession(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        localstack_host="localhost",
    )
    # A client of the session would take its endpoint from AWS_ENDPOINT_URL of this process, which
    # may name another AWS. One process can also use several endpoints.
    arguments = session.common_protected_kwargs
    return _checked(partial(boto3.client, **arguments, endpoint_url=endpoint, config=config))


def _checked(make: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda service: refuse_web_pages(make(service))
