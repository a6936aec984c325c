"""What a restore does besides publishing: it stops the compactor, and sends deltas again."""

import os
import signal
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ulid import ULID

from receipt_index.snapshot.restore import Replacement, RestorePlan
from receipt_ops.connection import Connection, Names
from receipt_ops.deployment.parts import Mapping
from receipt_ops.deployment.pausing import MappingStuckError, paused
from receipt_ops.errors import AmbiguousDimensionError
from receipt_ops.repair.dimension_choice import given_dimension, only_dimension_of_restore
from receipt_ops.snapshots import restore_tasks
from receipt_ops.snapshots.resending import Resending, Resent
from receipt_ops.snapshots.restore_tasks import Restoration
from receipt_ops.snapshots.restored import Restored
from receipt_ops.snapshots.retention import delta_retention
from receipt_ops.terminal.failures import explained
from receipt_sync.errors import SnapshotDamagedError, SyncError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.deployed_system import doubled
from tests.unit.receipt_ops.fakes import InMemoryDeltas
from tests.unit.receipt_ops.snapshots.versions import manifest
from tests.unit.receipt_ops.terminal.test_cli import CONNECTION
from tests.unit.receipt_ops.terminal.test_signals import handlers

NOW = datetime(2026, 1, 10, tzinfo=UTC)
LINES = Collection.LINES


def made(at: datetime, number: int = 0) -> str:
    """A delta's id."""
    return str(ULID.from_int((int(at.timestamp() * 1000) << 80) + number))


class Queue:
    """Deltas that were sent."""

    def __init__(self) -> None:
        self.sent: list[Delta] = []
        self.calls = 0

    def send(self, deltas: Sequence[Delta]) -> None:
        self.calls += 1
        self.sent += deltas


def resend(objects: InMemoryDeltas, queue: Queue, *, dry_run: bool = False) -> Resent:
    return Resending(objects, queue, LINES, 2).run(NOW, dry_run=dry_run)


def test_every_delta_since_a_moment_is_sent_with_its_number_of_vectors_and_no_older_one() -> None:
    objects, queue = InMemoryDeltas(), Queue()
    millisecond = timedelta(milliseconds=1)
    moments = [NOW - millisecond, NOW, NOW + millisecond, NOW + timedelta(days=3)]
    for number, moment in enumerate(moments):
        objects.put(made(moment, number), *(f"id {n}" for n in range(number + 1)))
    found = resend(objects, queue)
    assert queue.sent == [
        Delta.of(LINES, made(moment, number), number + 1)
        for number, moment in enumerate(moments)
        if number
    ]
    assert (found.deltas, found.vectors, found.refused) == (3, 2 + 3 + 4, 0)


def test_what_the_compactor_would_refuse_is_named_and_not_sent() -> None:
    broken, other, sound, odd = (made(NOW, number) for number in range(4))
    objects, queue = InMemoryDeltas(broken=[broken], not_finite=[odd]), Queue()
    objects.put(broken, "a")
    objects.put(odd, "a")
    objects.put(other, "a", dimension=8)
    objects.put(sound, "a")
    found = resend(objects, queue)
    assert [delta.delta_id for delta in queue.sent] == [sound]
    refused = [f"deltas/receipt_lines/{one}.npz" for one in (broken, other, odd)]
    assert found.refused_keys == refused
    assert found.to_json()["refused"] == 3


def test_a_dry_run_counts_the_same_and_sends_nothing() -> None:
    objects, queue = InMemoryDeltas(), Queue()
    for number in range(130):
        objects.put(made(NOW, number), "a")
    assert resend(objects, queue, dry_run=True).deltas == 130
    assert queue.sent == []
    assert resend(objects, queue).deltas == 130
    assert (len(queue.sent), queue.calls) == (130, 3), "some at a time"


def two_dimensions() -> InMemoryDeltas:
    """Return deltas of which the older one was refused."""
    objects = InMemoryDeltas()
    objects.put(made(NOW, 1), "a", dimension=3)
    objects.put(made(NOW, 2), "b", "c", dimension=4)
    return objects


def test_deltas_of_several_dimensions_are_refused_if_no_version_tells_the_right_one() -> None:
    """The oldest delta decided the dimension, and acknowledged vectors became dead letters."""
    queue = Queue()
    resending = Resending(two_dimensions(), queue, LINES, None)
    with pytest.raises(AmbiguousDimensionError, match=r"3 \(1 records\), 4 \(2 records\).*--dim"):
        resending.choose_dimension(NOW, only_dimension_of_restore)
    assert queue.sent == []


def test_the_given_dimension_decides_which_deltas_are_sent() -> None:
    queue = Queue()
    resending = Resending(two_dimensions(), queue, LINES, None)
    resending.choose_dimension(NOW, given_dimension(4))
    found = resending.run(NOW, dry_run=False)
    assert [delta.delta_id for delta in queue.sent] == [made(NOW, 2)]
    assert (found.vectors, found.refused) == (2, 1)


