"""Benchmark 3: records a second through the stream processor's handler, with an immediate SQS.

Naive: one message for each record. Limit: only the SQS calls that ours made, with prepared
messages.
"""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from random import Random
from types import ModuleType
from typing import Any, Final

import boto3

from benchmarks.candidates.per_record import PerRecordProcessor
from benchmarks.errors import BenchmarkError
from benchmarks.local_aws import environment
from benchmarks.meters.corpus import corpus_of
from benchmarks.meters.measuring import Candidate, Measured, alternate
from benchmarks.meters.null_log import null_log
from benchmarks.meters.sqs_stub import sqs_stub
from benchmarks.meters.stream_events import events_of
from benchmarks.meters.traffic import Traffic, watched_session
from benchmarks.reporting.report import Cell, Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale
from local.quick.names import REGION
from receipt_ops.sdk import CREDENTIAL

BATCHES: Final = (100, 1_000)
_RECORDS_A_RUN: Final = 10_000
_ROUNDS: Final = 7
"""A round takes about a second, so a few of them even out the noise of the machine."""
_WORDS: Final = 5_000
_QUEUE: Final = "/000000000000/queue"


@dataclass(frozen=True)
class Context:
    """The parts of Lambda's context that the handler uses."""

    aws_request_id: str = "benchmark"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Events:
    """The events of a run. All candidates and all rounds get the same ones."""

    def __init__(self, batch: int) -> None:
        words = corpus_of(_WORDS, 1).words
        self.all = list(islice(events_of(words, batch, Random(batch)), _RECORDS_A_RUN // batch))

    def prepare(self, number: int) -> None:
        pass


class Ours(Events):
    """The deployed handler; its log is discarded."""

    def __init__(self, batch: int, handler: ModuleType) -> None:
        super().__init__(batch)
        self._handler = handler

    def run(self) -> None:
        for event in self.all:
            answer = self._handler.lambda_handler(event, Context())
            if answer["batchItemFailures"]:
                raise BenchmarkError(f"the stream processor failed: {answer}")


class Naive(Events):
    """A processor that sends one message for each record."""

    def __init__(self, batch: int, url: str) -> None:
        super().__init__(batch)
        self._processor = PerRecordProcessor(boto3.client("sqs"), url)

    def run(self) -> None:
        for event in self.all:
            self._processor.handle(event)


class Limit:
    """The SQS calls of ours, and nothing else."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self._client, self._calls = boto3.client("sqs"), calls

    def prepare(self, number: int) -> None:
        pass

    def run(self) -> None:
        for call in self._calls:
            self._client.send_message_batch(**call)


def run(_scale: Scale, bars: Bars) -> Report:
    """Run both batch sizes. They are the same at every scale."""
    with sqs_stub() as endpoint, _handler(endpoint) as (handler, traffic, url):
        results = {
            batch: _measure(batch, handler, traffic, url, _ROUNDS, bars) for batch in BATCHES
        }
    return _report(results)


@contextmanager
def _handler(endpoint: str) -> Iterator[tuple[ModuleType, Traffic, str]]:
    """Yield the freshly imported handler module, the count of its calls, and the queue's URL."""
    url = endpoint + _QUEUE
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
        "AWS_DEFAULT_REGION": REGION,
        "COMPACTION_QUEUE_URL": url,
        "ENVIRONMENT": "benchmark",
        "STREAM_DLQ_URL": url + "-dlq",
        "DYNAMODB_TABLE": "table",
    }
    with environment(variables), null_log():
        traffic = watched_session()
        yield importlib.reload(importlib.import_module("stream_processor.handler")), traffic, url


def _measure(
    batch: int, handler: ModuleType, traffic: Traffic, url: str, rounds: int, bars: Bars
) -> Mapping[str, Measured]:
    ours = Ours(batch, handler)
    candidates: Mapping[str, Candidate] = {
        "ours": ours,
        "limit": Limit(_calls_of(ours, traffic)),
        "naive": Naive(batch, url),
    }
    with bars.bar(f"stream events of {batch:,} records", rounds + 1) as advance:
        return alternate(candidates, rounds, traffic, lambda: advance(1))


def _calls_of(ours: Ours, traffic: Traffic) -> list[dict[str, Any]]:
    """Return the parameters of every SendMessageBatch of one run."""
    with traffic.noted("sqs", "SendMessageBatch") as calls:
        ours.run()
    return calls


def _report(results: Mapping[int, Mapping[str, Measured]]) -> Report:
    figures: dict[str, float] = {}
    rows: list[tuple[Cell, ...]] = []
    for batch, by in results.items():
        rates = {name: _RECORDS_A_RUN / one.seconds for name, one in by.items()}
        ratio = rates["ours"] / rates["naive"]
        figures[f"stream {batch} rate"] = rates["ours"]
        figures[f"stream {batch} ours/naive"] = ratio
        rows.append((f"{batch:,}", *rates.values(), rates["limit"] / rates["ours"], ratio))
    columns = ("records a batch", "ours", "limit", "naive", "limit / ours", "ours / naive")
    return Report(
        tables=[Table("Stream processor: records a second", columns, rows)],
        figures=figures,
        notes=[
            "Limit makes the SQS calls of ours and nothing else. Naive sends one message for each "
            "record, ten a call."
        ],
        details={
            str(batch): {name: [asdict(s) for s in one.samples] for name, one in by.items()}
            for batch, by in results.items()
        },
    )
