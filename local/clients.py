"""Clients that can reach the local AWS and nothing else.

They come from localstack-client, with its dummy credentials replaced by the usual test/test.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.config import Config
from localstack_client.session import Session

from local.errors import EndpointError
from local.names import REGION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

CREDENTIAL: Final = "test"
"""Access key and secret key alike: what LocalStack and MiniStack both take, and AWS refuses."""

_CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=16,
    proxies={},  # the endpoint is local: a proxy of the environment must not get in between
    s3={"addressing_style": "path"},
)


class LocalSession(Session):  # type: ignore[misc]  # localstack-client carries no types
    """A localstack-client session bound to one endpoint.

    localstack-client lets AWS_ENDPOINT_URL win over the host that it is given; here the endpoint
    is decided once, by whoever makes the session, so that several can live in one process.
    """

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            aws_access_key_id=CREDENTIAL,
            aws_secret_access_key=CREDENTIAL,
            region_name=REGION,
            localstack_host=urlsplit(endpoint).netloc,
        )
        self._service_endpoint_mapping: dict[str, str]
        for service in self._service_endpoint_mapping:
            self._service_endpoint_mapping[service] = endpoint


class Clients:
    """One client a service, made when first asked for. Raises EndpointError for the real AWS."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = checked_endpoint(endpoint)
        self._session = LocalSession(self.endpoint)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self.client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def streams(self) -> "DynamoDBStreamsClient":
        return self.client("dynamodbstreams")  # type: ignore[no-any-return]

    @cached_property
    def sqs(self) -> "SQSClient":
        return self.client("sqs")  # type: ignore[no-any-return]

    @cached_property
    def s3(self) -> "S3Client":
        return self.client("s3")  # type: ignore[no-any-return]

    @cached_property
    def kms(self) -> "KMSClient":
        return self.client("kms")  # type: ignore[no-any-return]

    @cached_property
    def lambda_(self) -> "LambdaClient":
        return self.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def iam(self) -> "IAMClient":
        return self.client("iam")  # type: ignore[no-any-return]

    @cached_property
    def ssm(self) -> "SSMClient":
        return self.client("ssm")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> Any:
        """CloudWatch Logs."""
        return self.client("logs")

    def client(self, service: str) -> Any:
        """A client of any other service."""
        return self._session.client(service, config=_CONFIG)


def checked_endpoint(endpoint: str) -> str:
    """The endpoint without a trailing slash. Raises EndpointError for no URL, or for real AWS."""
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
