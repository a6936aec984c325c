"""Prices AWS calls by the price table of `receipt-sync cost`."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.meters.traffic import Call
from receipt_ops.costs.prices import Prices

SQS_CHUNK: Final = 65_536
"""SQS bills a request of more bytes as several requests. https://aws.amazon.com/sqs/pricing/"""

_PRICE_OF: Final[Mapping[Call, Callable[[Prices], float]]] = {
    Call("dynamodb", "BatchGetItem"): lambda prices: prices.table_read,
    Call("dynamodb", "Query"): lambda prices: prices.table_read,
    Call("dynamodb", "PutItem"): lambda prices: prices.table_write,
    Call("dynamodb", "UpdateItem"): lambda prices: prices.table_write,
    Call("dynamodb", "DeleteItem"): lambda prices: prices.table_write,
    Call("dynamodb-streams", "GetRecords"): lambda _: 0.0,  # free where Lambda reads the stream
    Call("sqs", "SendMessageBatch"): lambda prices: prices.sqs_request,
    Call("sqs", "ReceiveMessage"): lambda prices: prices.sqs_request,
    Call("sqs", "DeleteMessageBatch"): lambda prices: prices.sqs_request,
    Call("s3", "GetObject"): lambda prices: prices.s3_get,
    Call("s3", "PutObject"): lambda prices: prices.s3_put,
    Call("lambda", "Invoke"): lambda prices: prices.lambda_request,
}


def price_of(call: Call, prices: Prices) -> float:
    """Return the US dollars of one billed unit of a call.

    Raises:
        BenchmarkError: The call has no price.
    """
    if call not in _PRICE_OF:
        raise BenchmarkError(
            f"{call.service} {call.operation} has no price: add it to the table in {__name__}"
        )
    return _PRICE_OF[call](prices)
