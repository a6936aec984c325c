"""Checks that only unneeded objects are deleted, and that only damaged snapshots are reported."""

from math import inf

from receipt_index.snapshot.format.manifest import Manifest, read_manifest
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_sync.keys import Collection
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.checks.direct_store import DirectStore
from tests.reliability.simulation.environment.s3 import MANIFEST, ObjectStore
from tests.reliability.simulation.environment.scheduler import Scheduler
from tests.reliability.simulation.environment.threads import START


class Retention:
    """Records the objects of the current manifests, and when each other object was last named."""

    def __init__(self, scheduler: Scheduler, store: ObjectStore) -> None:
        self._scheduler, self._store = scheduler, store
        self.shortest = 0.0
        self.largest_skew = 0.0
        self._slowest_publish = 0.0
        """Longest time in seconds from the making of a manifest to its publish.

        The retirements of a manifest count from its making.
        """
        self._damaged_until = -1.0
        """The end of the last damage, or infinity during one."""
        self._named: dict[tuple[Collection, str], float] = {}
        self._needed: dict[Collection, frozenset[str]] = {c: frozenset() for c in Collection}

    @property
    def surely_kept(self) -> float:
        """Return the seconds for which an object is kept after the last manifest that named it."""
        return self.shortest - 2 * self.largest_skew - self._slowest_publish - 0.001

    def on_publish(self, collection: Collection, manifest: Manifest) -> None:
        made = (manifest.published_at - START).total_seconds()
        self._slowest_publish = max(self._slowest_publish, self._scheduler.now - made)
        for name in self._needed[collection] | manifest.objects:
            self._named[collection, name] = self._scheduler.now
        self._needed[collection] = manifest.objects

    def on_delete(self, collection: Collection, name: str) -> None:
        """Check that no manifest has named the object during the retention."""
        if name in self._needed[collection]:
            self._scheduler.fail(
                Check.RETENTION, f"{collection}: {name} was deleted, but the manifest names it"
            )
        since = self._scheduler.now - self._named.get((collection, name), -inf)
        if since < self.surely_kept:
            self._scheduler.fail(
                Check.RETENTION,
                f"{collection}: {name} was deleted {since:.0f} s after it was last named",
            )

    def needed_objects(self) -> list[str]:
        """Return the keys of the current manifests and of all objects that they need."""
        return [
            f"snapshots/{collection}/{name}"
            for collection, names in self._needed.items()
            if names
            for name in (MANIFEST, *sorted(names))
        ]

    def orphans(self) -> int:
        """Return the number of blocks and packs that no manifest names any more."""
        known = {key for collection in Collection for key in self._known_objects(collection)}
        objects = (key for key in self._store.objects if "/blocks/" in key or "/packs/" in key)
        return sum(key not in known for key in objects)

    def damage_began(self) -> None:
        self._damaged_until = inf

    def damage_ended(self) -> None:
        self._damaged_until = self._scheduler.now

    def found_damaged(self, begun: float, what: str) -> None:
        """Check a report of a damaged snapshot, from a process that began at `begun`.

        The report is correct only if the snapshot was damaged, or if the process was slower than
        the retention.
        """
        took = self._scheduler.now - begun
        if begun > self._damaged_until and took < self.surely_kept:
            self._scheduler.fail(Check.DAMAGE, f"{what}, after {took:.0f} s")

    def _known_objects(self, collection: Collection) -> set[str]:
        stored = self._store.objects.get(f"snapshots/{collection}/{MANIFEST}")
        if stored is None or not self._needed[collection]:
            return set()
        manifest = read_manifest(stored.data, collection)
        retired_lists = RetiredLists(DirectStore(self._store, collection))
        names = manifest.objects.union(*map(retired_lists.objects, manifest.retired))
        return {f"snapshots/{collection}/{name}" for name in names}
