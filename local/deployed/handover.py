"""Reads the SSM parameters that Terraform writes below /receipt-sync/{environment}/."""

from local.clients import Clients
from local.errors import NotRunningError
from local.quick.keys import Keys
from local.quick.names import Names
from local.quick.queues import Queue, Queues
from local.quick.table import Table
from local.stack import Stack


def handed_over(clients: Clients, names: Names) -> Stack:
    """Return the stack that the parameters describe, without functions. Raises NotRunningError."""
    found = _parameters(clients, names)
    try:
        return Stack(
            clients.endpoint,
            names,
            Keys(
                table=found["table-key-arn"],
                bucket=found["bucket-key-arn"],
                queues=found["queues-key-arn"],
                functions=found["lambda-key-arn"],
            ),
            Table(found["table-arn"], found["stream-arn"]),
            Queues(
                **{
                    field: Queue(found[f"{name}-url"], found[f"{name}-arn"])
                    for field, name in (
                        ("compaction", "compaction-queue"),
                        ("compaction_dlq", "compaction-dlq"),
                        ("stream_dlq", "stream-dlq"),
                    )
                }
            ),
        )
    except KeyError as error:
        raise NotRunningError(
            f"parameter {names.parameters}/{error.args[0]} does not exist: apply terraform/ first"
        ) from error


def _parameters(clients: Clients, names: Names) -> dict[str, str]:
    pages = clients.ssm.get_paginator("get_parameters_by_path")
    return {
        parameter["Name"].removeprefix(f"{names.parameters}/"): parameter["Value"]
        for page in pages.paginate(Path=names.parameters, Recursive=True)
        for parameter in page["Parameters"]
    }
