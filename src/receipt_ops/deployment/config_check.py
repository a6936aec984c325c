"""Checks of settings that must fit settings of another service. No AWS service checks them.

Each rule names its source. Durations are in seconds.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from receipt_ops.deployment.parts import SettingWrongError, number_of
from receipt_sync.defaults import HEARTBEAT_SECONDS, LEASE_SECONDS
from receipt_sync.keys import Collection

DAY: Final = 86_400


@dataclass(frozen=True)
class Facts:
    """Holds the deployed settings that the rules need. Attributes have their names in SQS."""

    queue: Mapping[str, str]
    compaction_dlq: Mapping[str, str]
    stream_dlq: Mapping[str, str]
    stream_mapping: Mapping[str, Any]
    queue_mapping: Mapping[str, Any]
    compactor_timeout: int
    compactor: Mapping[str, str] | str
    """The compactor's environment variables, or why they cannot be read."""
    compactor_storage_mib: int = 512
    snapshot_bytes: int = 0
    """The size before compression of all collections with a readable manifest."""
    damaged: Mapping[Collection, str] = field(default_factory=dict)
    """Why the manifest of a collection cannot be read."""
    doubled: Sequence[str] = ()
    """The sources that have more than one event source mapping, each with all its mappings."""


@dataclass(frozen=True)
class Check:
    """Holds a rule, the found value, the verdict, and the remedy if the rule is broken."""

    name: str
    rule: str
    found: str
    ok: bool
    remedy: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def checks(facts: Facts) -> list[Check]:
    """Return the results of all rules, in the order of a change's path."""
    return [
        _mappings(facts),
        *_stream(facts),
        *_times_of_queue(facts),
        *_queue(facts),
        *_lease(facts),
        *_room(facts),
        _manifests(facts),
    ]


def _mappings(facts: Facts) -> Check:
    return Check(
        "mappings",
        "stream and queue have one event source mapping each; the other rules check the first",
        "; ".join(facts.doubled) or "one each",
        not facts.doubled,
        "delete all but one with `aws lambda delete-event-source-mapping`",
    )


def _stream(facts: Facts) -> Iterator[Check]:
    mapping = facts.stream_mapping
    age = int(mapping.get("MaximumRecordAgeInSeconds") or -1)
    yield Check(
        "record age",
        "Lambda gives a record up before the stream drops it, so that `replay` still finds it",
        f"{age} s of {DAY} s" if age > 0 else "never given up",
        0 < age < DAY,
        "set MaximumRecordAgeInSeconds below 86,400 on the stream's mapping",
    )
    destination = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
    yield Check(
        "failure destination",
        "the stream's mapping sends the records that it gives up to a dead-letter queue",
        destination.get("Destination", "none"),
        bool(destination.get("Destination")),
        "set DestinationConfig.OnFailure on the stream's mapping",
    )
    yield _reports("stream", mapping)
    yield Check(
        "filter",
        "irrelevant writes, such as heartbeats of leases, cause no invocation",
        f"{len((mapping.get('FilterCriteria') or {}).get('Filters', []))} patterns",
        bool((mapping.get("FilterCriteria") or {}).get("Filters")),
        "set FilterCriteria on the stream's mapping, as in template.yaml",
    )
    yield _retention("stream dead letters", facts.stream_dlq, DAY)


def _times_of_queue(facts: Facts) -> Iterator[Check]:
    visibility = int(facts.queue["VisibilityTimeout"])
    retention = int(facts.queue["MessageRetentionPeriod"])
    receives = int(json.loads(facts.queue.get("RedrivePolicy") or "{}").get("maxReceiveCount", 0))
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    yield Check(
        "visibility",
        "visibility timeout ≥ 6 × the compactor's timeout",
        f"{visibility} s, 6 × {facts.compactor_timeout} s",
        visibility >= 6 * facts.compactor_timeout,
        "raise the queue's visibility timeout (Terraform), or lower the function's (SAM)",
    )
    yield Check(
        "receives",
        "the queue allows five receives, because a held lease also makes a message return",
        f"{receives} ×" if receives else "no redrive policy",
        receives >= 5,
        "set maxReceiveCount to at least 5 in the queue's redrive policy",
    )
    yield Check(
        "retention",
        "retention > receives × visibility, or messages expire before they become dead letters",
        f"{retention} s, {receives} × {visibility} s",
        retention > receives * visibility,
        "raise the queue's retention period",
    )


