"""Deploys one function: its configuration and code, and the wait until both are active."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from local.clients import Clients
from local.quick.log_groups import delete_log_group, ensure_log_group, log_group
from local.quick.names import Names

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

RUNTIME: Final = "python3.12"
_DIRECT_LIMIT: Final = 50 * 1024 * 1024
"""Bytes of a package that Lambda accepts in the call. A larger package goes through the bucket."""


@dataclass(frozen=True)
class Function:
    """The configuration of a function.

    `timeout` is in seconds, `memory` and `storage` (/tmp) in MiB.
    """

    name: str
    handler: str
    role_arn: str
    timeout: int
    memory: int
    storage: int
    key_arn: str
    log_level: str
    variables: Mapping[str, str]

    @property
    def log_group(self) -> str:
        """Return the name of the function's log group."""
        return log_group(self.name)

    def configuration(self) -> dict[str, Any]:
        """Return the parameters of Lambda's CreateFunction and UpdateFunctionConfiguration."""
        return {
            "FunctionName": self.name,
            "Runtime": RUNTIME,
            "Handler": self.handler,
            "Role": self.role_arn,
            "Timeout": self.timeout,
            "MemorySize": self.memory,
            "EphemeralStorage": {"Size": self.storage},
            "TracingConfig": {"Mode": "Active"},
            "LoggingConfig": {
                "LogFormat": "JSON",
                "ApplicationLogLevel": self.log_level,
                "SystemLogLevel": "INFO",
                "LogGroup": self.log_group,
            },
            "KMSKeyArn": self.key_arn,
            "Environment": {"Variables": dict(self.variables)},
        }


def ensure_function(clients: Clients, function: Function, package: bytes, bucket: str) -> str:
    """Deploy the package and the configuration of a function.

    Return its ARN once both are active.
    """
    client = clients.lambda_
    ensure_log_group(clients, function.log_group)
    code = _code(clients, function, package, bucket)
    try:
        arn = client.get_function(FunctionName=function.name)["Configuration"]["FunctionArn"]
    except client.exceptions.ResourceNotFoundException:
        arn = client.create_function(
            **function.configuration(), Code=code, Architectures=["x86_64"]
        )["FunctionArn"]
        _wait(client, "function_active_v2", function.name)
        return arn
    client.update_function_code(FunctionName=function.name, **code)
    _wait(client, "function_updated_v2", function.name)
    client.update_function_configuration(**function.configuration())
    _wait(client, "function_updated_v2", function.name)
    return arn


def delete_functions(clients: Clients, names: Names) -> None:
    """Delete the functions and their log groups, if they exist."""
    for name in (names.stream_processor, names.compactor):
        with suppress(clients.lambda_.exceptions.ResourceNotFoundException):
            clients.lambda_.delete_function(FunctionName=name)
        delete_log_group(clients, log_group(name))


def _code(clients: Clients, function: Function, package: bytes, bucket: str) -> Any:
    if len(package) < _DIRECT_LIMIT:
        return {"ZipFile": package}
    key = f"packages/{function.name}.zip"
    clients.s3.put_object(Bucket=bucket, Key=key, Body=package)
    return {"S3Bucket": bucket, "S3Key": key}


def _wait(client: "LambdaClient", state: Any, name: str) -> None:
    client.get_waiter(state).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
