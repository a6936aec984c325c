"""Writes the result of a benchmark to build/bench/<name>.json, and reads it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.meters.machine import machine_facts, versions
from benchmarks.paths import RESULTS
from benchmarks.reporting.report import Report
from benchmarks.scale import Scale


def result_of(name: str, report: Report, scale: Scale, command: str) -> dict[str, Any]:
    """Return a report together with its command, machine, versions and scale."""
    return {
        "benchmark": name,
        "command": command,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine_facts(),
        "versions": versions(),
        "scale": asdict(scale),
        **asdict(report),
    }


def write_result(result: dict[str, Any]) -> Path:
    """Write a result. Return its path."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{result['benchmark']}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


def read_result(name: str) -> dict[str, Any]:
    """Return the last result of a benchmark.

    Raises:
        BenchmarkError: There is no result.
    """
    path = RESULTS / f"{name}.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise BenchmarkError(f"there is no {path}: run `python -m benchmarks {name}`") from error
    return content
