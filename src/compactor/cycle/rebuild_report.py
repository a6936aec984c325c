"""Report the rebuild of an index, or why it has to wait."""

from receipt_index.snapshot.copies.working_copy import Published
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric, Telemetry


def report_rebuild(telemetry: Telemetry, collection: Collection, published: Published) -> None:
    """Write the metric and the event of a rebuild that a publish made or postponed."""
    if published.rebuilt is not None:
        telemetry.measure(Metric.REBUILDS, 1)
        telemetry.event(
            "index rebuilt",
            collection=collection,
            version=published.version,
            records=published.rebuilt.records,
            elements=published.rebuilt.elements,
        )
    if published.rebuild_postponed is not None:
        telemetry.measure(Metric.REBUILDS_POSTPONED, 1)
        telemetry.event(
            "rebuild postponed", collection=collection, reason=published.rebuild_postponed
        )
