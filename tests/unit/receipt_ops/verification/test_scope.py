"""Which part of the table is compared, and that nothing outside of it counts."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError

from receipt_ops.commands.selection import check_scope, image_id, receipt_key
from receipt_ops.dynamodb_table_pages import TablePages
from receipt_ops.loading.items import entities_of
from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.table_pages import Page, PageRequest
from receipt_ops.verification.scope import OneImage, Sample, SomeReceipts
from receipt_ops.verification.verdict import Finding
from receipt_ops.verification.verify import Verification
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeadlineNearError
from receipt_sync.keys import Collection, EntityKey, ReceiptKey
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.fakes import InMemorySnapshot, ScannedTable, snapshots_of

LINES = Collection.LINES


class InMemoryPages:
    """Pages of a table in memory: a partition's, or a segment's by the image's hash."""

    def __init__(self, table: ScannedTable) -> None:
        self.table = table
        self.requests: list[PageRequest] = []

    def read(self, request: PageRequest, deadline: Deadline) -> Iterator[Page]:
        self.requests.append(request)
        values = request.arguments.get("ExpressionAttributeValues")
        items = self.table.items.items()
        if values:
            yield Page({k: i for k, i in items if k.pk == values[":pk"]["S"]}, None)
            return
        segment, of = request.arguments["Segment"], request.arguments["TotalSegments"]
        yield Page({k: i for k, i in items if sum(k.pk.encode()) % of == segment}, None)


class TableAndSnapshots:
    """Three receipts, each of an image of its own, and snapshots that agree with them."""

    def __init__(self) -> None:
        self.table = ScannedTable()
        for receipt in synthetic_receipts(3, Random(1)):
            self.table.load(list(entities_of(receipt)))
        self.snapshots: dict[Collection, InMemorySnapshot] = snapshots_of(self.table)
        self.images = list(dict.fromkeys(key.image_id for key in self.table.items))

    def change_a_line_of(self, image: str) -> None:
        key = next(k for k in self.table.items if k.image_id == image and k.collection is LINES)
        self.snapshots[LINES].change(key.chroma_id, text="changed")

    def verify(self, scope: Any) -> Any:
        return Verification(self.table, self.snapshots, ManualClock(), 100, scope=scope).run()


@pytest.fixture
def system() -> TableAndSnapshots:
    system = TableAndSnapshots()
    for image in system.images:
        system.change_a_line_of(image)
        stranger = EntityKey(image, 1, 90_000).chroma_id
        system.snapshots[LINES].put(stranger, {}, "x")
    return system


def test_one_image_is_compared_alone(system: TableAndSnapshots) -> None:
    verdict = system.verify(OneImage(InMemoryPages(system.table), system.images[1]))
    assert verdict.total(Finding.DIFFERENT) == verdict.total(Finding.UNEXPECTED) == 1
    assert {example.id.split("#")[1] for example in verdict.examples} == {system.images[1]}


def test_one_receipt_is_compared_alone(system: TableAndSnapshots) -> None:
    scope = SomeReceipts(system.table, [ReceiptKey(system.images[2], 1)])
    verdict = system.verify(scope)
    assert verdict.total(Finding.DIFFERENT) == verdict.total(Finding.UNEXPECTED) == 1
    assert {example.id.split("#")[1] for example in verdict.examples} == {system.images[2]}


def test_another_receipt_of_the_same_image_is_another_scope(system: TableAndSnapshots) -> None:
    verdict = system.verify(SomeReceipts(system.table, [ReceiptKey(system.images[0], 2)]))
    assert sum(verdict.total(finding) for finding in Finding) == 0


def test_a_sample_of_everything_is_everything(system: TableAndSnapshots) -> None:
    verdict = system.verify(Sample(InMemoryPages(system.table), 1.0, Random(1)))
    assert verdict.total(Finding.DIFFERENT) == verdict.total(Finding.UNEXPECTED) == 3


