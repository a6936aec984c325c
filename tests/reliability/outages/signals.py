"""The metrics of functions and queues with their times, as CloudWatch would have them."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeAlias

from local.stack import Stack
from tests.reliability.outages.alarms import Alarm
from tests.support.function_logs import function_log
from tests.support.oracle.settling import messages_of

_EVERY: Final = 0.5
_FUNCTION_METRICS: Final = ("Errors", "Throttles")
DEPTH: Final = "ApproximateNumberOfMessagesVisible"
AGE: Final = "ApproximateAgeOfOldestMessage"
ITERATOR_AGE: Final = "IteratorAge"
_PROCESSED: Final = "batch processed"

Series: TypeAlias = dict[tuple[str, str], list[tuple[float, float]]]
"""Times and values, by source and metric of the alarms."""


class Signals:
    """Samples the queues in a thread during the block. `series` reads the logs.

    Only CloudWatch reports the age of a queue's oldest message. Here the time since the queue was
    last empty stands for it, which is exact while no message is applied. The emulator does not
    report the age of the stream's records either (iterator_ages).
    """

    def __init__(self, stack: Stack) -> None:
        self._stack, self._clients = stack, stack.clients()
        self._queues: Series = defaultdict(list)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.begun = time.time()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def raised(self, alarms: Iterable[Alarm], begin: float, end: float) -> list[str]:
        """Return the names of the alarms that were in ALARM between two times."""
        series = self.series()
        return sorted(
            alarm.name
            for alarm in alarms
            if alarm.is_raised(series.get((alarm.source, alarm.metric), []), begin, end)
        )

    def series(self) -> Series:
        """Return all values so far."""
        names = self._stack.names
        found: Series = {name: list(points) for name, points in self._queues.items()}
        for source, function in (
            ("stream_processor", names.stream_processor),
            ("compactor", names.compactor),
        ):
            log = function_log(self._stack, function)
            for metric, points in metric_points(log).items():
                found[source, metric] = points
            if source == "stream_processor":
                found[source, ITERATOR_AGE] = iterator_ages(log)
            for metric in _FUNCTION_METRICS:
                found[source, metric] = self._of_lambda(function, metric)
        return found

    def _of_lambda(self, function: str, metric: str) -> list[tuple[float, float]]:
        now = datetime.now(UTC)
        answer = self._clients.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=1,
            Statistics=["Sum"],
        )
        return [(each["Timestamp"].timestamp(), each["Sum"]) for each in answer["Datapoints"]]

    def _run(self) -> None:
        queues = {
            "compaction_queue": self._stack.queues.compaction.url,
            "compaction_dlq": self._stack.queues.compaction_dlq.url,
            "stream_dlq": self._stack.queues.stream_dlq.url,
        }
        empty = time.time()
        while not self._stop.wait(_EVERY):
            now = time.time()
            for source, url in queues.items():
                self._queues[source, DEPTH].append((now, float(self._visible(url))))
            if messages_of(self._clients.sqs, queues["compaction_queue"]) == 0:
                empty = now
            self._queues["compaction_queue", AGE].append((now, now - empty))

    def _visible(self, url: str) -> int:
        asked: Any = [DEPTH.replace("Visible", "")]
        answer = self._clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)
        return int(answer["Attributes"][asked[0]])


def metric_points(lines: Iterable[str]) -> dict[str, list[tuple[float, float]]]:
    """Return the values of each metric in the EMF lines of a log, with seconds since 1970."""
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in lines:
        content = json.loads(line) if line.startswith("{") else {}
        meta = content.get("_aws", {})
        for directive in meta.get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                value = content[metric["Name"]]
                values = value if isinstance(value, list) else [value]
                found[metric["Name"]] += [(meta["Timestamp"] / 1000, float(v)) for v in values]
    return dict(found)


def iterator_ages(lines: Iterable[str]) -> list[tuple[float, float]]:
    """Return the least age of the stream's oldest unsent record in ms at the end of each batch.

    Times are in seconds since 1970. Lambda reports the age of the records that it passes to the
    stream processor. The record from which a batch failed is at least as old as its first failure.
    """
    found = []
    failing, since = None, 0.0
    for line in lines:
        content = json.loads(line) if line.startswith("{") else {}
        if content.get("message") != _PROCESSED:
            continue
        at = datetime.strptime(str(content["timestamp"]), "%Y-%m-%d %H:%M:%S,%f%z").timestamp()
        failed_from = content.get("failed_from")
        if failed_from != failing:
            failing, since = failed_from, at
        found.append((at, 1000 * (at - since) if failed_from else 0.0))
    return found
