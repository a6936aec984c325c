"""Calls are priced by the units that AWS bills: items, 64 KB chunks, requests."""

from typing import Any

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.meters.bill import billed
from benchmarks.meters.traffic import Call, Traffic
from receipt_ops.costs.prices import Prices

READS, SENDS = Call("dynamodb", "BatchGetItem"), Call("sqs", "SendMessageBatch")


def test_a_large_message_is_billed_by_its_chunks_and_a_read_by_its_items() -> None:
    traffic = Traffic()
    traffic.calls[SENDS] = 5
    with billed(traffic) as bill:
        traffic.calls[SENDS] += 1
        traffic.sent[SENDS] += 3 * 65_536 + 1
        traffic.calls[READS] += 2
        for keys in (100, 40):
            asked: dict[str, Any] = {"RequestItems": {"t": {"Keys": [{}] * keys}}}
            traffic._on_params("provide-client-params.dynamodb.BatchGetItem", asked)
    assert bill.calls == {SENDS: 1, READS: 2}
    assert (bill.units[SENDS], bill.units[READS]) == (4, 140)
    assert bill.usd(Prices()) == pytest.approx(4 * 4e-7 + 140 * 1.25e-7)


def test_a_call_without_a_price_is_not_passed_over() -> None:
    traffic = Traffic()
    with billed(traffic) as bill:
        traffic.calls[Call("s3", "CopyObject")] += 1
    with pytest.raises(BenchmarkError, match="CopyObject has no price"):
        bill.usd(Prices())
