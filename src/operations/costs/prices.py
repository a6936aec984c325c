"""What AWS asks for, in US dollars; us-east-1 on demand, without free tiers, as read in 2025.

https://aws.amazon.com/lambda/pricing, …/sqs/pricing, …/dynamodb/pricing/on-demand, …/s3/pricing,
…/cloudwatch/pricing, …/kms/pricing, …/xray/pricing. Other regions differ by some per cent.
"""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from operations.errors import OperationError

Dollars = Annotated[float, Field(ge=0)]

REGION: Final = "us-east-1"
AS_OF: Final = "2026-01-31"
"""The prices of Lambda, SQS, S3 requests and the table were last checked on this day."""


class PricesError(OperationError):
    """A file of prices or counts is unreadable."""


class Prices(BaseModel):
    """Of one unit each. Reading a stream costs nothing where the reader is a Lambda function."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lambda_gb_second: Dollars = 0.0000166667
    lambda_request: Dollars = 0.20e-6
    sqs_request: Dollars = 0.40e-6
    table_read: Dollars = 0.125e-6
    """A read request unit: 4 KB, strongly consistent."""
    table_write: Dollars = 0.625e-6
    """A write request unit: 1 KB."""
    s3_put: Dollars = 5e-6
    s3_get: Dollars = 0.4e-6
    s3_gb_month: Dollars = 0.023
    log_gb: Dollars = 0.50
    metric_month: Dollars = 0.30
    alarm_month: Dollars = 0.10
    dashboard_month: Dollars = 3.00
    key_month: Dollars = 1.00
    key_request: Dollars = 3e-6
    trace: Dollars = 5e-6

    @classmethod
    def read(cls, path: Path | None) -> "Prices":
        """The usual ones, with those of a JSON file over them. Raises PricesError."""
        if path is None:
            return cls()
        try:
            return cls.model_validate_json(path.read_text())
        except (OSError, ValidationError) as error:
            raise PricesError(f"{path} is no JSON object of prices: {_first(error)}") from error


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    return str(error)
