"""Adds up the compactor's counters, from the EMF lines in its log.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from local.stack import Stack
from tests.support.function_logs import function_log

Counted: TypeAlias = Counter[str]


def compactor_metrics(stack: Stack) -> Counted:
    """Return the sum of every metric over all invocations so far."""
    return sums(function_log(stack, stack.names.compactor))


def sums(lines: Iterable[str]) -> Counted:
    """Return the sum of every metric in a log. A value is a number or a list of numbers."""
    total: Counted = Counter()
    for line in lines:
        content = _emf(line)
        for directive in content.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                value = content[metric["Name"]]
                total[metric["Name"]] += sum(value) if isinstance(value, list) else value
    return total


def _emf(line: str) -> Mapping[str, Any]:
    if not line.startswith("{"):
        return {}
    content: Mapping[str, Any] = json.loads(line)
    return content
