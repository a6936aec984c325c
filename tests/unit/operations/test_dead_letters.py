"""Dead letters: what they are about, why they are dead, and how they come back without loss."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from compactor.deltas import VectorBatch
from operations.dead_letters.boxes import as_changes, without_entity
from operations.dead_letters.content import FailureRecord, StreamRecordContent, content_of
from operations.dead_letters.explanation import Outlook, comes_back, concerns, explain
from operations.dead_letters.letter import (
    Letter,
    LettersNotDeletedError,
    Size,
    SQSLetterBox,
    held,
)
from operations.dead_letters.peeking import peek
from operations.dead_letters.redriving import drop, redrive
from operations.dead_letters.replaying import (
    DynamoDBStream,
    StreamGoneError,
    StreamUnreadError,
    replay,
)
from receipt_sync.errors import (
    DeltaRefusedError,
    IndexFailedError,
    PoisonMessageError,
    SnapshotDamagedError,
)
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, batch_body, to_body
from stream_processor.detection import EntityChange
from tests.fakes.clock import ManualClock
from tests.fakes.world import World, line, metadata, word

KEYS = {"PK": {"S": "IMAGE#img"}, "SK": {"S": "RECEIPT#00001#LINE#00001"}}
MALFORMED = {"PK": {"S": "IMAGE#img"}, "SK": {"S": "RECEIPT#00001#LINE#x"}}
DELTA = Delta.of(Collection.LINES, "0" * 26, 1)
FAILURE = {
    "requestContext": {"condition": "RetryAttemptsExhausted"},
    "DDBStreamBatchInfo": {
        "shardId": "shard-1",
        "startSequenceNumber": "100",
        "endSequenceNumber": "102",
        "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z",
        "approximateArrivalOfLastRecord": "2026-01-01T00:01:00Z",
        "batchSize": 3,
        "streamArn": "arn:stream",
    },
}


def letter(body: Any, reason: str | None = None, message_id: str = "1") -> Letter:
    text = body if isinstance(body, str) else json.dumps(body)
    return Letter(message_id, text, {"reason": reason} if reason else {}, None, 5)


LINE = line(1)


def change_body(key: EntityKey = LINE) -> str:
    return World().change_body(key, "text")


class Deltas:
    """The delta objects and the collection behind a letter."""

    def __init__(
        self, batch: VectorBatch | None = None, *, deleted: bool = False, dimension: int | None = 2
    ) -> None:
        self._batch, self._deleted, self._dimension = batch, deleted, dimension

    def read(self, delta: Delta) -> VectorBatch:
        if self._batch is None:
            raise DeltaRefusedError(f"there is no object {delta.delta_key}")
        return self._batch

    def can_be_restored(self, delta: Delta) -> bool:
        return self._deleted

    def dimension(self, collection: Collection) -> int | None:
        return self._dimension


def batch_of(dimension: int) -> VectorBatch:
    vectors = np.ones((1, dimension), np.float32)
    return VectorBatch(DELTA.delta_id, (line(1).chroma_id,), vectors, ("x",))


def test_a_letter_says_what_it_is_about() -> None:
    failure = content_of(json.dumps(FAILURE))
    assert isinstance(failure, FailureRecord)
    assert (failure.shard_id, failure.start, failure.end, failure.size) == (
        "shard-1",
        "100",
        "102",
        3,
    )
    record = content_of(json.dumps({"dynamodb": {"Keys": KEYS}}))
    assert isinstance(record, StreamRecordContent)
    assert record.key == line(1)
    malformed = content_of(json.dumps({"dynamodb": {"Keys": MALFORMED}}))
    assert isinstance(malformed, StreamRecordContent)
    assert malformed.key is None
    assert "five digits" in str(malformed.fault)


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        '{"source": "x"}',
        json.dumps({"DDBStreamBatchInfo": 1}),
        "{}",
        json.dumps(FAILURE).replace('"batchSize": 3', '"batchSize": 1e999'),
        json.dumps(FAILURE).replace('"102"', '"the last one"'),
        json.dumps(FAILURE).replace('"100"', "null"),
    ],
)
def test_what_holds_nothing_of_ours_is_poison(body: str) -> None:
    assert isinstance(content_of(body), PoisonMessageError)


@pytest.mark.parametrize("context", ["gone", ["gone"], None, 1])
def test_a_part_of_the_stream_is_known_whatever_its_context_is(context: Any) -> None:
    found = content_of(json.dumps({**FAILURE, "requestContext": context}))
    assert isinstance(found, FailureRecord)
    assert (found.end, found.condition) == ("102", "")


@pytest.mark.parametrize("record", [{}, {"dynamodb": None}, {"dynamodb": {"Keys": {"PK": 1}}}])
def test_an_odd_stream_record_has_no_entity(record: dict[str, Any]) -> None:
    content = content_of(json.dumps({"dynamodb": None, **record}))
    assert isinstance(content, StreamRecordContent)
    assert (content.key, content.pk) == (None, "")


@pytest.mark.parametrize(
    ("one", "deltas", "outlook", "remedy"),
    [
        (letter("junk", "not JSON"), Deltas(), Outlook.REFUSED, "dlq drop"),
        (letter(change_body(), "Chroma failed"), Deltas(), Outlook.UNKNOWN, "compare"),
        (letter(change_body()), Deltas(), Outlook.UNKNOWN, "status"),
        (letter(to_body(DELTA), "gone"), Deltas(), Outlook.REFUSED, "let its producer store"),
        (letter(to_body(DELTA), "gone"), Deltas(deleted=True), Outlook.REFUSED, "dlq mend"),
        (letter(to_body(DELTA), "gone"), Deltas(batch_of(2)), Outlook.TAKEN, "redrive"),
        (letter(to_body(DELTA), "x"), Deltas(batch_of(3)), Outlook.REFUSED, "new delta"),
        (letter(to_body(DELTA)), Deltas(batch_of(2)), Outlook.UNKNOWN, "redrive"),
        (
            letter({"dynamodb": {"Keys": KEYS}}, "x"),
            Deltas(),
            Outlook.TAKEN,
            "reads the entity from the table",
        ),
        (
            letter({"dynamodb": {"Keys": MALFORMED}}, "x"),
            Deltas(),
            Outlook.REFUSED,
            "under a correct key",
        ),
        (letter(FAILURE), Deltas(), Outlook.REPLAY, "receipt-sync replay"),
        (letter(batch_body([change_body(), '{"a": 1}'])), Deltas(), Outlook.PART, "redrive it"),
    ],
)
def test_every_letter_has_an_outlook_and_a_remedy(
    one: Letter, deltas: Deltas, outlook: Outlook, remedy: str
) -> None:
    found = explain(one, deltas)
    assert (found.outlook, remedy in found.remedy) == (outlook, True), found
    assert found.reason


@pytest.mark.parametrize(
    "error", [SnapshotDamagedError("a pack is gone"), IndexFailedError("Chroma's get failed")]
)
def test_a_letter_is_explained_although_its_collection_can_not_be_opened(error: Exception) -> None:
    """Where a snapshot is damaged, letters pile up, and somebody asks why."""

    class Unopened(Deltas):
        def dimension(self, collection: Collection) -> int | None:
            raise error

    found = explain(letter(to_body(DELTA), "a reason"), Unopened(batch_of(2)))
    assert (found.outlook, found.reason) == (Outlook.UNKNOWN, "a reason")
    assert str(error) in found.remedy
    assert comes_back(found) is None


def test_a_collection_without_vectors_takes_any_dimension() -> None:
    found = explain(letter(to_body(DELTA), "x"), Deltas(batch_of(7), dimension=None))
    assert found.outlook is Outlook.TAKEN


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [
        (change_body(line(1)), line(1), True),
        (change_body(line(1)), line(2), True),
        (change_body(line(1)), line(3), False),
        (change_body(metadata()), word(1), True),
        (json.dumps({"dynamodb": {"Keys": KEYS}}), line(1), True),
        (json.dumps(FAILURE), line(1), False),
        ("junk", line(1), False),
    ],
)
def test_a_letter_concerns_what_a_record_is_computed_from(
    body: str, key: EntityKey, expected: bool
) -> None:
    assert concerns(letter(body), key) is expected


class Box:
    """Letters in memory. `log` has what was done, in its order."""

    def __init__(self, *ids: str) -> None:
        self.letters = {i: Letter(i, change_body()) for i in ids}
        self.log: list[tuple[str, list[str]]] = []
        self.elsewhere = 0

    def look(self, most: int) -> Iterator[Letter]:
        yield from list(self.letters.values())[:most]

    def size(self) -> Size:
        return Size(len(self.letters), self.elsewhere)

    def let_go(self, letters: Sequence[Letter]) -> None:
        self.log.append(("let go", [one.message_id for one in letters]))

    def delete(self, letters: Sequence[Letter]) -> None:
        self.log.append(("delete", [one.message_id for one in letters]))

    def send(self, letters: Sequence[Letter]) -> None:
        self.log.append(("send", [one.message_id for one in letters]))


def test_each_letter_is_sent_before_it_is_deleted() -> None:
    box = Box("a", "b")
    done = redrive(box, box.send)
    assert (done.moved, done.count) == (["a", "b"], 2)
    assert box.log == [("send", ["a", "b"]), ("delete", ["a", "b"]), ("let go", [])]


def test_a_letter_that_could_not_be_sent_is_not_deleted_and_let_go() -> None:
    box = Box(*(f"{n:02d}" for n in range(15)))

    def send(letters: Sequence[Letter]) -> None:
        if letters[0].message_id == "10":
            raise DeltaRefusedError("no")
        box.send(letters)

    with pytest.raises(DeltaRefusedError):
        redrive(box, send)
    assert [ids for what, ids in box.log if what == "delete"] == [[f"{n:02d}" for n in range(10)]]
    assert box.log[-1] == ("let go", ["10", "11", "12", "13", "14"])


def test_a_dry_run_sends_and_deletes_nothing() -> None:
    box = Box("a")
    assert redrive(box, box.send, dry_run=True).moved == ["a"]
    assert box.log == [("let go", ["a"])]


def test_only_named_letters_move_unknown_ones_are_named_and_refused_ones_stay() -> None:
    box = Box("a", "b", "c")
    done = redrive(
        box,
        box.send,
        only=["a", "c", "z"],
        refuse=lambda one: "no" if one.message_id == "c" else None,
    )
    assert (done.moved, done.unknown, done.kept) == (["a"], ["z"], {"c": "no"})
    assert box.log[-1] == ("let go", ["b", "c"])


def test_dropped_letters_are_deleted_and_sent_nowhere() -> None:
    box = Box("a", "b")
    assert drop(box, ["b"]).moved == ["b"]
    assert box.log == [("delete", ["b"]), ("let go", ["a"])]


def test_whatever_happens_letters_that_were_looked_at_are_let_go() -> None:
    box = Box("a")
    with pytest.raises(ZeroDivisionError), held(box, 10):
        raise ZeroDivisionError
    assert box.log == [("let go", ["a"])]


def test_what_could_not_be_looked_at_is_counted() -> None:
    box = Box("a", "b", "c")
    box.elsewhere = 2
    with held(box, 2) as found:
        assert ([one.message_id for one in found.letters], found.unseen) == (["a", "b"], 3)
    assert redrive(box, box.send).unseen == 2


def test_a_look_that_is_interrupted_lets_go_of_what_it_has() -> None:
    class Interrupted(Box):
        def look(self, most: int) -> Iterator[Letter]:
            yield self.letters["a"]
            raise KeyboardInterrupt

    box = Interrupted("a", "b")
    with pytest.raises(KeyboardInterrupt), held(box, 10):
        pytest.fail("the look was not over")
    assert box.log == [("let go", ["a"])]


class Backlog:
    """An SQS client whose messages come back once their hold is over. Each call takes 100 ms."""

    def __init__(self, count: int, clock: ManualClock) -> None:
        self.visible_at = {f"id-{n}": 0.0 for n in range(count)}
        self.receives = dict.fromkeys(self.visible_at, 0)
        self.clock = clock

    def receive_message(self, **arguments: Any) -> Any:
        self.clock.sleep(0.1)
        now, most = self.clock.monotonic(), arguments["MaxNumberOfMessages"]
        some = [i for i, at in self.visible_at.items() if at <= now][:most]
        for one in some:
            self.visible_at[one] = now + arguments["VisibilityTimeout"]
            self.receives[one] += 1
        messages = [{"MessageId": i, "Body": "{}", "ReceiptHandle": i} for i in some]
        return {"Messages": messages}

    def change_message_visibility_batch(self, **arguments: Any) -> None:
        for entry in arguments["Entries"]:
            self.visible_at[entry["ReceiptHandle"]] = self.clock.monotonic()

    def get_queue_attributes(self, **_: Any) -> Any:
        held = sum(at > self.clock.monotonic() for at in self.visible_at.values())
        counts = {"": len(self.visible_at) - held, "Delayed": 0, "NotVisible": held}
        return {
            "Attributes": {f"ApproximateNumberOfMessages{k}": str(v) for k, v in counts.items()}
        }


@pytest.mark.parametrize("most", [100, 100_000])
def test_no_message_is_received_twice_in_one_look_and_each_is_given_back(most: int) -> None:
    clock = ManualClock()
    queue = Backlog(1_500, clock)
    box = SQSLetterBox(queue, "url", 10, clock)  # type: ignore[arg-type]
    with held(box, most) as found:
        seen = len(found.letters)
        assert found.unseen == 1_500 - seen
    assert max(queue.receives.values()) == 1
    assert sum(queue.receives.values()) == seen
    assert all(at <= clock.monotonic() for at in queue.visible_at.values())


def test_a_peek_leaves_no_message_near_its_last_receive() -> None:
    box = Box("a", "b", "c")
    for number, one in enumerate(list(box.letters), 2):
        box.letters[one] = replace(box.letters[one], receives=number)  # 2, 3 and 4 of 5
    letters, unseen = peek(box, box.send, 5)
    assert ([one.message_id for one in letters], unseen) == (["a", "b", "c"], 0)
    assert box.log == [("send", ["c"]), ("delete", ["c"]), ("let go", ["a", "b"])]


def test_a_letter_that_would_come_back_is_named_with_the_reason() -> None:
    broken = explain(letter("junk", "not JSON"), Deltas())
    assert "it would come back: not JSON; repair its sender" in str(comes_back(broken))
    partly = explain(letter(batch_body([change_body(), '{"a": 1}'])), Deltas())
    assert comes_back(partly) is None


def test_how_often_a_letter_was_looked_at_is_no_reason() -> None:
    often = replace(letter(change_body()), receives=40)
    assert "40" not in explain(often, Deltas()).reason


class Changes:
    def __init__(self) -> None:
        self.sent: list[EntityChange] = []

    def send(self, changes: Sequence[EntityChange]) -> int:
        self.sent += changes
        return 1


def test_parked_records_go_back_as_changes_of_their_entities_and_others_say_why_not() -> None:
    changes = Changes()
    good, bad = letter({"dynamodb": {"Keys": KEYS}}), letter({"dynamodb": {"Keys": MALFORMED}})
    as_changes(changes, ManualClock())([good])
    assert [(c.key, c.event_name) for c in changes.sent] == [(line(1), "INSERT")]
    assert without_entity(good) is None
    assert "five digits" in str(without_entity(bad))
    assert "replay" in str(without_entity(letter(FAILURE)))
    assert "not a stream record" in str(without_entity(letter(change_body())))


class Queue:
    """An SQS client with some messages."""

    def get_queue_attributes(self, **_: Any) -> Any:
        names = ("", "Delayed", "NotVisible")
        return {"Attributes": {f"ApproximateNumberOfMessages{name}": "0" for name in names}}

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.waiting = [self._message(n) for n in range(count)]
        self.fails = fails
        self.visible: list[str] = []
        self.deleted: list[str] = []

    def _message(self, number: int) -> dict[str, Any]:
        return {
            "MessageId": f"id-{number}",
            "Body": "{}",
            "ReceiptHandle": f"handle-{number}",
            "Attributes": {"SentTimestamp": "1767225600000", "ApproximateReceiveCount": "3"},
            "MessageAttributes": {"reason": {"StringValue": "because"}},
        }

    def receive_message(self, **arguments: Any) -> Any:
        most = arguments["MaxNumberOfMessages"]
        some, self.waiting = self.waiting[:most], self.waiting[most:]
        return {"Messages": some} if some else {}

    def change_message_visibility_batch(self, **arguments: Any) -> None:
        assert all(entry["VisibilityTimeout"] == 0 for entry in arguments["Entries"])
        self.visible += [entry["ReceiptHandle"] for entry in arguments["Entries"]]

    def delete_message_batch(self, **arguments: Any) -> Any:
        if self.fails:
            return {"Failed": arguments["Entries"]}
        self.deleted += [entry["ReceiptHandle"] for entry in arguments["Entries"]]
        return {}


def test_a_box_receives_until_there_is_no_more_and_keeps_to_its_limit() -> None:
    letters = list(SQSLetterBox(Queue(23), "url").look(100))  # type: ignore[arg-type]
    assert len(letters) == 23
    assert letters[0].sent == datetime(2026, 1, 1, tzinfo=UTC)
    assert (letters[0].receives, letters[0].reason) == (3, "because")
    assert len(list(SQSLetterBox(Queue(23), "url").look(12))) == 12  # type: ignore[arg-type]


def test_letters_are_let_go_and_deleted_ten_a_call_and_a_failure_is_told() -> None:
    queue = Queue(12)
    box = SQSLetterBox(queue, "url")  # type: ignore[arg-type]
    letters = list(box.look(100))
    box.let_go(letters)
    box.delete(letters)
    assert len(queue.visible) == len(queue.deleted) == 12
    with pytest.raises(LettersNotDeletedError):
        SQSLetterBox(Queue(1, fails=True), "url").delete(letters[:1])  # type: ignore[arg-type]


def record(number: int, line_id: int = 1, text: str = "new") -> dict[str, Any]:
    keys = {"PK": {"S": "IMAGE#img"}, "SK": {"S": f"RECEIPT#00001#LINE#{line_id:05d}"}}
    return {
        "eventID": f"event-{number}",
        "eventName": "MODIFY",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 1, 1, tzinfo=UTC),
            "Keys": keys,
            "OldImage": {**keys, "text": {"S": "old"}},
            "NewImage": {**keys, "text": {"S": text}},
            "SequenceNumber": str(number),
        },
    }


class Stream:
    """A stream that holds some records."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = records

    def between(self, _: FailureRecord):
        if not self.records:
            raise StreamGoneError("gone")
        yield from self.records