def test_deltas_are_not_asked_for_a_dimension_that_a_version_tells() -> None:
    resending = Resending(two_dimensions(), Queue(), LINES, 3)
    resending.choose_dimension(NOW, only_dimension_of_restore)
    assert resending.run(NOW, dry_run=True).vectors == 1


def test_without_deltas_no_dimension_is_needed() -> None:
    resending = Resending(InMemoryDeltas(), Queue(), LINES, None)
    resending.choose_dimension(NOW, only_dimension_of_restore)
    assert resending.run(NOW, dry_run=True).deltas == 0


@pytest.mark.parametrize(
    ("chosen", "newest", "expected"),
    [(3, 4, 3), (None, 4, 4), (None, None, None), (None, SnapshotDamagedError("a"), None)],
)
def test_a_version_that_never_held_a_vector_takes_the_dimension_of_the_published_one(
    monkeypatch: pytest.MonkeyPatch, chosen: int | None, newest: Any, expected: int | None
) -> None:
    restoration = Restoration(CONNECTION, LINES, ManualClock())

    def checked(plan: RestorePlan) -> Any:
        found = chosen if plan.chosen.version == 3 else newest
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(restoration, "_checked", checked)
    assert restoration._dimension(RestorePlan(manifest(3), manifest(7), 7)) == expected


class Lambda:
    """One event source mapping. A switch takes some looks; `busy` asks are refused first."""

    def __init__(self, looks: int = 2, busy: int = 0) -> None:
        self.state, self.looks, self.busy = "Enabled", looks, busy
        self._left = 0
        self.asked: list[bool] = []

    def update_event_source_mapping(self, UUID: str, Enabled: bool) -> None:  # noqa: N803
        assert UUID == "uuid"
        if self.busy:
            self.busy -= 1
            raise ClientError({"Error": {"Code": "ResourceInUseException"}}, "Update")
        self.asked.append(Enabled)
        self.state = "Enabling" if Enabled else "Disabling"
        self._left = self.looks

    def get_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803
        self._left -= 1
        if self._left <= 0:
            self.state = {"Enabling": "Enabled", "Disabling": "Disabled"}.get(
                self.state, self.state
            )
        return {"UUID": UUID, "State": self.state}


def mapping(*, enabled: bool = True) -> Mapping:
    return Mapping("uuid", "compactor", enabled, "Enabled" if enabled else "Disabled", {})


def pause(client: Any, **options: bool) -> Any:
    return paused(client, [mapping(**options)], ManualClock())


def test_the_compactor_is_stopped_before_the_block_and_started_after_it() -> None:
    client = Lambda(busy=1)
    with pause(client):
        assert client.state == "Disabled", "and not merely on its way"
    assert client.asked == [False, True]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_it_is_started_again_after_an_error_and_after_ctrl_c(error: type[BaseException]) -> None:
    client = Lambda()
    with pytest.raises(error), pause(client):
        raise error
    assert client.asked == [False, True]


