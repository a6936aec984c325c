"""The functions, queues and mappings of a deployment, and its switches."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.flags import FLAGS, ChangedMeanwhileError, set_switches, switches_of
from receipt_ops.deployment.parts import NotDeployedError, VariablesUnreadableError
from receipt_ops.deployment.switches import Switches
from tests.unit.receipt_ops.deployed_system import AWS, QUEUE_ARN, doubled, without_decrypt


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


def test_the_heartbeat_is_that_of_the_deployed_compactor() -> None:
    aws = AWS()
    assert aws.deployment().heartbeat == timedelta(seconds=15)
    aws.variables["HEARTBEAT_SECONDS"] = "45"
    assert aws.deployment().heartbeat == timedelta(seconds=45)


def test_variables_that_can_not_be_decrypted_are_not_taken_for_none() -> None:
    aws = without_decrypt()
    asks: tuple[Callable[[Deployment], object], ...] = (
        lambda one: one.lock_id,
        lambda one: one.heartbeat,
    )
    for ask in asks:
        with pytest.raises(VariablesUnreadableError, match="ask for kms:Decrypt"):
            ask(aws.deployment())
    found = switches_of(aws.deployment())
    assert {found.states[flag] for flag in FLAGS} == {None}
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


def test_a_function_that_another_caller_changed_meanwhile_is_not_overwritten() -> None:
    aws = AWS()
    deployment = aws.deployment()
    before = switches_of(deployment)
    client: Any = aws
    set_switches(client, deployment, before, before.changed({"word": True}))
    assert aws.updates[0]["RevisionId"] == "revision-1"
    aws.revision = "revision-2"
    with pytest.raises(ChangedMeanwhileError, match="set no flag"):
        set_switches(client, deployment, before, before.changed({"word": True}))
