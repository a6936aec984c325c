"""A scheduled tick: one cycle of each collection without messages.

Ticks compare records while there is no traffic. Their metrics are also the heartbeat of the
deployment: an alarm rises if none arrives.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from compactor.batch.alarms import measure_error
from compactor.cycle.cycle import CycleReport
from receipt_sync.deadline import Deadline
from receipt_sync.errors import (
    DeadlineNearError,
    LeaseUnavailableError,
    PublishRefusedError,
    SyncError,
)
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric, Telemetry

_EXPECTED = (DeadlineNearError, LeaseUnavailableError, PublishRefusedError)
"""Errors that are no fault. Another worker has the collection, and the next tick comes soon."""


class Ticking(Protocol):
    """The cycle of one collection."""

    @property
    def proof_age(self) -> float | None: ...

    def tick(self, deadline: Deadline) -> CycleReport | None: ...


def tick_all(
    cycles: Mapping[Collection, Ticking], deadline: Deadline, telemetry: Telemetry
) -> dict[str, Any]:
    """Run a tick of each collection, and return what was looked at, by collection.

    An error of one collection does not stop the others. The answer names it.
    """
    return {
        collection.value: _tick(cycle, collection, deadline, telemetry)
        for collection, cycle in cycles.items()
    }


def _tick(
    cycle: Ticking, collection: Collection, deadline: Deadline, telemetry: Telemetry
) -> dict[str, Any]:
    try:
        report = cycle.tick(deadline)
    except Exception as error:  # noqa: BLE001 reported, and the next tick repairs it
        measure_error(telemetry, error)
        write = telemetry.event if isinstance(error, _EXPECTED) else telemetry.problem
        # Only this project's errors are certain to quote no receipt text (I8).
        detail = str(error) if isinstance(error, SyncError) else None
        name = type(error).__name__
        if cycle.proof_age is not None:  # The other collection's would hide that it grows.
            telemetry.measure(Metric.PROOF_AGE_SECONDS, cycle.proof_age)
        write("tick failed", collection=collection, error=name, detail=detail)
        return {"error": name, "reason": detail}
    if report is None:
        telemetry.measure(Metric.RECORDS_CHECKED, 0)  # the heartbeat
        return {"scrubbed": False, "reason": "the scrub is off"}
    if report.scrub is None:
        telemetry.measure(Metric.RECORDS_CHECKED, 0)
        telemetry.measure(Metric.PROOF_AGE_SECONDS, 0)
        return {"scrubbed": False, "reason": "nothing is published yet"}
    return {"scrubbed": True, "version": report.version, **asdict(report.scrub)}