def failure() -> FailureRecord:
    content = content_of(json.dumps(FAILURE))
    assert isinstance(content, FailureRecord)
    return content


def test_a_part_of_the_stream_is_sent_as_the_changes_that_it_holds() -> None:
    changes = Changes()
    odd = {"eventID": "odd", "dynamodb": {"Keys": MALFORMED}}
    others = record(101)
    others["dynamodb"]["Keys"]["PK"] = {"S": "USER#1"}
    stream = Stream(record(100), others, odd, record(102, 1, "newer"), record(103, 2))
    done = replay(failure(), stream, changes, dry_run=False)
    assert (done.records, done.changes, done.messages) == (5, 2, 1)
    assert done.malformed == ["odd"]
    assert {c.key: c.changes["text"].new for c in changes.sent} == {
        line(1): "newer",
        line(2): "new",
    }
    assert changes.sent[0].timestamp == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_dry_replay_sends_nothing_and_a_dropped_part_is_told() -> None:
    changes = Changes()
    assert (
        replay(failure(), Stream(*map(record, (100, 101, 102))), changes, dry_run=True).records == 3
    )
    assert changes.sent == []
    with pytest.raises(StreamGoneError):
        replay(failure(), Stream(), changes, dry_run=False)


class Shard:
    """A streams client with one shard, two records a page; None is a record of nobody."""

    def __init__(self, *numbers: int | None, gone: str | None = None) -> None:
        self.numbers, self.gone = numbers, gone
        self.asked: dict[str, Any] = {}

    def get_shard_iterator(self, **arguments: Any) -> Any:
        self.asked = arguments
        if self.gone:
            raise ClientError({"Error": {"Code": self.gone}}, "GetShardIterator")
        return {"ShardIterator": "0"}

    def get_records(self, ShardIterator: str) -> Any:  # noqa: N803 as boto3 calls it
        at = int(ShardIterator)
        some = self.numbers[at : at + 2]
        page = {"Records": [record(number) for number in some if number is not None]}
        return page if at + 2 >= len(self.numbers) else {**page, "NextShardIterator": str(at + 2)}


