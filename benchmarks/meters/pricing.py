"""What AWS calls cost, by the price table beside this file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.meters.traffic import Call

_FILE: Final = Path(__file__).with_name("prices.json")
SQS_CHUNK: Final = 65_536
"""Bytes of a request to SQS that are billed as one.
https://aws.amazon.com/sqs/pricing/"""

_PRICE_OF: Final[Mapping[Call, str]] = {
    Call("dynamodb", "BatchGetItem"): "dynamodb_read_unit",
    Call("dynamodb", "Query"): "dynamodb_read_unit",
    Call("dynamodb", "PutItem"): "dynamodb_write_unit",
    Call("dynamodb", "UpdateItem"): "dynamodb_write_unit",
    Call("dynamodb", "DeleteItem"): "dynamodb_write_unit",
    Call("dynamodb-streams", "GetRecords"): "dynamodb_stream_read",
    Call("sqs", "SendMessageBatch"): "sqs_request",
    Call("sqs", "ReceiveMessage"): "sqs_request",
    Call("sqs", "DeleteMessageBatch"): "sqs_request",
    Call("s3", "GetObject"): "s3_get",
    Call("s3", "PutObject"): "s3_put",
    Call("lambda", "Invoke"): "lambda_request",
}


@dataclass(frozen=True)
class Prices:
    """Dollars a unit, by name; when and where they hold."""

    region: str
    as_of: str
    usd: Mapping[str, float]

    def of(self, call: Call, units: float) -> float:
        """Dollars for so many billed units of a call. Raises BenchmarkError for an unknown call."""
        if call not in _PRICE_OF:
            raise BenchmarkError(
                f"{call.service} {call.operation} has no price: add it to pricing.py and {_FILE}"
            )
        return self.usd[_PRICE_OF[call]] * units


def read_prices() -> Prices:
    """The table of prices.json."""
    content = json.loads(_FILE.read_text())
    usd = {name: float(entry["usd"]) for name, entry in content["prices"].items()}
    return Prices(content["region"], content["as_of"], usd)
