"""The errors that boto3 raises for responses of AWS."""

from botocore.exceptions import ClientError, ConnectionClosedError


def refused(operation: str, status: int, code: str) -> ClientError:
    """Return the error of a response with an error code."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        operation,
    )


def unreachable() -> ConnectionClosedError:
    """Return the error of a call without a response."""
    return ConnectionClosedError(endpoint_url="https://simulated")
