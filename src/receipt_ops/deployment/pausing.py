"""A pause of the compactor that ends in every case."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from receipt_ops.deployment.parts import Mapping
from receipt_ops.errors import OperationError
from receipt_ops.terminal.signals import uninterrupted
from receipt_sync.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_POLL_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 120.0
"""The time limit for a switch. Lambda takes up to a minute to switch a mapping."""


class MappingStuckError(OperationError):
    """An event source mapping did not switch in time."""


@contextmanager
def paused(client: "LambdaClient", mappings: Sequence[Mapping], clock: Clock) -> Iterator[None]:
    """Switch the queue's enabled mappings off for a `with` block.

    The end of the block switches each of them on again, also after an error or Ctrl-C, and also if
    another mapping fails. An earlier invocation may still run inside the block. Raises
    MappingStuckError and the errors of botocore.
    """
    were_on = [mapping for mapping in mappings if mapping.enabled]
    try:
        for mapping in were_on:
            _switch(client, mapping, clock, on=False)
        yield
    finally:
        # A second Ctrl-C would leave the compactor stopped. The stack calls each after any failure.
        with uninterrupted(), ExitStack() as stack:
            for mapping in were_on:
                stack.callback(_switch, client, mapping, clock, on=True)


def _switch(client: "LambdaClient", mapping: Mapping, clock: Clock, *, on: bool) -> None:
    end = clock.monotonic() + _PATIENCE_SECONDS
    asked = _ask(client, mapping, on=on)
    # A switch-on needs no wait, because Lambda completes it alone.
    while not asked or (not on and _state(client, mapping) != "Disabled"):
        if clock.monotonic() > end:
            raise MappingStuckError(_stuck(mapping, on=on))
        clock.sleep(_POLL_SECONDS)
        asked = asked or _ask(client, mapping, on=on)


def _ask(client: "LambdaClient", mapping: Mapping, *, on: bool) -> bool:
    """Ask Lambda to switch a mapping. Return False while an earlier switch is in progress."""
    try:
        client.update_event_source_mapping(UUID=mapping.uuid, Enabled=on)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceInUseException":
            raise
        return False
    return True


def _state(client: "LambdaClient", mapping: Mapping) -> str:
    answer: Any = client.get_event_source_mapping(UUID=mapping.uuid)
    return str(answer["State"])


def _stuck(mapping: Mapping, *, on: bool) -> str:
    wanted, option = ("on", "--queue") if on else ("off", "--no-queue")
    return (
        f"Lambda has not switched the queue's event source mapping {mapping.uuid} {wanted} within "
        f"{_PATIENCE_SECONDS:.0f} s: run `receipt-sync flags set {option}`"
    )