def _queue(facts: Facts) -> Iterator[Check]:
    yield _reports("queue", facts.queue_mapping)
    retention = int(facts.queue["MessageRetentionPeriod"])
    # A standard queue keeps a message's age when it becomes a dead letter.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    yield _retention("compaction dead letters", facts.compaction_dlq, retention)


def _lease(facts: Facts) -> Iterator[Check]:
    if isinstance(facts.compactor, str):
        yield _unreadable(facts.compactor, "ask for kms:Decrypt on the key of the functions")
        return
    try:
        lease = number_of(facts.compactor, "LEASE_SECONDS", LEASE_SECONDS)
        heartbeat = number_of(facts.compactor, "HEARTBEAT_SECONDS", HEARTBEAT_SECONDS)
    except SettingWrongError as error:
        yield _unreadable(str(error), "correct it: the compactor does not start with this value")
        return
    yield Check(
        "heartbeat",
        "lease > 2 × heartbeat, so that one lost heartbeat does not lose the lease",
        f"{lease:g} s, 2 × {heartbeat:g} s",
        lease > 2 * heartbeat,
        "raise LEASE_SECONDS or lower HEARTBEAT_SECONDS",
    )
    yield Check(
        "timeout",
        "the compactor's timeout > lease, so that a cycle can wait for the lease of a dead worker",
        f"{facts.compactor_timeout} s, {lease:g} s",
        facts.compactor_timeout > lease,
        "raise the function's timeout, or lower LEASE_SECONDS",
    )


def _unreadable(found: str, remedy: str) -> Check:
    rule = "the compactor's lease and heartbeat can be read"
    return Check("variables", rule, found, False, remedy)


def _room(facts: Facts) -> Iterator[Check]:
    scaling = (facts.queue_mapping.get("ScalingConfig") or {}).get("MaximumConcurrency")
    most = 2 * len(Collection)
    yield Check(
        "concurrency",
        f"at most {most} workers run at once, because each collection has only one lease",
        str(scaling or "no limit"),
        scaling is not None and int(scaling) <= most,
        f"set ScalingConfig.MaximumConcurrency to {len(Collection)} on the queue's mapping",
    )
    needed = 3 * facts.snapshot_bytes / 2**20
    yield Check(
        "storage",
        "ephemeral storage ≥ 3 × all snapshots, for mirror, working copy and new files",
        f"{facts.compactor_storage_mib:,} MiB, 3 × {facts.snapshot_bytes / 2**20:,.0f} MiB",
        facts.compactor_storage_mib >= needed,
        "raise the function's ephemeral storage",
    )


def _reports(name: str, mapping: Mapping[str, Any]) -> Check:
    types = mapping.get("FunctionResponseTypes") or []
    return Check(
        f"{name} failures",
        f"the {name}'s mapping reports batch item failures, or one failure repeats a whole batch",
        ", ".join(types) or "none",
        "ReportBatchItemFailures" in types,
        f"set FunctionResponseTypes to [ReportBatchItemFailures] on the {name}'s mapping",
    )


def _manifests(facts: Facts) -> Check:
    return Check(
        "manifests",
        "the manifest of each collection is readable, or the compactor can publish nothing",
        "; ".join(facts.damaged.values()) or "all are readable",
        not facts.damaged,
        "run `receipt-sync snapshot history`, then `receipt-sync snapshot restore`",
    )


def _retention(name: str, attributes: Mapping[str, str], source: int) -> Check:
    kept = int(attributes["MessageRetentionPeriod"])
    return Check(
        name,
        "the dead-letter queue keeps messages longer than its source",
        f"{kept / DAY:g} days, {source / DAY:g} days",
        kept > source,
        "raise the dead-letter queue's retention period, to 14 days at most",
    )
