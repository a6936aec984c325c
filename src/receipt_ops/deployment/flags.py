"""The switches of a roll-out: feature flags of the stream processor, and event source mappings.

The stream keeps a change for 24 hours. A change that is switched off for longer is lost, so run
`verify` and `repair` after a later switch-on.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.parts import Mapping as EventMapping
from receipt_ops.deployment.parts import VariablesUnreadableError
from receipt_ops.deployment.switches import Switches
from receipt_ops.errors import OperationError
from receipt_sync.keys import EntityType

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

FLAGS: Final = {one.kind: one.flag.upper() for one in EntityType}
"""Maps a flag to the stream processor's environment variable. An unset variable means on."""
_ON: Final = ("1", "on", "t", "true", "y", "yes")


class ChangedMeanwhileError(OperationError):
    """Another process changed a function between the read of its variables and their update."""


def switches_of(deployment: Deployment) -> Switches:
    """Return the present switches. Raises NotDeployedError."""
    return Switches(
        **_flags_of(deployment),
        stream=_are_on(deployment.stream_mappings),
        queue=_are_on(deployment.queue_mappings),
    )


def _are_on(mappings: Sequence[EventMapping]) -> bool | None:
    states = {mapping.enabled for mapping in mappings}
    return states.pop() if len(states) == 1 else None


def _flags_of(deployment: Deployment) -> dict[str, bool | None]:
    try:
        variables = deployment.stream_processor.variables
    except VariablesUnreadableError:
        return dict.fromkeys(FLAGS)
    return {name: _is_on(variables.get(variable, "true")) for name, variable in FLAGS.items()}


def set_switches(
    client: "LambdaClient", deployment: Deployment, before: Switches, after: Switches
) -> list[str]:
    """Set the switches that differ and return their names.

    Raises VariablesUnreadableError and ChangedMeanwhileError before it sets anything.
    """
    changed = after.differing(before)
    if set(changed) & set(FLAGS):
        _set_flags(client, deployment, after)
    for name, mappings in (
        ("stream", deployment.stream_mappings),
        ("queue", deployment.queue_mappings),
    ):
        wanted = after.to_json()[name]
        for mapping in mappings if name in changed else ():
            if mapping.enabled is not wanted:
                client.update_event_source_mapping(UUID=mapping.uuid, Enabled=bool(wanted))
    return changed


def check_settable(deployment: Deployment, changed: Collection[str]) -> None:
    """Raise VariablesUnreadableError if a flag changes and the variables cannot be read."""
    if set(changed) & set(FLAGS):
        _ = deployment.stream_processor.variables


def _set_flags(client: "LambdaClient", deployment: Deployment, after: Switches) -> None:
    function = deployment.stream_processor
    flags = {FLAGS[name]: str(after.to_json()[name]).lower() for name in FLAGS}
    # Read the variables first, so that an unreadable set of variables stays unchanged.
    variables: Any = {**function.variables, **flags}
    # An update replaces all variables. The revision makes it fail if another process changed them.
    condition: Any = {
        name: function.settings[name] for name in ("RevisionId",) if name in function.settings
    }
    try:
        client.update_function_configuration(
            FunctionName=function.name, Environment={"Variables": variables}, **condition
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "PreconditionFailedException":
            raise
        raise ChangedMeanwhileError(
            f"another process changed {function.name} after this command had read its variables. "
            "The command set no flag: run it again"
        ) from None
    client.get_waiter("function_updated_v2").wait(
        FunctionName=function.name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def _is_on(text: str) -> bool:
    """Return whether a variable means on, by the rule of the functions' settings."""
    return text.strip().lower() in _ON
