"""What is deployed: found from two names, judged by its sums, switched, and seen on one screen."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from operations.commands.status import screen_of
from operations.connection import Connection, Names
from operations.deployment.alerts import AlertsError, Topic, address_of
from operations.deployment.config_check import DAY, Facts, checks, facts_of
from operations.deployment.discovery import (
    Deployment,
    NotDeployedError,
    VariablesUnreadableError,
)
from operations.deployment.flags import ChangedMeanwhileError, Switches, set_switches, switches_of
from operations.deployment.freshness import percentiles, values
from operations.deployment.function_errors import FunctionErrors
from operations.deployment.last_comparison import LastComparison
from operations.deployment.log_events import CloudWatchLogs, LogEvent
from operations.deployment.status import PERSONS, MappingState, Status
from operations.deployment.tracing import name_in_logs, trace
from operations.locks import (
    DynamoDBLocks,
    HeldLock,
    LeaseRowError,
    LockHeldError,
    held_locks,
    release,
)
from operations.settling import Backlog
from operations.snapshots.manifests import Damaged, Published, published
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUEUE_ARN, DLQ_ARN = "arn:aws:sqs:eu-west-1:1:queue", "arn:aws:sqs:eu-west-1:1:dlq"
STREAM_DLQ_ARN = "arn:aws:sqs:eu-west-1:1:stream-dlq"


class AWS:
    """SQS, DynamoDB and Lambda with one deployed system; each part can be taken away."""

    def __init__(self) -> None:
        self.attributes = {
            "QueueArn": QUEUE_ARN,
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": DLQ_ARN, "maxReceiveCount": 5}),
        }
        self.queues = {"dlq", "stream-dlq"}
        self.table: dict[str, Any] = {"LatestStreamArn": "arn:stream"}
        self.mappings: dict[str, dict[str, Any]] = {
            QUEUE_ARN: self._mapping("compactor"),
            "arn:stream": {
                **self._mapping("stream-processor"),
                "DestinationConfig": {"OnFailure": {"Destination": STREAM_DLQ_ARN}},
            },
        }
        self.more: dict[str, list[dict[str, Any]]] = {}
        """Mappings of a source beside its first one."""
        self.variables = {"ENABLE_WORD_UPDATES": "false", "COMPACTION_LOCK_ID": "our-lock"}
        self.environment: dict[str, Any] | None = None
        self.revision = "revision-1"
        self.updates: list[dict[str, Any]] = []

    def _mapping(self, function: str) -> dict[str, Any]:
        arn = f"arn:aws:lambda:eu-west-1:1:function:{function}"
        return {"UUID": f"uuid-{function}", "FunctionArn": arn, "State": "Enabled"}

    def get_queue_attributes(self, **_: Any) -> Any:
        return {"Attributes": self.attributes}

    def get_queue_url(self, QueueName: str) -> Any:  # noqa: N803 as boto3 calls it
        if QueueName not in self.queues:
            code = "AWS.SimpleQueueService.NonExistentQueue"
            raise ClientError({"Error": {"Code": code}}, "GetQueueUrl")
        return {"QueueUrl": f"https://sqs/{QueueName}"}

    def describe_table(self, **_: Any) -> Any:
        return {"Table": self.table}

    def list_event_source_mappings(
        self,
        EventSourceArn: str,  # noqa: N803
        Marker: str = "",  # noqa: N803
    ) -> Any:
        """Give the mappings of a source, one a page."""
        first = self.mappings.get(EventSourceArn)
        every = [first, *self.more.get(EventSourceArn, [])] if first else []
        at = int(Marker or 0)
        page = {"EventSourceMappings": every[at : at + 1]}
        return {**page, "NextMarker": str(at + 1)} if at + 1 < len(every) else page

    def get_event_source_mapping(self, UUID: str) -> Any:  # noqa: N803
        (asked,) = (one["Enabled"] for one in self.updates[::-1] if one["UUID"] == UUID)
        return {"UUID": UUID, "State": "Enabled" if asked else "Disabled"}

    def get_function_configuration(self, FunctionName: str) -> Any:  # noqa: N803
        return {
            "FunctionName": FunctionName,
            "Timeout": 30,
            "Environment": self.environment or {"Variables": self.variables},
            "RevisionId": self.revision,
        }

    def update_function_configuration(self, **arguments: Any) -> None:
        if arguments["RevisionId"] != self.revision:
            code = {"Error": {"Code": "PreconditionFailedException"}}
            raise ClientError(code, "UpdateFunctionConfiguration")
        self.updates.append(arguments)

    def update_event_source_mapping(self, **arguments: Any) -> None:
        self.updates.append(arguments)

    def get_waiter(self, _: str) -> Any:
        return self

    def wait(self, **_: Any) -> None:
        pass

    def deployment(self) -> Deployment:
        client: Any = self
        names = Names("table", "https://sqs/queue", "bucket")
        return Deployment(Connection(names, client, client, client, client=lambda _: client))


def test_everything_is_found_from_the_table_and_the_queue() -> None:
    found = AWS().deployment()
    assert found.queue.name == "queue"
    assert found.compaction_dlq.url == "https://sqs/dlq"
    assert found.stream_dlq.url == "https://sqs/stream-dlq"
    assert found.compactor.name == "compactor"
    assert found.stream_processor.log_group == "/aws/lambda/stream-processor"
    assert found.lock_id == "our-lock"


def without(part: str) -> AWS:
    aws = AWS()
    changes: dict[str, Any] = {
        "redrive": lambda: aws.attributes.pop("RedrivePolicy"),
        "queues": aws.queues.clear,
        "stream": aws.table.clear,
        "mappings": aws.mappings.clear,
        "destination": lambda: aws.mappings["arn:stream"].pop("DestinationConfig"),
    }
    changes[part]()
    return aws


@pytest.mark.parametrize(
    ("part", "asked", "sentence"),
    [
        ("redrive", "compaction_dlq", "has no redrive policy"),
        ("queues", "compaction_dlq", "there is no queue dlq"),
        ("stream", "stream_mapping", "the table table has no stream"),
        ("mappings", "compactor", "the queue queue has no event source mapping"),
        ("mappings", "stream_processor", "the stream of table has no event source mapping"),
        ("destination", "stream_dlq", "has no failure destination"),
    ],
)
def test_what_is_not_there_is_one_sentence(part: str, asked: str, sentence: str) -> None:
    with pytest.raises(NotDeployedError, match=sentence):
        getattr(without(part).deployment(), asked)


def test_switches_are_read_from_flags_and_mappings() -> None:
    aws = AWS()
    aws.mappings[QUEUE_ARN]["State"] = "Disabled"
    found = switches_of(aws.deployment())
    assert found == Switches(metadata=True, line=True, word=False, stream=True, queue=False)


def test_only_what_differs_is_set_and_other_variables_stay() -> None:
    aws = AWS()
    before = switches_of(aws.deployment())
    after = before.changed({"word": True, "queue": False, "line": None})
    client: Any = aws
    assert set_switches(client, aws.deployment(), before, after) == ["word", "queue"]
    flags, mapping = aws.updates
    variables = flags["Environment"]["Variables"]
    assert variables["ENABLE_WORD_UPDATES"] == "true"
    assert variables["COMPACTION_LOCK_ID"] == "our-lock"
    assert mapping == {"UUID": "uuid-compactor", "Enabled": False}
    assert set_switches(client, aws.deployment(), after, after) == []


def doubled(state: str = "Enabled", function: str = "compactor:live") -> AWS:
    """A system whose queue has a second mapping; on its second page."""
    aws = AWS()
    aws.more[QUEUE_ARN] = [{**aws._mapping(function), "UUID": "uuid-2", "State": state}]
    return aws


def test_every_mapping_of_a_source_is_switched() -> None:
    for on in (False, True):
        aws = doubled("Disabled" if on else "Enabled")
        aws.mappings[QUEUE_ARN]["State"] = aws.more[QUEUE_ARN][0]["State"]
        before = switches_of(aws.deployment())
        client: Any = aws
        after = before.changed({"queue": on})
        assert set_switches(client, aws.deployment(), before, after) == ["queue"]
        assert aws.updates == [
            {"UUID": uuid, "Enabled": on} for uuid in ("uuid-compactor", "uuid-2")
        ]


@pytest.mark.parametrize("on", [False, True])
def test_a_source_of_which_one_mapping_is_off_can_be_switched_either_way(on: bool) -> None:
    aws = doubled("Disabled")
    before = switches_of(aws.deployment())
    client: Any = aws
    after = before.changed({"queue": on})
    assert set_switches(client, aws.deployment(), before, after) == ["queue"]
    assert aws.updates == [{"UUID": "uuid-2" if on else "uuid-compactor", "Enabled": on}]


def test_another_functions_mapping_of_the_stream_is_none_of_ours() -> None:
    """Two functions may read a stream; two that read the queue take each other's messages."""
    aws = doubled(function="stranger")
    aws.more["arn:stream"] = [{**aws._mapping("auditor"), "UUID": "uuid-3"}]
    found = aws.deployment()
    assert [one.uuid for one in found.stream_mappings] == ["uuid-stream-processor"]
    assert [one.uuid for one in found.queue_mappings] == ["uuid-compactor", "uuid-2"]


