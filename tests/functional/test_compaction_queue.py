"""The compaction queue and its dead letters on the local SQS."""

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_sqs import SQSClient

from compactor.batch.dead_letters import DeadLetter
from compactor.batch.entries import QueueMessage
from compactor.batch.sqs_dead_letters import SQSDeadLetterQueue
from compactor.batch.sqs_queue import SQSCompactionQueue


def test_messages_are_received_and_acknowledged(sqs: SQSClient, queue_url: str) -> None:
    queue = SQSCompactionQueue(sqs, queue_url)
    for number in range(15):
        sqs.send_message(QueueUrl=queue_url, MessageBody=f"body {number}")
    first, second = queue.receive(10), queue.receive(10)
    assert {m.body for m in (*first, *second)} == {f"body {n}" for n in range(15)}
    assert queue.delete([*first, *second]) == 15
    assert queue.receive(10) == []


def test_a_message_may_be_acknowledged_twice(sqs: SQSClient, queue_url: str) -> None:
    """SQS accepts the second deletion. MiniStack without its corrections refuses it."""
    queue = SQSCompactionQueue(sqs, queue_url)
    sqs.send_message(QueueUrl=queue_url, MessageBody="body")
    (message,) = queue.receive(10)
    assert [queue.delete([message]), queue.delete([message])] == [1, 1]
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message.receipt_handle)
    with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle="never issued")
    assert queue.delete([QueueMessage("1", "body", "never issued")]) == 0


def test_poison_is_parked_with_its_reason_and_the_message_it_came_in(
    sqs: SQSClient, queue_url: str
) -> None:
    SQSDeadLetterQueue(sqs, queue_url).park(
        [DeadLetter("not json\x00", "the body is not JSON", "message-1")]
    )
    (message,) = sqs.receive_message(QueueUrl=queue_url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == "not json\ufffd"
    attributes = {name: a["StringValue"] for name, a in message["MessageAttributes"].items()}
    assert attributes == {"reason": "the body is not JSON", "message_id": "message-1"}


def test_an_empty_body_can_be_parked_too(sqs: SQSClient, queue_url: str) -> None:
    SQSDeadLetterQueue(sqs, queue_url).park([DeadLetter("", "empty", "message-1")])
    assert len(SQSCompactionQueue(sqs, queue_url).receive(10)) == 1


def test_nothing_to_acknowledge_is_no_call(sqs: SQSClient, queue_url: str) -> None:
    SQSCompactionQueue(sqs, queue_url).delete([])
    assert SQSCompactionQueue(sqs, queue_url).receive(1) == []
    assert QueueMessage("1", "body").receipt_handle == ""
