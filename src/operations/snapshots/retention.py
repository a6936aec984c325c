"""How long the bucket keeps deltas, by its lifecycle rules."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NO_RULES: Final = "NoSuchLifecycleConfiguration"


def delta_retention(client: "S3Client", bucket: str) -> timedelta | None:
    """Return how long a delta is kept; None if no rule deletes one. Raises botocore's errors."""
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
    """The prefix that a rule is about; a filter of tags alone is about none of ours."""
    chosen = rule.get("Filter", {})
    if "Tag" in chosen or "And" in chosen:
        return "\0"
    return str(chosen.get("Prefix", rule.get("Prefix", "")))
