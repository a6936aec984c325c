"""A Chroma server behind a network: one index that all workers write to.

It replaces the server and Chroma's client. The server may carry out a request some time after the
client gave it up, as the claims of the target assume.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from receipt_index.deltas import Vectors
from receipt_index.records import Metadata, NewVector, Record
from receipt_index.server.version import Claim, ServerVersion
from receipt_sync.errors import IndexFailedError, IndexUnavailableError, SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.environment.scheduler import Process, Scheduler
from tests.reliability.simulation.environment.threads import START
from tests.reliability.simulation.faults.faults import Kind, Side
from tests.support.fakes.index import InMemoryIndex

if TYPE_CHECKING:
    from tests.reliability.simulation.environment.simulated_system import SimulatedSystem

_LATEST: Final = 40.0
"""Seconds after which the server no longer carries out a request that was given up."""


class ChromaServer:
    """The collections of the server."""

    def __init__(self, system: "SimulatedSystem") -> None:
        self.system = system
        self.contents = {collection: InMemoryIndex(system.refused_ids) for collection in Collection}
        self.claims = Claims(system.scheduler)
        self._made: set[Collection] = set()

    def open(self, collection: Collection, *, create: bool) -> "ServerConnection":
        """Open a collection, as ServerIndexes does."""

        def effect(_: Kind | None) -> None:
            if collection not in self._made and not create:
                raise SnapshotDamagedError(f"the server has no collection {collection}")
            self._made.add(collection)

        self.system.gate.call("index.open", effect, _unavailable)
        return ServerConnection(self, collection)

    def records(
        self, collection: Collection
    ) -> dict[str, tuple[dict[str, Any], str | None, bytes]]:
        """Return metadata, document and vector of every current record."""
        content = self.contents[collection]
        return {
            i: (dict(r.metadata), r.document, content.stored_vectors[i].tobytes())
            for i, r in content.records.items()
        }


class Claims:
    """The cycle for which each process claimed a collection, and the claims that others see."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._visible: dict[Collection, tuple[Claim, ...]] = {}
        self._own: dict[tuple[str, Collection], str] = {}

    def on_version(self, version: ServerVersion, *, published: bool) -> None:
        """Record the running process's version object: an own claim, or the next version."""
        self._visible[version.collection] = version.claims
        if not published and version.claims:
            key = (self._scheduler.process.name, version.collection)
            self._own[key] = version.claims[-1].cycle

    def own(self, collection: Collection) -> str | None:
        """Return the cycle for which the running process last claimed the collection."""
        return self._own.get((self._scheduler.process.name, collection))

    def check(self, collection: Collection, cycle: str | None, what: str) -> None:
        """Check that a process that writes, or may still write, has a claim that the others see."""
        now = START + timedelta(seconds=self._scheduler.now)
        visible = self._visible.get(collection, ())
        if not any(claim.cycle == cycle and claim.until > now for claim in visible):
            self._scheduler.fail(
                Check.SERVER_CLAIM, f"{what} of {collection} under the claim {cycle}, which is gone"
            )


class ServerConnection:
    """The connection of one process to a collection (RemoteIndex)."""

    def __init__(self, server: ChromaServer, collection: Collection) -> None:
        self._system, self._content = server.system, server.contents[collection]
        self._collection, self._claims = collection, server.claims
        self.collection_id = UUID(int=1 + list(Collection).index(collection))
        self.unanswered = False

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        return self._system.gate.call("index.get", lambda _: self._content.get(ids), _unavailable)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        return self._content.vectors(ids)

    def ids(self) -> Iterator[str]:
        return iter(sorted(self._content.records))

    def count(self) -> int:
        return self._content.count()

    def dimension(self) -> int | None:
        return self._content.dimension()

    def close(self) -> None:
        pass

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        self._write(
            "index.update",
            list(metadata),
            lambda ids: self._content.update({i: metadata[i] for i in ids}),
        )

    def insert(self, records: Sequence[NewVector]) -> None:
        self._system.gate.kill_if_deadly(records)
        by_id = {record.id: record for record in records}
        self._write(
            "index.insert", list(by_id), lambda ids: self._content.insert([by_id[i] for i in ids])
        )

    def replace_vectors(self, records: Sequence[NewVector]) -> None:
        self._system.gate.kill_if_deadly(records)
        by_id = {record.id: record for record in records}
        self._write(
            "index.replace",
            list(by_id),
            lambda ids: self._content.replace_vectors([by_id[i] for i in ids]),
        )

    def delete(self, ids: Sequence[str]) -> None:
        self._write("index.delete", list(ids), self._content.delete)

    def _write(self, step: str, ids: list[str], write: Callable[[list[str]], None]) -> None:
        cycle = self._claims.own(self._collection)

        def effect(special: Kind | None) -> None:
            self._claims.check(self._collection, cycle, step)
            write(ids[: len(ids) // 2] if special is Kind.SILENT else ids)

        def error(side: Side) -> Exception:
            self.unanswered = True
            if side is Side.BEFORE:
                self._carry_out_later(step, cycle, partial(write, ids))
            return _unavailable(side)

        self._system.gate.call(step, effect, error, Kind.SILENT)

    def _carry_out_later(self, step: str, cycle: str | None, write: Callable[[], None]) -> None:
        """Carry out a write without an answer later, with some probability."""
        scheduler, random = self._system.scheduler, self._system.random
        name = (step, scheduler.process.name, scheduler.process.calls)
        if not random.happens(0.9, "late write", *name):
            return

        def late() -> None:
            self._claims.check(self._collection, cycle, f"a late {step}")
            try:
                write()
            except IndexFailedError:
                return  # No task waits for its answer.

        delay = _LATEST * random.fraction("how late", *name)
        scheduler.spawn(Process("server", mortal=False), late, delay)


def _unavailable(_: Side) -> Exception:
    return IndexUnavailableError("the Chroma server did not answer")
