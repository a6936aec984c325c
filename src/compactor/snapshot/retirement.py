"""Which objects a snapshot may drop, and when.

An object that a new version names no more is listed as retired in its manifest. It is deleted only
after the retention, so that a reader or a slower worker that still follows an older version finds
it (design: Snapshot).
"""

from datetime import datetime, timedelta

from compactor.snapshot.manifest import Manifest, Retired


def retire(previous: Manifest, needed: frozenset[str], now: datetime) -> tuple[Retired, ...]:
    """The retired objects of the version after `previous`, which needs `needed`."""
    kept = [entry for entry in previous.retired if entry.name not in needed]
    known = {entry.name for entry in kept}
    fresh = previous.objects - needed - known
    return (*kept, *(Retired(name=name, since=now) for name in sorted(fresh)))


def split_expired(
    retired: tuple[Retired, ...], now: datetime, retention: timedelta
) -> tuple[tuple[Retired, ...], tuple[str, ...]]:
    """Entries to keep, and names of objects whose retention is over."""
    kept = tuple(entry for entry in retired if now - entry.since < retention)
    expired = tuple(entry.name for entry in retired if now - entry.since >= retention)
    return kept, expired
