"""The backlog of a queue in SQS."""

from typing import TYPE_CHECKING

from receipt_ops.verification.settling import Backlog

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def queue_backlog(sqs: "SQSClient", queue_url: str) -> Backlog:
    """Return the backlog of a queue. Raises the ClientError of botocore."""
    names = ("Messages", "MessagesDelayed", "MessagesNotVisible")
    answer = sqs.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=[f"ApproximateNumberOf{name}" for name in names],  # type: ignore[misc]
    )
    waiting, delayed, in_flight = (
        int(answer["Attributes"][f"ApproximateNumberOf{name}"])  # type: ignore[index]
        for name in names
    )
    return Backlog(waiting + delayed, in_flight)
