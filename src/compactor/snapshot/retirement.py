"""Which objects a snapshot may drop, and when.

What a new version names no more is listed as retired in its manifest. It is deleted only after the
retention, so that a reader or a slower worker that still follows an older version finds it
(design: Snapshot).

Objects are named by their content, so a later version may need one again that an earlier one
dropped: it leaves the list. But it must not while somebody may be about to delete it: who published
the deletion may have fallen asleep before it, and would delete what is needed by then. So a list
stays for a grace after its deletion began, and what is on it is not used.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from compactor.snapshot.manifest import Manifest, Retired
from compactor.snapshot.shelf import Shelf, is_list

GRACE: Final = timedelta(hours=1)
"""How long a deletion may be under way: longer than any function lives, asleep or not, and than
clocks differ."""


class Expiry(NamedTuple):
    """Entries to list in the next version; of those whose deletion begins with it, and of those
    whose deletion is over, the entries as they were."""

    kept: tuple[Retired, ...]
    due: tuple[Retired, ...]
    over: tuple[Retired, ...]


def retire(
    previous: Manifest,
    needed: frozenset[str],
    again: frozenset[str],
    now: datetime,
    shelf: Shelf,
) -> tuple[Retired, ...]:
    """The retired entries of the version after `previous`, which needs `needed`.

    `again` are those of them that `previous` did without and that an earlier one may have dropped.
    Only they are looked for on the lists.
    """
    kept = _without(previous.retired, again, shelf) if again else previous.retired
    fresh = shelf.put(previous.objects - needed)
    return (*kept, *(Retired(name=name, since=now) for name in fresh))


def split_expired(retired: tuple[Retired, ...], now: datetime, retention: timedelta) -> Expiry:
    """What becomes of each entry in the next version."""
    young = tuple(entry for entry in retired if now - entry.since < retention)
    old = tuple(entry for entry in retired if now - entry.since >= retention)
    due = tuple(entry for entry in old if entry.deleting is None)
    begun = tuple(entry.model_copy(update={"deleting": now}) for entry in due)
    under_way = tuple(e for e in old if e.deleting is not None and now - e.deleting < GRACE)
    over = tuple(e for e in old if e.deleting is not None and now - e.deleting >= GRACE)
    return Expiry((*young, *under_way, *begun), due, over)


def deletable(expiry: Expiry, needed: frozenset[str], shelf: Shelf) -> list[str]:
    """Names to delete once the next version is published: objects, and lists of the deleted.

    Never what that version needs, not even if a list could not be read when it began to.
    """
    objects = {name for entry in expiry.due for name in shelf.objects(entry)}
    return sorted(objects - needed) + [entry.name for entry in expiry.over if is_list(entry.name)]


def condemned(manifest: Manifest, shelf: Shelf) -> frozenset[str]:
    """Names of objects whose deletion may be under way: no version may need them now."""
    begun = (entry for entry in manifest.retired if entry.deleting is not None)
    return frozenset(name for entry in begun for name in shelf.objects(entry))


def _without(
    retired: tuple[Retired, ...], again: frozenset[str], shelf: Shelf
) -> Iterator[Retired]:
    """The entries for the same objects but those that are needed again."""
    shelf.load(retired)
    for entry in retired:
        names = shelf.objects(entry)
        if names.isdisjoint(again):
            yield entry
        else:
            for name in shelf.put(names - again):
                yield entry.model_copy(update={"name": name})