def test_it_is_started_again_if_ctrl_c_comes_while_it_stops() -> None:
    client = Lambda()

    def interrupted(**_: Any) -> None:
        raise KeyboardInterrupt

    client.get_event_source_mapping = interrupted  # type: ignore[assignment, method-assign]
    with pytest.raises(KeyboardInterrupt), pause(client):
        pytest.fail("it had not stopped")
    assert client.asked == [False, True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_is_started_again_although_a_second_signal_comes(number: signal.Signals) -> None:
    client = Lambda()
    update = client.update_event_source_mapping

    def interrupted(UUID: str, Enabled: bool) -> None:  # noqa: N803 as boto3 calls it
        if Enabled and client.state == "Disabled":
            os.kill(os.getpid(), number)
        update(UUID, Enabled)

    client.update_event_source_mapping = interrupted  # type: ignore[method-assign]
    with handlers(), pytest.raises(KeyboardInterrupt), pause(client):
        raise KeyboardInterrupt
    assert client.asked == [False, True]


class Two(Lambda):
    """Two mappings; the first can't be switched on again if `stuck`."""

    def __init__(self, *, stuck: bool = False) -> None:
        super().__init__()
        self.stuck = stuck
        self.switched: list[tuple[str, bool]] = []

    def update_event_source_mapping(self, UUID: str, Enabled: bool) -> None:  # noqa: N803
        if self.stuck and Enabled and UUID == "uuid-1":
            raise ClientError({"Error": {"Code": "InternalError"}}, "Update")
        self.switched.append((UUID, Enabled))

    def get_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803
        return {"UUID": UUID, "State": "Enabled" if (UUID, True) in self.switched else "Disabled"}


@pytest.mark.parametrize("stuck", [False, True])
def test_every_mapping_is_stopped_and_started_again_although_one_of_them_fails(
    stuck: bool,
) -> None:
    client: Any = Two(stuck=stuck)
    three = [replace(mapping(), uuid=f"uuid-{n}", enabled=n < 3) for n in (1, 2, 3)]
    ending: Any = pytest.raises(ClientError) if stuck else nullcontext()
    with ending, paused(client, three, ManualClock()):
        assert client.switched == [("uuid-1", False), ("uuid-2", False)]
    assert ("uuid-2", True) in client.switched
    assert (("uuid-1", True) in client.switched) is not stuck
    assert len(client.switched) == (3 if stuck else 4)


def test_a_restore_stops_every_mapping_of_the_queue() -> None:
    aws: Any = doubled()
    connection = Connection(CONNECTION.names, aws, aws, aws, client=lambda _: aws)
    restoration = Restoration(connection, LINES, ManualClock())
    with restoration._paused():
        assert sorted(one["UUID"] for one in aws.updates) == ["uuid-2", "uuid-compactor"]
    assert sorted(one["UUID"] for one in aws.updates if one["Enabled"]) == [
        "uuid-2",
        "uuid-compactor",
    ]


def test_what_was_off_before_stays_off() -> None:
    client = Lambda()
    with pause(client, enabled=False):
        pass
    assert client.asked == []


def test_a_mapping_that_does_not_switch_is_named_with_the_command_to_try() -> None:
    client = Lambda(looks=10**9)
    sentence = r"mapping uuid off within 120 s.*--no-queue"
    with pytest.raises(MappingStuckError, match=sentence), pause(client):
        pytest.fail("it had not stopped")
    assert client.asked == [False, True]


class Rules:
    """An S3 client with lifecycle rules."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.rules = rules

    def get_bucket_lifecycle_configuration(self, **_: Any) -> dict[str, Any]:
        if not self.rules:
            code = "NoSuchLifecycleConfiguration"
            raise ClientError({"Error": {"Code": code}}, "GetBucketLifecycleConfiguration")
        return {"Rules": list(self.rules)}


def rule(prefix: str, days: int, **more: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}, **more}


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ([], None),
        ([rule("deltas/", 30)], 30),
        ([rule("deltas/", 30), rule("", 7)], 7),
        ([rule("snapshots/", 3), rule("deltas/", 30)], 30),
        ([rule("deltas/", 30, Status="Disabled")], None),
        ([rule("", 1, Expiration={"ExpiredObjectDeleteMarker": True})], None),
        ([rule("", 1, Filter={"Tag": {"Key": "a", "Value": "b"}})], None),
    ],
)
def test_how_long_deltas_are_kept_is_what_the_buckets_rules_say(
    rules: list[dict[str, Any]], days: int | None
) -> None:
    client: Any = Rules(*rules)
    found = delta_retention(client, "bucket")
    assert found == (None if days is None else timedelta(days=days))


def restored(days: int | None) -> Restored:
    plan = RestorePlan(manifest(4), manifest(7), 7)
    kept_for = None if days is None else timedelta(days=days)
    return Restored(plan, 8, Resent(NOW - timedelta(days=20)), kept_for, NOW)


def test_a_restore_says_since_when_vectors_are_kept_no_longer() -> None:
    assert restored(None).lost_before is None
    assert restored(30).lost_before is None
    assert restored(14).lost_before == NOW - timedelta(days=14)
    content = restored(14).to_json()
    assert (content["restored"], content["published"], content["replaced"]) == (4, 8, 7)
    assert content["lost_before"] == (NOW - timedelta(days=14)).isoformat()


class Interrupted:
    """A Resending whose queue refuses."""

    def choose_dimension(self, *_: Any) -> None:
        pass

    def run(self, *_: Any, dry_run: bool) -> Resent:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessageBatch")


def test_a_restore_that_fails_after_its_publish_says_what_was_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = Connection(Names("t", "q", "b"), *[SimpleNamespace()] * 3)  # type: ignore[arg-type]
    plan = RestorePlan(manifest(3), manifest(7), 7)
    restoration = Restoration(connection, LINES, ManualClock())
    for name, value in {
        "_queue_retention": timedelta,
        "_dimension": lambda _: 2,
        "_resending": lambda _: Interrupted(),
        "_paused": nullcontext,
    }.items():
        monkeypatch.setattr(restoration, name, value)
    monkeypatch.setattr(restore_tasks, "delta_retention", lambda *_: None)
    monkeypatch.setattr(restore_tasks, "publish", lambda *_: Replacement(manifest(8), manifest(7)))
    with pytest.raises(SyncError) as caught, explained(connection):
        restoration.run(plan, dry_run=False)
    seen = str(caught.value)
    assert "published as version 8" in seen
    assert "permission for SendMessageBatch" in seen
    assert "receipt-sync repair" in seen
