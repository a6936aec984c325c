"""Prices of AWS in US dollars: us-east-1, on demand, without free tiers, as read in 2025.

Sources: https://aws.amazon.com/lambda/pricing, …/sqs/pricing, …/dynamodb/pricing/on-demand,
…/s3/pricing, …/cloudwatch/pricing, …/kms/pricing, …/xray/pricing. The prices of other regions
differ by some per cent.
"""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from receipt_ops.errors import OperationError
from receipt_sync.validation import describe

Dollars = Annotated[float, Field(ge=0)]

REGION: Final = "us-east-1"
AS_OF: Final = "2026-01-31"
"""The day of the last check of the prices of Lambda, SQS, S3 requests and DynamoDB."""


class PricesError(OperationError):
    """A file of prices or counts cannot be used."""


class Prices(BaseModel):
    """Hold the price of one unit of each kind.

    A stream has no price: its reads are free when a Lambda function reads it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lambda_gb_second: Dollars = 0.0000166667
    lambda_request: Dollars = 0.20e-6
    sqs_request: Dollars = 0.40e-6
    table_read: Dollars = 0.125e-6
    """The price of a read request unit: 4 KB, strongly consistent."""
    table_write: Dollars = 0.625e-6
    """The price of a write request unit: 1 KB."""
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
        """Return the default prices, replaced where a JSON file gives others.

        Raises PricesError if the file is unreadable or holds anything else.
        """
        if path is None:
            return cls()
        try:
            return cls.model_validate_json(path.read_text())
        except (OSError, ValidationError) as error:
            reason = describe(error, 1) if isinstance(error, ValidationError) else error
            raise PricesError(
                f"{path} is not a JSON object of prices ({reason}): "
                "correct the file, or leave out --prices"
            ) from error
