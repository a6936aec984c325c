"""Benchmark 4: cold start. The import of each built package, and the first cycle of a new worker.

Import. Limit: the import of chromadb and boto3 alone. Naive: the package without byte-code, as
SAM's own builder leaves it.

First cycle. Limit: a parallel fetch of the snapshot's objects, without using them. Naive: download
of the whole snapshot, update, upload of the whole snapshot.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import boto3

from benchmarks.candidates.candidates import Rounds
from benchmarks.candidates.environment import Environment, prepared
from benchmarks.cases.cycle import CHANGES, Naive
from benchmarks.errors import BenchmarkError
from benchmarks.meters.changes import Changer
from benchmarks.meters.importtime import import_times
from benchmarks.meters.measuring import Candidate, Measured, alternate
from benchmarks.meters.package_runtime import PackageRuntime, built_package, package_runtime
from benchmarks.meters.traffic import Traffic
from benchmarks.paths import scratch_folder
from benchmarks.reporting.report import Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale
from local.stack import Stack

_IMPORTS: Final = {
    "stream_processor": ("StreamProcessorFunction", "stream_processor.handler", ("boto3",)),
    "compactor": ("CompactorFunction", "compactor.handler", ("chromadb", "boto3")),
}
_CYCLE_ROUNDS: Final = 3
_THREADS: Final = 8
_CHILD: Final = Path(__file__).with_name("cold_child.py")


@dataclass
class Start:
    """Starts a new process of the package's Python, which imports modules and handles an event."""

    runtime: PackageRuntime
    package: Path
    modules: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    event: Any = None
    reports: list[dict[str, Any]] = field(default_factory=list)
    """The report that the process of each run printed."""

    def prepare(self, number: int) -> None:
        pass

    def run(self) -> None:
        """Run the process.

        Raises:
            BenchmarkError: The process failed or did not handle the event.
        """
        done = subprocess.run(
            [self.runtime.python, "-S", "-P", str(_CHILD), *self.modules],
            input=json.dumps(self.event),
            capture_output=True,
            text=True,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                **self.runtime.environment(self.package),
                **self.variables,
            },
        )
        if done.returncode != 0:
            raise BenchmarkError(f"{self.modules[0]} does not start: {done.stderr[-2000:]}")
        report = json.loads(done.stdout.splitlines()[-1])
        if report["answer"] and report["answer"]["batchItemFailures"]:
            raise BenchmarkError(f"the first cycle failed: {done.stdout[-2000:]}")
        self.reports.append(report)

    def median(self, part: str) -> float:
        """Return the median seconds of a part, without the first run."""
        return float(median(report[part] for report in self.reports[1:]))


class FirstCycle:
    """Handles a round of changes in a new process with an empty working folder."""

    def __init__(self, start: Start, rounds: Rounds, root: Path) -> None:
        self.start, self._rounds, self._root = start, rounds, root

    def prepare(self, number: int) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        self._rounds.begin(number)
        messages = self._rounds.present.messages
        self.start.event = {"Records": [sqs_record(m.message_id, m.body) for m in messages]}

    def run(self) -> None:
        self.start.run()


class Fetch:
    """Fetches in parallel all objects of the snapshot that exist at the start."""

    def __init__(self, environment: Environment) -> None:
        self._s3, self._bucket = boto3.client("s3"), environment.aws.stack.names.bucket
        listed = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix="snapshots/"
        )
        self._keys = [entry["Key"] for page in listed for entry in page["Contents"]]

    def prepare(self, number: int) -> None:
        pass

    def run(self) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            for _ in pool.map(self._get, self._keys):
                pass

    def _get(self, key: str) -> None:
        self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()


