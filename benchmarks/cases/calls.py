"""Benchmark 6: the AWS calls of each kind for 1,000 changes, and their cost.

All calls go to a local AWS: the table's stream, the queue, the lease, the snapshot. This process
does the work of both event source mappings and makes their calls. These are one GetRecords a batch,
and one ReceiveMessage and one DeleteMessageBatch for ten messages. Idle polls are not counted,
because they depend on time and not on changes. The producers' own writes are not counted either.
"""

import importlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from types import ModuleType
from typing import Any, Final

import boto3

from benchmarks.candidates.environment import Environment, prepared
from benchmarks.candidates.ours import Compaction
from benchmarks.candidates.shard import Shard
from benchmarks.cases.stream import Context
from benchmarks.errors import BenchmarkError
from benchmarks.meters.bill import Bill, billed
from benchmarks.meters.changes import Kind, new_value
from benchmarks.meters.null_log import null_log
from benchmarks.meters.traffic import Call
from benchmarks.reporting.report import Cell, Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale
from compactor.batch.entries import QueueMessage
from receipt_ops.costs.prices import AS_OF, REGION, Prices
from receipt_ops.loading.items import Entity
from receipt_sync.keys import Collection
from receipt_sync.sequences import batches

_CHANGES: Final = 1_000
_MESSAGES_A_CALL: Final = 10
_STREAM_GB, _COMPACTOR_GB = 0.5, 2.0
"""The memory of the functions in template.yaml, in GB."""


@dataclass(frozen=True)
class Scenario:
    """A way to make 1,000 changes.

    `bursts` changes whole receipts, instead of records all over the table. `batch` is the number of
    changes at a time; by default, all come at once.
    """

    name: str
    kind: Kind
    bursts: bool = False
    batch: int | None = None


SCENARIOS: Final = (
    Scenario("scattered, a field", Kind.FIELD),
    Scenario("scattered, a text", Kind.TEXT),
    Scenario("bursts, a text", Kind.TEXT, bursts=True),
    Scenario("scattered, a field, 10 × 100", Kind.FIELD, batch=100),
)


