"""SQS's own redrive, where the endpoint has it.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from operations.errors import OperationError
from receipt_sync.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_UNHEARD: Final = frozenset(
    {
        "AWS.SimpleQueueService.UnsupportedOperation",
        "InvalidAction",
        "NotImplemented",
        "UnknownOperationException",
        "UnsupportedOperation",
    }
)
_POLL_SECONDS: Final = 2.0

Tell = Callable[[int, int | None], None]
"""Is told how many were moved, of how many."""


class MoveTaskError(OperationError):
    """SQS began to move messages and did not end well."""


def move_all(
    sqs: "SQSClient", source_arn: str, destination_arn: str, clock: Clock, tell: Tell
) -> int | None:
    """Move every message of a dead-letter queue; how many, or None where SQS can't do that."""
    try:
        sqs.start_message_move_task(SourceArn=source_arn, DestinationArn=destination_arn)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _UNHEARD:
            return None
        raise
    while True:
        task: Any = sqs.list_message_move_tasks(SourceArn=source_arn, MaxResults=1)["Results"][0]
        moved = int(task.get("ApproximateNumberOfMessagesMoved", 0))
        tell(moved, task.get("ApproximateNumberOfMessagesToMove"))
        if task["Status"] == "COMPLETED":
            return moved
        if task["Status"] != "RUNNING":
            raise MoveTaskError(
                f"SQS moved {moved:,} messages and stopped ({task['Status']}): "
                f"{task.get('FailureReason', 'no reason given')}; run the command again"
            )
        clock.sleep(_POLL_SECONDS)
