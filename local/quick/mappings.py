"""The event source mappings: stream to stream processor, and queue to compactor."""

from collections.abc import Mapping
from typing import Any, Final

from local.clients import Clients
from local.quick.names import Names
from local.quick.typed import typed

_KEPT: Final = {"EventSourceArn", "StartingPosition", "Enabled"}
"""Parameters that an update does not change.

Lambda cannot change the first two. A mapping that was disabled stays disabled, as CloudFormation
leaves it.
"""


def ensure_mapping(clients: Clients, declared: Mapping[str, Any]) -> str:
    """Create or update an event source mapping, and return its UUID.

    `declared` holds the parameters of CreateEventSourceMapping.
    """
    client = clients.lambda_
    wanted = typed(client, "CreateEventSourceMapping", declared)
    found = client.list_event_source_mappings(
        FunctionName=wanted["FunctionName"], EventSourceArn=wanted["EventSourceArn"]
    )
    for mapping in found["EventSourceMappings"]:
        changed = {name: value for name, value in wanted.items() if name not in _KEPT}
        client.update_event_source_mapping(UUID=mapping["UUID"], **changed)
        return mapping["UUID"]
    return client.create_event_source_mapping(**wanted)["UUID"]


def delete_mappings(clients: Clients, names: Names) -> None:
    """Delete the mappings of both functions, so that nothing invokes them any more."""
    for name in (names.stream_processor, names.compactor):
        for mapping in mappings_of(clients, name):
            clients.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])


def mappings_of(clients: Clients, function: str) -> list[dict[str, Any]]:
    """Return the mappings of a function, as Lambda describes them. An absent function has none."""
    pages = clients.lambda_.get_paginator("list_event_source_mappings")
    try:
        return [
            dict(mapping)
            for page in pages.paginate(FunctionName=function)
            for mapping in page["EventSourceMappings"]
        ]
    except clients.lambda_.exceptions.ResourceNotFoundException:
        return []
