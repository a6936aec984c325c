"""The metrics of errors that need a person."""

from collections.abc import Mapping
from typing import Final

from receipt_sync.errors import (
    MassDeleteRefusedError,
    PublishRefusedError,
    SnapshotDamagedError,
)
from receipt_sync.telemetry import Metric, Telemetry

_ALARMS: Final[Mapping[type[BaseException], Metric]] = {
    PublishRefusedError: Metric.PUBLISHES_REFUSED,
    MassDeleteRefusedError: Metric.MASS_DELETES_REFUSED,
    SnapshotDamagedError: Metric.SNAPSHOTS_DAMAGED,
}


def measure_error(telemetry: Telemetry, error: Exception) -> None:
    """Measure an error if a metric counts its type."""
    for kind, metric in _ALARMS.items():
        if isinstance(error, kind):
            telemetry.measure(metric, 1)
