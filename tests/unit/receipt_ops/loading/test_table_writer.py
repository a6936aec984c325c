"""BatchWriteItem: sizes, what is unprocessed, throttles."""

from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from receipt_ops.errors import TableWriteError
from receipt_ops.loading.items import entities_of
from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.loading.table_writer import TableWriter
from receipt_sync.retries.retry_until_accepted import RetryUntilAccepted
from tests.support.fakes.clock import ManualClock

RECEIPT = Receipt(
    receipt="r", lines=tuple(Line(text=f"line {n}", box=(0, 0, 9, 9)) for n in range(40))
)
ENTITIES = list(entities_of(RECEIPT))


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "BatchWriteItem")


class PickyTable:
    """Leaves the last requests of every second call unprocessed."""

    def __init__(self, taken_a_call: int = 100) -> None:
        self.taken_a_call = taken_a_call
        self.written: list[str] = []
        self.sizes: list[int] = []
        self.errors: list[ClientError] = []

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803 boto3's spelling
        if self.errors:
            raise self.errors.pop()
        requests = RequestItems["receipts"]
        self.sizes.append(len(requests))
        taken, left = requests[: self.taken_a_call], requests[self.taken_a_call :]
        self.written += [_sk(request) for request in taken]
        return {"UnprocessedItems": {"receipts": left} if left else {}}


def _sk(request: Any) -> str:
    put = request.get("PutRequest")
    return str((put["Item"] if put else request["DeleteRequest"]["Key"])["SK"]["S"])


def writer(table: PickyTable, clock: ManualClock | None = None) -> TableWriter:
    retry = RetryUntilAccepted(clock or ManualClock(), Random(0))
    return TableWriter(table, "receipts", retry)  # type: ignore[arg-type]


def expected() -> list[str]:
    return sorted(entity.key.sk for entity in ENTITIES)


def test_writes_everything_at_most_twenty_five_a_request() -> None:
    table = PickyTable()
    writer(table).put(ENTITIES)
    assert sorted(table.written) == expected()
    assert max(table.sizes) == 25
    assert len(table.sizes) == -(-len(ENTITIES) // 25)


def test_what_is_unprocessed_is_offered_again_to_the_end() -> None:
    table = PickyTable(taken_a_call=7)
    writer(table).put(ENTITIES)
    assert sorted(table.written) == expected()


def test_a_throttled_call_is_made_again() -> None:
    table = PickyTable()
    table.errors = [refusal("ProvisionedThroughputExceededException")] * 3
    writer(table).put(ENTITIES)
    assert sorted(table.written) == expected()


def test_a_table_that_takes_nothing_for_a_minute_is_given_up() -> None:
    clock = ManualClock()
    with pytest.raises(
        TableWriteError, match="receipts throttled every try for 60 s, and 25 items"
    ):
        writer(PickyTable(taken_a_call=0), clock).put(ENTITIES[:25])
    assert 60 < clock.elapsed < 120


def test_slow_progress_is_never_given_up() -> None:
    class SlowClock(ManualClock):
        def sleep(self, seconds: float) -> None:
            self.advance(50)

    table = PickyTable(taken_a_call=1)
    writer(table, SlowClock()).put(ENTITIES[:25])
    assert len(table.written) == 25


def test_another_refusal_is_raised_as_it_is() -> None:
    table = PickyTable()
    table.errors = [refusal("ValidationException")]
    with pytest.raises(ClientError, match="ValidationException"):
        writer(table).put(ENTITIES)


def test_deletes_by_key() -> None:
    table = PickyTable(taken_a_call=7)
    writer(table).delete([entity.key for entity in ENTITIES])
    assert sorted(table.written) == expected()
