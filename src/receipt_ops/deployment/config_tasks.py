"""Collects the deployed settings that `check-config` checks."""

from collections.abc import Iterator, Mapping

from receipt_ops.deployment.config_check import Facts
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.parts import Function, VariablesUnreadableError
from receipt_ops.snapshots.manifests import Damaged, Present, Published


def facts_of(deployment: Deployment, versions: Present) -> Facts:
    """Return the deployed settings that the rules need. Raises NotDeployedError."""
    compactor = deployment.compactor
    return Facts(
        queue=deployment.queue_attributes,
        compaction_dlq=deployment.attributes(deployment.compaction_dlq.url),
        stream_dlq=deployment.attributes(deployment.stream_dlq.url),
        stream_mapping=deployment.stream_mapping.settings,
        queue_mapping=deployment.queue_mapping.settings,
        compactor_timeout=compactor.timeout,
        compactor=_variables(compactor),
        compactor_storage_mib=int(
            (compactor.settings.get("EphemeralStorage") or {}).get("Size", 512)
        ),
        snapshot_bytes=sum(v.size for v in versions.values() if isinstance(v, Published)),
        doubled=list(_doubled(deployment)),
        damaged={name: v.reason for name, v in versions.items() if isinstance(v, Damaged)},
    )


def _doubled(deployment: Deployment) -> Iterator[str]:
    for source, mappings in (
        ("stream", deployment.stream_mappings),
        ("queue", deployment.queue_mappings),
    ):
        if len(mappings) > 1:
            named = (f"{one.uuid} ({one.state}, {one.function})" for one in mappings)
            yield f"{source}: {', '.join(named)}"


def _variables(function: Function) -> Mapping[str, str] | str:
    try:
        return function.variables
    except VariablesUnreadableError as error:  # The other rules do not need the variables.
        return str(error)
