"""An operator of a deployed system. The commands run in the process of the test."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from typer.testing import CliRunner

from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from compactor.locking.lock_table import CompactionLock
from local.stack import Stack
from receipt_index.exact.index import ExactIndex
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.reader import Reader
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_ops.connection import Connection, connect
from receipt_ops.dead_letters.queue import held
from receipt_ops.dead_letters.sqs_queue import SQSDeadLetterQueue
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_ops.readers import snapshot_readers
from receipt_ops.terminal.cli import main
from receipt_ops.terminal.command_table import EFFECTS
from receipt_ops.verification.sqs_backlog import queue_backlog
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection, parse_chroma_id
from tests.functional.recorded_calls import Calls, recording
from tests.support.function_logs import function_log

SETTLES_WITHIN = "60"
QUIET_SECONDS = 2.5
"""Production waits ten seconds."""


@dataclass(frozen=True)
class Answer:
    """The exit code and the output of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        assert self.stdout, self.stderr
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Operator:
    """An operator who runs commands against one stack.

    After `quiet_seconds` without a message or a new version, differences are faults.
    """

    stack: Stack
    connection: Connection
    quiet_seconds: float = QUIET_SECONDS

    @classmethod
    def of(cls, stack: Stack, quiet_seconds: float = QUIET_SECONDS) -> "Operator":
        return cls(stack, connect(stack.variables, Path()), quiet_seconds)

    def command(self, *arguments: str, code: int | None = 0, **variables: str) -> Answer:
        """Run `receipt-sync`, and fail unless the exit code is `code`."""
        terminal = {"COLUMNS": "200", "NO_COLOR": "1"}
        environment = {**self.stack.variables, **terminal, **variables}
        # A short poll of MiniStack covers all messages. A short poll of SQS does not. And on the
        # local AWS, a change is in the queue within a second or two.
        with (
            patch("receipt_ops.verification.suspects.QUIET_SECONDS", self.quiet_seconds),
            patch("receipt_ops.dead_letters.sqs_queue._WAIT_SECONDS", 0),
            recording(self.stack.queues.compaction.url) as calls,
        ):
            result = CliRunner().invoke(main, list(arguments), env=environment)
        _as_declared(list(arguments), calls, result.exit_code)
        if code is not None:
            assert result.exit_code == code, (
                f"exit code {result.exit_code}\n{result.output}\n{result.exception!r}"
            )
        return Answer(result.exit_code, result.stdout, result.stderr)

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """Run a command with --json, and return its document."""
        return self.command(*arguments, "--json", code=code).json

    def settled(self) -> dict[str, Any]:
        """Return the verdict after all messages were applied. Fail if that takes too long."""
        verdict: dict[str, Any] = self.json("verify", "--wait", SETTLES_WITHIN)
        assert verdict["settled"], verdict
        return verdict

    def idle(self, seconds: float = 60) -> None:
        """Wait until no message of the compaction queue is left; fail if that takes too long."""
        url, end = self.connection.names.compaction_queue_url, time.monotonic() + seconds
        while not queue_backlog(self.connection.sqs, url).is_empty:
            assert time.monotonic() < end, "the compaction queue does not become empty"
            time.sleep(0.2)

    @contextmanager
    def reader(self, collection: Collection) -> Iterator[Reader]:
        """Yield a reader of the published collection."""
        with snapshot_readers(self.connection, [collection]) as readers:
            readers[collection].refresh()
            yield readers[collection]

    def park(self, queue: str, content: Any, reason: str | None) -> str:
        """Put a dead letter into a dead-letter queue, and return its message id."""
        queues = self.stack.queues
        url = {"stream": queues.stream_dlq.url, "compaction": queues.compaction_dlq.url}[queue]
        attributes = {"reason": {"DataType": "String", "StringValue": reason}} if reason else {}
        sent = self.connection.sqs.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(content),
            MessageAttributes=attributes,  # type: ignore[arg-type]
        )
        return sent["MessageId"]

    def dead_letter(self, text: str, seconds: float = 30) -> str:
        """Wait for the compactor's dead letter that contains a text, and return its message id."""
        queue = SQSDeadLetterQueue(self.connection.sqs, self.stack.queues.compaction_dlq.url)
        end = time.monotonic() + seconds
        while True:
            with held(queue, 100) as found:
                for dead_letter in found.dead_letters:
                    if text in dead_letter.body:
                        return dead_letter.message_id
            assert time.monotonic() < end, f"no dead letter holds {text}"

    def change_unseen(self, collection: Collection) -> str:
        """Mark an item as noise while the flag of its kind is off. Return the record's id."""
        with self.reader(collection) as reader:
            records = reader.get(list(reader.ids()))
        chroma_id = min(i for i, record in records.items() if not record.metadata["is_noise"])
        kind = "line" if collection is Collection.LINES else "word"
        self.command("flags", "set", f"--no-{kind}", "--yes")
        passed_over = self._passed_over()
        editor = TableEditor(self.connection.dynamodb, self.connection.names.table)
        assert editor.update(parse_chroma_id(chroma_id), {"is_noise": True})
        end = time.monotonic() + 30
        while self._passed_over() == passed_over:
            assert time.monotonic() < end, "the stream processor has not seen the change"
            time.sleep(0.1)
        self.command("flags", "set", f"--{kind}", "--yes")
        return chroma_id

    def _passed_over(self) -> int:
        """Return how many changes the stream processor has skipped because their flag is off."""
        lines = function_log(self.stack, self.stack.names.stream_processor)
        return sum('"disabled":1' in line for line in lines)

    def failure_record(self) -> dict[str, Any]:
        """Return the letter that Lambda sends if the retries of all records of the stream fail."""
        streams, arn = self.connection.streams, self.stack.table.stream_arn
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        start = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        numbers = []
        while records := (page := streams.get_records(ShardIterator=start))["Records"]:
            numbers += [record["dynamodb"]["SequenceNumber"] for record in records]
            start = page["NextShardIterator"]
        return {
            "requestContext": {"condition": "RetryAttemptsExhausted"},
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": numbers[-10:][0],
                "endSequenceNumber": numbers[-1],
                "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z",
                "approximateArrivalOfLastRecord": "2026-01-01T00:00:00Z",
                "batchSize": len(numbers[-10:]),
                "streamArn": arn,
            },
        }

    def put_lock(self, lock_id: str, beaten: float, expires: float) -> None:
        """Write a lease as a worker writes it. Times are epoch seconds."""
        moments = [datetime.fromtimestamp(at, UTC) for at in (expires, beaten)]
        lock = CompactionLock(lock_id, "another-owner", *moments)
        table = DynamoDBLockTable(self.connection.dynamodb, self.connection.names.table)
        assert table.acquire(lock, datetime.now(UTC)) == lock.owner

    def last_request_id(self) -> str:
        """Return the request id of the compactor's last invocation that handled a batch."""
        lines = function_log(self.stack, self.stack.names.compactor)
        handled = [json.loads(line) for line in lines if '"batch handled"' in line]
        return str(handled[-1]["request_id"])

    @contextmanager
    def tampering(self, collection: Collection) -> Iterator[ExactIndex]:
        """Yield the published collection, and publish the block's changes to it."""
        store = S3SnapshotStore(self.connection.s3, self.connection.names.bucket, collection)
        with TemporaryDirectory() as folder:
            copy = WorkingCopy(
                store,
                collection,
                Path(folder),
                open_exact_chroma,
                SystemClock(),
                CopySettings("a tamperer", timedelta(days=1)),
            )
            index = copy.checkout()
            assert isinstance(index, ExactIndex)
            copy.mark_dirty()
            yield index
            copy.publish(index.count())
            copy.close()


def _as_declared(arguments: list[str], calls: Calls, code: int) -> None:
    """Fail if a command read, wrote or exited in a way that it does not declare."""
    command = next(name for name in (" ".join(arguments[:2]), arguments[0]) if name in EFFECTS)
    undeclared = calls.undeclared(command)
    assert not undeclared, f"{command}: {undeclared}"
    assert code in EFFECTS[command].codes, f"{command} exited with {code}"
