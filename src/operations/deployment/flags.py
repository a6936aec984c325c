"""The switches of a roll-out: feature flags of the stream processor, and the two mappings.

A change that is switched off is lost once the stream no longer keeps it (24 hours), so whoever
switches on again after that runs `verify` and `repair`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from operations.deployment.discovery import Deployment, VariablesUnreadableError
from operations.deployment.discovery import Mapping as EventMapping
from operations.errors import OperationError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

FLAGS: Final = {
    "metadata": "ENABLE_METADATA_UPDATES",
    "line": "ENABLE_LINE_UPDATES",
    "word": "ENABLE_WORD_UPDATES",
}
"""Flag → the stream processor's environment variable; unset means on."""
_ON: Final = ("1", "on", "t", "true", "y", "yes")


class ChangedMeanwhileError(OperationError):
    """A function was changed between the read of its variables and their update."""


@dataclass(frozen=True)
class Switches:
    """What is on. `stream` and `queue` are the event source mappings.

    A flag is None where the function's variables can't be read: it is not known then. A source is
    None where some of its mappings are on and others off.
    """

    metadata: bool | None
    line: bool | None
    word: bool | None
    stream: bool | None
    queue: bool | None

    def to_json(self) -> dict[str, bool | None]:
        return asdict(self)

    def changed(self, wanted: Mapping[str, bool | None]) -> "Switches":
        """With some set otherwise; None leaves one as it is."""
        return replace(self, **{name: on for name, on in wanted.items() if on is not None})

    def differing(self, other: "Switches") -> list[str]:
        """The names of those that the other has otherwise."""
        mine, others = asdict(self), asdict(other)
        return [name for name in mine if mine[name] != others[name]]


def switches_of(deployment: Deployment) -> Switches:
    """Return the switches as they are. Raises NotDeployedError."""
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
    """Set what differs, and return the names of what was set.

    Raises VariablesUnreadableError, and ChangedMeanwhileError, before anything is set.
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
    """Raise VariablesUnreadableError if flags are to be set and the variables can't be read."""
    if set(changed) & set(FLAGS):
        _ = deployment.stream_processor.variables


def _set_flags(client: "LambdaClient", deployment: Deployment, after: Switches) -> None:
    function = deployment.stream_processor
    flags = {FLAGS[name]: str(after.to_json()[name]).lower() for name in FLAGS}
    # The variables are asked for first: where they can't be read, nothing is set.
    variables: Any = {**function.variables, **flags}
    # An update replaces all variables: one that somebody has set since they were read would go.
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
            f"somebody has changed {function.name} meanwhile, so no flag was set: run it again"
        ) from None
    client.get_waiter("function_updated_v2").wait(
        FunctionName=function.name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def _is_on(text: str) -> bool:
    """As the functions' settings read it."""
    return text.strip().lower() in _ON
