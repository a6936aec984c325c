"""Rules for deleting objects that a snapshot no longer needs.

A new version lists the objects that it no longer needs as retired in its manifest. They are deleted
only after the retention. Until then, a reader or a slower worker that follows an older version
finds them (design: Snapshot).

Objects are named by their content, so a later version may need a retired object again. The object
then leaves the list. Do not reuse an object while a worker may still delete it. A worker can
publish a deletion and then pause before it deletes. So a list stays in the manifest for GRACE after
its deletion began, and no version uses its objects meanwhile.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from receipt_index.snapshot.format.manifest import Manifest, Retired
from receipt_index.snapshot.store.retired_lists import RetiredLists, is_list

GRACE: Final = timedelta(hours=1)
"""How long a deletion may be under way. It is longer than the lifetime of any function, pauses
included, and longer than the difference between any two clocks.
"""


class Expiry(NamedTuple):
    """What the next version does with each retired entry.

    `kept` are the entries that it lists. `due` are the entries whose deletion begins with it.
    `over` are the entries whose deletion has ended. `due` and `over` hold the entries of the
    version before.
    """

    kept: tuple[Retired, ...]
    due: tuple[Retired, ...]
    over: tuple[Retired, ...]


def retire(
    previous: Manifest,
    needed: frozenset[str],
    again: frozenset[str],
    now: datetime,
    retired_lists: RetiredLists,
) -> tuple[Retired, ...]:
    """Return the retired entries of the version after `previous`, which needs `needed`.

    `again` are those of the needed objects that `previous` did without. An earlier version may have
    retired them, so they are looked up on the lists. No other object is looked up.
    """
    kept = _without(previous.retired, again, retired_lists) if again else previous.retired
    fresh = retired_lists.put(previous.objects - needed)
    return (*kept, *(Retired(name=name, since=now) for name in fresh))


def split_expired(retired: tuple[Retired, ...], now: datetime, retention: timedelta) -> Expiry:
    """Return what the next version does with each retired entry."""
    young = tuple(entry for entry in retired if now - entry.since < retention)
    old = tuple(entry for entry in retired if now - entry.since >= retention)
    due = tuple(entry for entry in old if entry.deleting is None)
    begun = tuple(entry.model_copy(update={"deleting": now}) for entry in due)
    under_way = tuple(e for e in old if e.deleting is not None and now - e.deleting < GRACE)
    over = tuple(e for e in old if e.deleting is not None and now - e.deleting >= GRACE)
    return Expiry((*young, *under_way, *begun), due, over)


def deletable(expiry: Expiry, needed: frozenset[str], retired_lists: RetiredLists) -> list[str]:
    """Return the names of the objects and lists to delete after the next version is published.

    The lists are those whose objects were deleted. No object that the version needs is returned,
    even if the list that names it was unreadable when the version began to need it.
    """
    objects = {name for entry in expiry.due for name in retired_lists.objects(entry)}
    return sorted(objects - needed) + [entry.name for entry in expiry.over if is_list(entry.name)]


def being_deleted(manifest: Manifest, retired_lists: RetiredLists) -> frozenset[str]:
    """Return the objects whose deletion may be under way. No version may need them now."""
    begun = (entry for entry in manifest.retired if entry.deleting is not None)
    return frozenset(name for entry in begun for name in retired_lists.objects(entry))


def listed_until(entry: Retired, retention: timedelta) -> datetime | None:
    """Return when an entry whose deletion began is over; None if its deletion has not begun.

    The first version that is published after that time no longer lists it.
    """
    if entry.deleting is None:
        return None
    return max(entry.since + retention, entry.deleting + GRACE)


def _without(
    retired: tuple[Retired, ...], again: frozenset[str], retired_lists: RetiredLists
) -> Iterator[Retired]:
    """Yield entries for the same objects without those that are needed again."""
    retired_lists.load(retired)
    for entry in retired:
        names = retired_lists.objects(entry)
        if names.isdisjoint(again):
            yield entry
        else:
            for name in retired_lists.put(names - again):
                yield entry.model_copy(update={"name": name})
