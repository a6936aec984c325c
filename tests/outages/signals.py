"""What the alarms of terraform/alarms.tf would have seen: metrics in the functions' logs."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from local.logs import function_log
from local.stack import Stack
from local.state import PROJECT

_WATCHED: Final = re.compile(r'^\s+metric\s+= "(\w+)"', re.MULTILINE)
DEPTH: Final = "ApproximateNumberOfMessagesVisible"
"""SQS's own, of the compaction queue."""

Values: TypeAlias = Mapping[str, list[float]]


def watched() -> frozenset[str]:
    """Names of the metrics that some alarm watches."""
    return frozenset(_WATCHED.findall((PROJECT / "terraform" / "alarms.tf").read_text()))


class Signals:
    """The watched metrics of both functions since this object was made."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._watched = stack, watched()
        self._before = self._values()

    def largest(self) -> dict[str, float]:
        """The largest value since of each metric that had one above 0; durations are ms."""
        new = {n: v[len(self._before.get(n, [])) :] for n, v in self._values().items()}
        largest = {name: max(values, default=0.0) for name, values in new.items()}
        return {name: round(value, 1) for name, value in largest.items() if value > 0}

    def _values(self) -> Values:
        names = self._stack.names
        logs = (function_log(self._stack, f) for f in (names.stream_processor, names.compactor))
        found = metric_values(line for log in logs for line in log)
        return {name: values for name, values in found.items() if name in self._watched}


def metric_values(lines: Iterable[str]) -> Values:
    """Every value of every metric in a log, by its EMF lines, in their order."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for line in lines:
        content = json.loads(line) if line.startswith("{") else {}
        for directive in content.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                value = content[metric["Name"]]
                found[metric["Name"]] += value if isinstance(value, list) else [value]
    return found
