"""Which objects a snapshot may drop, and when.

An object that a new version names no more is listed as retired in its manifest. It is deleted only
after the retention, so that a reader or a slower worker that still follows an older version finds
it (design: Snapshot).

Objects are named by their content, so a later version may need one again that an earlier one
dropped. It must not while somebody may be about to delete it: who published the deletion may have
fallen asleep before it, and would delete what is needed by then. So an object stays listed for a
grace after its deletion began, and what is listed so is not used.
"""

from datetime import datetime, timedelta
from typing import Final

from compactor.snapshot.manifest import Manifest, Retired

GRACE: Final = timedelta(hours=1)
"""How long a deletion may be under way: longer than any function lives, asleep or not, and than
clocks differ."""


def retire(previous: Manifest, needed: frozenset[str], now: datetime) -> tuple[Retired, ...]:
    """The retired objects of the version after `previous`, which needs `needed`."""
    kept = [entry for entry in previous.retired if entry.name not in needed]
    known = {entry.name for entry in kept}
    fresh = previous.objects - needed - known
    return (*kept, *(Retired(name=name, since=now) for name in sorted(fresh)))


def split_expired(
    retired: tuple[Retired, ...], now: datetime, retention: timedelta
) -> tuple[tuple[Retired, ...], tuple[str, ...]]:
    """Entries to list in the next version, and names to delete once that is published."""
    young = tuple(entry for entry in retired if now - entry.since < retention)
    old = tuple(entry for entry in retired if now - entry.since >= retention)
    due = tuple(entry for entry in old if entry.deleting is None)
    begun = tuple(entry.model_copy(update={"deleting": now}) for entry in due)
    under_way = tuple(e for e in old if e.deleting is not None and now - e.deleting < GRACE)
    return (*young, *under_way, *begun), tuple(entry.name for entry in due)


def condemned(manifest: Manifest) -> frozenset[str]:
    """Names of objects whose deletion may be under way: no version may need them now."""
    return frozenset(entry.name for entry in manifest.retired if entry.deleting is not None)