def test_the_function_is_that_of_a_mapping_that_is_on() -> None:
    aws = doubled(function="successor")
    aws.mappings[QUEUE_ARN]["State"] = "Disabled"
    assert aws.deployment().compactor.name == "successor"


def test_a_second_mapping_breaks_a_rule() -> None:
    aws = doubled("Disabled")
    aws.attributes |= {"VisibilityTimeout": "180", "MessageRetentionPeriod": "345600"}
    facts = facts_of(aws.deployment(), {})
    (found,) = (check for check in checks(facts) if check.name == "mappings")
    assert not found.ok
    assert "uuid-2 (Disabled, compactor:live)" in found.found


RIGHT = Facts(
    queue={
        "VisibilityTimeout": "1800",
        "MessageRetentionPeriod": str(4 * DAY),
        "RedrivePolicy": '{"maxReceiveCount": 5}',
    },
    compaction_dlq={"MessageRetentionPeriod": str(14 * DAY)},
    stream_dlq={"MessageRetentionPeriod": str(14 * DAY)},
    stream_mapping={
        "MaximumRecordAgeInSeconds": 79_200,
        "DestinationConfig": {"OnFailure": {"Destination": STREAM_DLQ_ARN}},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{}]},
    },
    queue_mapping={
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
    },
    compactor_timeout=300,
    compactor={"LEASE_SECONDS": "60", "HEARTBEAT_SECONDS": "15"},
    compactor_storage_mib=4096,
    snapshot_bytes=2**30,
)


