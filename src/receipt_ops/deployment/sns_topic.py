"""Finds the topic of the alarms in SNS."""

from typing import Any, Final

from botocore.exceptions import ClientError

from receipt_ops.deployment.alerts import AlertsError, Topic

_UNKNOWN: Final = {
    "NotFound", "NotFoundException", "InvalidParameter", "InvalidParameterException"
}  # fmt: skip


def topic_of(client: Any, arn: str | None) -> Topic:
    """Return the topic with this ARN, or the only topic of a receipt-sync deployment.

    Raises AlertsError if SNS knows no topic of this ARN. See also `Topic.found`.
    """
    if arn is not None:
        _check_exists(client, arn)
    return Topic.found(client, arn)


def _check_exists(client: Any, arn: str) -> None:
    try:
        client.get_topic_attributes(TopicArn=arn)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _UNKNOWN:
            raise
        raise AlertsError(f"there is no topic {arn}: correct --topic") from error
