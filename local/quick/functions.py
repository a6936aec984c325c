"""Deploys one function: its configuration and code, and the wait until both are active."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from local.clients import Clients
from local.quick.declared import Function
from local.quick.log_groups import delete_log_group, ensure_log_group, log_group
from local.quick.names import Names
from local.quick.typed import typed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_DIRECT_LIMIT: Final = 50 * 1024 * 1024
"""Bytes of a package that Lambda accepts in the call. A larger package goes through the bucket."""


def ensure_function(clients: Clients, function: Function, package: bytes, bucket: str) -> str:
    """Deploy the package and the configuration of a function.

    Return its ARN once both are active.
    """
    client, name = clients.lambda_, function.name
    ensure_log_group(clients, function.configuration["LoggingConfig"]["LogGroup"])
    code = _code(clients, name, package, bucket)
    configuration = typed(client, "CreateFunction", function.configuration)
    try:
        arn = client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    except client.exceptions.ResourceNotFoundException:
        arn = client.create_function(**configuration, Code=code)["FunctionArn"]
        _wait(client, "function_active_v2", name)
        return arn
    architectures = configuration.pop("Architectures")
    client.update_function_code(FunctionName=name, Architectures=architectures, **code)
    _wait(client, "function_updated_v2", name)
    client.update_function_configuration(**configuration)
    _wait(client, "function_updated_v2", name)
    return arn


def delete_functions(clients: Clients, names: Names) -> None:
    """Delete the functions and their log groups, if they exist."""
    for name in (names.stream_processor, names.compactor):
        with suppress(clients.lambda_.exceptions.ResourceNotFoundException):
            clients.lambda_.delete_function(FunctionName=name)
        delete_log_group(clients, log_group(name))


def _code(clients: Clients, function: str, package: bytes, bucket: str) -> Any:
    if len(package) < _DIRECT_LIMIT:
        return {"ZipFile": package}
    key = f"packages/{function}.zip"
    clients.s3.put_object(Bucket=bucket, Key=key, Body=package)
    return {"S3Bucket": bucket, "S3Key": key}


def _wait(client: "LambdaClient", state: Any, name: str) -> None:
    client.get_waiter(state).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
