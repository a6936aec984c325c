"""Objects may go only when nobody can need them any more; what is damaged is said to be."""

from math import inf

from compactor.snapshot.manifest import Manifest, read_manifest
from compactor.snapshot.shelf import Shelf
from receipt_sync.keys import Collection
from tests.simulation.checks import Check
from tests.simulation.direct_store import DirectStore
from tests.simulation.s3 import MANIFEST, ObjectStore
from tests.simulation.scheduler import Scheduler
from tests.simulation.threads import START


class Retention:
    """Knows which objects the present manifests name, and when others were last named."""

    def __init__(self, scheduler: Scheduler, store: ObjectStore) -> None:
        self._scheduler, self._store = scheduler, store
        self.shortest = 0.0
        self.largest_skew = 0.0
        self._slowest_publish = 0.0
        """From the making of a manifest, when its retirements count from, to its publish."""
        self._damaged_until = -1.0
        """The end of the last damage; infinity while there is some."""
        self._named: dict[tuple[Collection, str], float] = {}
        self._needed: dict[Collection, frozenset[str]] = {c: frozenset() for c in Collection}

    @property
    def surely_kept(self) -> float:
        """Seconds for which an object is kept after the last manifest that named it."""
        return self.shortest - 2 * self.largest_skew - self._slowest_publish - 0.001

    def on_publish(self, collection: Collection, manifest: Manifest) -> None:
        made = (manifest.published_at - START).total_seconds()
        self._slowest_publish = max(self._slowest_publish, self._scheduler.now - made)
        for name in self._needed[collection] | manifest.objects:
            self._named[collection, name] = self._scheduler.now
        self._needed[collection] = manifest.objects

    def on_delete(self, collection: Collection, name: str) -> None:
        """Only what no manifest has named for as long as the retention may go."""
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
        """Keys of everything that the present manifests need, and of themselves."""
        return [
            f"snapshots/{collection}/{name}"
            for collection, names in self._needed.items()
            if names
            for name in (MANIFEST, *sorted(names))
        ]

    def orphans(self) -> int:
        """Objects of blocks and packs that no manifest knows of any more."""
        known = {key for collection in Collection for key in self._known_objects(collection)}
        objects = (key for key in self._store.objects if "/blocks/" in key or "/packs/" in key)
        return sum(key not in known for key in objects)

    def damage_began(self) -> None:
        self._damaged_until = inf

    def damage_ended(self) -> None:
        self._damaged_until = self._scheduler.now

    def found_damaged(self, begun: float, what: str) -> None:
        """A snapshot could not be read whole by who began then. Right only if it was damaged, or
        if who read it was slower than the retention."""
        took = self._scheduler.now - begun
        if begun > self._damaged_until and took < self.surely_kept:
            self._scheduler.fail(Check.DAMAGE, f"{what}, after {took:.0f} s")

    def _known_objects(self, collection: Collection) -> set[str]:
        stored = self._store.objects.get(f"snapshots/{collection}/{MANIFEST}")
        if stored is None or not self._needed[collection]:
            return set()
        manifest = read_manifest(stored.data, collection)
        shelf = Shelf(DirectStore(self._store, collection))
        names = manifest.objects.union(*map(shelf.objects, manifest.retired))
        return {f"snapshots/{collection}/{name}" for name in names}
