"""Reads the log of a function from CloudWatch Logs."""

from local.stack import Stack


def function_log(stack: Stack, function: str) -> list[str]:
    """Return every log line of a function, oldest first, or an empty list if it was never invoked.

    The lines of an invocation appear after it ends. JSON lines are logs and metrics of Powertools.
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
