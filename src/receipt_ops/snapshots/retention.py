"""The retention of deltas by the lifecycle rules of the bucket."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NO_RULES: Final = "NoSuchLifecycleConfiguration"


def delta_retention(client: "S3Client", bucket: str) -> timedelta | None:
    """Return how long the bucket keeps a delta; None if no lifecycle rule deletes deltas.

    Raises the errors of botocore.
    """
    try:
        answer: Any = client.get_bucket_lifecycle_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == _NO_RULES:
            return None
        raise
    days = [
        int(rule["Expiration"]["Days"])
        for rule in answer.get("Rules", [])
        if rule.get("Status") == "Enabled"
        and "Days" in rule.get("Expiration", {})
        and "deltas/".startswith(_prefix(rule))
    ]
    return timedelta(days=min(days)) if days else None


def _prefix(rule: Any) -> str:
    """Return the prefix of a rule. For a filter with tags, return a prefix that matches no delta.

    The objects of this system have no tags, so such a rule deletes none of them.
    """
    chosen = rule.get("Filter", {})
    if "Tag" in chosen or "And" in chosen:
        return "\0"
    return str(chosen.get("Prefix", rule.get("Prefix", "")))