def numbers_of(shard: Shard) -> list[str]:
    found = DynamoDBStream(shard, ManualClock(), Random(1)).between(failure())  # type: ignore[arg-type]
    return [one["dynamodb"]["SequenceNumber"] for one in found]


def test_records_are_read_from_the_first_to_the_last_and_no_further() -> None:
    shard = Shard(100, 101, 102, 103, 104)
    assert numbers_of(shard) == ["100", "101", "102"]
    assert shard.asked["ShardIteratorType"] == "AT_SEQUENCE_NUMBER"
    assert shard.asked["SequenceNumber"] == "100"
    assert numbers_of(Shard(100, 105)) == ["100"]
    with pytest.raises(StreamGoneError, match="the shard ends before the last"):
        numbers_of(Shard(100))


def test_records_after_many_empty_pages_are_read() -> None:
    shard = Shard(100, 101, *[None] * 400, 102)
    assert numbers_of(shard) == ["100", "101", "102"]


def test_a_part_that_is_not_read_to_its_end_in_time_is_not_taken_for_a_whole_one() -> None:
    with pytest.raises(StreamUnreadError, match="sent nothing of it"):
        numbers_of(Shard(100, 101, *[None] * 20_000, 102))


def test_a_part_of_which_the_stream_lacks_records_is_gone_and_nothing_is_sent() -> None:
    changes = Changes()
    with pytest.raises(StreamGoneError, match="2 of 3"):
        replay(failure(), Stream(record(100), record(102)), changes, dry_run=False)
    assert changes.sent == []


