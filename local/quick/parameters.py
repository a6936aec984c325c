"""The SSM parameters that pass names, ARNs and settings of the data resources to the functions."""

from collections.abc import Mapping
from typing import Final

from local.clients import Clients
from local.quick.log_groups import log_group
from local.quick.names import Names, Options
from local.stack import Stack

_DELETE_LIMIT: Final = 10


def parameters_of(stack: Stack, options: Options | None = None) -> Mapping[str, str]:
    """Return the value of each parameter, by its name below /receipt-sync/{environment}/."""
    queues, keys, options = stack.queues, stack.keys, options or Options()
    return {
        "table-name": stack.names.table,
        "table-arn": stack.table.arn,
        "stream-arn": stack.table.stream_arn,
        "compaction-queue-arn": queues.compaction.arn,
        "compaction-queue-url": queues.compaction.url,
        "compaction-dlq-arn": queues.compaction_dlq.arn,
        "compaction-dlq-url": queues.compaction_dlq.url,
        "stream-dlq-arn": queues.stream_dlq.arn,
        "stream-dlq-url": queues.stream_dlq.url,
        "bucket": stack.names.bucket,
        "table-key-arn": keys.table,
        "bucket-key-arn": keys.bucket,
        "queues-key-arn": keys.queues,
        "lambda-key-arn": keys.functions,
        "stream-processor-log-group": log_group(stack.names.stream_processor),
        "compactor-log-group": log_group(stack.names.compactor),
        "stream-processor-timeout": str(options.function_timeout),
        "compactor-timeout": str(options.function_timeout),
        "lease-seconds": str(options.lease),
        "heartbeat-seconds": str(options.heartbeat),
    }


def put_parameters(clients: Clients, stack: Stack, options: Options) -> None:
    """Write all parameters, and overwrite existing ones."""
    for name, value in parameters_of(stack, options).items():
        clients.ssm.put_parameter(
            Name=f"{stack.names.parameters}/{name}", Value=value, Type="String", Overwrite=True
        )


def delete_parameters(clients: Clients, names: Names) -> None:
    """Delete all parameters of the environment."""
    pages = clients.ssm.get_paginator("get_parameters_by_path")
    found = [
        parameter["Name"]
        for page in pages.paginate(Path=names.parameters, Recursive=True)
        for parameter in page["Parameters"]
    ]
    for start in range(0, len(found), _DELETE_LIMIT):
        clients.ssm.delete_parameters(Names=found[start : start + _DELETE_LIMIT])
