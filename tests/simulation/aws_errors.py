"""The errors that boto3 raises, as AWS would answer them."""

from botocore.exceptions import ClientError, ConnectionClosedError


def refused(operation: str, status: int, code: str) -> ClientError:
    """An answer of AWS with an error in it."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        operation,
    )


def unreachable() -> ConnectionClosedError:
    """No answer at all."""
    return ConnectionClosedError(endpoint_url="https://simulated")
