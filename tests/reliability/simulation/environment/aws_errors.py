"""The errors that boto3 raises for responses of AWS."""

from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError


def refused(operation: str, status: int, code: str) -> ClientError:
    """Return the error of a response with an error code."""
    response: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)


def unreachable() -> ConnectionClosedError:
    """Return the error of a call without a response."""
    return ConnectionClosedError(endpoint_url="https://simulated")