class Pipeline:
    """Both functions, and the mappings that connect them with stream and queue."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._sqs = boto3.client("sqs")
        self._url = environment.aws.stack.queues.compaction.url
        self._shard = Shard(environment.aws.stack)
        self._handler: ModuleType = importlib.reload(
            importlib.import_module("stream_processor.handler")
        )
        self._compaction = Compaction(environment.aws.stack, environment.folder / "ours")

    def bring(self, entities: Sequence[Entity]) -> Bill:
        """Write entities, and process their changes into the snapshot. Return the bill."""
        self._environment.writer.put(entities)
        with billed(self._environment.aws.traffic) as bill:
            self._stream(self._shard.records(len(entities)), bill)
            self._queue(bill)
        return bill

    def _stream(self, records: list[dict[str, Any]], bill: Bill) -> None:
        begun = time.perf_counter()
        with null_log():
            answer = self._handler.lambda_handler({"Records": records}, Context())
        bill.invoked(time.perf_counter() - begun, _STREAM_GB)
        if answer["batchItemFailures"]:
            raise BenchmarkError(f"the stream processor failed: {answer}")

    def _queue(self, bill: Bill) -> None:
        received = list(self._receive())
        begun = time.perf_counter()
        self._compaction.handle([QueueMessage(m["MessageId"], m["Body"]) for m in received])
        bill.invoked(time.perf_counter() - begun, _COMPACTOR_GB)
        for some in batches(received, _MESSAGES_A_CALL):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(some)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _receive(self) -> Iterator[Any]:
        """Receive all waiting messages, without a call that returns none."""
        asked = self._sqs_waiting()
        while asked > 0:
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_MESSAGES_A_CALL, WaitTimeSeconds=0
            )
            yield from answer.get("Messages", [])
            asked -= len(answer.get("Messages", []))

    def _sqs_waiting(self) -> int:
        """Return the number of waiting messages, by a call that is not counted.

        An event source mapping does not make this call.
        """
        attributes = (
            boto3.Session()
            .client("sqs")
            .get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"]
            )["Attributes"]
        )
        return int(attributes["ApproximateNumberOfMessages"])


def run(scale: Scale, bars: Bars) -> Report:
    """Run every scenario, on lines and words."""
    with prepared(scale.sizes[-1], scale.dimension, bars, tuple(Collection)) as environment:
        pipeline = Pipeline(environment)
        entities = [e for e in environment.corpus.entities if e.key.collection is not None]
        pipeline.bring(_change(entities, SCENARIOS[0], -1)[:10])  # opens connections and the copy
        with bars.bar("scenarios", len(SCENARIOS)) as advance:
            bills = {}
            for number, scenario in enumerate(SCENARIOS):
                changed = _change(entities, scenario, number)
                bills[scenario] = _run(pipeline, changed, scenario)
                advance(1)
    return _report(bills)


def _run(pipeline: Pipeline, entities: Sequence[Entity], scenario: Scenario) -> Bill:
    total = Bill()
    for some in batches(entities, scenario.batch or len(entities)):
        total.add(pipeline.bring(some))
    return total


def _change(entities: list[Entity], scenario: Scenario, number: int) -> list[Entity]:
    """Change some of the entities in place. Return the changed ones."""
    randomness = Random(number)
    positions = _positions(entities, scenario, randomness)
    for position in positions:
        entity = entities[position]
        value = new_value(scenario.kind, entity, number + 2, randomness)
        entities[position] = replace(entity, fields={**entity.fields, **value})
    return [entities[position] for position in positions]


def _positions(entities: Sequence[Entity], scenario: Scenario, randomness: Random) -> Sequence[int]:
    if not scenario.bursts:
        return randomness.sample(range(len(entities)), _CHANGES)
    by_receipt = sorted(
        range(len(entities)), key=lambda n: (entities[n].key.receipt, entities[n].key.sk)
    )
    return by_receipt[:_CHANGES]


def _report(bills: Mapping[Scenario, Bill]) -> Report:
    scattered_bills = [bill for one, bill in bills.items() if _is_target(one)]
    return Report(
        tables=[_table(bills)],
        figures={
            "calls scattered": float(max(bill.calls.total() for bill in scattered_bills)),
            **{
                f"usd per million, {one.name}": bill.usd(Prices()) * 1_000_000 / _CHANGES
                for one, bill in bills.items()
            },
        },
        notes=[
            "One batch of 1,000 changes, or ten of 100, in lines and words. The target takes the "
            "worse of the first two. The cost leaves out idle polls of the mappings, log storage "
            "and the snapshot's storage. Lambda's time is that of this machine.",
            f"List prices of {AS_OF}, {REGION}, as `receipt-sync cost` uses them.",
        ],
        details={
            one.name: {
                "calls": {" ".join(call): count for call, count in bill.calls.items()},
                "units": {" ".join(call): count for call, count in bill.units.items()},
                "gb_seconds": bill.gb_seconds,
            }
            for one, bill in bills.items()
        },
    )


def _is_target(scenario: Scenario) -> bool:
    return not scenario.bursts and scenario.batch is None


def _table(bills: Mapping[Scenario, Bill]) -> Table:
    prices = Prices()
    kinds: list[Call] = sorted({call for bill in bills.values() for call in bill.calls})
    rows: list[tuple[Cell, ...]] = [
        (" ".join(kind), *(bill.calls[kind] for bill in bills.values())) for kind in kinds
    ]
    rows.append(("all calls", *(bill.calls.total() for bill in bills.values())))
    for call, name in (
        (Call("dynamodb", "BatchGetItem"), "items read"),
        (Call("sqs", "SendMessageBatch"), "64 KB sent"),
    ):
        rows.append((name, *(bill.units[call] for bill in bills.values())))
    rows.append(("GB-seconds", *(bill.gb_seconds for bill in bills.values())))
    million = 1_000_000 / _CHANGES
    rows.append(("USD a million changes", *(b.usd(prices) * million for b in bills.values())))
    return Table("AWS calls for 1,000 changes", ("", *(one.name for one in bills)), rows)
