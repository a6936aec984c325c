"""The KMS keys: one each for the table, the bucket, the queues, and the functions' environment."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from local.clients import Clients
from local.quick.names import Names

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


@dataclass(frozen=True)
class Keys:
    """ARNs of the keys."""

    table: str
    bucket: str
    queues: str
    functions: str


_PURPOSES: Final = tuple(field.name for field in fields(Keys))


def ensure_keys(clients: Clients, names: Names) -> Keys:
    """Return the keys of the environment, and create those whose alias does not exist."""
    return Keys(**{purpose: _ensure(clients.kms, names, purpose) for purpose in _PURPOSES})


def delete_keys(clients: Clients, names: Names) -> None:
    """Delete the aliases, and schedule the keys for deletion in seven days, KMS's minimum."""
    for purpose in _PURPOSES:
        alias = names.key_alias(purpose)
        arn = _find(clients.kms, alias)
        if arn is not None:
            clients.kms.delete_alias(AliasName=alias)
            clients.kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)


def _ensure(kms: "KMSClient", names: Names, purpose: str) -> str:
    alias = names.key_alias(purpose)
    arn = _find(kms, alias)
    if arn is not None:
        return arn
    key = kms.create_key(Description=f"receipt-chroma-sync {names.environment}: {purpose}")
    arn = key["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=arn)
    kms.create_alias(AliasName=alias, TargetKeyId=arn)
    return arn


def _find(kms: "KMSClient", alias: str) -> str | None:
    try:
        return kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
    except kms.exceptions.NotFoundException:
        return None
