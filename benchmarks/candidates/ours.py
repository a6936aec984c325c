"""This project's compactor, wired as in a warm function, on a local AWS."""

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.meters.null_log import null_log
from compactor.batch.compaction import BatchReport
from compactor.batch.entries import QueueMessage
from compactor.wiring import build_worker
from local.stack import Stack
from receipt_functions.telemetry import PowertoolsTelemetry
from receipt_sync.deadline import Deadline
from receipt_sync.settings import CompactorSettings
from receipt_sync.telemetry import COMPACTION_NAMESPACE

_SECONDS: Final = 600.0


class Compaction:
    """Runs a worker as `compactor.handler` keeps it. Its logs and metrics are discarded."""

    def __init__(self, stack: Stack, root: Path) -> None:
        settings = CompactorSettings.read({**stack.variables, "WORKING_COPY_ROOT": str(root)})
        with null_log():
            self._telemetry = PowertoolsTelemetry.of(
                "compactor", COMPACTION_NAMESPACE, settings.environment, "INFO"
            )
        self._worker = build_worker(settings, self._telemetry)
        gc.freeze()  # as the handler does

    def handle(self, messages: Sequence[QueueMessage]) -> BatchReport:
        """Make one invocation.

        Raises:
            BenchmarkError: The compactor returned or parked a message.
        """
        deadline = Deadline(self._worker.clock, _SECONDS)
        with null_log(), self._telemetry.invocation():
            report = self._worker.compactor.handle(messages, deadline)
        if report.returned or report.parked:
            raise BenchmarkError(
                f"the compactor returned messages, so the time is not valid: "
                f"{report.parked} parked, {sorted(set(report.returned.values()))}"
            )
        return report