def broken(facts: Facts) -> list[str]:
    return [check.name for check in checks(facts) if not check.ok]


def test_settings_that_fit_each_other_break_no_rule() -> None:
    assert broken(RIGHT) == []
    assert all(check.remedy and check.rule and check.found for check in checks(RIGHT))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"compactor_timeout": 301}, ["visibility"]),
        ({"compactor_timeout": 60}, ["timeout"]),
        ({"queue": {**RIGHT.queue, "MessageRetentionPeriod": "9000"}}, ["retention"]),
        ({"queue": {**RIGHT.queue, "RedrivePolicy": '{"maxReceiveCount": 3}'}}, ["receives"]),
        ({"compaction_dlq": {"MessageRetentionPeriod": str(4 * DAY)}}, ["compaction dead letters"]),
        ({"stream_dlq": {"MessageRetentionPeriod": "3600"}}, ["stream dead letters"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "DestinationConfig": {}}},
         ["failure destination"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "MaximumRecordAgeInSeconds": -1}},
         ["record age"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "MaximumRecordAgeInSeconds": DAY}},
         ["record age"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "FunctionResponseTypes": []}},
         ["stream failures"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "FilterCriteria": None}}, ["filter"]),
        ({"queue_mapping": {}}, ["queue failures", "concurrency"]),
        ({"compactor": {"LEASE_SECONDS": "30", "HEARTBEAT_SECONDS": "15"}}, ["heartbeat"]),
        ({"compactor": {"LEASE_SECONDS": "400"}}, ["timeout"]),
        ({"snapshot_bytes": 2 * 2**30}, ["storage"]),
        ({"doubled": ["queue: two"]}, ["mappings"]),
        ({"compactor": {"LEASE_SECONDS": "a minute"}}, ["variables"]),
        ({"compactor": {"HEARTBEAT_SECONDS": "15s"}}, ["variables"]),
        ({"compactor": {"HEARTBEAT_SECONDS": "nan"}}, ["variables"]),
    ],
)  # fmt: skip
def test_every_sum_that_does_not_hold_is_found(change: dict[str, Any], names: list[str]) -> None:
    assert broken(replace(RIGHT, **change)) == names


