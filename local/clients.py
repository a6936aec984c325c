"""AWS clients that can reach only the local AWS."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.config import Config

from local.errors import EndpointError
from local.quick.names import REGION
from receipt_ops.sdk import local_client_factory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

_CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=16,
    # The endpoint is local, so requests must bypass a proxy that the environment names.
    proxies={},
    s3={"addressing_style": "path"},
)


class Clients:
    """Creates one client per service, at its first use. Raises EndpointError for the real AWS."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = checked_endpoint(endpoint)
        self._make = local_client_factory(self.endpoint, _CONFIG, region=REGION)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """Return the client of DynamoDB."""
        return self.client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def streams(self) -> "DynamoDBStreamsClient":
        """Return the client of DynamoDB Streams."""
        return self.client("dynamodbstreams")  # type: ignore[no-any-return]

    @cached_property
    def sqs(self) -> "SQSClient":
        """Return the client of SQS."""
        return self.client("sqs")  # type: ignore[no-any-return]

    @cached_property
    def s3(self) -> "S3Client":
        """Return the client of S3."""
        return self.client("s3")  # type: ignore[no-any-return]

    @cached_property
    def kms(self) -> "KMSClient":
        """Return the client of KMS."""
        return self.client("kms")  # type: ignore[no-any-return]

    @cached_property
    def lambda_(self) -> "LambdaClient":
        """Return the client of Lambda."""
        return self.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def iam(self) -> "IAMClient":
        """Return the client of IAM."""
        return self.client("iam")  # type: ignore[no-any-return]

    @cached_property
    def ssm(self) -> "SSMClient":
        """Return the client of SSM."""
        return self.client("ssm")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> Any:
        """Return the client of CloudWatch Logs."""
        return self.client("logs")

    def client(self, service: str) -> Any:
        """Return a new client of any service."""
        return self._make(service)


def checked_endpoint(endpoint: str) -> str:
    """Return the endpoint without a trailing slash.

    Raises EndpointError if it is no URL or is an endpoint of the real AWS.
    """
    parts = urlsplit(endpoint.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EndpointError(
            f"AWS_ENDPOINT_URL is {endpoint!r}: give it as http://host:port, or unset it"
        )
    if parts.hostname.endswith((".amazonaws.com", ".amazonaws.com.cn", ".aws", ".api.aws")):
        raise EndpointError(
            f"{parts.hostname} is the real AWS: `local` works on a local one only, so unset "
            "AWS_ENDPOINT_URL, or point it to a LocalStack or MiniStack"
        )
    return endpoint.strip().rstrip("/")