def test_a_sample_reads_one_segment_of_as_many_as_make_its_share(system: TableAndSnapshots) -> None:
    pages = InMemoryPages(system.table)
    system.verify(Sample(pages, 0.01, Random(1)))
    (request,) = pages.requests
    assert request.arguments["TotalSegments"] == 100
    assert 0 <= request.arguments["Segment"] < 100


def test_the_same_seed_draws_the_same_sample(system: TableAndSnapshots) -> None:
    pages = InMemoryPages(system.table)
    for _ in range(2):
        system.verify(Sample(pages, 0.001, Random(7)))
    assert pages.requests[0] == pages.requests[1]


@pytest.mark.parametrize(
    "options",
    [
        ("image", "image/1", None, None),
        ("image", None, 0.5, None),
        (None, None, 0.0, None),
        (None, None, None, 3),
        (None, "no-number", None, None),
        ("with#hash", None, None, None),
        ("", None, None, None),
    ],
)
def test_options_without_a_meaning_are_refused(options: Any) -> None:
    with pytest.raises(typer.BadParameter):
        check_scope(*options)


def test_ids_are_read_as_people_paste_them() -> None:
    assert receipt_key("IMAGE#a-b/12") == ReceiptKey("a-b", 12)
    assert image_id("IMAGE#a-b") == image_id("a-b") == "a-b"


class Answers:
    """A DynamoDB client with prepared answers; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def scan(self, **arguments: Any) -> Any:
        self.asked.append(arguments)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def item(line: int) -> dict[str, Any]:
    return {"PK": {"S": "IMAGE#i"}, "SK": {"S": f"RECEIPT#00001#LINE#{line:05d}"}}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "Scan")


def pages_from(client: Answers, clock: ManualClock, seconds: float = 60) -> list[Page]:
    pages = TablePages(client, "table", Random(1))  # type: ignore[arg-type]
    return list(pages.read(PageRequest.of_keys(None, 10), Deadline(clock, seconds)))


def test_pages_are_followed_to_the_end_and_others_items_passed_over() -> None:
    place = {"PK": {"S": "IMAGE#i"}, "SK": {"S": "x"}}
    odd = [{"PK": {"S": "USER#1"}, "SK": {"S": "x"}}, {"PK": {"S": "IMAGE#i"}, "SK": item(1)["SK"]}]
    odd[1]["SK"] = {"S": "RECEIPT#00001#LINE#x"}
    client = Answers({"Items": [item(1), *odd], "LastEvaluatedKey": place}, {"Items": [item(2)]})
    first, second = pages_from(client, ManualClock())
    assert [key.line_id for key in first.entities] == [1]
    assert (first.next, second.next) == (place, None)
    assert client.asked[1]["ExclusiveStartKey"] == place
    assert all(asked["ConsistentRead"] for asked in client.asked)


def test_a_throttled_page_is_asked_for_again_until_the_deadline() -> None:
    throttled = refused("ProvisionedThroughputExceededException")
    clock = ManualClock()
    (page,) = pages_from(Answers(throttled, throttled, {"Items": [item(1)]}), clock)
    assert len(page.entities) == 1
    assert clock.elapsed > 0
    with pytest.raises(DeadlineNearError):
        pages_from(Answers(*[throttled] * 50), ManualClock(), seconds=1)


def test_what_is_no_throttle_is_raised() -> None:
    with pytest.raises(ClientError):
        pages_from(Answers(refused("ResourceNotFoundException")), ManualClock())


def test_a_receipt_without_items_and_records_is_equal() -> None:
    table = ScannedTable()
    table.load(list(entities_of(Receipt(receipt="r", lines=(Line(text="A", box=(0, 0, 1, 1)),)))))
    snapshots = snapshots_of(table)
    scope = SomeReceipts(table, [ReceiptKey("elsewhere", 1)])
    assert Verification(table, snapshots, ManualClock(), 5, scope=scope).run().is_equal
