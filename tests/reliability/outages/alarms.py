"""The alarms of terraform/alarms.tf, and the state that CloudWatch would give each of them.

An outage in production lasts for hours, and a trial lasts half a minute. A minute of the files is
therefore a second here. This applies to every period and every threshold that is a duration.

Rules: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any, Final, TypeAlias

import hcl2

from local.state import PROJECT

TERRAFORM: Final = PROJECT / "terraform"
MINUTES: Final = 60.0
"""The divisor of all times."""
_FRESHNESS_MINUTES: Final = 10.0
"""The divisor of the threshold of freshness. The emulator's stream and the batching window take two
seconds, whatever the divisor is."""
_LATE: Final = "Freshness"
_DURATIONS: Final = frozenset({"ApproximateAgeOfOldestMessage", "IteratorAge"})
_SEEN_BESIDE: Final = 2
"""Number of earlier periods from which CloudWatch takes data if data is missing."""
_PERIOD: Final = 300
_HEARTBEAT: Final = "breaching"
"""How the heartbeat's alarm treats missing data. A trial is shorter than the schedule's period, so
this alarm is left out.
"""
_KINDS: Final = ("own_alarms", "queue_alarms", "function_alarms")

Points: TypeAlias = Sequence[tuple[float, float]]
"""Time in seconds, and value."""


@dataclass(frozen=True)
class Alarm:
    """One alarm. `period` is in seconds and `threshold` in the unit of the metric, both divided."""

    name: str
    source: str
    """The source of the metric: stream_processor, compactor, or a queue's name in the file."""
    metric: str
    statistic: str
    period: float
    periods: int
    threshold: float

    def is_raised(self, points: Points, begin: float, end: float) -> bool:
        """Return whether it was in ALARM at the end of any period between two times."""
        buckets: defaultdict[int, list[float]] = defaultdict(list)
        for at, value in points:
            if at < begin:
                continue
            buckets[int((at - begin) // self.period)].append(value)
        last = int((end - begin) // self.period)
        return any(self._alarms(buckets, number) for number in range(last + 1))

    def _alarms(self, buckets: Mapping[int, list[float]], now: int) -> bool:
        """Return whether every evaluated period breaches. Older data replaces a missing period."""
        seen = range(now - self.periods - _SEEN_BESIDE + 1, now + 1)
        values = [_statistic(self.statistic, buckets[n]) for n in seen if buckets.get(n)]
        some = values[-self.periods :]
        return len(some) == self.periods and min(some) > self.threshold


def _statistic(name: str, values: list[float]) -> float:
    if name == "p95":
        return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    functions: dict[str, Callable[[list[float]], float]] = {
        "Sum": sum, "Average": fmean, "Maximum": max,
    }  # fmt: skip
    return functions[name](values)


def alarms(function_timeout: float, folder: Path = TERRAFORM) -> list[Alarm]:
    """Return the alarms of a folder's alarms.tf. `function_timeout` of the trial is in seconds."""
    known = {**_thresholds(folder), "var.stream_processor_timeout": function_timeout}
    found = []
    for content in hcl2.loads((folder / "alarms.tf").read_text())["locals"]:
        known["local.minute"] = content["minute"]
        found += [
            _alarm(name, body, known)
            for name, body in _bodies(content)
            if body.get("missing") != _HEARTBEAT
        ]
    return found


def _bodies(content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in _KINDS:
        for name, body in content[kind].items():
            if not name.startswith("__"):
                yield name.strip('"'), {key: _plain(value) for key, value in body.items()}


def _alarm(name: str, body: Mapping[str, Any], known: Mapping[str, float]) -> Alarm:
    metric = body["metric"]
    source = body.get("queue") or body.get("function") or body["source"].rpartition(".")[2]
    shorter = {_LATE: _FRESHNESS_MINUTES, **dict.fromkeys(_DURATIONS, MINUTES)}.get(metric, 1.0)
    return Alarm(
        name=name,
        source=source,
        metric=metric,
        statistic=body.get("percentile") or body.get("statistic", "Sum"),
        period=_number(body.get("period", _PERIOD), known) / MINUTES,
        periods=int(body.get("periods", 1)),
        threshold=_number(body.get("threshold", 0), known) / shorter,
    )


def _thresholds(folder: Path) -> dict[str, float]:
    """Return the defaults of var.alarm_thresholds."""
    text = (folder / "variables.tf").read_text()
    _, _, block = text.partition('variable "alarm_thresholds"')
    found = re.findall(r"(\w+)\s*=\s*optional\(number,\s*([\d.]+)\)", block)
    return {f"var.alarm_thresholds.{name}": float(value) for name, value in found}


def _plain(value: Any) -> Any:
    """Return a text without the parser's quotes and interpolation."""
    return (
        value.strip('"').removeprefix("${").removesuffix("}") if isinstance(value, str) else value
    )


def _number(value: Any, known: Mapping[str, float]) -> float:
    """Return the value of an expression of numbers and known names, or raise ValueError."""
    text = str(value)
    for name, number in known.items():
        text = re.sub(rf"{re.escape(name)}\b", str(number), text)
    return _evaluated(ast.parse(text, mode="eval").body)


def _evaluated(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        left, right = _evaluated(node.left), _evaluated(node.right)
        return left * right if isinstance(node.op, ast.Mult) else left / right
    raise ValueError(f"alarms.tf holds an expression that is not understood: {ast.unparse(node)}")
