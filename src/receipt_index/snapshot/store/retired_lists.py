"""Lists of retired objects. Each list is an object itself, so that the manifest stays small.

A new base retires hundreds of objects at once. If the manifest named them one by one, a busy day
would make a manifest of 20 MB, and every publish writes the manifest. A list is named by its
content. Only a process that makes a new base, deletes or restores reads lists. The worker that
wrote a list keeps its content in memory.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Final

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from receipt_index.snapshot.format.compression import compress, decompress, digest_of
from receipt_index.snapshot.format.manifest import (
    FAULTS_SHOWN,
    LIST_FOLDER,
    MAX_LISTED,
    OBJECT_NAME,
    Retired,
)
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.validation import describe

_THREADS: Final = 8
_BYTES_A_NAME: Final = 80
MAX_LIST_BYTES: Final = MAX_LISTED * _BYTES_A_NAME

_NAMES: Final[TypeAdapter[tuple[str, ...]]] = TypeAdapter(
    Annotated[
        tuple[Annotated[str, StringConstraints(pattern=rf"^{OBJECT_NAME}$")], ...],
        Field(max_length=MAX_LISTED),
    ]
)


class RetiredLists:
    """The lists of retired objects of one collection."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._known: dict[str, frozenset[str]] = {}

    def put(self, names: Iterable[str]) -> list[str]:
        """Store the names in lists of at most MAX_LISTED, and return the names of the lists."""
        ordered = sorted(names)
        starts = range(0, len(ordered), MAX_LISTED)
        return [self._put(tuple(ordered[start : start + MAX_LISTED])) for start in starts]

    def objects(self, entry: Retired) -> frozenset[str]:
        """Return the objects that an entry stands for: the names on its list, or its own name.

        A list is not one of its objects. A list that is missing or damaged counts as empty. Only
        `receipt-sync snapshot gc` then deletes the objects that were on it. Nothing in use depends
        on them.
        """
        if not is_list(entry.name):
            return frozenset({entry.name})
        if entry.name not in self._known:
            try:
                self._known[entry.name] = self._read(entry.name)
            except SnapshotDamagedError:
                self._known[entry.name] = frozenset()
        return self._known[entry.name]

    def load(self, entries: Iterable[Retired]) -> None:
        """Fetch the lists that are not in memory yet, several at a time."""
        unknown = [e for e in entries if is_list(e.name) and e.name not in self._known]
        if unknown:
            with ThreadPoolExecutor(_THREADS) as pool:
                for _ in pool.map(self.objects, unknown):
                    pass

    def keep_only(self, retired: Iterable[Retired]) -> None:
        """Drop all lists from memory that none of these entries names."""
        names = {entry.name for entry in retired}
        self._known = {name: known for name, known in self._known.items() if name in names}

    def _put(self, names: tuple[str, ...]) -> str:
        data = _NAMES.dump_json(names)
        name = f"{LIST_FOLDER}/{digest_of(data)}"
        self._store.write(name, compress(data))
        self._known[name] = frozenset(names)
        return name

    def _read(self, name: str) -> frozenset[str]:
        data = decompress(self._store.read(name, MAX_LIST_BYTES), MAX_LIST_BYTES, name)
        if f"{LIST_FOLDER}/{digest_of(data)}" != name:
            raise SnapshotDamagedError(f"{name} does not have the digest in its name")
        try:
            return frozenset(_NAMES.validate_json(data))
        except ValidationError as error:
            raise SnapshotDamagedError(
                f"{name} is not a list of objects ({describe(error, FAULTS_SHOWN)})"
            ) from error


def is_list(name: str) -> bool:
    """Return whether the name of a retired entry is that of a list."""
    return name.startswith(f"{LIST_FOLDER}/")
