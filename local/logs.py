"""Reads what a function logged, from CloudWatch Logs."""

from local.stack import Stack


def function_log(stack: Stack, function: str) -> list[str]:
    """Every log line of a function, oldest first; empty if it was never invoked.

    The lines of an invocation appear when it ends. JSON lines are Powertools' logs and metrics.
    """
    logs = stack.clients().logs
    pages = logs.get_paginator("filter_log_events")
    try:
        events = [
            event
            for page in pages.paginate(logGroupName=f"/aws/lambda/{function}")
            for event in page["events"]
        ]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in sorted(events, key=lambda event: event["timestamp"])]
