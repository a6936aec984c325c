"""Restore, repair and verify, with vectors that were acknowledged between the versions.

The oracle is the producer's record of the last vector that it sent for each id.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import Stack
from receipt_index.records import NewVector
from receipt_ops.deployment.discovery import Deployment
from receipt_sync.keys import EntityKey
from tests.functional.embedding_pipeline import LINES, Producer
from tests.functional.operator import Operator

KEYS = [EntityKey("way-back", 1, number) for number in range(1, 13)]


@pytest.fixture(scope="module")
def operator(deployed: Stack) -> Operator:
    return Operator.of(deployed)


@pytest.fixture
def producer(operator: Operator) -> Iterator[Producer]:
    producer = Producer(operator)
    producer.put(KEYS[:8], "FIRST")
    producer.embed(KEYS[:8], "FIRST", axis=1)
    producer.arrived()
    yield producer
    producer.gone(KEYS)


def version(operator: Operator) -> int:
    return int(operator.json("snapshot", "show")["receipt_lines"]["version"])


def test_no_vector_is_older_than_its_delta_after_restore_repair_and_verify(
    operator: Operator, producer: Producer
) -> None:
    before = version(operator)
    producer.story(KEYS)
    dry = operator.json("snapshot", "restore", "receipt_lines", str(before), "--dry-run")
    assert (dry["published"], dry["restored"]) == (None, before)
    assert producer.published() == producer.last, "a dry run publishes nothing"

    done = operator.json("snapshot", "restore", "receipt_lines", str(before), "--yes")
    assert done["published"] > done["replaced"] > done["restored"] == before
    assert done["resent"]["deltas"] >= 4, "those since the version, and those that the queue keeps"
    assert done["resent"]["deltas"] == dry["resent"]["deltas"]
    assert (done["deltas_kept_days"], done["lost_before"]) == (None, None)
    operator.command("repair", "--wait", "60")
    assert operator.settled()["different"] == 0
    assert producer.published() == producer.last


def test_the_newest_readable_version_is_found_although_an_object_was_overwritten(
    operator: Operator, producer: Producer
) -> None:
    """A pack of the same size and another content: no new reader can open the newest version."""
    whole = version(operator)
    sound = operator.json("snapshot", "restore", "receipt_lines", "--newest-readable", "--yes")
    assert sound == {"restored": None, "published": None}
    producer.put(KEYS[:2], "AFTER")
    producer.embed(KEYS[:2], "AFTER", axis=6)
    producer.arrived()
    operator.idle()

    s3, bucket = operator.connection.s3, operator.connection.names.bucket
    content = s3.get_object(Bucket=bucket, Key="snapshots/receipt_lines/manifest.json")
    manifest = json.loads(content["Body"].read())
    key = f"snapshots/receipt_lines/packs/{manifest['packs'][-1]['digest']}"
    s3.put_object(Bucket=bucket, Key=key, Body=b"x" * manifest["packs"][-1]["size"])

    found = operator.json("snapshot", "restore", "receipt_lines", "--newest-readable", "--dry-run")
    assert whole <= found["restored"] < manifest["version"] == found["replaced"]
    done = operator.json("snapshot", "restore", "receipt_lines", "--newest-readable", "--yes")
    assert done["restored"] == found["restored"]
    operator.command("repair", "--wait", "60")
    assert producer.published() == producer.last


def test_vectors_that_a_backup_lacks_are_found_and_sent_again_by_repair_alone(
    operator: Operator, producer: Producer
) -> None:
    """A Chroma server that was restored from a backup has every record, but older vectors."""
    producer.put(KEYS[:2], "THIRD")
    with operator.reader(LINES) as reader:
        old = reader.get([KEYS[0].chroma_id]), reader.vectors([KEYS[0].chroma_id])
    producer.embed(KEYS[:2], "THIRD", axis=5)
    producer.arrived()
    record, vector = (one[KEYS[0].chroma_id] for one in old)
    with operator.tampering(LINES) as index:
        index.replace_vectors([_as_it_was(record, vector)])
    assert producer.published() != producer.last

    verdict = operator.json("verify", "--image", "way-back", code=1)
    (example,) = verdict["examples"]
    newest = producer.last[KEYS[0].chroma_id][0]
    assert example["id"] == KEYS[0].chroma_id
    assert example["fields"]["delta_id"]["table"] == newest
    assert operator.json("repair", "--image", "way-back", "--wait", "60")["resend"] == 1
    assert producer.published() == producer.last


def _as_it_was(record: Any, vector: Any) -> Any:
    return NewVector(record.id, vector, record.document, dict(record.metadata))


def test_the_queue_is_on_again_after_a_restore_that_ctrl_c_ends(
    operator: Operator, producer: Producer
) -> None:
    before = version(operator)
    producer.story(KEYS)
    command = [sys.executable, "-m", "receipt_ops", "snapshot", "restore", "receipt_lines"]
    process = subprocess.Popen(
        [*command, str(before), "--yes"], env=_environment(operator), stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while Deployment(operator.connection).queue_mapping.enabled and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(2)
    process.wait(60)
    end = time.monotonic() + 60
    while not Deployment(operator.connection).queue_mapping.enabled:
        assert time.monotonic() < end, "the queue is still off"
        time.sleep(0.2)
    operator.command("repair", "--wait", "60")
    assert producer.published() == producer.last


def _environment(operator: Operator) -> dict[str, str]:
    return {**os.environ, **operator.stack.variables}