def event(seconds: int, content: Mapping[str, Any], function: str = "f") -> LogEvent:
    return LogEvent(NOW + timedelta(seconds=seconds), function, content)


def test_metric_values_are_read_from_the_log_one_or_many_a_line() -> None:
    lines = [
        event(0, {"_aws": {}, "Freshness": [100, 200.5]}),
        event(1, {"_aws": {}, "Freshness": 300}),
        event(2, {"message": "published", "Freshness": 7}),
        event(3, {"_aws": {}, "Freshness": ["x"]}),
    ]
    assert values(lines, Metric.FRESHNESS) == [100, 200.5, 300]


def test_percentiles_are_the_nearest_rank() -> None:
    found = percentiles([float(n) for n in range(100, 0, -1)])
    assert found is not None
    assert (found.count, found.p50, found.p95, found.p99, found.longest) == (100, 50, 95, 99, 100)
    one = percentiles([7.0])
    assert one is not None
    assert (one.p50, one.p99) == (7.0, 7.0)
    assert percentiles([]) is None


class LogsClient:
    """CloudWatch Logs with some lines."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.asked: dict[str, Any] = {}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **arguments: Any) -> Any:
        self.asked = arguments
        yield {"events": [{"timestamp": 1_767_268_800_000, "message": one} for one in self.lines]}


def test_only_json_lines_are_events_and_a_search_is_a_quoted_term() -> None:
    client = LogsClient("START RequestId", '{"message": "x", "request_id": "r"}', "[1]")
    (found,) = CloudWatchLogs(client, {"f": "/group"}).events("f", NOW, 'a "b"')
    assert (found.at, found.request_id, found.content["message"]) == (NOW, "r", "x")
    assert client.asked["filterPattern"] == '"a b"'
    assert client.asked["logGroupName"] == "/group"
    list(CloudWatchLogs(client, {"f": "/group"}).events("f", NOW))
    assert "filterPattern" not in client.asked


class Lines:
    """Logs in memory."""

    def __init__(self, *events: LogEvent) -> None:
        self.lines = events

    def events(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogEvent]:
        for one in self.lines:
            if one.function == function and (containing or "") in json.dumps(one.content):
                yield one


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("IMAGE#a#RECEIPT#00001#LINE#00002#WORD#00003", "IMAGE#a#RECEIPT#00001"),
        ("IMAGE#a#RECEIPT#00001#LINE#00002", "IMAGE#a#RECEIPT#00001"),
        ("IMAGE#a#RECEIPT#00001#METADATA", "IMAGE#a#RECEIPT#00001"),
        ("IMAGE#a#RECEIPT#00001", "IMAGE#a#RECEIPT#00001"),
        ("IMAGE#a#RECEIPT#1#METADATA", "IMAGE#a#RECEIPT#1#METADATA"),
        ("000000017959980534710000019816", "17959980534710000019816"),
        ("36909821-c158-4efd-86ec-6e0edf36f540", "36909821-c158-4efd-86ec-6e0edf36f540"),
    ],
)
def test_an_id_is_looked_up_as_the_logs_write_it(text: str, name: str) -> None:
    assert name_in_logs(text) == name


def test_a_trace_is_every_line_of_the_invocations_that_name_the_id() -> None:
    logs = Lines(
        event(0, {"message": "sent", "message_ids": ["m-1"], "request_id": "r1"}, "one"),
        event(1, {"message": "other", "request_id": "r2"}, "one"),
        event(3, {"message": "batch handled", "messages": ["m-1"], "request_id": "r3"}, "two"),
        event(2, {"message": "published", "version": 7, "request_id": "r3"}, "two"),
        event(4, {"_aws": {}, "function_request_id": "r3", "Freshness": 1}, "two"),
    )
    steps = trace(logs, ["one", "two"], "m-1", NOW)
    assert [step.what for step in steps] == ["sent", "published", "batch handled", "metrics"]
    assert [step.named for step in steps] == [True, False, True, False]
    assert steps[1].fields == {"version": 7}
    assert trace(logs, ["one", "two"], "m-2", NOW) == []


BEAT = timedelta(seconds=15)


def lock(expires: float, beaten: float | None) -> HeldLock:
    heartbeat = None if beaten is None else NOW + timedelta(seconds=beaten)
    expiry = NOW + timedelta(seconds=expires)
    return HeldLock("lock-lines", Collection.LINES, "owner", expiry, heartbeat, BEAT)


@pytest.mark.parametrize(
    ("held", "over", "alive"),
    [
        (lock(40, -10), False, True),
        (lock(-1, -10), True, False),
        (lock(3_600, -300), False, False),
        (lock(60, None), False, False),
    ],
)
def test_a_holder_is_at_work_while_it_beats_and_its_lease_runs(
    held: HeldLock, over: bool, alive: bool
) -> None:
    assert (held.is_over(NOW), held.is_alive(NOW)) == (over, alive)


def test_a_holder_that_beats_as_slowly_as_it_is_configured_to_is_at_work() -> None:
    slow = replace(lock(85, -35), every=timedelta(seconds=45))
    assert slow.is_alive(NOW)
    with pytest.raises(LockHeldError, match="is 35 s old"):
        release(Locks(slow), slow, NOW, force=False)
    assert not replace(lock(85, -91), every=timedelta(seconds=45)).is_alive(NOW)


def test_the_heartbeat_is_that_of_the_deployed_compactor() -> None:
    aws = AWS()
    assert aws.deployment().heartbeat == timedelta(seconds=15)
    aws.variables["HEARTBEAT_SECONDS"] = "45"
    assert aws.deployment().heartbeat == timedelta(seconds=45)


def test_a_dry_release_makes_every_check_and_ends_nothing() -> None:
    locks = Locks()
    assert release(locks, lock(3_600, -300), NOW, force=False, dry_run=True)
    with pytest.raises(LockHeldError):
        release(locks, lock(40, -10), NOW, force=False, dry_run=True)
    assert locks.released == []


def without_decrypt() -> AWS:
    """What Lambda answers an operator who may not use the key of the variables."""
    aws = AWS()
    aws.environment = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "KMS"}}
    return aws


def test_variables_that_can_not_be_decrypted_are_not_taken_for_none() -> None:
    aws = without_decrypt()
    for ask in (lambda one: one.lock_id, lambda one: one.heartbeat):
        with pytest.raises(VariablesUnreadableError, match="ask for kms:Decrypt"):
            ask(aws.deployment())
    found = switches_of(aws.deployment())
    assert (found.metadata, found.line, found.word) == (None, None, None)
    client: Any = aws
    off = found.changed({"word": False, "queue": False})
    with pytest.raises(VariablesUnreadableError):
        set_switches(client, aws.deployment(), found, off)
    assert aws.updates == []


def test_a_mapping_is_switched_without_the_variables() -> None:
    aws = without_decrypt()
    found = switches_of(aws.deployment())
    client: Any = aws
    off = found.changed({"queue": False})
    assert set_switches(client, aws.deployment(), found, off) == ["queue"]
    assert aws.updates == [{"UUID": "uuid-compactor", "Enabled": False}]


def test_rules_that_need_no_variables_are_checked_without_them() -> None:
    assert broken(replace(RIGHT, compactor="they can't be read")) == ["variables"]


def test_a_function_that_somebody_changed_meanwhile_is_not_overwritten() -> None:
    aws = AWS()
    deployment = aws.deployment()
    before = switches_of(deployment)
    client: Any = aws
    set_switches(client, deployment, before, before.changed({"word": True}))
    assert aws.updates[0]["RevisionId"] == "revision-1"
    aws.revision = "revision-2"
    with pytest.raises(ChangedMeanwhileError, match="set no flag"):
        set_switches(client, deployment, before, before.changed({"word": True}))


class Locks:
    def __init__(self, *held: HeldLock, changed_hands: bool = False) -> None:
        self.held = {one.lock_id: one for one in held}
        self.released: list[str] = []
        self.changed_hands = changed_hands

    def get(self, lock_id: str, collection: Collection) -> HeldLock | None:
        return self.held.get(lock_id)

    def release(self, lock_id: str, owner: str) -> bool:
        self.released.append(owner)
        return not self.changed_hands


def test_a_silent_holders_lease_is_released_and_a_living_ones_only_by_force() -> None:
    locks = Locks(lock(3_600, -300))
    assert held_locks(locks, "lock") == [lock(3_600, -300)]
    assert release(locks, lock(3_600, -300), NOW, force=False)
    with pytest.raises(LockHeldError, match="is 10 s old"):
        release(locks, lock(40, -10), NOW, force=False)
    with pytest.raises(LockHeldError, match="is 10 s old"):
        release(locks, lock(40, -10), NOW, force=False, dry_run=True)
    assert release(locks, lock(40, -10), NOW, force=True)
    assert locks.released == ["owner", "owner"]
    assert not release(Locks(changed_hands=True), lock(3_600, -300), NOW, force=False)


def compared(**found: int) -> LastComparison:
    nothing = dict.fromkeys(("equal", "missing", "unexpected", "different", "pending"), 0)
    return LastComparison(at=NOW, **{**nothing, **found})


def status(**changes: Any) -> Status:
    usual: dict[str, Any] = {
        "at": NOW,
        "freshness": percentiles([0.5, 1.0]),
        "backlog": Backlog(0, 0),
        "dead_letters": {"compaction": 0, "stream": 0},
        "locks": [lock(40, -10), lock(-5, -65)],
        "versions": {
            Collection.LINES: None,
            Collection.WORDS: Published("snapshot", 7, NOW, "w", 100, size=2**21, packs=3),
        },
        "switches": Switches(metadata=True, line=True, word=True, stream=True, queue=True),
        "refusals": dict.fromkeys(PERSONS, 0),
    }
    return Status(**{**usual, **changes})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"freshness": None}, None),
        ({"backlog": Backlog(500, 3)}, None),
        ({"dead_letters": {"compaction": 2, "stream": 0}}, "2 dead letters of the compaction"),
        ({"switches": Switches(True, True, False, True, True)}, "word is switched off"),
        ({"locks": [lock(3_600, -300)]}, "held by a silent worker"),
        ({"freshness": percentiles([45.0])}, "took 45 s"),
        ({"refusals": {Metric.MASS_DELETES_REFUSED: 3}}, "deleted too much and was refused, 3 ×"),
        ({"refusals": {Metric.SNAPSHOTS_DAMAGED: 1}}, "snapshot history"),
        ({"errors": [FunctionErrors("f", 3, NOW, "NoSuchBucket")]},
         "f reported 3 errors in 15 minutes, the last at 12:00:00: NoSuchBucket"),
        ({"openings": {Collection.WORDS: "a pack is gone"}},
         "no reader can open receipt_words: a pack is gone"),
        ({"openings": {Collection.WORDS: None}}, None),
        ({"versions": {Collection.LINES: Damaged("no JSON"), Collection.WORDS: None}}, "no JSON"),
        ({"oldest_seconds": 901.0}, "the oldest message has waited for 901 s"),
        ({"oldest_seconds": 5.0}, None),
        ({"comparison": compared(missing=1_000, different=710)}, "1,710 records were missing"),
        ({"comparison": compared(pending=9)}, None),
        ({"mappings": [MappingState("queue", "u-1", "Enabled", "PROBLEM: Function call failed")]},
         "the mapping of the queue (u-1) says: PROBLEM"),
        ({"unknown": {"locks": "no right"}, "locks": None}, "locks unknown: no right"),
        ({"unknown": {"oldest_seconds": "no right"}}, "oldest seconds unknown: no right"),
        ({"switches": Switches(None, None, None, True, True)}, "metadata is unknown"),
        ({"switches": Switches(True, True, True, True, None)}, "queue is switched off in part"),
        ({"mappings": [MappingState("queue", f"u-{n}", "Enabled", None, "f") for n in (1, 2)]},
         "the queue has 2 mappings: u-1 (Enabled, f), u-2 (Enabled, f)"),
    ],
)  # fmt: skip
def test_what_needs_a_person_is_said(change: dict[str, Any], words: str | None) -> None:
    found = status(**change)
    assert (words in found.attention[0]) if words else found.attention == []
    assert found.to_json()["attention"] == found.attention
    screen_of(found)


@pytest.mark.parametrize(
    ("email", "pagerduty", "sentence"),
    [
        (None, None, "either"),
        ("a@b.c", "https://x", "either"),
        ("nobody", None, "not an e-mail address"),
        (None, "https://example.com/integration/KEY/enqueue", "--pagerduty endpoint is malformed"),
        (
            None,
            "http://events.pagerduty.com/integration/" + "a" * 32 + "/enqueue",
            "pagerduty endpoint",
        ),
    ],
)
def test_an_address_that_is_none_is_refused(
    email: str | None, pagerduty: str | None, sentence: str
) -> None:
    with pytest.raises(AlertsError, match=sentence):
        address_of(email, pagerduty)


def test_addresses_are_told_in_the_words_of_sns() -> None:
    endpoint = f"https://events.eu.pagerduty.com/integration/{'b' * 32}/enqueue"
    assert address_of("a@b.example", None) == ("email", "a@b.example")
    assert address_of(None, endpoint) == ("https", endpoint)


class Topics:
    def __init__(self, *arns: str) -> None:
        self.arns = arns

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        yield {"Topics": [{"TopicArn": arn} for arn in self.arns]}


def test_the_only_topic_of_its_kind_is_meant_and_of_several_none() -> None:
    ours, other = "arn:aws:sns:r:1:receipt-sync-alarms-dev", "arn:aws:sns:r:1:billing"
    assert Topic.found(Topics(other, ours), None).arn == ours
    assert Topic.found(Topics(), "arn:given").arn == "arn:given"
    for topics in (Topics(other), Topics(ours, ours + "2")):
        with pytest.raises(AlertsError, match="--topic"):
            Topic.found(topics, None)


def test_a_servers_version_is_told_as_a_snapshots_is() -> None:
    server: dict[str, Any] = {
        "target": "server",
        "format": 1,
        "collection": "receipt_lines",
        "collection_id": "00000000-0000-4000-8000-000000000000",
        "version": 4,
        "record_count": 9,
        "published_at": NOW.isoformat(),
        "writer": "w",
        "claims": [],
    }
    found = published(json.dumps(server).encode(), Collection.LINES)
    assert found == Published("server", 4, NOW, "w", 9)
    claimed = {**server, "version": 0}
    assert published(json.dumps(claimed).encode(), Collection.LINES) is None
    for junk in (b"junk", b"[]", b'{"target": "server"}'):
        with pytest.raises(SnapshotDamagedError):
            published(junk, Collection.LINES)


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"owner": {"S": "o"}, "expires_at": {"S": "soon"}},
        {"owner": {"S": "o"}, "expires_at": {"N": "1e30"}},
        {"owner": {"S": "o"}, "expires_at": {"N": "1"}, "heartbeat": {"S": "just now"}},
        {"owner": {"S": "o"}, "expires_at": {"N": "1"}, "heartbeat": {"S": "2026-01-01T00:00:00"}},
        {"owner": "o", "expires_at": {"N": "1"}},
    ],
)
def test_a_row_that_is_no_lease_is_named(item: Any) -> None:
    class Table:
        def get_item(self, **_: Any) -> Any:
            return {"Item": item or {"PK": {"S": "LOCK#l"}}}

    table: Any = Table()
    with pytest.raises(LeaseRowError, match="LOCK#lock-lines"):
        DynamoDBLocks(table, "t", BEAT).get("lock-lines", Collection.LINES)
