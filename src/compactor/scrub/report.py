"""Report what the scrub looked at."""

from compactor.scrub.scrub import ScrubReport
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric, Telemetry


def report_scrub(telemetry: Telemetry, collection: Collection, report: ScrubReport | None) -> None:
    """Write the metrics and the event of a slice."""
    if report is None:
        return
    telemetry.measure(Metric.RECORDS_CHECKED, report.checked)
    telemetry.measure(Metric.DIFFERENCES_FOUND, report.found)
    telemetry.measure(Metric.DIFFERENCES_REPAIRED, report.repaired)
    telemetry.measure(Metric.PROOF_AGE_SECONDS, report.proof_age)
    if report.accuracy is not None:
        telemetry.measure(Metric.ACCURACY_PERCENT, report.accuracy)
    telemetry.event(
        "scrubbed",
        collection=collection,
        checked=report.checked,
        found=report.found,
        repaired=report.repaired,
        withheld=report.withheld,
        proof_age=round(report.proof_age),
    )
