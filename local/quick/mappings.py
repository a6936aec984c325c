"""The event source mappings: stream to stream processor, and queue to compactor."""

from typing import TYPE_CHECKING, Any

from local.clients import Clients
from local.quick.filters import filter_criteria
from local.quick.names import Names, Options
from local.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def ensure_stream_mapping(clients: Clients, stack: Stack, options: Options) -> str:
    """Create or update the event source mapping of the stream, and return its UUID.

    Lambda retries a record until it is older than `record_age`. Then it sends a reference to the
    stream record to the dead-letter queue. The age is well below the stream's retention of 24
    hours, so that the referenced record can still be read.
    """
    changeable = {
        "BatchSize": options.stream_batch_size,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 10_000,
        "MaximumRecordAgeInSeconds": options.record_age,
        "DestinationConfig": {"OnFailure": {"Destination": stack.queues.stream_dlq.arn}},
        "FilterCriteria": filter_criteria(),
    }
    return _ensure(
        clients.lambda_,
        stack.names.stream_processor,
        stack.table.stream_arn,
        changeable,
        {"StartingPosition": "TRIM_HORIZON"},
    )


def ensure_queue_mapping(clients: Clients, stack: Stack) -> str:
    """Create or update the event source mapping of the queue, and return its UUID.

    The concurrency is two, because each of the two collections has one lease.
    """
    changeable = {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 1,  # AWS requires a window for a batch size above ten.
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
    }
    return _ensure(
        clients.lambda_, stack.names.compactor, stack.queues.compaction.arn, changeable, {}
    )


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


def _ensure(
    client: "LambdaClient",
    function: str,
    source_arn: str,
    changeable: dict[str, Any],
    fixed: dict[str, Any],
) -> str:
    found = client.list_event_source_mappings(FunctionName=function, EventSourceArn=source_arn)
    for mapping in found["EventSourceMappings"]:
        client.update_event_source_mapping(UUID=mapping["UUID"], **changeable)
        return mapping["UUID"]
    return client.create_event_source_mapping(
        FunctionName=function, EventSourceArn=source_arn, **changeable, **fixed
    )["UUID"]
