"""The age of the oldest message of a queue, which SQS reports only to CloudWatch."""

from datetime import datetime, timedelta
from typing import Any, Final

_BACK: Final = timedelta(minutes=5)
_PERIOD_SECONDS: Final = 60


def oldest_message_seconds(cloudwatch: Any, queue_name: str, now: datetime) -> float | None:
    """Return the age in seconds; None while CloudWatch has no value.

    The value of CloudWatch is a minute or two old.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue_name}],
        StartTime=now - _BACK,
        EndTime=now,
        Period=_PERIOD_SECONDS,
        Statistics=["Maximum"],
    )
    points = sorted(answer.get("Datapoints", []), key=lambda point: point["Timestamp"])
    return float(points[-1]["Maximum"]) if points else None