def run(scale: Scale, bars: Bars) -> Report:
    """Measure imports, then first cycles at the scale's sizes."""
    imports = {name: _measure_import(name, scale.few_rounds, bars) for name in _IMPORTS}
    cycles = {}
    for size in scale.cold_sizes:
        with prepared(size, scale.dimension, bars) as environment:
            cycles[size] = _measure_cycle(environment, bars)
    return Report(
        tables=[_import_table(imports), _package_table(), _cycle_table(cycles, scale)],
        figures={
            **{f"import {name}": by["ours"]["import"] for name, by in imports.items()},
            **{f"first cycle {size} seconds": one.cycled for size, one in cycles.items()},
        },
        notes=[
            "Import: median of new processes of the package's own Python with a warm file cache. "
            "Naive is the same package without byte-code. Limit is its heaviest parts alone.",
            "First cycle: naive is one naive cycle with warm clients and imports. Limit fetches "
            "the snapshot's objects and does not use them.",
        ],
        details={
            "imports": imports,
            "cycles": {
                str(size): {n: asdict(m) for n, m in one.by.items()} for size, one in cycles.items()
            },
        },
    )


def sqs_record(message_id: str, body: str) -> dict[str, Any]:
    """Return a record of an SQS event with the fields that the handler reads."""
    return {"messageId": message_id, "body": body, "eventSource": "aws:sqs"}


def _measure_import(name: str, rounds: int, bars: Bars) -> dict[str, dict[str, float]]:
    """Return, by candidate, the median seconds of a process and of the import in it."""
    function, handler, heaviest = _IMPORTS[name]
    package = built_package(function)
    runtime = package_runtime(package)
    with scratch_folder() as folder:
        bare = folder / "bare"
        shutil.copytree(package, bare, ignore=shutil.ignore_patterns("__pycache__"))
        starts = {
            "ours": Start(runtime, package, (handler,)),
            "limit": Start(runtime, package, heaviest),
            "naive": Start(runtime, bare, (handler,)),
        }
        with bars.bar(f"import of {name}", rounds + 1) as advance:
            measured = alternate(starts, rounds, Traffic(), lambda: advance(1))
    return {
        one: {"process": measured[one].seconds, "import": start.median("import")}
        for one, start in starts.items()
    }


@dataclass(frozen=True)
class FirstCycles:
    """The measurements by candidate, and the median seconds of the two parts of ours."""

    by: Mapping[str, Measured]
    imported: float
    cycled: float


def _measure_cycle(environment: Environment, bars: Bars) -> FirstCycles:
    rounds = Rounds(Changer(environment.corpus, CHANGES, environment.writer))
    package, root = built_package("CompactorFunction"), environment.folder / "cold"
    start = Start(
        package_runtime(package),
        package,
        ("compactor.handler",),
        _variables(environment.aws.stack, root),
    )
    candidates: Mapping[str, Candidate] = {
        "ours": FirstCycle(start, rounds, root),
        "limit": Fetch(environment),
        "naive": Naive(rounds, environment),
    }
    with bars.bar(f"first cycles at {environment.size:,}", _CYCLE_ROUNDS + 1) as advance:
        by = alternate(candidates, _CYCLE_ROUNDS, environment.aws.traffic, lambda: advance(1))
    return FirstCycles(by, start.median("import"), start.median("first"))


def _variables(stack: Stack, root: Path) -> dict[str, str]:
    return {**stack.variables, "WORKING_COPY_ROOT": str(root)}


def _import_table(imports: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    return Table(
        "Import of the built package: seconds",
        ("function", "ours", "limit", "naive", "naive / ours", "ours, whole process"),
        [
            (
                name,
                *(by[one]["import"] for one in ("ours", "limit", "naive")),
                by["naive"]["import"] / by["ours"]["import"],
                by["ours"]["process"],
            )
            for name, by in imports.items()
        ],
    )


def _package_table() -> Table:
    function, handler, _ = _IMPORTS["compactor"]
    package = built_package(function)
    rows = import_times(package_runtime(package), package, handler)
    return Table(
        "The compactor's import by package: ms", ("package", "ms in its own modules"), rows
    )


def _cycle_table(cycles: Mapping[int, FirstCycles], scale: Scale) -> Table:
    return Table(
        f"First cycle of a new process, {CHANGES} changes, {scale.dimension} dimensions: seconds",
        ("records", "ours, whole process", "import in it", "cycle in it", "limit", "naive"),
        [
            (
                f"{size:,}",
                one.by["ours"].seconds,
                one.imported,
                one.cycled,
                one.by["limit"].seconds,
                one.by["naive"].seconds,
            )
            for size, one in cycles.items()
        ],
    )
