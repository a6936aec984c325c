"""The parts of a status that an operator must look at, one sentence each."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from receipt_ops.snapshots.manifests import Damaged, Published
from receipt_sync.telemetry import Metric

if TYPE_CHECKING:
    from receipt_ops.deployment.status import Status

OLD_COMPARISON: Final = timedelta(days=7)
"""The age at which a comparison is old. Deltas stay for 30 days, and a repair needs them."""
MOST_SKEW: Final = timedelta(minutes=5)
"""The most that the clocks of two machines differ."""
OLDEST_SECONDS: Final = 900.0
"""The threshold of the alarm on the oldest message (terraform/variables.tf)."""
REFUSALS: Final = {
    Metric.MASS_DELETES_REFUSED: "a cycle would have deleted too much and was refused",
    Metric.SNAPSHOTS_DAMAGED: "a snapshot can't be read: `receipt-sync snapshot history`",
}
"""The refusals of the compactor that an operator must repair, by metric."""
_SOURCES: Final = ("stream", "queue")
_OFF: Final[Mapping[bool | None, str]] = {False: "switched off", None: "unknown"}


def attention_of(status: "Status") -> list[str]:
    """Return the sentences for the operator, the most urgent first."""
    return [
        *_snapshots(status),
        *_errors(status),
        *_dead_letters(status),
        *_switches(status),
        *_locks(status),
        *_refusals(status),
        *_slow(status),
        *_comparison(status),
        *_unknown(status),
    ]


def warnings_of(status: "Status") -> list[str]:
    """Return the sentences about checks that the operator should make. None reports a fault."""
    return [*_comparison_due(status), *_rebuild_due(status)]


def _rebuild_due(status: "Status") -> Iterator[str]:
    for name, one in status.versions.items():
        if isinstance(one, Published) and one.rebuild_due:
            yield (
                f"the index of {name} holds {one.elements:,} elements for {one.records:,} records. "
                "The compactor replaces it with its next change. If it stays so, it lacks time or "
                f"memory for it: `receipt-sync snapshot rebuild {name}`"
            )


def _comparison_due(status: "Status") -> list[str]:
    last = status.comparison
    if "comparison" in status.unknown:
        return []
    if last is None:
        return ["table and index were never compared as a whole: `receipt-sync verify`"]
    age = status.at - last.at
    if -age > MOST_SKEW:
        return [
            f"the last full comparison is dated {last.at:%Y-%m-%d %H:%M} UTC, which is in the "
            "future, so its age is unknown: correct the clock of the machine that ran `verify`, "
            "and run it again"
        ]
    if age > OLD_COMPARISON:
        return [f"the last full comparison is {age.days} days old: `receipt-sync verify`"]
    return []


def _snapshots(status: "Status") -> Iterator[str]:
    for name, one in status.versions.items():
        if isinstance(one, Damaged):
            yield f"{name}: {one.reason}: `receipt-sync snapshot history {name}`"
    for name, fault in status.openings.items():
        if fault:
            yield f"no reader can open {name}: {fault}: `receipt-sync snapshot history {name}`"


def _errors(status: "Status") -> Iterator[str]:
    for one in status.errors:
        yield (
            f"{one.function} reported {one.count:,} errors in {status.minutes} minutes, the last "
            f"at {one.last_at:%H:%M:%S}: {one.last}: `receipt-sync logs --errors`"
        )


def _dead_letters(status: "Status") -> Iterator[str]:
    for name, count in status.dead_letters.items():
        if count:
            yield f"{count:,} dead letters of the {name}: `receipt-sync dlq explain`"


def _switches(status: "Status") -> Iterator[str]:
    for name, on in status.switches.to_json().items():
        in_part = on is None and name in _SOURCES
        if on is not True:
            state = "switched off in part" if in_part else _OFF[on]
            yield f"{name} is {state}: `receipt-sync flags show`"
    for source in _SOURCES:
        mappings = [one for one in status.mappings if one.name == source]
        if len(mappings) > 1:
            named = ", ".join(f"{one.uuid} ({one.state}, {one.function})" for one in mappings)
            yield f"the {source} has {len(mappings)} mappings: {named}: delete all but one"
    for mapping in status.mappings:
        if mapping.problem:
            yield f"the mapping of the {mapping.name} ({mapping.uuid}) says: {mapping.problem}"


def _locks(status: "Status") -> Iterator[str]:
    for lock in status.locks or ():
        if not lock.is_over(status.at) and not lock.is_alive(status.at):
            yield f"the lease {lock.lock_id} is held by a silent worker: `receipt-sync lock show`"


def _refusals(status: "Status") -> Iterator[str]:
    for metric, count in status.refusals.items():
        if count:
            yield f"{REFUSALS[metric]}, {count:,} × in {status.minutes} minutes"


def _slow(status: "Status") -> Iterator[str]:
    if status.freshness is not None and status.freshness.p95 > status.freshness_goal:
        yield (
            f"one change in twenty took {status.freshness.p95:.0f} s or longer until it was "
            "published: `receipt-sync latency`"
        )
    if status.oldest_seconds is not None and status.oldest_seconds > OLDEST_SECONDS:
        yield (
            f"the oldest message has waited for {status.oldest_seconds:.0f} s: `receipt-sync logs "
            "--errors`"
        )


def _unknown(status: "Status") -> Iterator[str]:
    for part, why in status.unknown.items():
        yield f"{part.replace('_', ' ')} unknown: {why}"


def _comparison(status: "Status") -> Iterator[str]:
    last = status.comparison
    if last is not None and last.faults:
        yield (
            f"{last.faults:,} records were missing, unexpected or different at the last full "
            f"comparison ({last.at:%Y-%m-%d %H:%M}): `receipt-sync repair`, then `verify`"
        )