class Throttled(Shard):
    """Refuses the first calls of each kind."""

    def __init__(self, *numbers: int, refusals: int, code: str) -> None:
        super().__init__(*numbers)
        self.left = {"GetShardIterator": refusals, "GetRecords": refusals}
        self.code = code

    def get_shard_iterator(self, **arguments: Any) -> Any:
        self._refuse("GetShardIterator")
        return super().get_shard_iterator(**arguments)

    def get_records(self, ShardIterator: str) -> Any:  # noqa: N803 as boto3 calls it
        self._refuse("GetRecords")
        return super().get_records(ShardIterator)

    def _refuse(self, operation: str) -> None:
        if self.left[operation]:
            self.left[operation] -= 1
            raise ClientError({"Error": {"Code": self.code}}, operation)


@pytest.mark.parametrize(
    "code",
    ["LimitExceededException", "ProvisionedThroughputExceededException", "InternalServerError"],
)
def test_a_part_is_read_again_after_calls_that_were_throttled(code: str) -> None:
    shard = Throttled(100, 101, 102, refusals=5, code=code)
    assert numbers_of(shard) == ["100", "101", "102"]


def test_calls_that_are_throttled_for_ever_are_given_up_and_others_at_once() -> None:
    for code, longer_than in {"LimitExceededException": 59, "AccessDeniedException": -1}.items():
        clock, shard = ManualClock(), Throttled(100, refusals=10_000, code=code)
        stream = DynamoDBStream(shard, clock, Random(1))  # type: ignore[arg-type]
        with pytest.raises(ClientError, match=code):
            list(stream.between(failure()))
        assert longer_than < clock.elapsed < longer_than + 10


@pytest.mark.parametrize("code", ["TrimmedDataAccessException", "ResourceNotFoundException"])
def test_records_that_the_stream_has_dropped_are_gone(code: str) -> None:
    with pytest.raises(StreamGoneError, match="repair"):
        numbers_of(Shard(gone=code))


def test_a_stream_that_can_not_be_read_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(ClientError):
        numbers_of(Shard(gone="AccessDeniedException"))
